from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("roles", "0007_group_security"), ("organizations", "0004_domains")]
    operations = [
        # Who joins by a domain whose role was deleted joins without one.
        rls.TenantForeignKey(
            "organizations.OrganizationDomain", "auto_join_role_id", "Role", on_delete="SET NULL"
        ),
    ]
