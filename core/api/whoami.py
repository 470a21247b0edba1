"""`GET /v1/principal`: whom a credential stands for, asked of nothing but the credential.

The cheapest way to verify an API key or a token, and what a command line shows for "who am I".
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core import ids
from core.api.endpoint import Call, Endpoint, operation


class PrincipalShape(serializers.Serializer):
    """The caller; `permissions` are what it may do now, of the `scopes` that its credential names."""

    object = serializers.CharField()
    subject_type = serializers.CharField()
    subject = serializers.CharField()
    tenant_id = serializers.CharField()
    organization_id = serializers.CharField(allow_null=True)
    client_id = serializers.CharField()
    session_id = serializers.CharField(allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    roles = serializers.ListField(child=serializers.CharField())
    mode = serializers.CharField()


class WhoAmI(Endpoint):
    @operation(
        answer=PrincipalShape, rows=False, summary="Read whom the credential stands for", tags=("Caller",)
    )
    def get(self, call: Call) -> dict[str, Any]:
        caller = call.caller
        return {
            "object": "principal",
            "subject_type": caller.subject_type.value,
            "subject": caller.subject,
            "tenant_id": ids.encode("ten", caller.tenant_id),
            "organization_id": ids.encode("org", caller.organization_id) if caller.organization_id else None,
            "client_id": caller.client_id,
            "session_id": ids.encode("sess", caller.session_id) if caller.session_id else None,
            "scopes": sorted(caller.scopes),
            "permissions": sorted(caller.permissions),
            "roles": list(caller.roles),
            "mode": caller.mode,
        }
