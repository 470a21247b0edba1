from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import core.ids
import core.scope
from events.partitioning import CreatePartitionedModel


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0002_row_security"),
    ]

    operations = [
        CreatePartitionedModel(
            key="id",
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tenant_id", models.UUIDField(default=core.scope.require_tenant, editable=False)),
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("delivery_id", models.UUIDField()),
                ("number", models.PositiveIntegerField()),
                ("sent_at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("error", models.CharField(blank=True, max_length=24)),
                ("request_headers", models.JSONField(default=dict)),
                ("answer_headers", models.JSONField(default=dict)),
                ("answer", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "delivery_id", "number"], name="webhooks_attempt_of")
                ],
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
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
                ("mode", models.CharField(max_length=4)),
                ("url", models.CharField(max_length=2048)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), size=None
                    ),
                ),
                (
                    "payload",
                    models.CharField(
                        choices=[("full", "Full"), ("thin", "Thin")], default="full", max_length=4
                    ),
                ),
                (
                    "content_type",
                    models.CharField(
                        choices=[
                            ("application/json", "Json"),
                            ("application/cloudevents+json", "Cloudevents"),
                        ],
                        default="application/json",
                        max_length=40,
                    ),
                ),
                (
                    "ordering",
                    models.CharField(
                        choices=[("unordered", "Unordered"), ("strict", "Strict")],
                        default="unordered",
                        max_length=9,
                    ),
                ),
                (
                    "signature_suite",
                    models.CharField(
                        choices=[("standard", "Standard"), ("timestamped", "Timestamped")],
                        default="standard",
                        max_length=11,
                    ),
                ),
                ("max_in_flight", models.PositiveSmallIntegerField(default=10)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("disabled", "Disabled"),
                            ("deleted", "Deleted"),
                        ],
                        default="active",
                        max_length=8,
                    ),
                ),
                ("status_reason", models.CharField(blank=True, max_length=200)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("probe_at", models.DateTimeField(null=True)),
                ("probe_delay", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("failed_messages", models.PositiveIntegerField(default=0)),
                ("last_failed_message_at", models.DateTimeField(null=True)),
                ("last_success_at", models.DateTimeField(null=True)),
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
        CreatePartitionedModel(
            key="id",
            name="Delivery",
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
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("event_id", models.UUIDField()),
                ("event_type", models.CharField(max_length=80)),
                ("sequence", models.BigIntegerField()),
                ("mode", models.CharField(max_length=4)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("exhausted", "Exhausted"),
                            ("skipped", "Skipped"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("lease", models.UUIDField(null=True)),
                ("leases", models.PositiveSmallIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("is_retry", models.BooleanField(default=False)),
                ("is_replay", models.BooleanField(default=False)),
                ("last_status", models.PositiveSmallIntegerField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=24)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EndpointDay",
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
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("day", models.DateField()),
                ("succeeded", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("duration_ms", models.PositiveBigIntegerField(default=0)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EndpointSecret",
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
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("sealed", models.BinaryField()),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(fields=["tenant_id", "status"], name="webhooks_endpoint_status"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["endpoint", "is_retry", "due_at"],
                name="webhooks_delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["endpoint", "sequence"],
                name="webhooks_delivery_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("lease__isnull", False)),
                fields=["endpoint"],
                name="webhooks_delivery_flying",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["tenant_id", "endpoint", "id"], name="webhooks_delivery_list"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["tenant_id", "endpoint", "status", "id"], name="webhooks_delivery_status"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["tenant_id", "event_id"], name="webhooks_delivery_event"),
        ),
        migrations.AddConstraint(
            model_name="endpointday",
            constraint=models.UniqueConstraint(
                fields=("tenant_id", "endpoint", "day"), name="webhooks_endpointday_once"
            ),
        ),
        migrations.AddIndex(
            model_name="endpointsecret",
            index=models.Index(fields=["tenant_id", "endpoint"], name="webhooks_secret_endpoint"),
        ),
    ]
