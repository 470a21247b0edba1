from __future__ import annotations

from django.db import migrations

from core import rls

MEMBER, SESSION = "tenants.Member", "tenants.TenantSession"
OF_APPLICATION = (
    "ClientSecret", "Consent", "Grant", "RefreshToken", "ClientAssertion", "AccessToken", "IDToken", "DeviceGrant",
)  # fmt: skip
OF_MEMBER = ("Consent", "Grant", "RefreshToken", "AccessToken", "IDToken", "DeviceGrant")


class Migration(migrations.Migration):
    dependencies = [("oauth", "0001_initial"), ("tenants", "0002_row_security")]
    operations = [
        rls.TenantTable("Application"),
        *(rls.TenantTable(model) for model in OF_APPLICATION),
        *(
            rls.TenantForeignKey(model, "application_id", "Application", on_delete="CASCADE")
            for model in OF_APPLICATION
        ),
        *(rls.TenantForeignKey(model, "member_id", MEMBER, on_delete="CASCADE") for model in OF_MEMBER),
        rls.TenantForeignKey("Grant", "session_id", SESSION, on_delete="CASCADE"),
        # A family that ends with its session dies when the session's row is swept: no session, no worth.
        rls.TenantForeignKey("RefreshToken", "session_id", SESSION, on_delete="SET NULL"),
        rls.RelayAccess("Grant", "SELECT, DELETE", rows="expires < now() - interval '1 day'"),
        rls.RelayAccess("RefreshToken", "SELECT, DELETE", rows="expires < now()"),
        rls.RelayAccess("ClientAssertion", "SELECT, DELETE", rows="expires_at < now()"),
    ]
