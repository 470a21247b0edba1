"""The demo's applications, one of each type that exists, and what outside programs need of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from config.demo.record import Record
from core import jose
from core.principal import Principal
from oauth import applications
from oauth.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, TOKEN_EXCHANGE
from oauth.models import Application, AuthMethod
from roles.permissions import Permission

# What one request may ask for together; beside it every application may ask for the scopes of the tenant's own API,
# with its audience as `resource`, because a token has one audience.
SIGN_IN = [
    "openid", "profile", "email", "address", "phone", "offline_access", "organizations:read", "members:read",
]  # fmt: skip
MACHINE = [str(Permission.MEMBERS_READ), str(Permission.ORGANIZATIONS_READ), str(Permission.EVENTS_READ)]
ADDRESSES = ("redirect_uris", "post_logout_redirect_uris", "origins")


def specifications(port: int) -> dict[str, dict[str, Any]]:
    """Return the settings of each application; `port` is that of the sample web application."""
    local = f"http://localhost:{port}"
    return {
        "web": {
            "name": "Sample web application",
            "redirect_uris": [f"{local}/callback"],
            "post_logout_redirect_uris": [f"{local}/"],
            "scopes": SIGN_IN,
            "grants": [AUTHORIZATION_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE],
        },
        "spa": {
            "name": "Sample single-page application",
            "redirect_uris": [f"{local}/spa/callback"],
            "post_logout_redirect_uris": [f"{local}/spa"],
            "origins": [local],
            "scopes": SIGN_IN,
        },
        "native": {
            "name": "Sample desktop application",
            "redirect_uris": ["http://127.0.0.1/callback", "com.example.sample:/callback"],
            "scopes": SIGN_IN,
        },
        "device": {"name": "Sample television", "scopes": SIGN_IN},
        "machine": {
            "name": "Nightly report",
            "scopes": MACHINE,
            "grants": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
        },
        "machine_jwt": {
            "name": "Billing service",
            "scopes": MACHINE,
            "auth_method": AuthMethod.PRIVATE_KEY_JWT,
        },
    }


def build(actor: Principal, known: Record, port: int, api_scopes: Sequence[str]) -> Record:
    """Return the record of every application in the open tenant scope, registering those that are missing."""
    made: Record = {}
    for kind, settings in specifications(port).items():
        # The report may act for people of the web application.
        more = {"exchange_clients": [made["web"]["client_id"]]} if kind == "machine" else {}
        made[kind] = _one(actor, kind, settings | more, api_scopes, known.get(kind, {}))
    return made


def _one(
    actor: Principal, kind: str, settings: dict[str, Any], api_scopes: Sequence[str], known: Record
) -> Record:
    found = Application.objects.filter(client_id=known.get("client_id", "")).first()
    if found is None:
        return _register(actor, kind, settings, api_scopes)
    return {**known, **_addresses(found)}


def _register(actor: Principal, kind: str, settings: dict[str, Any], api_scopes: Sequence[str]) -> Record:
    entry: Record = {}
    extra: dict[str, Any] = {}
    if kind == "machine_jwt":
        entry["private_jwk"], extra["jwks"] = _key_pair()
    allowed = {**settings, "scopes": [*settings["scopes"], *api_scopes]}
    made = applications.create_application(actor=actor, type=kind.partition("_")[0], **allowed, **extra)
    entry["client_id"] = made.application.client_id
    if made.secret:
        entry["client_secret"] = made.secret
    return {**entry, **_addresses(made.application), "scopes": list(settings["scopes"])}


def _addresses(application: Application) -> Record:
    return {name: applications.value_of(application, name) for name in ADDRESSES}


def _key_pair() -> tuple[dict[str, str], dict[str, Any]]:
    """Return (private JWK, public JWK set) of a new ES256 key (RFC 7518 §6.2)."""
    key = jose.generate_key("ES256")
    public = jose.public_jwk(key)
    private = load_der_private_key(key.private_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    number = private.private_numbers().private_value.to_bytes(32, "big")
    return {**public, "d": base64.urlsafe_b64encode(number).rstrip(b"=").decode()}, {"keys": [public]}


def add_addresses(actor: Principal, extra: dict[str, list[str]]) -> None:
    """Register further addresses on every application of the open tenant that takes addresses."""
    for application in Application.objects.exclude(type__in=("machine", "device")):
        changes = {}
        for name in ADDRESSES:
            present = applications.value_of(application, name)
            missing = [address for address in extra.get(name, []) if address not in present]
            if missing:
                changes[name] = [*present, *missing]
        if changes:
            applications.update_application(actor=actor, application=application, changes=changes)
