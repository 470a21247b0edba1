"""An organization's own branding, and whose eyes see its logos."""

from __future__ import annotations

from django.db import migrations, models

from core import rls


class Migration(migrations.Migration):
    dependencies = [("organizations", "0002_row_security"), ("tenants", "0007_organization_logos")]
    operations = [
        migrations.AddField("organization", "branding", models.JSONField(default=dict)),
        rls.TenantForeignKey("tenants.Logo", "organization_id", "Organization", on_delete="CASCADE"),
        rls.OrganizationMode("tenants.Logo", rls.Organizations.OWN_OR_SHARED),
    ]
