"""Where an exchanged token comes from, and who acts in it (RFC 8693 §4.1, §4.4; threats D3, D4).

`act` is the chain of those who act, the present one outermost. `lineage` names the tokens it was exchanged
from, so that ending one of them ends all that descend from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import TokenRevoked
from oauth import clients
from oauth.clients import Client
from oauth.errors import InvalidRequest
from tenants import bearer
from tenants.selectors import TenantRef

DEEPEST = 4  # actors in a chain
LONGEST = 8  # tokens that one was exchanged from
Claims = Mapping[str, Any]


def actors(claims: Claims) -> Iterator[str]:
    """Yield the subjects of those who act, the present one first."""
    act = claims.get("act")
    while isinstance(act, Mapping):
        yield str(act.get("sub", ""))
        act = act.get("act")


def is_person(claims: Claims) -> bool:
    """Whether a member stands behind a token, by themselves or through a delegate; else a client does."""
    return claims.get("subject_type") in ("user", "guest") or "av" in claims


def act_of(client: Client, subject: Claims, actor: Claims | None) -> dict[str, Any] | None:
    """Return the `act` of what is issued.

    Whoever acts with another's token is named, with an actor token or without: only the client that a token
    was issued to goes on under the subject's name alone. Raises InvalidRequest for an actor that `may_act`
    does not name, a cycle, or too long a chain.
    """
    present: dict[str, Any] | None = subject.get("act")
    if actor is None and subject["client_id"] == client.client_id:
        return present
    acting = str(actor["sub"]) if actor is not None else client.client_id
    _check_permitted(subject, acting, client)
    chain = list(actors(subject))
    if acting in (subject["sub"], *chain):
        raise InvalidRequest("The actor is in this chain already.")
    if len(chain) >= DEEPEST:
        raise InvalidRequest(f"A chain has at most {DEEPEST} actors.")
    return {"sub": acting, **({"act": present} if present else {})}


def _check_permitted(subject: Claims, acting: str, client: Client) -> None:
    """RFC 8693 §4.4: who may act is what the subject's token says, if it says so."""
    if "may_act" not in subject:
        return
    named = subject["may_act"]
    known = {"sub": acting, "client_id": client.client_id}
    fits = isinstance(named, Mapping) and bool(named.keys() & known)
    if not fits or any(named.get(name, value) != value for name, value in known.items()):
        raise InvalidRequest("The subject token does not let this actor act.")


def lineage_of(*parents: Claims) -> list[dict[str, str]]:
    """Return the tokens that the new one descends from. Raises InvalidRequest for too long a line."""
    line: list[dict[str, str]] = []
    for parent in parents:
        line += [*parent.get("lineage", ()), {"jti": parent["jti"], "client_id": parent["client_id"]}]
    if len(line) > LONGEST:
        raise InvalidRequest("This token was exchanged too often. Begin again with the first one.")
    return line


def is_live(tenant: TenantRef, claims: Claims) -> None:
    """Raise TokenRevoked when a token it descends from, or somebody who acts in it, is dead (threat D4)."""
    if "act" not in claims and "lineage" not in claims:
        return
    for link in claims.get("lineage", ()):
        if bearer.is_revoked(tenant, link["jti"]):
            raise TokenRevoked
    subjects = [] if is_person(claims) else [str(claims["sub"])]
    parties = [link["client_id"] for link in claims.get("lineage", ())]
    for client_id in {*parties, *actors(claims), *subjects}:
        if clients.live(tenant, client_id) is None:
            raise TokenRevoked
