"""Starts the opponents, each with a durable PostgreSQL of its own, where the product would run."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey
from psycopg.conninfo import conninfo_to_dict

from bench.opponents.flows import REDIRECT, Client, Opponent
from bench.wsgi import serving, wait_for
from embedded.files import exclusive, private_directory
from embedded.installation import free_port
from embedded.postgres import Postgres

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parents[1] / ".test" / "oidc-provider"
NPM = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--silent"]


class Missing(RuntimeError):
    """An opponent cannot be had on this machine; the others are measured all the same."""


@contextmanager
def database(home: Path, name: str) -> Iterator[tuple[dict[str, str], int]]:
    """Run a durable PostgreSQL; yields its connection as PG* variables, and its process."""
    postgres = Postgres(private_directory(home))
    postgres.attach(home / "postgres.log")
    try:
        with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # a name of ours
        known = conninfo_to_dict(postgres.conninfo())
        pid = int((postgres.data / "postmaster.pid").read_text().split()[0])
        yield (
            {
                "PGHOST": str(known["host"]),
                "PGUSER": str(known["user"]),
                "PGPASSWORD": str(known["password"]),
                "PGDATABASE": name,
            },
            pid,
        )
    finally:
        postgres.stop()


@contextmanager
def oidc_provider() -> Iterator[Opponent]:
    install_oidc_provider()
    web, machine = new_client("web"), new_client("machine")
    key = ECKey.generate_key("P-256").as_dict(True)
    port = free_port()
    with (
        TemporaryDirectory(prefix="cv-bench-") as home,
        database(Path(home), "provider") as (known, postgres),
    ):
        variables = {
            **known,
            "PATH": os.environ["PATH"],
            "NODE_ENV": "production",
            "PORT": str(port),
            "COOKIE_KEY": secrets.token_hex(32),
            "JWKS": json.dumps({"keys": [{**key, "alg": "ES256", "use": "sig", "kid": "k1"}]}),
            "CLIENTS": json.dumps([metadata_of(web, person=True), metadata_of(machine, person=False)]),
        }
        log = (Path(home) / "server.log").open("wb")
        server = subprocess.Popen(
            ["node", "server.mjs"], cwd=INSTALLED, env=variables, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://localhost:{port}/.well-known/openid-configuration")
            yield Opponent(
                "oidc-provider", port, PROVIDER_PATHS, web, machine, "openid profile email",
                "api:read", {"web": server.pid, "postgres": postgres},
            )  # fmt: skip
        finally:
            server.terminate()
            server.wait(10)
            log.close()


PROVIDER_PATHS = {
    "authorize": "/auth",
    "token": "/token",
    "introspect": "/token/introspection",
    "userinfo": "/me",
    "discovery": "/.well-known/openid-configuration",
}


def metadata_of(client: Client, *, person: bool) -> dict[str, Any]:
    grants = ["authorization_code", "refresh_token"] if person else ["client_credentials"]
    return {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "grant_types": grants,
        "response_types": ["code"] if person else [],
        "redirect_uris": [REDIRECT] if person else [],
    }


def install_oidc_provider() -> None:
    """Install what its lock says; raises Missing."""
    if not (shutil.which("npm") and shutil.which("node")):
        raise Missing("oidc-provider: there is no npm here")
    source = HERE / "oidc_provider"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with exclusive(INSTALLED / "install.lock"):
        for script in source.iterdir():
            shutil.copyfile(script, INSTALLED / script.name)
        wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
        stamp = INSTALLED / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        done = subprocess.run(NPM, cwd=INSTALLED, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise Missing(f"oidc-provider cannot be installed: {done.stderr[-300:]}")
        stamp.write_text(wanted)


def new_client(name: str) -> Client:
    return Client(name, secrets.token_urlsafe(32))


@contextmanager
def toolkit(hasher: str = "") -> Iterator[Opponent]:
    """A stock project; with `hasher` client secrets cost one digest instead of the default's many rounds."""
    web, machine = new_client("web"), new_client("machine")
    with TemporaryDirectory(prefix="cv-bench-") as home, database(Path(home), "toolkit") as (known, postgres):
        variables = {
            **known,
            "DJANGO_SECRET_KEY": secrets.token_hex(32),
            "OIDC_RSA_PRIVATE_KEY": rsa_key(),
            "CLIENT_SECRET_HASHER": hasher,
            "CLIENTS": json.dumps(
                [seed_of(web, "authorization-code"), seed_of(machine, "client-credentials")]
            ),
        }
        seed = [sys.executable, "-m", "bench.opponents.toolkit.seed"]
        done = subprocess.run(
            seed, env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Missing(f"django-oauth-toolkit: {done.stderr[-500:]}")
        with serving("bench.opponents.toolkit.wsgi:application", variables) as (port, pid):
            yield Opponent(
                f"toolkit{', cheap hash' if hasher else ''}", port, TOOLKIT_PATHS, web, machine,
                "openid profile email", "read", {"web": pid, "postgres": postgres},
                {"sessionid": done.stdout.strip()}, slow=1 if hasher else 20,
            )  # fmt: skip


TOOLKIT_PATHS = {
    "authorize": "/o/authorize/",
    "token": "/o/token/",
    "introspect": "/o/introspect/",
    "userinfo": "/o/userinfo/",
    "discovery": "/o/.well-known/openid-configuration",
}


def seed_of(client: Client, grant: str) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "grant": grant,
        "redirect_uris": [REDIRECT] if grant == "authorization-code" else [],
    }


def rsa_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    encryption = serialization.NoEncryption()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()
