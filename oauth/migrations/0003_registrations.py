import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids
import core.scope
from core import rls

# Hosts of applications that were registered before we noted since when we know them.
KNOWN_HOSTS = """
INSERT INTO oauth_clienthost (id, tenant_id, host, created_at, updated_at)
SELECT gen_random_uuid(), tenant_id, host, min(created_at), now()
  FROM (SELECT a.tenant_id, a.created_at, lower(substring(uri FROM '^https://([^/:?#]+)')) AS host
          FROM oauth_application a, regexp_split_to_table(a.redirect_uris, '\\s+') AS uri) known
 WHERE host IS NOT NULL AND length(host) <= 255 GROUP BY tenant_id, host
"""


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0002_row_security"),
    ]

    operations = [
        migrations.AddField(
            model_name="application",
            name="client_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name="application",
            name="contacts",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="application",
            name="default_max_age",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="application",
            name="initiate_login_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name="application",
            name="is_vetted",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="application",
            name="jwks_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name="application",
            name="logo_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name="application",
            name="policy_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name="application",
            name="registration_digest",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="application",
            name="require_auth_time",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="application",
            name="software_id",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="application",
            name="software_version",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="application",
            name="tos_uri",
            field=models.CharField(blank=True, max_length=1000),
        ),
        migrations.CreateModel(
            name="ClientHost",
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
                ("host", models.CharField(max_length=255)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "host"), name="oauth_client_host_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="InitialAccessToken",
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
                ("name", models.CharField(max_length=120)),
                ("digest", models.CharField(max_length=100)),
                ("hint", models.CharField(max_length=8)),
                ("redirect_uris", models.JSONField(default=list)),
                ("grants", models.JSONField(default=list)),
                ("scopes", models.JSONField(default=list)),
                ("max_uses", models.PositiveIntegerField()),
                ("uses", models.PositiveIntegerField(default=0)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("created_by", models.CharField(max_length=120)),
                ("metadata", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [models.Index(fields=["digest"], name="oauth_iat_lookup")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "digest"), name="oauth_iat_digest")
                ],
            },
        ),
        migrations.AddField(
            model_name="application",
            name="initial_access_token",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="oauth.initialaccesstoken",
            ),
        ),
        migrations.CreateModel(
            name="ClientDocument",
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
                ("fetched_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("tried_at", models.DateTimeField()),
                ("etag", models.CharField(blank=True, max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("fault", models.CharField(blank=True, max_length=300)),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "application"), name="oauth_client_document_once"
                    )
                ],
            },
        ),
        rls.TenantTable("ClientHost"),
        rls.TenantTable("InitialAccessToken"),
        rls.TenantTable("ClientDocument"),
        rls.TenantForeignKey(
            "Application", "initial_access_token_id", "InitialAccessToken", on_delete="SET NULL"
        ),
        rls.TenantForeignKey("ClientDocument", "application_id", "Application", on_delete="CASCADE"),
        # At the bare origin the token says which tenant is meant (RFC 7591 §1.2).
        rls.RouterColumns("InitialAccessToken", ["tenant_id", "digest"]),
        rls.LookupFunction(
            "tenant_of_initial_access_token",
            "wanted text[]",
            "SETOF uuid",
            "SELECT tenant_id FROM oauth_initialaccesstoken WHERE digest = ANY(wanted)",
        ),
        migrations.RunSQL(KNOWN_HOSTS, migrations.RunSQL.noop),
    ]
