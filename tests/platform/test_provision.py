"""The database and its roles: made once, corrected at each run, each with no more than it needs."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg.conninfo import make_conninfo

from core import provision
from core.management.commands.provision_database import ROLES, read_databases
from embedded.postgres import Postgres
from tests.servers import HOME

PASSWORDS = {role: f"{role}-password" for role in provision.LOGINS}


@pytest.fixture(scope="module")
def cluster():
    """A cluster of our own: roles belong to a whole cluster, and these tests change their passwords."""
    with TemporaryDirectory(prefix="cv-") as home:
        postgres = Postgres(Path(home) / "postgres", durable=False)
        postgres.attach(Path(home) / "log")
        yield postgres
        postgres.stop()


@pytest.fixture
def database(cluster):
    name = f"claviger_{uuid.uuid4().hex[:8]}"
    provision.provision(cluster.conninfo(), name, PASSWORDS)
    return name


def connect(cluster, database, role, password=None):
    conninfo = make_conninfo(cluster.conninfo(database), user=role, password=password or PASSWORDS[role])
    return psycopg.connect(conninfo, autocommit=True)


@pytest.mark.parametrize("role", provision.LOGINS)
def test_A3_each_role_signs_in_and_is_neither_superuser_nor_free_of_row_security(cluster, database, role):
    with connect(cluster, database, role) as connection:
        flags = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert flags == (False, False, False, False)


def test_the_router_cannot_sign_in(cluster, database):
    with pytest.raises(psycopg.OperationalError, match=r"authentication failed|not permitted"):
        connect(cluster, database, provision.ROUTER, "anything")


def test_a_wrong_password_is_refused(cluster, database):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(cluster, database, provision.APP, "wrong")


def test_it_can_be_repeated_and_then_sets_the_new_password(cluster, database):
    changed = {**PASSWORDS, provision.APP: "changed"}
    provision.provision(cluster.conninfo(), database, changed)
    with connect(cluster, database, provision.APP, "changed"):
        pass
    provision.provision(cluster.conninfo(), database, PASSWORDS)


@pytest.mark.parametrize("role", [provision.APP, provision.RELAY, provision.BACKUP])
@pytest.mark.parametrize(
    "statement", ["CREATE TABLE x (id int)", "CREATE TEMP TABLE x (id int)", "CREATE SCHEMA x"]
)
def test_A3_only_the_owner_creates_anything(cluster, database, role, statement):
    with connect(cluster, database, role) as connection, pytest.raises(psycopg.errors.Error) as refused:
        connection.execute(statement)
    assert refused.value.sqlstate in {"42501", "25006"}


def test_A3_a_stranger_cannot_even_connect(cluster, database):
    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(cluster, database, "stranger", "stranger")


def test_another_installation_in_the_cluster_keeps_its_tables(cluster, database):
    other = f"{database}_other"
    provision.provision(cluster.conninfo(), other, PASSWORDS)
    with connect(cluster, database, provision.OWNER) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    with connect(cluster, other, provision.OWNER) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)


def test_the_owner_hands_a_function_to_the_router_and_keeps_it_out_of_the_schema(cluster, database):
    with connect(cluster, database, provision.OWNER) as connection, connection.transaction():
        connection.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        connection.execute("GRANT CREATE ON SCHEMA public TO claviger_router")
        connection.execute("ALTER FUNCTION f() OWNER TO claviger_router")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM claviger_router")
    with connect(cluster, database, provision.OWNER) as connection:
        query = "SELECT has_schema_privilege('claviger_router', 'public', 'CREATE')"
        assert connection.execute(query).fetchone() == (False,)
        connection.execute("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'")


def test_the_runtime_role_cannot_become_another(cluster, database):
    with connect(cluster, database, provision.APP) as connection:
        for role in (provision.OWNER, provision.RELAY, provision.ROUTER, provision.BACKUP):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SET ROLE {role}")


def test_R17_waits_of_the_runtime_role_are_bounded(cluster, database):
    with connect(cluster, database, provision.APP) as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert connection.execute(f"SHOW {name}").fetchone() != ("0",)


def test_an_administrator_who_is_no_superuser_suffices(tmp_path):
    postgres = Postgres(tmp_path / "postgres", durable=False)
    postgres.attach(tmp_path / "log")
    try:
        with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE ROLE administrator LOGIN CREATEDB CREATEROLE PASSWORD 'a'")
        admin = make_conninfo(postgres.conninfo(), user="administrator", password="a")
        for _ in range(2):
            provision.provision(admin, "claviger", PASSWORDS)
        with connect(postgres, "claviger", provision.OWNER) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        with connect(postgres, "claviger", provision.APP) as connection, pytest.raises(psycopg.errors.Error):
            connection.execute("SELECT * FROM mine")
    finally:
        postgres.stop()


def test_the_command_provisions_what_the_settings_name(capsys):
    shared = Postgres(HOME, durable=False)
    call_command("provision_database", admin_url=shared.administrator_url())
    name = os.environ["DATABASE_URL"].partition("/@/")[0].rpartition("@/")[2].partition("?")[0]
    assert name in capsys.readouterr().out


def databases(**changes):
    found = {alias: {"USER": role, "PASSWORD": "x", "NAME": "claviger"} for alias, role in ROLES.items()}
    for alias, values in changes.items():
        found[alias] = {**found[alias], **values} if values else {}
    return {alias: values for alias, values in found.items() if values}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"owner": None}, "owner database is not set"),
        ({"default": {"USER": "postgres"}}, "must name the role claviger_app"),
        ({"relay": {"PASSWORD": ""}}, "no password"),
        ({"backup": {"NAME": "elsewhere"}}, "different databases"),
    ],
)
def test_the_command_refuses_urls_that_do_not_fit_together(changes, message):
    with pytest.raises(CommandError, match=message):
        read_databases(databases(**changes))
    assert read_databases(databases())[0] == "claviger"
