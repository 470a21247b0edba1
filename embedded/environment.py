"""The environment variables of a development or test installation, with generated keys.

Keys and passwords are made once and kept in one file of mode 0600; variables the person has set win.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from core.provision import APP, BACKUP, LOGINS, OWNER, RELAY
from embedded.files import exclusive, write_private
from embedded.postgres import Postgres

APPLICATION_KEYS = ("DJANGO_SECRET_KEY", "SECRET_KEYS", "PEPPERS")
# What a management command needs to work on an installation.
VARIABLES = (
    "CLAVIGER_ENV", "ORIGIN", "ALLOWED_HOSTS", "VAR_DIR", "DJANGO_SETTINGS_MODULE", "DJANGO_SECRET_KEY",
    "SECRET_KEYS", "PEPPERS", "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_RELAY_URL",
    "DATABASE_BACKUP_URL", "REDIS_URL", "OUTBOUND_ALLOW",
)  # fmt: skip
DATABASE_VARIABLES = {
    "DATABASE_URL": APP,
    "DATABASE_OWNER_URL": OWNER,
    "DATABASE_RELAY_URL": RELAY,
    "DATABASE_BACKUP_URL": BACKUP,
}


def generated_keys(path: Path) -> dict[str, str]:
    """Return the keys kept in `path`, made on first use."""
    with exclusive(path.with_name(f"{path.name}.lock")):
        if not path.exists():
            write_private(path, json.dumps(_new_keys(), indent=2))
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _new_keys() -> dict[str, str]:
    keys = {
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "SECRET_KEYS": f"dev1:{_key()}",
        "PEPPERS": f"dev1:{_key()}",
    }
    return keys | {f"password:{role}": secrets.token_urlsafe(24) for role in LOGINS}


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def application_keys(keys: dict[str, str]) -> dict[str, str]:
    """Return the application's own secrets, those the person has set taking precedence."""
    given = {name for name in APPLICATION_KEYS if os.environ.get(name) or os.environ.get(f"{name}_FILE")}
    return {name: keys[name] for name in APPLICATION_KEYS if name not in given}


def role_passwords(keys: dict[str, str]) -> dict[str, str]:
    return {role: keys[f"password:{role}"] for role in LOGINS}


def database_urls(postgres: Postgres, database: str, passwords: dict[str, str]) -> dict[str, str]:
    """Return the four database URLs of an embedded cluster."""
    return {
        variable: postgres.url(role, passwords[role], database)
        for variable, role in DATABASE_VARIABLES.items()
    }
