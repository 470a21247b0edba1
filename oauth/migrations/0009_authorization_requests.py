import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids
import core.scope
from core import rls


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0008_exchange_clients"),
    ]

    operations = [
        migrations.AddField(
            model_name="application",
            name="assigned_organizations",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="application",
            name="assigned_roles",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="application",
            name="require_pushed_authorization_requests",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="application",
            name="required_scopes",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="consent",
            name="claims",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="consent",
            name="declined",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="consent",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="consent",
            name="session_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="grant_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="requested_claims",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="grant",
            name="within_session",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="refreshtoken",
            name="requested_claims",
            field=models.JSONField(default=dict),
        ),
        migrations.CreateModel(
            name="PushedRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("tenant_id", models.UUIDField(default=core.scope.require_tenant, editable=False)),
                ("digest", models.CharField(max_length=100)),
                ("sealed", models.BinaryField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="oauth_pushed_expiry")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "digest"), name="oauth_pushed_digest")
                ],
            },
        ),
        rls.TenantTable("PushedRequest"),
        rls.TenantForeignKey("PushedRequest", "application_id", "Application", on_delete="CASCADE"),
        rls.RelayAccess("PushedRequest", "SELECT, DELETE", rows="expires_at < now() - interval '2 hours'"),
    ]
