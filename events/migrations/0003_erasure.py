from __future__ import annotations

from importlib import import_module

from django.db import migrations

from core import rls

STREAM = import_module("events.migrations.0002_row_security").STREAM
# The runtime role may not update what is recorded. This one function of the owner forgets values, of the open
# scope's own stream and for tenant-level callers and persons only, and can put nothing in their place.
ERASE = f"""
CREATE FUNCTION erase_event_values(wanted text[]) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    WITH gone AS (
        UPDATE events_eventpersonal p SET salt = NULL, value = NULL
        FROM events_event e
        WHERE e.id = p.event_id AND e.stream = {STREAM} AND p.stream = {STREAM} AND p.value IS NOT NULL
            AND ({rls.ALL} OR {rls.ACCOUNT} IS NOT NULL)
            AND ((e.object_id = ANY(wanted) AND p.name NOT LIKE 'context.%')
                OR (e.actor_id = ANY(wanted) AND p.name LIKE 'context.%'))
        RETURNING 1)
    SELECT count(*) FROM gone $$;
REVOKE ALL ON FUNCTION erase_event_values(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_event_values(text[]) TO {rls.APP};
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_row_security")]
    operations = [migrations.RunSQL(ERASE, "DROP FUNCTION erase_event_values(text[])")]
