from __future__ import annotations

import uuid

import django.db.models.deletion
from django.db import migrations, models

from core import rls


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0005_backchannel_logout"),
        ("tenants", "0002_row_security"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="devicegrant",
            name="client_id",
        ),
        migrations.RemoveField(
            model_name="devicegrant",
            name="last_checked",
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="access_expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="access_jti",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="acr",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="amr",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="audience",
            field=models.CharField(default="", max_length=300),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="auth_time",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="ip",
            field=models.GenericIPAddressField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="organization_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="polled_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="session",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenantsession",
            ),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="token_family",
            field=models.UUIDField(default=uuid.uuid4),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="used_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="devicegrant",
            name="user_agent",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AlterField(
            model_name="devicegrant",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("approved", "Approved"),
                    ("denied", "Denied"),
                    ("expired", "Expired"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="devicegrant",
            index=models.Index(fields=["tenant_id", "token_family"], name="oauth_device_family"),
        ),
        migrations.AddIndex(
            model_name="devicegrant",
            index=models.Index(fields=["expires"], name="oauth_device_expiry"),
        ),
        rls.TenantForeignKey("DeviceGrant", "session_id", "tenants.TenantSession", on_delete="CASCADE"),
        rls.RelayAccess("DeviceGrant", "SELECT, DELETE", rows="expires < now() - interval '1 day'"),
    ]
