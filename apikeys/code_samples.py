"""What somebody pastes to use a new key; the key itself stays out of it, in an environment variable."""

from __future__ import annotations

from core.urls import issuer

CURL = """curl {address} \\
  -H 'Content-Type: application/json' \\
  -d "{{\\"grant_type\\": \\"api_key\\", \\"api_key\\": \\"$API_KEY\\"}}\""""
PYTHON = """import os

import httpx

answer = httpx.post(
    "{address}",
    json={{"grant_type": "api_key", "api_key": os.environ["API_KEY"]}},
)
token = answer.raise_for_status().json()["access_token"]"""


def exchange(slug: str) -> list[dict[str, str]]:
    """Return `{label, code}` for each way to exchange a key of this tenant for a token."""
    address = f"{issuer(slug)}/v1/auth/token"
    return [
        {"label": label, "code": code.format(address=address)}
        for label, code in (("curl", CURL), ("Python", PYTHON))
    ]
