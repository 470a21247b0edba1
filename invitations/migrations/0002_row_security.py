from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("invitations", "0001_initial"), ("roles", "0002_row_security")]
    operations = [
        rls.TenantTable("Invitation", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("Invitation", "organization_id", "organizations.Organization"),
        rls.TenantForeignKey("Invitation", "inviter_id", "tenants.Member", on_delete="SET NULL"),
        rls.TenantForeignKey("Invitation", "member_id", "tenants.Member", on_delete="SET NULL"),
    ]
