"""Client metadata (RFC 7591 §2, OpenID Connect Registration 1.0 §2) to our settings and back.

What is unknown is ignored, what is hostile or cannot be kept is refused, and what we change stands in the
answer (RFC 7591 §3.2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.api.fields import CONTROL
from core.errors import ValidationFailed
from oauth import applications, mtls
from oauth.catalogue import IDENTITY_SCOPES, OPENID
from oauth.client_addresses import LOOPBACK
from oauth.errors import InvalidClientMetadata, InvalidRedirectUri, OAuthError
from oauth.grants import AUTHORIZATION_CODE, DEVICE_CODE
from oauth.models import Application, ApplicationType, AuthMethod
from oauth.redirect_limits import is_within

LONGEST = 1000
# OIDC Registration 1.0 §2. A tenant gets its first such key when the first such client comes.
ID_TOKEN_ALGORITHM = "RS256"
TEXTS = (
    "client_name", "token_endpoint_auth_method", "application_type", "scope", "jwks_uri", "client_uri",
    "logo_uri", "tos_uri", "policy_uri", "initiate_login_uri", "software_id", "software_version",
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "request_object_signing_alg",
    "introspection_signed_response_alg", "token_endpoint_auth_signing_alg", "backchannel_logout_uri",
    "subject_type", "sector_identifier_uri", *mtls.NAMES,
)  # fmt: skip
LISTS = (
    "redirect_uris", "post_logout_redirect_uris", "contacts", "grant_types", "response_types", "default_acr_values",
)  # fmt: skip
FLAGS = (
    "require_auth_time", "require_pushed_authorization_requests", "require_signed_request_object",
    "dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens",
    "backchannel_logout_session_required",
)  # fmt: skip
NUMBERS, OBJECTS = ("default_max_age",), ("jwks",)
# Members whose names and meanings are those of our own settings, as far as the product has the setting.
SAME = tuple(
    name
    for name in (*TEXTS, *LISTS, *FLAGS, *NUMBERS, *OBJECTS)
    if name in {*applications.PLAIN, *applications.LISTS}
)
# A client that asks for these would believe that what it gets is encrypted.
REFUSED = tuple(
    f"{what}_{part}"
    for what in ("id_token_encrypted_response", "userinfo_encrypted_response", "request_object_encryption",
                 "introspection_encrypted_response", "authorization_encrypted_response")
    for part in ("alg", "enc")
)  # fmt: skip
OURS = {
    "auth_method": "token_endpoint_auth_method",
    "grants": "grant_types",
    "scopes": "scope",
    "name": "client_name",
}
# A change of one of these is something that an administrator has not seen (see `Application.is_vetted`).
SHOWN = ("name", "redirect_uris", "scopes", "grants", "client_uri", "logo_uri", "tos_uri", "policy_uri")


@dataclass(frozen=True)
class Limits:
    """What a registration may come to. No `redirect_uris`: any that the rules for redirects admit."""

    redirect_uris: tuple[str, ...]
    grants: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """A registration as our services take it."""

    type: str
    settings: dict[str, Any]
    software: dict[str, str]


def read(metadata: Mapping[str, Any], limits: Limits) -> Wanted:
    """Return what the metadata asks for. Raises InvalidClientMetadata or InvalidRedirectUri."""
    given = checked(metadata)
    grants = given.setdefault("grant_types", [AUTHORIZATION_CODE])
    if foreign := [grant for grant in grants if grant not in limits.grants]:
        raise InvalidClientMetadata(f"grant_types: {foreign[0][:60]} may not be registered here.")
    _check_responses(given, grants)
    _check_words(given)
    kind = type_of(given)
    settings = {name: given[name] for name in SAME if name in given}
    settings |= {
        "name": given.get("client_name") or _name(given),
        "grants": list(dict.fromkeys(grants)),
        "auth_method": given.get("token_endpoint_auth_method", AuthMethod.BASIC),
        "scopes": _scopes(given, kind, limits),
        "redirect_uris": given.get("redirect_uris", []),
        "tls_client_auth": {name: given[name] for name in mtls.NAMES if name in given},
    }
    if settings["auth_method"] != AuthMethod.PRIVATE_KEY_JWT:
        settings.pop("token_endpoint_auth_signing_alg", None)  # it has nothing to sign
    if OPENID in settings["scopes"]:
        settings.setdefault("id_token_signed_response_alg", ID_TOKEN_ALGORITHM)
    if kind == ApplicationType.SPA:
        settings["origins"] = origins_of(settings["redirect_uris"])
    _check_addresses(settings, limits)
    software = {name: given.get(name, "") for name in ("software_id", "software_version")}
    return Wanted(kind, settings, software)


def replacement(wanted: Wanted) -> dict[str, Any]:
    """Return changes that also clear what the metadata left out (RFC 7592 §2.2)."""
    cleared = {name: _empty(name) for name in SAME}
    return {**cleared, **wanted.settings}


def _empty(name: str) -> Any:
    if name in LISTS:
        return []
    if name in TEXTS or name in FLAGS:
        field: Any = Application._meta.get_field(name)
        return field.get_default()
    return None


def checked(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that we know, each of its own type; null counts as absent (RFC 7592 §2.2)."""
    known = {name: value for name, value in metadata.items() if value is not None}
    if refused := [name for name in REFUSED if name in known]:
        raise InvalidClientMetadata(f"{refused[0]} is not supported here.")
    for names, fits in (
        (TEXTS, _is_text), (LISTS, _is_list), (FLAGS, lambda v: isinstance(v, bool)),
        (NUMBERS, lambda v: isinstance(v, int) and not isinstance(v, bool)), (OBJECTS, lambda v: isinstance(v, dict)),
    ):  # fmt: skip
        for name in names:
            if name in known and not fits(known[name]):
                kind = InvalidRedirectUri if name == "redirect_uris" else InvalidClientMetadata
                raise kind(f"{name} is of the wrong type, too long, or holds characters that it cannot have.")
    return {name: known[name] for name in (*TEXTS, *LISTS, *FLAGS, *NUMBERS, *OBJECTS) if name in known}


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= 4 * LONGEST
        and not CONTROL.search(value)
        and "\n" not in value
    )


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 100
        and all(_is_text(v) and v and " " not in v for v in value)
    )


