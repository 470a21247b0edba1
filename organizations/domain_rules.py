"""Which domains an organization may call its own: never one that many share (threats S1, L6)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from publicsuffixlist import PublicSuffixList

from core.errors import FieldError, ValidationFailed
from identity import emails
from identity.disposable import is_disposable

MOST = 233  # so that the name of the record, with its label, fits into 253
PROVIDERS = Path(__file__).resolve().parent / "data" / "mail_providers.txt"


def read(text: str) -> str:
    """Return a domain as it was typed in its canonical form.

    Raises ValidationFailed for what is none, for public suffixes such as `co.uk`, and for domains whose addresses
    everybody can have.
    """
    try:
        domain = emails.canonical_domain(text.strip().removesuffix("."))
    except emails.InvalidAddress:
        raise _refused("invalid", "Write a domain such as example.com.") from None
    if len(domain) > MOST:
        raise _refused("too_long", f"At most {MOST} characters.")
    if _suffixes().is_public(domain):
        raise _refused("public_suffix", "This is a public suffix: many domains of others lie beneath it.")
    if domain in _providers() or is_disposable(domain):
        raise _refused("public_mail", "Everybody can have an address there, so it is no organization's own.")
    return domain


def _refused(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/domain", code, detail)])


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """Read the list that comes with its package (publicsuffix.org, private suffixes too)."""
    return PublicSuffixList()


@lru_cache(maxsize=1)
def _providers() -> frozenset[str]:
    lines = (line.partition("#")[0].strip() for line in PROVIDERS.read_text().splitlines())
    return frozenset(line for line in lines if line)
