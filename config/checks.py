"""Deployment checks: a production installation refuses to start with a dangerous setup (threat P3)."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from core import health

HASHER = "core.passwords.Argon2idHasher"
WEAK = ("secret", "changeme", "change-me", "insecure", "dummy", "example")


class Unsafe(ImproperlyConfigured):
    """The process must not serve as it is set up; the message says what to mend."""


def refuse_unsafe_start() -> None:
    """Raise Unsafe before a process serves: by the checks below (threat P3) and the database role (threat A3).

    Only production is refused. A database that does not answer yet is `/ready`'s to tell.
    """
    if not settings.PRODUCTION:
        return
    faults = [error.msg for error in production_is_safe()]
    if health.database() == health.UNSAFE:
        faults.append("DATABASE_URL names a role that owns tables, is superuser or bypasses row security.")
    connections["default"].close()
    if faults:
        raise Unsafe(" ".join(("Claviger does not start.", *faults)))


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
        (
            bool(settings.METRICS_TOKEN) and weak(settings.METRICS_TOKEN),
            "E111",
            "METRICS_TOKEN is short or guessable. Generate 40 random characters, or unset it.",
        ),
        (
            bool(settings.TEXT_SENDER) and not found(settings.TEXT_SENDER),
            "E112",
            "TEXT_SENDER names no class that can be imported. Mend it, or unset it.",
        ),
    ]  # fmt: skip
    return [Error(message, id=f"config.{code}") for failed, code, message in problems if failed]


def unreadable(path: str) -> bool:
    return bool(path) and not os.access(path, os.R_OK)


def found(path: str) -> bool:
    try:
        import_string(path)
    except ImportError:
        return False
    return True


def weak(secret: str) -> bool:
    return len(secret) < 40 or len(set(secret)) < 12 or any(word in secret.lower() for word in WEAK)


def flat(keys: list[tuple[str, bytes]]) -> bool:
    """Whether a key has too few different bytes to be random."""
    return any(len(set(key)) < 12 for _, key in keys)
