from __future__ import annotations

from django.db import migrations

from core import rls
from events.partitioning import functions

OWN = rls.Organizations.OWN
# A month goes whole, whatever it holds: what is still pending by then belongs to an endpoint that people
# paused or we disabled for longer than deliveries are promised to be kept.
NOTHING = "SELECT 1 WHERE false"


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("organizations", "0002_row_security")]
    operations = [
        rls.TenantTable("Endpoint", organizations=OWN),
        rls.TenantForeignKey(
            "Endpoint", "organization_id", "organizations.Organization", on_delete="CASCADE"
        ),
        rls.TenantTable("EndpointSecret", organizations=OWN),
        rls.TenantForeignKey("EndpointSecret", "endpoint_id", "Endpoint", on_delete="CASCADE"),
        rls.TenantTable("Delivery", organizations=OWN, app="SELECT, INSERT, UPDATE"),
        rls.TenantForeignKey("Delivery", "endpoint_id", "Endpoint", on_delete="CASCADE"),
        rls.TenantTable("Attempt", organizations=OWN, app="SELECT, INSERT"),
        rls.TenantTable("EndpointDay", organizations=OWN, app="SELECT, INSERT, UPDATE"),
        rls.TenantForeignKey("EndpointDay", "endpoint_id", "Endpoint", on_delete="CASCADE"),
        rls.RelayAccess("Endpoint", "SELECT, DELETE"),
        rls.RelayAccess("Delivery", "SELECT, INSERT, UPDATE, DELETE"),
        rls.RelayAccess("Attempt", "SELECT, DELETE"),
        rls.RelayAccess("EndpointDay", "SELECT, DELETE"),
        migrations.RunSQL(
            functions(
                "webhooks",
                {"webhooks_delivery": "id", "webhooks_attempt": "id"},
                guard=NOTHING,
                floor="30 days",
            ),
            migrations.RunSQL.noop,
        ),
    ]
