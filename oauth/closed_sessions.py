"""What was issued in sessions that a closed connection opened ends too, offline access included (threats F6, O16)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection

from core import scope
from federation import closing
from oauth import families

_FAMILIES = """
SELECT token_family FROM oauth_refreshtoken
 WHERE tenant_id = %(tenant)s AND session_id = ANY(%(sessions)s) AND revoked IS NULL AND expires > now()
UNION
SELECT token_family FROM oauth_grant
 WHERE tenant_id = %(tenant)s AND session_id = ANY(%(sessions)s) AND (expires > now() OR access_expires_at > now())
UNION
SELECT token_family FROM oauth_devicegrant
 WHERE tenant_id = %(tenant)s AND session_id = ANY(%(sessions)s) AND (expires > now() OR access_expires_at > now())
"""


@closing.on_closed
def end_families(session_ids: Sequence[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FAMILIES, {"tenant": scope.require_tenant(), "sessions": list(session_ids)})
        found = [family for (family,) in cursor.fetchall() if family]
    families.revoke(found)
