"""`/v1/invitations`."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from invitations import selectors, services
from invitations.models import Invitation
from invitations.serializers import InvitationBody, InvitationQuery, InvitationShape
from organizations.selectors import organization
from roles import selectors as role_selectors

TAGS = ("invitations",)


class Invitations(Endpoint):
    @operation(
        scope="invitations:read",
        query=InvitationQuery,
        answer=InvitationShape,
        many=True,
        summary="List invitations",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.invitations().select_related("inviter", "member")
        if call.query.get("state"):
            rows = selectors.in_states(rows, call.query["state"])
        if call.query.get("q"):
            rows = selectors.search(rows, call.query["q"])
        return paginate(call, rows, InvitationShape)

    @operation(
        scope="invitations:write",
        body=InvitationBody,
        answer=InvitationShape,
        status=201,
        idempotency="required",
        summary="Invite a person by e-mail",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        """Invite. From within an organization the invitation is into that one, said or not."""
        body = dict(call.body)
        into = body.pop("organization", None) or call.caller.organization_id
        roles = [role_selectors.role(role_id) for role_id in body.pop("roles", ())]
        where = organization(into) if into else None
        invitation = services.invite(actor=call.caller, organization=where, roles=roles, **body)
        return Answer(call.shape(InvitationShape, invitation), etag=etag(invitation))


class OneInvitation(Endpoint):
    ids_in_path = {"invitation": Invitation.PREFIX}

    @operation(scope="invitations:read", answer=InvitationShape, summary="Read an invitation", tags=TAGS)
    def get(self, call: Call) -> Answer:
        invitation = selectors.invitation(call.path["invitation"])
        return Answer(call.shape(InvitationShape, invitation), etag=etag(invitation))

    @operation(scope="invitations:write", status=204, summary="Revoke an invitation", tags=TAGS)
    def delete(self, call: Call) -> None:
        invitation = selectors.invitation(call.path["invitation"])
        call.check_match(etag(invitation))
        services.revoke(actor=call.caller, invitation=invitation)


class Delivery(Endpoint):
    ids_in_path = {"invitation": Invitation.PREFIX}

    @operation(
        scope="invitations:write",
        answer=InvitationShape,
        summary="Send an invitation again, with a new link",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        invitation = selectors.invitation(call.path["invitation"])
        return call.shape(InvitationShape, services.resend(actor=call.caller, invitation=invitation))
