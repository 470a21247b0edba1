"""What the settings of an API resource may be: one set of rules for page, API and services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from core import jose, secrets
from core.api.dialects import DIALECTS
from core.errors import FieldError, ValidationFailed
from core.principal import SubjectType
from core.token_binding import TokenBinding
from roles import claim_mapping
from roles.models import ApiResource
from tenants import selectors

ACCESS_TOKEN, ID_TOKEN = "access_token", "id_token"
PEOPLE = (SubjectType.USER.value, SubjectType.GUEST.value)
LEAST_LIFETIME, MOST_AGE = 60, 365 * 86_400
# What the tenant may set on its own `/v1`; everything else about that resource is this release's.
OWN_API = frozenset({"token_lifetime", "acr_values", "max_age", "claim_mapping", "error_dialect"})
# First words of prefixes that mean something else: our own keys, account tokens and client secrets.
RESERVED = frozenset({"sk", "clv", "cs", "dcr", "rt", "whsec"})
_ACR = re.compile(r"[!-~]{1,120}\Z")


def check(resource: ApiResource) -> None:
    """Raise ValidationFailed with every fault of a resource that is about to be saved."""
    faults = [fault for rule in _rules for fault in rule(resource)]
    if faults:
        raise ValidationFailed(errors=faults)
    resource.claim_mapping = claim_mapping.check(resource.claim_mapping, tokens=(claim_mapping.ACCESS,))


def _lifetime(resource: ApiResource) -> Iterable[FieldError]:
    most = selectors.policy().access_token_lifetime_max
    value = resource.token_lifetime
    if value is not None and not LEAST_LIFETIME <= value <= most:
        detail = f"{LEAST_LIFETIME} to {most} seconds, by this tenant's policy."
        yield FieldError("/token_lifetime", "out_of_range", detail)


def _algorithm(resource: ApiResource) -> Iterable[FieldError]:
    if resource.signing_alg not in jose.ALGORITHMS:
        yield FieldError("/signing_alg", "unknown", f"Use one of {', '.join(jose.ALGORITHMS)}.")


def _documentation(resource: ApiResource) -> Iterable[FieldError]:
    address = resource.documentation_url
    if not address:
        return
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.netloc or len(address) > 500:
        yield FieldError("/documentation_url", "invalid", "An absolute https address.")


def _dialect(resource: ApiResource) -> Iterable[FieldError]:
    if resource.error_dialect not in DIALECTS:
        yield FieldError("/error_dialect", "unknown", f"Use one of {', '.join(DIALECTS)}.")


def _binding(resource: ApiResource) -> Iterable[FieldError]:
    if resource.token_binding not in set(TokenBinding):
        yield FieldError("/token_binding", "unknown", f"Use one of {', '.join(TokenBinding)}.")


def _key_prefix(resource: ApiResource) -> Iterable[FieldError]:
    prefix = resource.key_prefix
    if not prefix:
        return
    if not secrets.is_prefix(prefix):
        detail = "Two words of 2 to 10 lower-case letters and digits, each followed by _, such as sfk_prod_."
        yield FieldError("/key_prefix", "invalid", detail)
    elif prefix.partition("_")[0] in RESERVED:
        yield FieldError("/key_prefix", "reserved", f"{prefix.partition('_')[0]}_ is taken. Choose your own.")


def _token_types(resource: ApiResource) -> Iterable[FieldError]:
    accepted = resource.accepted_token_types
    if not isinstance(accepted, Mapping):
        yield FieldError("/accepted_token_types", "invalid", "An object of lists by subject type.")
        return
    for kind, types in accepted.items():
        pointer = f"/accepted_token_types/{str(kind)[:40]}"
        if kind not in set(SubjectType):
            yield FieldError(pointer, "unknown", f"Subject types: {', '.join(SubjectType)}.")
        elif not _is_list(types, (ACCESS_TOKEN, ID_TOKEN)):
            yield FieldError(pointer, "invalid", "access_token, id_token or both.")
        elif ID_TOKEN in types and kind not in PEOPLE:
            yield FieldError(pointer, "not_allowed", "Only people have ID tokens.")
    takes_id_tokens = any(isinstance(types, list) and ID_TOKEN in types for types in accepted.values())
    clients = resource.id_token_clients
    if not isinstance(clients, list) or len(clients) > 50 or not all(_is_client(one) for one in clients):
        yield FieldError("/id_token_clients", "invalid", "At most 50 client ids.")
    elif takes_id_tokens and not clients:
        yield FieldError("/id_token_clients", "required", "Name the clients whose ID tokens count.")


def _is_list(value: Any, allowed: Iterable[str]) -> bool:
    return isinstance(value, list) and bool(value) and all(item in tuple(allowed) for item in value)


def _is_client(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _step_up(resource: ApiResource) -> Iterable[FieldError]:
    words = resource.acr_values
    fits = isinstance(words, list) and len(words) <= 10
    if not fits or not all(isinstance(word, str) and _ACR.match(word) and '"' not in word for word in words):
        yield FieldError("/acr_values", "invalid", "At most 10 values without spaces and quotes.")
    if resource.max_age is not None and not 0 <= resource.max_age <= MOST_AGE:
        yield FieldError("/max_age", "out_of_range", f"0 to {MOST_AGE} seconds.")


_rules: tuple[Callable[[ApiResource], Iterable[FieldError]], ...] = (
    _lifetime,
    _algorithm,
    _documentation,
    _dialect,
    _binding,
    _key_prefix,
    _token_types,
    _step_up,
)


def check_audience(audience: str, own_issuer: str) -> None:
    """RFC 8707 §2: an absolute URI without a fragment. Raises ValidationFailed.

    Beneath our own origin only the tenant's issuer is the tenant's, and there nobody poses as our `/v1`.
    """
    try:
        parts = urlsplit(audience)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or parts.path) or "#" in audience or not _is_plain(audience):
        detail = "Must be an absolute URI without a fragment, such as https://api.example.com."
        raise ValidationFailed(errors=[FieldError("/audience", "invalid", detail)])
    ours = audience == settings.ORIGIN or audience.startswith(f"{settings.ORIGIN}/")
    api = f"{own_issuer}/v1"
    if ours and (
        not audience.startswith(f"{own_issuer}/") or audience == api or audience.startswith(f"{api}/")
    ):
        detail = f"Of our own addresses, only those under {own_issuer}/ but /v1 can be a resource of yours."
        raise ValidationFailed(errors=[FieldError("/audience", "not_yours", detail)])


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
