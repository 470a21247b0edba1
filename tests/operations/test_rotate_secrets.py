"""TEN-09: keys that seal secrets are replaced, the platform's and a tenant's own, and nothing is lost."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from config.operations import resealing
from tenants import data_keys

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FRESH = "fresh:" + base64.b64encode(bytes(range(7, 39))).decode()

MAKE = """
from tests.factories import make_cast
from tests.factories.factors import enrol_app
from core import scope, ports
from identity.authenticator_models import TotpDevice
from identity import totp
from webhooks.models import Endpoint
from webhooks import signing
cast = make_cast()
for tenant in (cast.acme, cast.globex):
    with scope.tenant(tenant.id):
        row = Endpoint(url="https://hooks.example/x", events=["*"], metadata={})
        row.save(force_insert=True)
        signing.add_secret(row)
        ports.jobs.enqueue("mail.send", {"x": 1})
with scope.account(cast.stranger.account_id):
    device = TotpDevice(user_id=cast.stranger.account_id, name="app")
    device.seal_key(b"k" * 20)
    device.save()
print("slug", cast.acme.slug)
"""
OPENS = """
from core import scope, crypto
from core.models import Job
from django.utils import timezone
from tenants import keys
from tenants.models import Tenant
from webhooks import signing
from webhooks.models import Endpoint
from identity.authenticator_models import TotpDevice
from identity.models import Account
with scope.operator():
    tenants = list(Tenant.objects.values_list("id", flat=True))
for one in tenants:
    with scope.tenant(one):
        assert keys.key_set(one).active
        ids = list(Endpoint.objects.values_list("id", flat=True))
        for found in signing.live_secrets(ids, timezone.now()).values():
            assert [len(secret) for secret in found] == [32]
        for job in Job.objects.all():
            crypto.open_sealed_json(bytes(job.sealed), context=("core_job", "sealed", str(job.id)))
from django.db import connections
with connections["owner"].cursor() as cursor:
    cursor.execute("SELECT id, sealed_key FROM identity_totpdevice")
    for row_id, blob in cursor.fetchall():
        assert crypto.open_sealed(blob, ("", "identity_totpdevice", "sealed_key", str(row_id))) == b"k" * 20
print("opens", len(tenants))
"""


@pytest.fixture(scope="module")
def installation(new_database: Any) -> Any:
    made = new_database(migrated=True)
    done = made.manage("shell", "-c", MAKE)
    assert done.returncode == 0, done.stderr
    made.slug = done.stdout.split("slug ")[1].split()[0]
    return made


def opens(installation: Any, **variables: str) -> bool:
    done = installation.manage("shell", "-c", OPENS, **variables)
    return done.returncode == 0 and "opens 2" in done.stdout


def test_TEN09_every_sealed_column_is_on_one_of_the_lists() -> None:
    listed = {(column.table, column.name) for column in resealing.COLUMNS} | set(data_keys.held())
    sealed = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, models.BinaryField) and ("sealed" in field.name or "data_key" in field.name)
    }
    assert sealed == listed


def test_TEN09_the_platforms_key_is_replaced_and_the_old_one_can_go(installation: Any) -> None:
    old = os.environ["SECRET_KEYS"]
    both = {"SECRET_KEYS": f"{FRESH},{old}"}
    done = installation.manage("rotate_secrets", **both)
    assert done.returncode == 0, done.stderr
    assert "tenants_tenant.data_key: 2 sealed anew" in done.stdout
    assert "identity_totpdevice.sealed_key: 1 sealed anew" in done.stdout
    assert opens(installation, SECRET_KEYS=FRESH)
    back = installation.manage("rotate_secrets", SECRET_KEYS=f"{old},{FRESH}")
    assert back.returncode == 0, back.stderr


def test_TEN09_a_tenants_own_key_is_replaced_and_the_neighbours_stays(installation: Any) -> None:
    seen = "SELECT slug, data_key FROM tenants_tenant ORDER BY slug"
    before = dict(installation.rows(seen))
    done = installation.manage("rotate_secrets", "--data-keys", "--tenant", installation.slug)
    assert done.returncode == 0, done.stderr
    assert f"{installation.slug}: a new data key, 3 values" in done.stdout
    after = dict(installation.rows(seen))
    assert [slug for slug in before if before[slug] != after[slug]] == [installation.slug]
    assert opens(installation)
    told = "SELECT count(*) FROM events_event WHERE type = 'tenant.data_key.rotated'"
    assert installation.rows(told) == [(1,)]


def test_TEN09_a_value_that_no_key_opens_is_named_and_an_unknown_tenant_refused(installation: Any) -> None:
    lost = installation.manage("rotate_secrets", SECRET_KEYS=FRESH)
    assert lost.returncode == 1 and "tenants_tenant.data_key of" in lost.stderr
    assert os.environ["SECRET_KEYS"].partition(":")[2] not in lost.stderr
    assert installation.manage("rotate_secrets", "--data-keys", "--tenant", "nobody").returncode == 1
