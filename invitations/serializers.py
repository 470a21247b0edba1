"""Shapes of invitations at the API's edge."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from core import ids
from core.api.fields import Body, Integer, Metadata, PublicId, Shape, Timestamp
from core.api.lists import SearchQuery, Words
from invitations.models import Invitation, InvitationState
from invitations.services import LIFETIME, LONGEST, SHORTEST
from organizations.models import Organization
from roles.models import Role
from roles.serializers import OrganizationId
from tenants.serializers import Email


class InvitationShape(Shape):
    """Never the token: it is in the mail and nowhere else."""

    object_name = "invitation"

    email = serializers.CharField()
    state = serializers.CharField(source="effective_state")
    organization = OrganizationId()
    roles = serializers.SerializerMethodField()
    invited_by = serializers.SerializerMethodField()
    member = serializers.SerializerMethodField()
    expires_at = Timestamp()
    sent_at = Timestamp()
    decided_at = Timestamp()

    def get_roles(self, invitation: Invitation) -> list[str]:
        return [ids.encode(Role.PREFIX, uuid.UUID(text)) for text in invitation.roles]

    def get_invited_by(self, invitation: Invitation) -> str | None:
        return invitation.inviter.subject if invitation.inviter else invitation.inviter_key or None

    def get_member(self, invitation: Invitation) -> str | None:
        return invitation.member.subject if invitation.member else None


class InvitationQuery(SearchQuery):
    filters = {"organization": "organization_id"}

    state = Words(InvitationState.values)
    organization = PublicId(Organization.PREFIX, required=False)


class InvitationBody(Body):
    email = Email(max_length=254)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)
    roles = serializers.ListField(child=PublicId(Role.PREFIX), required=False, max_length=20)
    expires_in = Integer(min_value=SHORTEST, max_value=LONGEST, required=False, default=LIFETIME)
    metadata = Metadata(required=False)

    def validate_roles(self, value: list[Any]) -> list[Any]:
        return list(dict.fromkeys(value))
