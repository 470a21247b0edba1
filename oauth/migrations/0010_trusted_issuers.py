from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import core.ids
import core.scope
import oauth.models.trusted_issuers
from core import rls


class Migration(migrations.Migration):
    dependencies = [
        ("oauth", "0009_authorization_requests"),
        ("organizations", "0002_row_security"),
        ("tenants", "0003_member_profile"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrustedIssuer",
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
                (
                    "preset",
                    models.CharField(
                        choices=[
                            ("oidc", "Oidc"),
                            ("firebase", "Firebase"),
                            ("cognito", "Cognito"),
                            ("auth0", "Auth0"),
                        ],
                        default="oidc",
                        max_length=8,
                    ),
                ),
                ("issuer", models.CharField(max_length=500)),
                ("audiences", models.JSONField(default=list)),
                ("jwks_uri", models.CharField(blank=True, max_length=500)),
                ("algorithms", models.JSONField(default=list)),
                ("claims", models.JSONField(default=oauth.models.trusted_issuers.default_claims)),
                ("required_claims", models.JSONField(default=dict)),
                ("roles", models.JSONField(default=dict)),
                ("create_members", models.BooleanField(default=False)),
                ("trust_email", models.BooleanField(default=False)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("check_result", models.JSONField(default=dict)),
                ("metadata", models.JSONField(default=dict)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExternalIdentity",
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
                ("subject", models.CharField(max_length=255)),
                ("assignments", models.JSONField(default=list)),
                (
                    "member",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.member",
                    ),
                ),
                (
                    "trusted_issuer",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="oauth.trustedissuer",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="trustedissuer",
            constraint=models.UniqueConstraint(
                fields=("tenant_id", "issuer"), name="oauth_trusted_issuer_once"
            ),
        ),
        migrations.AddIndex(
            model_name="externalidentity",
            index=models.Index(fields=["tenant_id", "member"], name="oauth_external_identity_of"),
        ),
        migrations.AddConstraint(
            model_name="externalidentity",
            constraint=models.UniqueConstraint(
                fields=("tenant_id", "trusted_issuer", "subject"), name="oauth_external_identity_subject"
            ),
        ),
        migrations.AddConstraint(
            model_name="externalidentity",
            constraint=models.UniqueConstraint(
                fields=("tenant_id", "trusted_issuer", "member"), name="oauth_external_identity_member"
            ),
        ),
        rls.TenantTable("TrustedIssuer"),
        rls.TenantForeignKey(
            "TrustedIssuer", "organization_id", "organizations.Organization", on_delete="CASCADE"
        ),
        rls.TenantTable("ExternalIdentity"),
        rls.TenantForeignKey("ExternalIdentity", "trusted_issuer_id", "TrustedIssuer", on_delete="CASCADE"),
        rls.TenantForeignKey("ExternalIdentity", "member_id", "tenants.Member", on_delete="CASCADE"),
    ]
