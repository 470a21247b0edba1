"""Claims about a person, by scope (OpenID Connect Core §5.4), from the tenant's own copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tenants.profile import ADDRESS, NAMES, PAGES

LINKED = "linked_subjects"  # scope and claim: read from rows of their own (tenants.links), at userinfo only
WALLETS = "wallets"  # CAIP-10 accounts, as the person proved them
SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": ("name", *NAMES, *PAGES, "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    WALLETS: (WALLETS,),
    LINKED: (LINKED,),
}
STANDARD = tuple(name for names in SCOPE_CLAIMS.values() for name in names)
__all__ = ["ADDRESS", "LINKED", "SCOPE_CLAIMS", "STANDARD", "WALLETS", "Person", "claims_of", "every_claim"]


class Person(Protocol):
    """What claims are made from; `profile` holds those of tenants.profile."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def email_verified(self) -> bool: ...
    @property
    def locale(self) -> str: ...
    @property
    def profile(self) -> Mapping[str, Any]: ...
    @property
    def updated_at(self) -> datetime: ...


def every_claim(person: Person) -> dict[str, Any]:
    """Return all standard claims that the tenant has of a person; what is empty is left out (§5.3.2)."""
    claims: dict[str, Any] = {
        **person.profile,
        "name": person.name,
        "locale": person.locale,
        "updated_at": int(person.updated_at.timestamp()),
        "email": person.email,
        "email_verified": bool(person.email_verified) if person.email else "",
    }
    return {name: value for name, value in claims.items() if value not in ("", None)}


def claims_of(person: Person, scopes: Iterable[str], names: Iterable[str] = ()) -> dict[str, Any]:
    """Return the claims that scopes give about a person, and those asked by name that are known."""
    wanted = {name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ())}.union(names)
    return {name: value for name, value in every_claim(person).items() if name in wanted} if wanted else {}
