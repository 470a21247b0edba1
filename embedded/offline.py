"""Runs a tool that loads the settings but touches no server: `python -m embedded.offline mypy .`

Type checks and the migrations check import Django's settings, which refuse to load without keys and
addresses. These are throwaway keys and addresses where nothing listens.
"""

from __future__ import annotations

import os
import runpy
import secrets
import sys
import warnings

from core.provision import APP, BACKUP, OWNER, RELAY

NOWHERE = "/nonexistent"


def settings() -> dict[str, str]:
    """Return variables under which the settings load."""
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    url = f"postgresql://{{}}:none@/none?host={NOWHERE}"
    return {
        "CLAVIGER_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "SECRET_KEYS": f"none:{key}",
        "PEPPERS": f"none:{key}",
        "ORIGIN": "http://localhost:8000",
        "REDIS_URL": f"unix://{NOWHERE}?db=0",
        "DATABASE_URL": url.format(APP),
        "DATABASE_OWNER_URL": url.format(OWNER),
        "DATABASE_RELAY_URL": url.format(RELAY),
        "DATABASE_BACKUP_URL": url.format(BACKUP),
    }


def main() -> None:
    for name in settings():
        os.environ.pop(f"{name}_FILE", None)
    os.environ.update(settings())
    # makemigrations would like to compare with a database, and warns that there is none.
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    sys.argv = sys.argv[1:]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 — sys.path holds strings
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
