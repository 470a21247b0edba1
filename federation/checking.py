"""What an issuer's discovery document says now, for whoever sets a connection up; with no scope open."""

from __future__ import annotations

from typing import Any

from core import jose
from federation import discovery
from federation.discovery import ENDPOINTS


def look(issuer: str) -> dict[str, Any]:
    """Return the endpoints and algorithms that we would use; whatever keeps us from it reads the same (threat W3)."""
    document = discovery.look(issuer)
    found = {name: discovery.address(document.get(name)) for name in ENDPOINTS}
    listed = document.get("id_token_signing_alg_values_supported")
    offered = listed if isinstance(listed, list) else ["RS256"]
    return {
        "object": "sso_discovery",
        "usable": all(found[name] for name in discovery.NEEDED),
        "endpoints": {name: value for name, value in found.items() if value},
        "algorithms": [name for name in jose.ALGORITHMS if document and name in offered],
    }
