from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("roles", "0001_initial"), ("organizations", "0002_row_security")]
    operations = [
        # Tenant-wide roles may be read by organizations; a custom role of another organization may not.
        rls.TenantTable("Role", organizations=rls.Organizations.OWN_OR_SHARED),
        rls.TenantForeignKey("Role", "organization_id", "organizations.Organization", on_delete="CASCADE"),
        rls.TenantTable("RoleAssignment", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("RoleAssignment", "member_id", "tenants.Member", on_delete="CASCADE"),
        rls.TenantForeignKey("RoleAssignment", "role_id", "Role"),
        rls.TenantForeignKey(
            "RoleAssignment", "organization_id", "organizations.Organization", on_delete="CASCADE"
        ),
        rls.TenantTable("ApiResource", organizations=rls.Organizations.SHARED),
        rls.TenantTable("Scope", organizations=rls.Organizations.SHARED),
        rls.TenantForeignKey("Scope", "resource_id", "ApiResource", on_delete="CASCADE"),
    ]
