"""What a connection's settings must be: every fault at once, each at its field."""

from __future__ import annotations

from collections.abc import Iterator

from core import jose, outbound
from core.errors import FieldError, ValidationFailed
from core.principal import Principal
from core.urls import issuer as issuer_of
from federation.discovery import ENDPOINTS
from federation.models import ClientAuth, Connection
from roles import guards

MEANINGS = ("email", "name", "given_name", "family_name", "groups")
NO_SECRET = (ClientAuth.KEY, ClientAuth.NONE)


def check(actor: Principal, row: Connection, secret: str) -> None:
    """Raise ValidationFailed for what cannot work or is not the actor's to decide."""
    faults = [*_addresses(actor, row), *_client(row, secret), *_lists(row), *_role(row), *_trust(actor, row)]
    if faults:
        raise ValidationFailed(errors=faults)


def _addresses(actor: Principal, row: Connection) -> Iterator[FieldError]:
    if not _may_be_called(row.issuer) or "?" in row.issuer or "#" in row.issuer:
        yield FieldError("/issuer", "invalid", "Use a public https address without query.")
    elif row.issuer == issuer_of(actor.tenant_slug):
        yield FieldError("/issuer", "not_allowed", "This tenant cannot vouch for its own people.")
    for name, address in row.endpoints.items():
        if name not in ENDPOINTS:
            yield FieldError(f"/endpoints/{name[:60]}", "unknown", f"Known are {', '.join(ENDPOINTS)}.")
        elif address and not _may_be_called(address):
            yield FieldError(f"/endpoints/{name}", "invalid", "Use a public https address.")


def _may_be_called(address: str) -> bool:
    try:
        outbound.validate_url(address)
    except outbound.OutboundRefused:
        return False
    return True


def _client(row: Connection, secret: str) -> Iterator[FieldError]:
    if not row.client_id or not row.client_id.isprintable():
        yield FieldError("/client_id", "required", "Write the client id that the provider gave you.")
    if row.client_auth not in ClientAuth.values:
        yield FieldError("/client_auth", "invalid", f"Use one of {', '.join(ClientAuth.values)}.")
    elif row.client_auth not in NO_SECRET and not secret:
        yield FieldError("/client_secret", "required", "Write the client secret that the provider gave you.")


def _lists(row: Connection) -> Iterator[FieldError]:
    if any(name not in jose.ALGORITHMS for name in row.algorithms):
        yield FieldError("/algorithms", "invalid", f"Name some of {', '.join(jose.ALGORITHMS)}, or none.")
    if "openid" not in row.scopes or any(
        not word or " " in word or not word.isascii() for word in row.scopes
    ):
        yield FieldError("/scopes", "invalid", "Name scopes of the provider, openid among them.")
    if unknown := [name for name in row.attributes if name not in MEANINGS]:
        yield FieldError(f"/attributes/{unknown[0][:60]}", "unknown", f"Known are {', '.join(MEANINGS)}.")


def _role(row: Connection) -> Iterator[FieldError]:
    role = row.default_role
    if role is None:
        return
    if role.organization_id not in (None, row.organization_id):
        yield FieldError("/default_role", "unknown", "There is no such role here.")
    elif guards.is_owner_role(role):
        yield FieldError("/default_role", "not_allowed", "Ownership is never given by a connection.")


def _trust(actor: Principal, row: Connection) -> Iterator[FieldError]:
    """What the tenant demands of factors is not for an organization to give away."""
    if row.trust_mfa and actor.organization_id is not None:
        yield FieldError("/trust_mfa", "reserved", "Only the tenant decides this.")
