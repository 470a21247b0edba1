from __future__ import annotations

from django.db import migrations

from core import rls


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0001_initial"), ("roles", "0002_row_security")]
    operations = [
        # An organization sees its own machines only; those of the tenant itself are not its business (KEY-17).
        rls.TenantTable("ServiceAccount", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("ServiceAccount", "organization_id", "organizations.Organization"),
        rls.TenantTable("ApiKey", organizations=rls.Organizations.OWN),
        rls.TenantForeignKey("ApiKey", "organization_id", "organizations.Organization"),
        rls.TenantForeignKey("ApiKey", "service_account_id", "ServiceAccount"),
        rls.TenantForeignKey("ApiKey", "resource_id", "roles.ApiResource"),
        rls.TenantForeignKey("ApiKey", "maker_id", "tenants.Member"),
        rls.TenantForeignKey("ApiKey", "maker_key_id", "ApiKey"),
        rls.TenantForeignKey("ApiKey", "rotated_from_id", "ApiKey"),
        rls.TenantForeignKey("ApiKey", "rotated_to_id", "ApiKey"),
        # A key must be found before its tenant is known: by its clear part, which is not secret.
        rls.RouterColumns("ApiKey", ["id", "tenant_id", "organization_id", "public_part"]),
        rls.LookupFunction(
            "api_key_by_public_id",
            "wanted text",
            "TABLE (tenant_id uuid, organization_id uuid, id uuid)",
            "SELECT tenant_id, organization_id, id FROM apikeys_apikey WHERE public_part = wanted",
        ),
    ]
