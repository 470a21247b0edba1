"""What a provider says of a person, under the names that its connection maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federation.provider import Provider
from identity import emails
from identity.emails import Address

SEVERAL = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "iris"})  # RFC 8176 §2, beside a password


@dataclass(frozen=True)
class Asserted:
    """`email` is None where none was told that we could mail. `groups` is None where none are mapped."""

    subject: str
    email: Address | None
    email_verified: bool
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    groups: tuple[str, ...] | None = None
    has_mfa: bool = False

    @property
    def domain(self) -> str:
        return self.email.domain if self.email else ""

    def dump(self) -> dict[str, Any]:
        """Write it into a flow that goes on later."""
        email = [self.email.mailbox, self.email.canonical] if self.email else None
        return {**self.__dict__, "email": email, "groups": None if self.groups is None else list(self.groups)}

    @classmethod
    def load(cls, written: Mapping[str, Any]) -> Asserted:
        email, groups = written["email"], written["groups"]
        return cls(
            **{
                **written,
                "email": Address(*email) if email else None,
                "groups": None if groups is None else tuple(groups),
            }
        )


def read(provider: Provider, claims: Mapping[str, Any]) -> Asserted:
    """Return the person of verified claims; what is odd counts as not told."""
    email = _address(_text(provider, claims, "email", 254))
    return Asserted(
        subject=claims["sub"],
        email=email,
        email_verified=email is not None and (provider.trust_email or claims.get("email_verified") is True),
        name=_text(provider, claims, "name", 200),
        given_name=_text(provider, claims, "given_name", 200),
        family_name=_text(provider, claims, "family_name", 200),
        groups=_groups(provider, claims),
        has_mfa=provider.trust_mfa and _shows_mfa(claims.get("amr")),
    )


def _text(provider: Provider, claims: Mapping[str, Any], meaning: str, longest: int) -> str:
    value = claims.get(provider.attributes.get(meaning) or "")
    return value if isinstance(value, str) and len(value) <= longest and value.isprintable() else ""


def _address(text: str) -> Address | None:
    try:
        return emails.parse(text) if text else None
    except emails.InvalidAddress:
        return None


def _groups(provider: Provider, claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    named = provider.attributes.get("groups")
    if not named:
        return None
    value = claims.get(named, [])
    words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(word for word in words[:200] if isinstance(word, str) and 0 < len(word) <= 200)


def _shows_mfa(amr: Any) -> bool:
    """Whether the provider says that several factors were proved: by its word for it, or two of them."""
    words = {word for word in amr if isinstance(word, str)} if isinstance(amr, list) else set()
    return "mfa" in words or bool("pwd" in words and words & SEVERAL)
