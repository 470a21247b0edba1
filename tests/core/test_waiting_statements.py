"""core.postgres: BEGIN, settings and savepoints travel with the next statement, and change nothing else."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC

import psycopg
import pytest
from django.db import DatabaseError, DataError, connection, transaction
from django.db.transaction import TransactionManagementError

from core import scope
from core.postgres import rows
from core.postgres.base import DatabaseWrapper, is_quiet
from core.postgres.prepared import Prepared
from tenants.models import Member, Tenant
from tests.factories import make_cast


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture
def sent(monkeypatch):
    """What reached the server, one entry for each round trip."""
    trips: list[str] = []
    execute, exchange = psycopg.ClientCursor.execute, DatabaseWrapper._exchange

    def noted(self, query, *arguments, **options):
        trips.append(str(query))
        return execute(self, query, *arguments, **options)

    def exchanged(self, message):
        trips.append(message)
        return exchange(self, message)

    monkeypatch.setattr(psycopg.ClientCursor, "execute", noted)
    monkeypatch.setattr(DatabaseWrapper, "_exchange", exchanged)
    return trips


def setting(name: str = "app.tenant_id") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        return cursor.fetchone()[0] or ""


def test_a_scope_of_one_statement_makes_two_trips(cast, sent):
    with scope.tenant(cast.acme.id):
        assert Tenant.objects.get().id == cast.acme.id
    assert [trip.split(";")[0] for trip in sent] == ["BEGIN", "COMMIT"]


def test_a_scope_in_which_nothing_is_asked_makes_none(cast, sent):
    with scope.tenant(cast.acme.id), transaction.atomic():
        pass
    assert sent == []


def test_A3_settings_hold_for_their_scope_alone(cast):
    with scope.tenant(cast.acme.id):
        assert setting() == str(cast.acme.id)
    assert setting() == ""
    with scope.tenant(cast.globex.id):
        assert Tenant.objects.get().id == cast.globex.id
    with scope.account(cast.stranger.account_id):
        assert setting() == ""


def test_A3_a_narrower_scope_ends_with_its_settings(cast):
    organization = cast.acme.id  # any id: only the setting counts here
    with scope.tenant(cast.acme.id):
        with scope.organization(cast.acme.id, organization):
            assert setting("app.organization_id") == str(organization)
        assert setting("app.organization_id") == "all"
        with pytest.raises(DatabaseError), scope.organization(cast.acme.id, organization):
            connection.cursor().execute("SELECT 1/0")
        assert setting("app.organization_id") == "all"
        with pytest.raises(ValueError), scope.organization(cast.acme.id, organization):
            raise ValueError("before any statement")
        assert setting("app.organization_id") == "all"


def test_savepoints_undo_what_they_enclose_and_nothing_else(cast):
    def names() -> set[str]:
        return set(Member.objects.filter(name__startswith="sp-").values_list("name", flat=True))

    def rename(member: Member, name: str) -> None:
        Member.objects.filter(id=member.id).update(name=name)

    with scope.tenant(cast.acme.id):
        one, two = Member.objects.order_by("id")[:2]
        with transaction.atomic():
            rename(one, "sp-kept")
        with pytest.raises(ValueError), transaction.atomic():
            with transaction.atomic():
                rename(two, "sp-inner")
            rename(one, "sp-lost")
            raise ValueError
        with pytest.raises(ValueError), transaction.atomic():
            raise ValueError("nothing sent")
        assert names() == {"sp-kept"}
    with scope.tenant(cast.acme.id):
        assert names() == {"sp-kept"}


def test_one_statement_is_a_transaction_of_one_trip(cast, sent):
    with scope.one_statement(cast.acme.id):
        assert Tenant.objects.get().id == cast.acme.id
    assert len(sent) == 1
    assert setting() == ""
    assert not connection.in_atomic_block


def test_A3_a_second_statement_is_refused_rather_than_run_without_its_settings(cast):
    with pytest.raises(TransactionManagementError), scope.one_statement(cast.acme.id):
        Tenant.objects.get()
        Tenant.objects.get()
    assert setting() == ""


def test_A3_a_lost_connection_does_not_lose_the_settings_in_silence(cast):
    with pytest.raises(TransactionManagementError), scope.one_statement(cast.acme.id):
        connection.close()
        Tenant.objects.exists()


def test_one_statement_is_not_opened_inside_another_scope(cast):
    with (
        scope.tenant(cast.acme.id),
        pytest.raises(scope.ScopeError),
        scope.one_statement(cast.globex.id),
    ):
        pass


def test_a_failed_statement_of_its_own_leaves_the_connection_usable(cast):
    with pytest.raises(DatabaseError), scope.one_statement(cast.acme.id):
        connection.cursor().execute("SELECT 1/0")
    with scope.one_statement(cast.acme.id):
        assert Tenant.objects.count() == 1


def test_R8_a_connection_whose_server_went_is_not_quiet():
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as victim:
        assert is_quiet(victim)
        pid = victim.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        deadline = time.monotonic() + 5
        while is_quiet(victim) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_quiet(victim)
        victim.close()
        assert not is_quiet(victim)


# --- what waits for the commit, and what is planned once ---------------------------------------------------

_NAME = Prepared("UPDATE tenants_tenant SET name = %(name)s WHERE id = %(id)s")
_READ = Prepared("SELECT name FROM tenants_tenant WHERE id = %(id)s AND %(id)s IS NOT NULL AND 1 %% 2 = 1")


def post(tenant, name: str) -> None:
    _NAME.post({"name": name, "id": tenant.id})


def name_of(tenant) -> str:
    ((name,),) = _READ.all({"id": tenant.id})
    return name


def test_a_posted_statement_travels_with_the_commit(cast, sent):
    with scope.tenant(cast.acme.id):
        post(cast.acme, "warm")
    sent.clear()
    with scope.tenant(cast.acme.id):
        post(cast.acme, "with the commit")
        assert sent == []
    assert len(sent) == 1
    assert sent[0].startswith("BEGIN; ")
    assert sent[0].endswith("; COMMIT")
    with scope.tenant(cast.acme.id):
        assert name_of(cast.acme) == "with the commit"


def test_the_next_statement_sees_what_was_posted(cast):
    with scope.tenant(cast.acme.id):
        post(cast.acme, "seen")
        assert name_of(cast.acme) == "seen"


def test_without_a_transaction_it_goes_at_once(sent):
    Prepared("UPDATE tenants_tenant SET name = %s WHERE false").post(["nobody"])
    assert [trip.split()[0] for trip in sent] == ["PREPARE", "EXECUTE"]


def test_a_rollback_takes_what_was_posted(cast):
    with scope.tenant(cast.acme.id):
        post(cast.acme, "kept")
    with pytest.raises(ValueError), scope.tenant(cast.acme.id):
        post(cast.acme, "lost")
        raise ValueError
    with scope.tenant(cast.acme.id):
        assert name_of(cast.acme) == "kept"


def test_a_savepoint_keeps_or_takes_only_its_own(cast):
    with scope.tenant(cast.acme.id):
        post(cast.acme, "before")
        with pytest.raises(ValueError), transaction.atomic():
            post(cast.acme, "undone")
            raise ValueError
        assert name_of(cast.acme) == "before"
        with transaction.atomic():
            post(cast.acme, "inside")
    with scope.tenant(cast.acme.id):
        assert name_of(cast.acme) == "inside"


def test_the_failure_of_a_posted_statement_is_the_commits(cast):
    with pytest.raises(DatabaseError), scope.tenant(cast.acme.id):
        Tenant.objects.update(name="with a failing one")
        Prepared("UPDATE tenants_tenant SET slug = %s").post([cast.globex.slug])
    with scope.tenant(cast.acme.id):
        assert name_of(cast.acme) != "with a failing one"


def test_A3_a_posted_write_into_another_tenant_changes_nothing(cast):
    with scope.tenant(cast.acme.id):
        post(cast.globex, "from outside")
    with scope.tenant(cast.globex.id):
        assert name_of(cast.globex) != "from outside"


def test_a_statement_is_prepared_once_for_each_connection(cast, sent):
    statement = Prepared("SELECT name, 'planned once' FROM tenants_tenant WHERE id = %s")
    for _ in range(3):
        with scope.tenant(cast.acme.id):
            assert len(statement.all([cast.acme.id])) == 1
    assert [trip.startswith("PREPARE") for trip in sent].count(True) == 1


def test_A3_a_plan_made_for_one_tenant_shows_no_other(cast):
    statement = Prepared("SELECT id FROM tenants_member")
    seen = {}
    for tenant in (cast.acme, cast.globex) * 7:
        with scope.tenant(tenant.id):
            seen.setdefault(tenant.slug, set()).update(row[0] for row in statement.all())
    assert not seen[cast.acme.slug] & seen[cast.globex.slug]
    assert statement.all() == []  # nothing set: no rows


def test_a_connection_whose_plans_are_stale_is_replaced(cast):
    statement = Prepared("SELECT count(*) FROM tenants_tenant")
    with scope.tenant(cast.acme.id), connection.cursor() as cursor:
        assert statement.first() == (1,)
        cursor.execute("DEALLOCATE ALL")
    with pytest.raises(DatabaseError), scope.tenant(cast.acme.id):
        statement.first()
    connection.close()
    with scope.tenant(cast.acme.id):
        assert statement.first() == (1,)


def test_a_cursor_runs_a_prepared_statement_too(cast, sent):
    with scope.tenant(cast.acme.id), connection.cursor() as cursor:
        cursor.execute(_READ, {"id": cast.acme.id})
        assert len(cursor.fetchall()) == 1
    assert any(trip.split("; ")[-1].startswith("EXECUTE") for trip in sent)


def test_a_failure_that_was_swallowed_is_told_at_the_commit(cast):
    with pytest.raises(TransactionManagementError), scope.tenant(cast.acme.id):
        Tenant.objects.update(name="never")
        with contextlib.suppress(DatabaseError):
            Prepared("SELECT 1 / (%s::int - 1)").all([1])
    with scope.tenant(cast.acme.id):
        assert name_of(cast.acme) != "never"


@pytest.mark.parametrize(
    "written", ["2026-11-22 16:32:43.5+00", "2026-11-22 16:32:43+00", "0001-01-01 00:00:00+00"]
)
def test_times_are_read_as_django_reads_them(written):
    ((ours,),) = Prepared("SELECT %s::timestamptz").all([written])
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM %s::timestamptz)::float", [written])
        assert ours.timestamp() == cursor.fetchone()[0]
    assert ours.tzinfo is UTC


def test_a_time_that_python_cannot_hold_is_a_data_error():
    with pytest.raises(DataError):
        Prepared("SELECT %s::timestamptz").first(["infinity"])


def test_without_prepared_statements_the_same_text_is_sent(cast, settings):
    settings.DATABASE_PREPARES = False
    with scope.tenant(cast.acme.id):
        post(cast.acme, "plain")
        assert name_of(cast.acme) == "plain"


def test_a_new_row_has_the_defaults_of_its_model_and_no_other_name(cast):
    with scope.tenant(cast.acme.id):
        made = rows.new(Member, tenant_id=cast.acme.id, subject="x")
        same = Member(tenant_id=cast.acme.id, subject="x", id=made.id)
    assert {name: value for name, value in vars(made).items() if name != "_state"} == {
        name: value for name, value in vars(same).items() if name != "_state"
    }
    assert made._state.adding
    with pytest.raises(TypeError):
        rows.new(Member, subjekt="x")
