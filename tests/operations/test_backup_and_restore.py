"""R12: a restored installation is the one that was backed up, and nothing of it can be used a second time."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COUNTED = ("tenants_tenant", "tenants_member", "events_event", "events_eventpersonal", "apikeys_apikey")


STILL_OPEN = """
SELECT (SELECT count(*) FROM signin_signinflow),
       (SELECT count(*) FROM invitations_invitation WHERE state = 'pending' AND expires_at > now()),
       (SELECT count(*) FROM identity_identitysession WHERE ended_at IS NULL)
"""
OPEN_VALUES = """
from core import scope
from core.principal import SYSTEM
from django.db import connections
from django.utils import timezone
from datetime import timedelta
import uuid
later = timezone.now() + timedelta(hours=1)
from signin.models import SignInFlow
with scope.operator():
    SignInFlow.objects.create(
        purpose="sign_in", stage="password", browser_digest="x", address_digest="x", sealed=b"x", expires_at=later
    )
from identity.models import IdentitySession, Account
from identity import emails, selectors
account = selectors.account_id_by_address(emails.read("{owner}"))
with scope.account(account):
    now = timezone.now()
    IdentitySession.objects.create(
        account_id=account, digest=uuid.uuid4().hex, auth_time=now, last_active_at=now, expires_at=later
    )
from invitations.models import Invitation
from tenants.selectors import by_slug
with scope.tenant(by_slug("acme").id):
    if not Invitation.objects.filter(state="pending").exists():
        email, fingerprint = "late@acme.example", uuid.uuid4().hex
        Invitation.objects.create(
            email=email, email_search=email, token_fingerprint=fingerprint, expires_at=later
        )
"""


@pytest.fixture(scope="module")
def source(new_database):
    """An installation with the demo's tenants, people, keys and history, and one-time values that are open."""
    made = new_database(migrated=True)
    done = made.manage("demo", OUTBOUND_ALLOW="localhost:8000")  # the demo's own receiver
    assert done.returncode == 0, done.stderr
    demo = json.loads((made.home / "demo.json").read_text())["tenants"]["acme"]
    sealing = "from events.sealing import seal_pending\nwhile seal_pending(): pass\n"
    opened = made.manage("shell", "-c", OPEN_VALUES.format(owner=demo["owner"]["email"]) + sealing)
    assert opened.returncode == 0, opened.stderr
    assert all(count for count in made.rows(STILL_OPEN)[0])
    return made


@pytest.fixture(scope="module")
def backup(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "backup"
    done = source.manage("backup", str(path))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    return path


@pytest.fixture(scope="module")
def restored(backup, new_database):
    target = new_database(migrated=False)
    done = target.manage("restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert "intact" in done.stdout and "BROKEN" not in done.stdout
    return target


def counts(database):
    return {table: database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in COUNTED}


def test_R12_everything_comes_back_and_verifies(source, restored):
    assert counts(restored) == counts(source)
    same = "SELECT proname, proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
    assert restored.rows(same) == source.rows(same)
    forced = "SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY 1"
    assert restored.rows(forced) == source.rows(forced)
    policies = "SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies ORDER BY 1, 2"
    assert restored.rows(policies) == source.rows(policies)
    assert not restored.rows("SELECT 1 WHERE has_schema_privilege('claviger_router', 'public', 'CREATE')")


def test_R12_open_one_time_values_are_void_after_a_restore(restored):
    assert restored.rows(STILL_OPEN) == [(0, 0, 0)]


def test_R12_a_restore_is_refused_without_the_keys_that_sealed_it(backup, new_database):
    target = new_database(migrated=False)
    other = "another:" + "B" * 43
    done = target.manage("restore", str(backup), SECRET_KEYS=other)
    assert done.returncode != 0 and "SECRET_KEYS lacks the keys" in done.stderr
    same_id = os.environ["SECRET_KEYS"].partition(":")[0] + ":" + "B" * 43
    done = target.manage("restore", str(backup), SECRET_KEYS=same_id)
    assert done.returncode != 0 and "SECRET_KEYS lacks the keys" in done.stderr
    assert not target.rows("SELECT 1 FROM pg_class WHERE relname = 'tenants_tenant'")


def test_R12_a_restore_is_refused_over_existing_data_and_from_a_changed_dump(
    source, backup, new_database, tmp_path
):
    done = source.manage("restore", str(backup))
    assert done.returncode != 0 and "not empty" in done.stderr
    again = source.manage("backup", str(backup))
    assert again.returncode != 0 and "exists" in again.stderr
    changed = shutil.copytree(backup, tmp_path / "changed")
    with (changed / "database.dump").open("ab") as dump:
        dump.write(b"x")
    done = new_database(migrated=False).manage("restore", str(changed))
    assert done.returncode != 0 and "digest differs" in done.stderr


def test_the_backup_holds_no_key(backup):
    written = (backup / "manifest.json").read_text() + (backup / "database.dump").read_bytes().decode(
        "latin-1"
    )
    for ring in (os.environ["SECRET_KEYS"], os.environ["PEPPERS"]):
        assert ring.partition(":")[2] not in written
