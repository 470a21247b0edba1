"""Claim mapping: what a tenant adds to its tokens under names of its own (OAU-24).

A rule names a source, the claim it becomes and the form it takes. Rules are checked when they are saved and
compiled once; what tokens are about, and what standards have names for, cannot be given another meaning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.errors import FieldError, ValidationFailed

ACCESS, ID = "access_token", "id_token"
TOKENS = (ACCESS, ID)
MANY = ("roles", "groups", "permissions", "scopes")
SOURCES = (
    "tenant_id", "tenant_slug", "organization_id", "organization_slug", "organization_name", *MANY,
    "subject", "subject_type", "email", "name", "client_id", "metadata", "constant",
)  # fmt: skip
FORMS = ("string", "list", "first")
MOST_RULES, MOST_VALUES, MOST_BYTES = 20, 100, 4096
# What our own tokens say, and the names that the IANA registry of JWT claims gives a meaning to.
RESERVED = frozenset((
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "sid", "tenant_id", "org_id",
    "key_id", "roles", "entitlements", "subject_type", "mode", "av", "act", "may_act", "cnf", "acr",
    "amr", "auth_time", "nonce", "azp", "at_hash", "c_hash", "s_hash", "authorization_details",
    "events", "toe", "txn", "token_introspection", "active", "username", "token_type", "sub_id",
    "sub_jwk", "_claim_names", "_claim_sources", "name", "given_name", "family_name", "middle_name",
    "nickname", "preferred_username", "profile", "picture", "website", "email", "email_verified",
    "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address",
    "updated_at", "verified_claims", "vc", "vp", "vot", "vtm", "rat", "rt_hash",
))  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,119}\Z", re.ASCII)
_KEY = re.compile(r"[ -~]{1,40}\Z")
_MEMBERS = {"claim", "source", "key", "value", "as", "order", "tokens"}


@dataclass(frozen=True)
class Rule:
    """One compiled rule; `key` names an entry of the metadata, `order` what "first" chooses from."""

    claim: str
    source: str
    form: str
    key: str = ""
    value: str = ""
    order: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset(TOKENS)

    def make(self, read: Callable[[str], Any]) -> Any:
        """Return the claim's value, None where there is nothing to say."""
        values = self._values(read)
        if self.form == "list":
            return values if values or self.source in MANY else None
        if self.form == "first":
            ranked = [word for word in self.order if word in values] if self.order else values
            return ranked[0] if ranked else None
        return " ".join(values) or None

    def _values(self, read: Callable[[str], Any]) -> list[str]:
        if self.source == "constant":
            return [self.value]
        found = read(self.source)
        if self.source == "metadata":
            found = found.get(self.key)
        if not found:
            return []
        return [found] if isinstance(found, str) else [str(item) for item in found]


Mapped = tuple[Rule, ...]


def compiled(stored: Iterable[Mapping[str, Any]]) -> Mapped:
    return tuple(
        Rule(
            claim=rule["claim"],
            source=rule["source"],
            form=rule.get("as", "string"),
            key=rule.get("key", ""),
            value=rule.get("value", ""),
            order=tuple(rule.get("order", ())),
            tokens=frozenset(rule.get("tokens", TOKENS)),
        )
        for rule in stored
    )


def claims(rules: Mapped, token: str, read: Callable[[str], Any]) -> dict[str, Any]:
    """Return the claims that the rules give a kind of token; `read` answers a source when it is needed.

    A value beyond the limits is left out: a claim that is not there allows nothing.
    """
    made = {rule.claim: rule.make(read) for rule in rules if token in rule.tokens}
    return {name: value for name, value in made.items() if value is not None and _is_small(value)}


def _is_small(value: Any) -> bool:
    if isinstance(value, list) and len(value) > MOST_VALUES:
        return False
    return len(json.dumps(value)) <= MOST_BYTES


def check(rules: Any, *, tokens: Sequence[str] = TOKENS) -> list[dict[str, Any]]:
    """Return rules as they are stored. Raises ValidationFailed with every fault."""
    if not isinstance(rules, list) or len(rules) > MOST_RULES:
        detail = f"A list of at most {MOST_RULES} rules."
        raise ValidationFailed(errors=[FieldError("/claim_mapping", "invalid", detail)])
    faults = [
        FieldError(f"/claim_mapping/{index}", "invalid", fault)
        for index, rule in enumerate(rules)
        if (fault := _fault(rule, tokens))
    ]
    names = [rule.get("claim") for rule in rules if isinstance(rule, dict)]
    if not faults and len(set(names)) != len(names):
        faults = [FieldError("/claim_mapping", "repeated", "A claim is given twice.")]
    if faults:
        raise ValidationFailed(errors=faults)
    return [dict(rule) for rule in rules]


def _fault(rule: Any, tokens: Sequence[str]) -> str:
    if not isinstance(rule, dict) or rule.keys() - _MEMBERS:
        return f"An object with {', '.join(sorted(_MEMBERS))}."
    return _claim_fault(rule.get("claim")) or _source_fault(rule) or _form_fault(rule, tokens)


def _claim_fault(name: Any) -> str:
    if not isinstance(name, str) or not (_NAME.match(name) or _is_address(name)):
        return "claim: a name such as custom:role, or an https address; at most 120 characters."
    if name in RESERVED:
        return f"{name} has a meaning of its own and cannot be mapped."
    return ""


def _is_address(name: str) -> bool:
    if len(name) > 200 or not name.isascii() or not name.isprintable() or " " in name:
        return False
    try:
        parts = urlsplit(name)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _source_fault(rule: Mapping[str, Any]) -> str:
    source, key, value = rule.get("source"), rule.get("key", ""), rule.get("value", "")
    if source not in SOURCES:
        return f"source: one of {', '.join(SOURCES)}."
    if source == "metadata":
        return "" if isinstance(key, str) and _KEY.match(key) else "key: which entry of the metadata."
    if source == "constant":
        fits = isinstance(value, str) and 0 < len(value) <= 500 and value.isprintable()
        return "" if fits else "value: 1 to 500 printable characters."
    return ""


def _form_fault(rule: Mapping[str, Any], allowed: Sequence[str]) -> str:
    order, tokens = rule.get("order", []), rule.get("tokens", list(allowed))
    if rule.get("as", "string") not in FORMS:
        return f"as: one of {', '.join(FORMS)}."
    if not isinstance(order, list) or len(order) > 50 or not all(_is_word(item) for item in order):
        return "order: at most 50 texts, the first choice in front."
    if not isinstance(tokens, list) or not tokens or not all(token in allowed for token in tokens):
        return f"tokens: any of {', '.join(allowed)}."
    return ""


def _is_word(item: Any) -> bool:
    return isinstance(item, str) and 0 < len(item) <= 120 and item.isprintable()
