from __future__ import annotations

import uuid

import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids
from events.partitioning import CreatePartitionedModel


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StreamHead",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                ("stream", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("stream", models.UUIDField(editable=False)),
                ("partition", models.CharField(max_length=16)),
                ("sequence", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("dropped", models.BigIntegerField()),
                ("signature", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("stream", "partition"), name="events_checkpoint_once")
                ],
            },
        ),
        CreatePartitionedModel(
            key="id",
            name="Event",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "stream",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            "tenant_id",
                            "account_id",
                            models.Value(uuid.UUID("00000000-0000-0000-0000-000000000000")),
                        ),
                        output_field=models.UUIDField(),
                    ),
                ),
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("type", models.CharField(max_length=80)),
                ("actor_type", models.CharField(max_length=16)),
                ("actor_id", models.CharField(max_length=120)),
                ("on_behalf_of", models.CharField(blank=True, max_length=120)),
                ("object_type", models.CharField(max_length=40)),
                ("object_id", models.CharField(max_length=120)),
                ("request_id", models.CharField(max_length=64)),
                ("mode", models.CharField(max_length=4)),
                ("canonical", models.BinaryField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["stream", "id"], name="events_event_stream"),
                    models.Index(fields=["stream", "type", "id"], name="events_event_type"),
                    models.Index(fields=["stream", "actor_id", "id"], name="events_event_actor"),
                    models.Index(fields=["stream", "object_id", "id"], name="events_event_object"),
                    models.Index(fields=["stream", "request_id"], name="events_event_request"),
                    models.Index(
                        condition=models.Q(("organization_id__isnull", False)),
                        fields=["stream", "organization_id", "id"],
                        name="events_event_organization",
                    ),
                    models.Index(
                        condition=models.Q(("on_behalf_of", ""), _negated=True),
                        fields=["stream", "on_behalf_of", "id"],
                        name="events_event_behalf",
                    ),
                ],
            },
        ),
        CreatePartitionedModel(
            key="event_id",
            name="EventPersonal",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "event_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_id", models.UUIDField()),
                (
                    "stream",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            "tenant_id",
                            "account_id",
                            models.Value(uuid.UUID("00000000-0000-0000-0000-000000000000")),
                        ),
                        output_field=models.UUIDField(),
                    ),
                ),
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("name", models.CharField(max_length=60)),
                ("salt", models.BinaryField(null=True)),
                ("value", models.TextField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("name", "context.ip")),
                        fields=["stream", "value", "event_id"],
                        name="events_personal_ip",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingEvent",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "stream",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            "tenant_id",
                            "account_id",
                            models.Value(uuid.UUID("00000000-0000-0000-0000-000000000000")),
                        ),
                        output_field=models.UUIDField(),
                    ),
                ),
                ("event_id", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["stream", "id"], name="events_pending_stream")],
            },
        ),
        CreatePartitionedModel(
            key="event_id",
            name="Seal",
            fields=[
                ("tenant_id", models.UUIDField(editable=False, null=True)),
                ("account_id", models.UUIDField(editable=False, null=True)),
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("stream", models.UUIDField(editable=False)),
                ("organization_id", models.UUIDField(editable=False, null=True)),
                ("sequence", models.BigIntegerField()),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("sealed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [models.Index(fields=["stream", "sequence"], name="events_seal_sequence")],
            },
        ),
    ]
