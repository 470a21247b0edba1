from __future__ import annotations

from django.db import migrations

from core import rls
from events.models import PLATFORM
from events.partitioning import functions

# One equality for reading, so that the planner knows how many rows it leaves; the columns for writing.
STREAM = (
    "(SELECT coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid,"
    " nullif(current_setting('app.account_id', true), '')::uuid,"
    f" CASE WHEN current_setting('app.operator', true) = 'on' THEN '{PLATFORM}'::uuid END))"
)
ROWS = (
    f"(tenant_id = {rls.TENANT} OR account_id = {rls.ACCOUNT}"
    f" OR (tenant_id IS NULL AND account_id IS NULL AND {rls.OPERATOR}))"
)
OWN = f"({rls.ALL} OR organization_id = {rls.ONE} OR tenant_id IS NULL)"
TENANT_LEVEL = f"({rls.ALL} OR tenant_id IS NULL)"
# A month may go when each of its seals lies under a checkpoint and none of its events still waits.
UNCHECKED = """
    SELECT 1 FROM events_seal s WHERE s.event_id >= lowest AND s.event_id < highest AND NOT EXISTS (
        SELECT 1 FROM events_checkpoint c WHERE c.stream = s.stream AND c.partition = name
            AND c.sequence >= s.sequence)
    UNION ALL
    SELECT 1 FROM events_pendingevent p WHERE p.event_id >= lowest AND p.event_id < highest
"""


def policies(table: str, *, seen: str = "", written: str = "") -> str:
    """Rows of the scope's stream; `seen` narrows what is read and `written` what is inserted."""
    lines = [f"CREATE POLICY stream_rows ON {table} TO {rls.APP} USING (stream = {STREAM}) WITH CHECK {ROWS}"]
    head = f"CREATE POLICY organization_{{}} ON {table} AS RESTRICTIVE FOR {{}} TO {rls.APP}"
    if seen:
        lines.append(head.format("read", "SELECT") + f" USING {seen}")
    if written:
        lines.append(head.format("insert", "INSERT") + f" WITH CHECK {written}")
    lines.append(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_one_stream CHECK (tenant_id IS NULL OR account_id IS NULL)"
    )
    return ";".join(lines)


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        rls.ForcedTable("Event", app="SELECT, INSERT"),
        rls.ForcedTable("EventPersonal", app="SELECT, INSERT"),
        rls.ForcedTable("PendingEvent", app="SELECT, INSERT"),
        rls.ForcedTable("Seal", app="SELECT"),
        rls.ForcedTable("StreamHead", app="SELECT"),
        rls.ForcedTable("Checkpoint", app="SELECT"),
        migrations.RunSQL(policies("events_event", seen=OWN, written=OWN), migrations.RunSQL.noop),
        migrations.RunSQL(policies("events_eventpersonal", seen=OWN, written=OWN), migrations.RunSQL.noop),
        migrations.RunSQL(policies("events_pendingevent", seen=TENANT_LEVEL), migrations.RunSQL.noop),
        migrations.RunSQL(policies("events_seal", seen=OWN), migrations.RunSQL.noop),
        migrations.RunSQL(policies("events_streamhead", seen=TENANT_LEVEL), migrations.RunSQL.noop),
        migrations.RunSQL(policies("events_checkpoint", seen=TENANT_LEVEL), migrations.RunSQL.noop),
        rls.RelayAccess("Event", "SELECT"),
        rls.RelayAccess("EventPersonal", "SELECT"),
        rls.RelayAccess("PendingEvent", "SELECT, DELETE"),
        rls.RelayAccess("Seal", "SELECT, INSERT"),
        rls.RelayAccess("StreamHead", "SELECT, INSERT, UPDATE"),
        rls.RelayAccess("Checkpoint", "SELECT, INSERT"),
        migrations.RunSQL(
            functions(
                "events",
                {"events_event": "id", "events_eventpersonal": "event_id", "events_seal": "event_id"},
                guard=UNCHECKED,
                floor="90 days",
            ),
            migrations.RunSQL.noop,
        ),
    ]
