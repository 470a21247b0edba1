"""Which scopes exist, to which API resource each belongs, and what a request for some of them gets.

Scopes of OpenID Connect belong to no resource; the words of `roles.permissions` belong to the tenant's own
`/v1`; every other scope belongs to a row of ApiResource (decision C6: one audience per token).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.api.problems import PROBLEM
from core.livecache import LiveCache
from core.token_binding import TokenBinding
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidScope, InvalidTarget
from oauth.standard_claims import LINKED, WALLETS
from roles import claim_mapping, scope_words
from roles import selectors as role_selectors
from roles.models import ApiResource, Scope
from roles.permissions import DESCRIPTIONS, Permission
from tenants import selectors
from tenants.keys import DEFAULT_ALGORITHM
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

OPENID, OFFLINE = "openid", "offline_access"
IDENTITY_SCOPES: Mapping[str, str | Promise] = {
    OPENID: _("Know that it is you"),
    "profile": _("See your name, picture, language and the rest of your profile"),
    "email": _("See your e-mail address"),
    "address": _("See your postal address"),
    "phone": _("See your phone number"),
    WALLETS: _("See the wallets that you have linked"),
    LINKED: _("See who you are in other services that you have linked with this one"),
    OFFLINE: _("Keep access while you are away, for up to 30 days"),
}


@dataclass(frozen=True)
class Resource:
    """An audience and its scopes with their descriptions; `token_lifetime` in seconds or None.

    `bundles` gives for each scope what it stands for, nothing for a native one; without it all are native.
    `acr_values` and `max_age` are the sign-in that it asks of people (RFC 9470).
    """

    audience: str
    name: str
    scopes: Mapping[str, str | Promise]
    token_lifetime: int | None = None
    signing_alg: str = DEFAULT_ALGORITHM
    bundles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    public_id: str = ""
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    mapping: claim_mapping.Mapped = ()
    accepted_token_types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    id_token_clients: frozenset[str] = frozenset()
    error_dialect: str = "problem"
    token_binding: TokenBinding = TokenBinding.NONE
    documentation_url: str = ""

    def meaning(self, word: str) -> tuple[str, ...]:
        """Return the native scopes that a word stands for here, none for a word that is unknown."""
        return scope_words.meaning(word, self.bundles or dict.fromkeys(self.scopes, ()))

    @property
    def has_policy(self) -> bool:
        """Whether it asks more of a token than to be a living access token for it."""
        bound = self.token_binding is not TokenBinding.NONE
        return bool(bound or self.accepted_token_types or self.acr_values) or self.max_age is not None

    def target(self, scopes: tuple[str, ...]) -> Target:
        """Return what a request for these scopes of this resource came to."""
        return Target(scopes, self.audience, self.token_lifetime, self.signing_alg, self.token_binding)

    def is_native(self, word: str) -> bool:
        return word in self.scopes and not self.bundles.get(word)


@dataclass(frozen=True)
class Target:
    """What a request came to: scopes in the order asked, and the one audience they are for."""

    scopes: tuple[str, ...]
    audience: str
    token_lifetime: int | None = None
    signing_alg: str = DEFAULT_ALGORITHM
    token_binding: TokenBinding = TokenBinding.NONE

    @property
    def scope(self) -> str:
        return " ".join(self.scopes)


_resources: LiveCache[dict[str, Resource]] = LiveCache("api_resource", max_items=2000, ttl=5)


def resources_of(tenant: TenantRef) -> dict[str, Resource]:
    """Return the tenant's API resources by audience, its own `/v1` first."""
    return _resources.get(str(tenant.id), lambda: _load(tenant))


def dialect_at(slug: str) -> str:
    """Return how a tenant's own `/v1` speaks its refusals (API-03)."""
    tenant = selectors.by_slug(slug)
    return next(iter(resources_of(tenant).values())).error_dialect if tenant else PROBLEM


def _load(tenant: TenantRef) -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    with in_tenant(tenant.id):
        scopes: dict[object, dict[str, str | Promise]] = {}
        bundles: dict[object, dict[str, Sequence[str]]] = {}
        for resource_id, value, text, stands_for in Scope.objects.values_list(
            "resource_id", "value", "description", "bundles"
        ):
            scopes.setdefault(resource_id, {})[value] = text
            bundles.setdefault(resource_id, {})[value] = stands_for
        for row in role_selectors.api_resources().order_by("-is_control_plane", "id"):
            if row.is_control_plane:  # its audience follows the issuer, wherever the row was written
                row.audience = control_plane_audience(tenant)
                scopes[row.id] = {str(word): DESCRIPTIONS[word] for word in Permission}
            found[row.audience] = _resource(row, scopes.get(row.id, {}), bundles.get(row.id, {}))
    return found


