import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import core.ids
import core.scope


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
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
                ("email", models.EmailField(max_length=254)),
                ("email_search", models.CharField(max_length=254)),
                ("roles", models.JSONField(default=list)),
                ("inviter_key", models.CharField(blank=True, max_length=40)),
                ("token_fingerprint", models.CharField(max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_count", models.PositiveSmallIntegerField(default=1)),
                ("decided_at", models.DateTimeField(null=True)),
                ("metadata", models.JSONField(default=dict)),
                (
                    "inviter",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.member",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.member",
                    ),
                ),
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
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "state", "id"], name="invitations_state"),
                    models.Index(fields=["tenant_id", "email_search"], name="invitations_email"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "pending")),
                        fields=("tenant_id", "email_search", "organization"),
                        name="invitations_one_pending",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "token_fingerprint"), name="invitations_token"
                    ),
                ],
            },
        ),
    ]