def _check_responses(given: Mapping[str, Any], grants: Iterable[str]) -> None:
    """Only `code`, and it goes with its grant (RFC 7591 §2.1)."""
    by_code = AUTHORIZATION_CODE in grants
    responses = given.get("response_types", ["code"] if by_code else [])
    if any(response != "code" for response in responses):
        raise InvalidClientMetadata("response_types: only code is offered here.")
    if bool(responses) != by_code:
        raise InvalidClientMetadata("response_types code goes with grant_types authorization_code.")


def _check_words(given: Mapping[str, Any]) -> None:
    if given.get("application_type", "web") not in ("web", "native"):
        raise InvalidClientMetadata("application_type is web or native.")
    if given.get("token_endpoint_auth_method", AuthMethod.BASIC) not in AuthMethod.values:
        raise InvalidClientMetadata("token_endpoint_auth_method is not offered here.")
    for name in (
        "id_token_signed_response_alg",
        "request_object_signing_alg",
        "token_endpoint_auth_signing_alg",
    ):
        if given.get(name) == "none":
            raise InvalidClientMetadata(f"{name} none is not offered here.")
    if len(given.get("client_name", "")) > 120:
        raise InvalidClientMetadata("client_name is longer than 120 characters.")


def type_of(given: Mapping[str, Any]) -> str:
    """Return the kind of application: by its grants, then by where it runs.

    Programs on a person's device often leave `application_type` out; their redirect URIs tell (RFC 8252 §7).
    """
    grants = given["grant_types"]
    if AUTHORIZATION_CODE not in grants:
        return ApplicationType.DEVICE if DEVICE_CODE in grants else ApplicationType.MACHINE
    uris = given.get("redirect_uris", [])
    on_device = bool(uris) and all(_is_on_device(uri) for uri in uris)
    if given.get("application_type", "native" if on_device else "web") == "native":
        return ApplicationType.NATIVE
    return (
        ApplicationType.SPA
        if given.get("token_endpoint_auth_method") == AuthMethod.NONE
        else ApplicationType.WEB
    )