def _resource(
    row: ApiResource, scopes: Mapping[str, str | Promise], bundles: Mapping[str, Sequence[str]]
) -> Resource:
    return Resource(
        audience=row.audience,
        name=row.name,
        scopes=scopes,
        token_lifetime=row.token_lifetime,
        signing_alg=row.signing_alg,
        bundles={} if row.is_control_plane else bundles,
        public_id=row.public_id,
        acr_values=tuple(row.acr_values),
        max_age=row.max_age,
        mapping=claim_mapping.compiled(row.claim_mapping),
        accepted_token_types=row.accepted_token_types,
        id_token_clients=frozenset(row.id_token_clients),
        error_dialect=row.error_dialect,
        token_binding=TokenBinding(row.token_binding),
        documentation_url=row.documentation_url,
    )


def native(resources: Iterable[Resource], words: Iterable[str]) -> tuple[str, ...]:
    """Return scopes with bundles and wildcards replaced by what they stand for, each once, in order.

    Unknown words stay, to be refused by name. Raises InvalidScope for a bundle that several resources have.
    """
    known = tuple(resources)
    return tuple(dict.fromkeys(value for word in words for value in _native(known, word)))


def _native(resources: Sequence[Resource], word: str) -> tuple[str, ...]:
    if word in IDENTITY_SCOPES or any(resource.is_native(word) for resource in resources):
        return (word,)
    meant = [values for resource in resources if (values := resource.meaning(word))]
    if len(meant) > 1:
        raise InvalidScope(f"Several resources have {word}: name one with the resource parameter.")
    return meant[0] if meant else (word,)


def parse_scope(text: str) -> tuple[str, ...]:
    """Split a scope parameter (RFC 6749 §3.3), dropping repetitions. Raises InvalidScope."""
    words = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(text) > 4000 or any(not word or not _is_token(word) for word in words):
        raise InvalidScope("A scope is empty or holds characters that scopes cannot have.")
    return words


def _is_token(word: str) -> bool:
    return all("!" <= character <= "~" and character not in '"\\' for character in word)


def target(tenant: TenantRef, client: Client, scopes: tuple[str, ...], resource: str = "") -> Target:
    """Return what the client may have of these scopes; nothing is dropped silently (threat O5).

    Raises InvalidScope for a scope that is unknown, not the client's, or of several resources with none
    named, and InvalidTarget for a resource that is not the client's.
    """
    known = allowed_resources(tenant, client)
    if resource and resource not in known:
        raise InvalidTarget
    scopes = native([known[resource]] if resource else known.values(), scopes)
    if refused := [scope for scope in scopes if scope not in client.scopes]:
        raise InvalidScope(f"{refused[0]} is not a scope of this client.")
    wanted = frozenset(scope for scope in scopes if scope not in IDENTITY_SCOPES)
    chosen = known[resource] if resource else _only(known, wanted)
    if missing := wanted - chosen.scopes.keys():
        raise InvalidScope(f"{min(missing)} is not a scope of {chosen.audience}.")
    return chosen.target(scopes)


def allowed_resources(tenant: TenantRef, client: Client) -> dict[str, Resource]:
    """Return the resources that the client may name, its default first; without a list, our own `/v1`."""
    every = resources_of(tenant)
    named = [every[audience] for audience in client.resources if audience in every]
    return {resource.audience: resource for resource in named or [next(iter(every.values()))]}


def _only(known: Mapping[str, Resource], wanted: frozenset[str]) -> Resource:
    """The resource that has all the scopes: the default if it has them, else the only one (OAU-22)."""
    default = next(iter(known.values()))
    fitting = [resource for resource in known.values() if wanted <= resource.scopes.keys()]
    if not wanted:
        return default
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise InvalidScope(
            "A scope is unknown, or the scopes belong to different resources: ask for one at a time."
        )
    raise InvalidScope("Several resources have these scopes: name one with the resource parameter.")


def service_scopes(tenant: TenantRef, client: Client, resource: str = "") -> tuple[str, ...]:
    """Return every scope that a client without a person gets when it asks for none."""
    known = allowed_resources(tenant, client)
    chosen = known.get(resource) if resource else next(iter(known.values()))
    if chosen is None:
        raise InvalidTarget
    return tuple(scope for scope in client.scopes if scope in chosen.scopes)


def describe(tenant: TenantRef, scope: str) -> str:
    """Return a scope in words, for the consent page."""
    if scope in IDENTITY_SCOPES:
        return str(IDENTITY_SCOPES[scope])
    for resource in resources_of(tenant).values():
        if scope in resource.scopes:
            return str(resource.scopes[scope] or scope)
    return scope
