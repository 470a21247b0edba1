"""The sweep reads when sessions end: sessions that ran out are told in every tenant."""

from __future__ import annotations

from django.db import migrations

from core.rls import RELAY

COLUMNS = "SELECT (expires_at, last_active_at) ON tenants_tenantsession"


class Migration(migrations.Migration):
    dependencies = [("oauth", "0013_assertion_algorithm"), ("tenants", "0008_given_details")]

    operations = [
        migrations.RunSQL(f"GRANT {COLUMNS} TO {RELAY}", f"REVOKE {COLUMNS} FROM {RELAY}"),
    ]
