from __future__ import annotations

from typing import Any

from django.db import migrations

from core import ids, rls

# What tenants made before have of their own API: new tenants get every word of the vocabulary at their making.
NEW = {
    "groups:read": "See groups, who is in them and what roles they give",
    "groups:write": "Create, change and delete groups, and say who is in them",
}


def add_scopes(apps: Any, schema_editor: Any) -> None:
    resources, scopes = apps.get_model("roles", "ApiResource"), apps.get_model("roles", "Scope")
    alias = schema_editor.connection.alias
    scopes.objects.using(alias).bulk_create(
        [
            scopes(
                id=ids.uuid7(),
                tenant_id=resource.tenant_id,
                resource_id=resource.id,
                value=value,
                description=description,
            )
            for resource in resources.objects.using(alias).filter(is_control_plane=True)
            for value, description in NEW.items()
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("roles", "0006_groups"), ("organizations", "0002_row_security")]
    operations = [
        rls.TenantTable("Group", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("Group", "organization_id", "organizations.Organization", on_delete="CASCADE"),
        rls.TenantTable("GroupMember", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("GroupMember", "group_id", "Group", on_delete="CASCADE"),
        rls.TenantForeignKey("GroupMember", "member_id", "tenants.Member", on_delete="CASCADE"),
        rls.TenantForeignKey(
            "GroupMember", "organization_id", "organizations.Organization", on_delete="CASCADE"
        ),
        rls.TenantTable("GroupRole", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("GroupRole", "group_id", "Group", on_delete="CASCADE"),
        rls.TenantForeignKey("GroupRole", "role_id", "Role"),
        rls.TenantForeignKey(
            "GroupRole", "organization_id", "organizations.Organization", on_delete="CASCADE"
        ),
        rls.TenantForeignKey("RoleAssignment", "group_id", "Group"),
        migrations.RunPython(add_scopes, migrations.RunPython.noop),
    ]
