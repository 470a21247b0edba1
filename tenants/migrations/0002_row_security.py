from __future__ import annotations

from django.db import migrations

from core import rls

# A person sees the tenants in which they are a member; the function runs as the router role, so that
# the policy of one table does not recurse into the policy of the other.
OWN_TENANTS = (
    "SELECT tenant_id FROM tenants_member WHERE status <> 'removed'"
    " AND account_id = nullif(current_setting('app.account_id', true), '')::uuid"
)
OWN_MEMBERS = (
    "SELECT id FROM tenants_member WHERE status <> 'removed'"
    " AND account_id = nullif(current_setting('app.account_id', true), '')::uuid"
)
WORKSPACE_POLICY = f"""
CREATE POLICY workspace_read ON tenants_workspace FOR SELECT TO {rls.APP}
    USING ({rls.OPERATOR} OR id IN (SELECT workspace_id FROM tenants_tenant));
CREATE POLICY workspace_insert ON tenants_workspace FOR INSERT TO {rls.APP}
    WITH CHECK ({rls.OPERATOR} OR {rls.TENANT} IS NOT NULL);
CREATE POLICY workspace_update ON tenants_workspace FOR UPDATE TO {rls.APP}
    USING ({rls.OPERATOR}) WITH CHECK ({rls.OPERATOR});
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial"), ("identity", "0002_row_security")]
    operations = [
        rls.RouterColumns("Member", ["id", "tenant_id", "account_id", "status"]),
        rls.LookupFunction("tenants_of_account", "", "SETOF uuid", OWN_TENANTS),
        rls.LookupFunction("members_of_account", "", "SETOF uuid", OWN_MEMBERS),
        rls.TenantTable(
            "Tenant",
            organizations=rls.Organizations.SHARED,
            column="id",
            app="SELECT, INSERT, UPDATE",
            account_read="(id IN (SELECT tenants_of_account()))",
            operator="ALL",
        ),
        rls.RouterColumns("Tenant", ["id", "slug", "mode", "status", "workspace_id"]),
        rls.LookupFunction(
            "tenant_by_slug",
            "wanted text",
            "TABLE (id uuid, slug varchar, mode varchar, status varchar)",
            "SELECT id, slug, mode, status FROM tenants_tenant WHERE slug = wanted",
        ),
        rls.LookupFunction(
            "tenant_by_id",
            "wanted uuid",
            "TABLE (id uuid, slug varchar, mode varchar, status varchar)",
            "SELECT id, slug, mode, status FROM tenants_tenant WHERE id = wanted",
        ),
        rls.ForcedTable("Workspace", app="SELECT, INSERT, UPDATE"),
        migrations.RunSQL(WORKSPACE_POLICY, migrations.RunSQL.noop),
        rls.TenantTable("SigningKey", organizations=rls.Organizations.SHARED),
        rls.TenantTable("Member", account_read=f"(account_id = {rls.ACCOUNT})"),
        rls.TenantTable("TenantSession"),
        rls.TenantForeignKey("TenantSession", "member_id", "Member", on_delete="CASCADE"),
        rls.TenantTable("RevokedToken", organizations=rls.Organizations.SHARED),
        rls.RelayAccess("RevokedToken", "SELECT, DELETE", rows="expires_at < now()"),
    ]
