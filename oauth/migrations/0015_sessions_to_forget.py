"""The sweep finds whose sessions ended a month ago; what it does then it does in that tenant's scope."""

from __future__ import annotations

from django.db import migrations

from core.rls import RELAY

POLICY = "relay_ended ON tenants_tenantsession"


class Migration(migrations.Migration):
    dependencies = [("oauth", "0014_sessions_that_ran_out"), ("tenants", "0012_live_sessions")]

    operations = [
        migrations.RunSQL(
            f"CREATE POLICY {POLICY} FOR SELECT TO {RELAY} USING (ended_at < now() - interval '30 days')",
            f"DROP POLICY {POLICY}",
        ),
    ]
