"""What an application may be: the rules for its addresses, grants, keys and scopes, used by every door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core import jose
from core.errors import FieldError, ValidationFailed
from oauth import client_keys, fapi, mtls
from oauth.catalogue import IDENTITY_SCOPES, resources_of
from oauth.client_addresses import fetched_fault, origin_fault, redirect_fault, shown_fault
from oauth.clients import ASSERTION_ALGORITHMS
from oauth.grants import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from oauth.models import Application, ApplicationType, AuthMethod, Profile
from roles import claim_mapping
from tenants import selectors
from tenants.selectors import TenantRef

MOST_ADDRESSES = 50
GRANTS: Mapping[str, tuple[str, ...]] = {
    ApplicationType.WEB: (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, TOKEN_EXCHANGE),
    ApplicationType.SPA: (AUTHORIZATION_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE),
    ApplicationType.NATIVE: (AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE, TOKEN_EXCHANGE),
    ApplicationType.MACHINE: (CLIENT_CREDENTIALS, TOKEN_EXCHANGE),
    ApplicationType.DEVICE: (DEVICE_CODE, REFRESH_TOKEN),
}
DEFAULT_GRANTS: Mapping[str, tuple[str, ...]] = {
    ApplicationType.WEB: (AUTHORIZATION_CODE, REFRESH_TOKEN),
    ApplicationType.SPA: (AUTHORIZATION_CODE, REFRESH_TOKEN),
    ApplicationType.NATIVE: (AUTHORIZATION_CODE, REFRESH_TOKEN),
    ApplicationType.MACHINE: (CLIENT_CREDENTIALS,),
    ApplicationType.DEVICE: (DEVICE_CODE, REFRESH_TOKEN),
}
_PROVING = (
    AuthMethod.BASIC,
    AuthMethod.POST,
    AuthMethod.PRIVATE_KEY_JWT,
    AuthMethod.TLS_CLIENT_AUTH,
    AuthMethod.SELF_SIGNED_TLS,
)
METHODS: Mapping[str, tuple[AuthMethod, ...]] = {
    ApplicationType.WEB: _PROVING,
    ApplicationType.SPA: (AuthMethod.NONE,),
    # An installed program may hold a secret of its own, made for it by dynamic registration (RFC 8252 §8.4).
    ApplicationType.NATIVE: (AuthMethod.NONE, *_PROVING),
    ApplicationType.MACHINE: _PROVING,
    ApplicationType.DEVICE: (AuthMethod.NONE, *_PROVING),
}
# Seconds that a tenant's administrators may choose (C18), unless the tenant's policy says another limit.
LIFETIMES = {
    "access_token_lifetime": (300, 3600),
    "id_token_lifetime": (300, 86_400),
    "refresh_lifetime": (3600, 365 * 86_400),
    "default_max_age": (0, 365 * 86_400),
}


def resources_for(tenant: TenantRef, scopes: Iterable[str]) -> list[str]:
    """Return the audiences of the resources to which some of the scopes belong, our own `/v1` first."""
    wanted = set(scopes)
    return [
        audience for audience, resource in resources_of(tenant).items() if wanted & resource.scopes.keys()
    ]


def check(tenant: TenantRef, application: Application) -> None:
    """Raise ValidationFailed with every fault of an application that is about to be saved."""
    faults = [
        *_kind(application),
        *_addresses(tenant, application),
        *_logout_address(application),
        *_keys(application),
        *_assertion_algorithm(application),
        *_about(tenant, application),
        *mtls.faults(application),
        *fapi.faults(application),
        *_scopes(tenant, application),
        *_exchange(application),
        *_lifetimes(application),
        *_algorithms(application),
        *_mapping(application),
    ]
    if faults:
        raise ValidationFailed(errors=faults)


def _kind(application: Application) -> Iterable[FieldError]:
    allowed = GRANTS[application.type]
    if unfit := [grant for grant in application.grants if grant not in allowed]:
        yield FieldError("/grants", "not_allowed", f"{unfit[0]} is not for {application.type} applications.")
    if not application.grants:
        yield FieldError("/grants", "required", "Name at least one grant.")
    if application.auth_method not in METHODS[application.type]:
        methods = ", ".join(METHODS[application.type])
        yield FieldError("/auth_method", "not_allowed", f"{application.type} applications use {methods}.")


def _addresses(tenant: TenantRef, application: Application) -> Iterable[FieldError]:
    redirects = application.redirect_uris.split()
    for field, uris in (
        ("/redirect_uris", redirects),
        ("/post_logout_redirect_uris", application.post_logout_redirect_uris.split()),
    ):
        yield from _count(field, uris)
        for index, uri in enumerate(uris):
            if fault := redirect_fault(uri, application.type, tenant.mode):
                yield FieldError(f"{field}/{index}", "invalid", fault)
    origins = application.allowed_origins.split()
    yield from _count("/origins", origins)
    for index, origin in enumerate(origins):
        if fault := origin_fault(origin, tenant.mode):
            yield FieldError(f"/origins/{index}", "invalid", fault)
    if AUTHORIZATION_CODE in application.grants and not redirects:
        yield FieldError("/redirect_uris", "required", "The authorization code grant needs a redirect URI.")
    if application.type == ApplicationType.MACHINE and redirects:
        yield FieldError("/redirect_uris", "not_allowed", "A machine application opens no hosted pages.")


def _logout_address(application: Application) -> Iterable[FieldError]:
    """OpenID Connect Back-Channel Logout 1.0 §2.2: absolute, no fragment; and we shall call it (threat W1)."""
    field, uri = "/backchannel_logout_uri", application.backchannel_logout_uri
    if not uri:
        return
    if application.type == ApplicationType.MACHINE:
        yield FieldError(field, "not_allowed", "A machine application has no sessions of people.")
    if fault := fetched_fault(uri):
        yield FieldError(field, "invalid", fault)
    if "#" in uri:
        yield FieldError(field, "invalid", "The address has no fragment.")


def _count(field: str, addresses: Sequence[str]) -> Iterable[FieldError]:
    if len(addresses) > MOST_ADDRESSES:
        yield FieldError(field, "too_many", f"At most {MOST_ADDRESSES}.")
    if len(set(addresses)) != len(addresses):
        yield FieldError(field, "repeated", "An address is listed twice.")


def _keys(application: Application) -> Iterable[FieldError]:
    needed = application.auth_method in (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.SELF_SIGNED_TLS)
    if application.jwks_uri:
        yield from _key_address(application)
        return
    if not needed and application.jwks is None:
        return
    keys: Any = (application.jwks or {}).get("keys")
    if (
        not isinstance(keys, list)
        or not 0 < len(keys) <= 10
        or not all(isinstance(key, dict) for key in keys)
    ):
        yield FieldError("/jwks", "required", 'Send {"keys": […]} with one to ten public keys.')
    elif not all(client_keys.read(key) for key in keys):
        names = ", ".join(ASSERTION_ALGORITHMS)
        yield FieldError("/jwks", "invalid", f"Each key must be a public signing key for one of {names}.")


def _key_address(application: Application) -> Iterable[FieldError]:
    if application.jwks is not None:
        yield FieldError("/jwks_uri", "not_allowed", "Give jwks or jwks_uri, not both (RFC 7591 §2).")
    if fault := fetched_fault(application.jwks_uri):
        yield FieldError("/jwks_uri", "invalid", fault)


def _about(tenant: TenantRef, application: Application) -> Iterable[FieldError]:
    """Addresses that people may follow, and whom to ask."""
    for field in ("client_uri", "logo_uri", "tos_uri", "policy_uri", "initiate_login_uri"):
        uri = getattr(application, field)
        if uri and (fault := shown_fault(uri, tenant.mode)):
            yield FieldError(f"/{field}", "invalid", fault)
    contacts = application.contacts
    if len(contacts) > 10 or any(not 0 < len(contact) <= 254 for contact in contacts):
        yield FieldError("/contacts", "invalid", "At most 10, each of at most 254 characters.")


def _scopes(tenant: TenantRef, application: Application) -> Iterable[FieldError]:
    resources = resources_of(tenant)
    known = set(IDENTITY_SCOPES).union(*(resource.scopes for resource in resources.values()))
    for index, scope in enumerate(application.scopes):
        if scope not in known:
            yield FieldError(f"/scopes/{index}", "unknown", f"There is no scope {scope[:60]} in this tenant.")
        elif scope in IDENTITY_SCOPES and application.type == ApplicationType.MACHINE:
            yield FieldError(f"/scopes/{index}", "not_allowed", "A machine application acts for no person.")
    for index, scope in enumerate(application.required_scopes):
        if scope not in application.scopes:
            yield FieldError(f"/required_scopes/{index}", "unknown", "This is not among its scopes.")
    for field in ("resources", "introspection_audiences"):
        for index, audience in enumerate(getattr(application, field)):
            if audience not in resources:
                yield FieldError(
                    f"/{field}/{index}", "unknown", "There is no API resource with this audience."
                )


def _exchange(application: Application) -> Iterable[FieldError]:
    wanted = application.exchange_clients
    if wanted and TOKEN_EXCHANGE not in application.grants:
        yield FieldError("/exchange_clients", "not_allowed", "Needs the token exchange grant.")
    known = set(Application.objects.filter(client_id__in=wanted).values_list("client_id", flat=True))
    for index, client_id in enumerate(wanted):
        if client_id not in known:
            yield FieldError(f"/exchange_clients/{index}", "unknown", "There is no such application.")


def _lifetimes(application: Application) -> Iterable[FieldError]:
    policy = selectors.policy()
    for name, (least, usual) in LIFETIMES.items():
        most = getattr(policy, f"{name}_max", usual)
        value = getattr(application, name)
        if value is not None and not least <= value <= most:
            yield FieldError(f"/{name}", "out_of_range", f"{least} to {most} seconds.")


def _algorithms(application: Application) -> Iterable[FieldError]:
    for name in ("id_token", "userinfo", "introspection"):
        field = f"{name}_signed_response_alg"
        if getattr(application, field) not in ("", *jose.ALGORITHMS):
            yield FieldError(f"/{field}", "unknown", f"Use one of {', '.join(jose.ALGORITHMS)}.")


def _assertion_algorithm(application: Application) -> Iterable[FieldError]:
    """OIDC Registration §2: what a client that proves itself by a key must sign its assertions with."""
    field, alg = "/token_endpoint_auth_signing_alg", application.token_endpoint_auth_signing_alg
    if not alg:
        return
    if application.auth_method != AuthMethod.PRIVATE_KEY_JWT:
        yield FieldError(field, "not_allowed", "Only private_key_jwt signs anything.")
    offered = fapi.ALGORITHMS if application.profile == Profile.FAPI2 else ASSERTION_ALGORITHMS
    if alg not in offered:
        yield FieldError(field, "unknown", f"Use one of {', '.join(offered)}.")
    elif application.jwks and all(key.alg != alg for key in client_keys.usable(application.jwks)):
        yield FieldError(field, "not_allowed", f"None of the keys in jwks is for {alg}.")


def _mapping(application: Application) -> Iterable[FieldError]:
    try:
        application.claim_mapping = claim_mapping.check(application.claim_mapping)
    except ValidationFailed as refused:
        yield from refused.errors
