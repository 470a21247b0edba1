"""A production process with a dangerous setup does not start, and says in one line what to mend (threats P3, A3)."""

from __future__ import annotations

import os
import secrets
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from tests import starter

SERVING = ["-c", "import config.wsgi; print('serving')"]
STATUS = ["manage.py", "check"]


def address(alias: str) -> str:
    row = settings.DATABASES[alias]
    return (
        f"postgresql://{row['USER']}:{quote(row['PASSWORD'])}@/{row['NAME']}?host={quote(str(row['HOST']))}"
    )


def variables(**changes: str | None) -> dict[str, str]:
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    whole: dict[str, str | None] = {
        "PATH": os.environ["PATH"],
        "CLAVIGER_ENV": "production",
        "ORIGIN": "https://id.test",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "SECRET_KEYS": f"one:{key}",
        "PEPPERS": f"one:{key}",
        "DATABASE_URL": address("default"),
        "DATABASE_RELAY_URL": address("relay"),
        "REDIS_URL": "unix:///nonexistent?db=0",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def start(arguments: list[str], **changes: str | None) -> Any:
    return starter.run(arguments, variables(**changes))


def test_P3_a_safe_setup_starts() -> None:
    done = start(SERVING)
    assert (done.returncode, done.stdout.strip()) == (0, "serving"), done.stderr[-800:]


def test_P3_a_dangerous_setup_does_not_start_and_every_fault_is_told() -> None:
    dangers = {
        "DJANGO_SECRET_KEY": "changeme",
        "SECRET_KEYS": "one:" + "A" * 43,
        "ALLOWED_HOSTS": "*",
        "ORIGIN": "http://id.test",
        "METRICS_TOKEN": "metrics",
        "TEXT_SENDER": "mail.texts.Nobody",
    }
    done = start(SERVING, **dangers)
    assert done.returncode != 0 and "serving" not in done.stdout
    for told in (
        "DJANGO_SECRET_KEY is short or guessable", "holds a weak key", "ALLOWED_HOSTS admits any host",
        "ORIGIN is not https", "METRICS_TOKEN is short", "TEXT_SENDER names no class",
    ):  # fmt: skip
        assert told in done.stderr
    assert "changeme" not in done.stderr


def test_A3_a_role_that_owns_tables_does_not_serve() -> None:
    done = start(SERVING, DATABASE_URL=address("owner"))
    assert done.returncode != 0
    assert "owns tables, is superuser or bypasses row security" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PEPPERS", None, "PEPPERS is not set"),
        ("DATABASE_URL", "mysql://db/claviger", "DATABASE_URL must start with postgresql://"),
    ],
)
def test_P3_a_command_names_the_variable_in_one_line(name: str, value: str | None, told: str) -> None:
    done = start(STATUS, **{name: value})
    assert done.returncode == 1
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1


def test_P3_a_safe_setup_passes_the_deployment_checks_without_warnings() -> None:
    done = start([*STATUS, "--deploy", "--fail-level", "WARNING"])
    assert done.returncode == 0, done.stderr[-800:]
    assert "no issues" in done.stdout + done.stderr
