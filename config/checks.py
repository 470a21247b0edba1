"""Deployment checks: a production installation refuses to start with a dangerous setup (threat P3)."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register

HASHER = "core.passwords.Argon2idHasher"
WEAK = ("secret", "changeme", "change-me", "insecure", "dummy", "example")


@register(Tags.security, deploy=True)
def production_is_safe(**_: Any) -> list[Error]:
    problems = [
        (settings.DEBUG, "E101", "DEBUG is on. Production never shows debug pages."),
        (not settings.PRODUCTION, "E102", "CLAVIGER_ENV is not production. Set CLAVIGER_ENV=production."),
        (weak(settings.SECRET_KEY), "E103", "DJANGO_SECRET_KEY is short or guessable. Generate 50 random characters."),
        ("*" in settings.ALLOWED_HOSTS, "E104", "ALLOWED_HOSTS admits any host. Name each host."),
        (not settings.SECURE, "E105", "ORIGIN is not https. Put TLS in front and set ORIGIN=https://…"),
        (
            flat(settings.SECRET_KEYS) or flat(settings.PEPPERS),
            "E106",
            "SECRET_KEYS or PEPPERS holds a weak key. Generate 32 random bytes each.",
        ),
        (settings.PASSWORD_HASHERS[0] != HASHER, "E107", f"PASSWORD_HASHERS must begin with {HASHER}."),
        (
            bool(settings.CLIENT_CERTIFICATE_HEADER) != bool(settings.CLIENT_CERTIFICATE_PROXIES),
            "E108",
            "CLIENT_CERTIFICATE_HEADER and CLIENT_CERTIFICATE_PROXIES go together: set both or none.",
        ),
        (
            bool(settings.MTLS_ORIGIN) and not settings.CLIENT_CERTIFICATE_HEADER,
            "E109",
            "MTLS_ORIGIN is for client certificates: set CLIENT_CERTIFICATE_HEADER and _PROXIES too.",
        ),
        (
            unreadable(settings.GEOIP_DATABASE) or unreadable(settings.DISPOSABLE_DOMAINS),
            "E110",
            "GEOIP_DATABASE or DISPOSABLE_DOMAINS names a file that cannot be read. Mend the path, or unset it.",
        ),
    ]  # fmt: skip
    return [Error(message, id=f"config.{code}") for failed, code, message in problems if failed]


def unreadable(path: str) -> bool:
    return bool(path) and not os.access(path, os.R_OK)


def weak(secret: str) -> bool:
    return len(secret) < 40 or len(set(secret)) < 12 or any(word in secret.lower() for word in WEAK)


def flat(keys: list[tuple[str, bytes]]) -> bool:
    """Whether a key has too few different bytes to be random."""
    return any(len(set(key)) < 12 for _, key in keys)
