from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [
        rls.SharedTable("Job", app="SELECT, INSERT"),
        rls.RelayAccess("Job", "SELECT, INSERT, UPDATE, DELETE"),
        rls.PlainTable("Invalidation", app="SELECT, INSERT"),
        rls.RelayAccess("Invalidation", "SELECT, INSERT, DELETE"),
        rls.TenantTable(
            "IdempotencyRecord",
            organizations=rls.Organizations.SHARED_WRITE,
            app="SELECT, INSERT, DELETE",
            references=False,
        ),
        rls.RelayAccess("IdempotencyRecord", "SELECT, DELETE", rows="expires_at < now()"),
    ]