def _is_on_device(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme != "https" and (parts.scheme != "http" or parts.hostname in LOOPBACK)


def _scopes(given: Mapping[str, Any], kind: str, limits: Limits) -> list[str]:
    """What is asked and may be had; without a word, all that may be had."""
    asked = (
        list(dict.fromkeys(given.get("scope", "").split(" "))) if given.get("scope") else list(limits.scopes)
    )
    personal = kind != ApplicationType.MACHINE
    granted = [word for word in asked if word in limits.scopes and (personal or word not in IDENTITY_SCOPES)]
    if asked and not granted:
        raise InvalidClientMetadata("scope: none of these may be registered here.")
    return granted


def _name(given: Mapping[str, Any]) -> str:
    for uri in given.get("redirect_uris", []):
        try:
            return (urlsplit(uri).hostname or urlsplit(uri).scheme or "")[:120] or "Unnamed client"
        except ValueError:
            continue
    return "Unnamed client"


def origins_of(uris: Iterable[str]) -> list[str]:
    """Return the browser origins of redirect URIs: a page that gets the code calls the token endpoint."""
    found = []
    for uri in uris:
        try:
            parts = urlsplit(uri)
        except ValueError:
            continue
        if parts.scheme in ("https", "http") and parts.netloc:
            found.append(f"{parts.scheme}://{parts.netloc.lower()}")
    return list(dict.fromkeys(found))


def _check_addresses(settings: Mapping[str, Any], limits: Limits) -> None:
    if not limits.redirect_uris:
        return
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in settings.get(name, []):
            if not any(is_within(uri, limit) for limit in limits.redirect_uris):
                raise InvalidRedirectUri(f"{name}: {uri[:200]} is outside of what may be registered here.")


@contextmanager
def standard_errors() -> Iterator[None]:
    """Turn our rules' refusals into those of RFC 7591 §3.2.2; raised inside a transaction they end it."""
    try:
        yield
    except ValidationFailed as problem:
        raise refusal(problem) from None


def refusal(problem: ValidationFailed) -> OAuthError:
    """Return a fault that our rules found, in the words of RFC 7591 §3.2.2."""
    error = problem.errors[0]
    name, _, place = error.pointer.strip("/").partition("/")
    shown = f"{OURS.get(name, name)}{f'[{place}]' if place else ''}: {error.detail}"
    return InvalidRedirectUri(shown) if name == "redirect_uris" else InvalidClientMetadata(shown)


def describe(application: Application) -> dict[str, Any]:
    """Return an application's metadata as it is registered (RFC 7591 §3.2.1), without credentials."""
    same = {name: applications.value_of(application, name) for name in SAME}
    by_code = AUTHORIZATION_CODE in application.grants
    return {
        "client_id": application.client_id,
        "client_id_issued_at": int(application.created_at.timestamp()),
        "client_name": application.name,
        "application_type": "native" if application.type == ApplicationType.NATIVE else "web",
        "redirect_uris": application.redirect_uris.split(),
        "grant_types": list(application.grants),
        "response_types": ["code"] if by_code else [],
        "token_endpoint_auth_method": application.auth_method,
        "scope": " ".join(application.scopes),
        "subject_type": "pairwise",
        "id_token_signed_response_alg": "ES256",
        **{name: value for name, value in same.items() if value not in (None, "", [], {})},
        **{
            name: value
            for name in ("software_id", "software_version")
            if (value := getattr(application, name))
        },
    }
