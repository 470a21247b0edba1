from __future__ import annotations

from django.db import migrations

from core import rls

OWN_ORGANIZATIONS = (
    "SELECT organization_id FROM organizations_membership WHERE member_id IN (SELECT members_of_account())"
)


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial"), ("tenants", "0002_row_security")]
    operations = [
        rls.RouterColumns("Membership", ["organization_id", "member_id"]),
        rls.LookupFunction("organizations_of_account", "", "SETOF uuid", OWN_ORGANIZATIONS),
        rls.TenantTable(
            "Organization",
            organizations=rls.Organizations.OWN,
            organization_column="id",
            account_read="(id IN (SELECT organizations_of_account()))",
        ),
        rls.TenantTable(
            "Membership",
            organizations=rls.Organizations.OWN,
            account_read="(member_id IN (SELECT members_of_account()))",
        ),
        rls.TenantForeignKey("Membership", "organization_id", "Organization"),
        rls.TenantForeignKey("Membership", "member_id", "tenants.Member"),
        rls.OrganizationMode(
            "tenants.Member", rls.Organizations.MEMBERSHIP, account_read=f"(account_id = {rls.ACCOUNT})"
        ),
        rls.TenantForeignKey(
            "tenants.TenantSession", "organization_id", "Organization", on_delete="SET NULL"
        ),
    ]
