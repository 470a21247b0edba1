"""`/v1/members/{id}/authenticators`: what a member has bound to the tenant's connections, for the day it is lost."""

from __future__ import annotations

from core.api.endpoint import Call, Endpoint, operation
from federation import bound
from tenants import selectors


class MemberAuthenticators(Endpoint):
    @operation(
        scope="members:write",
        status=204,
        summary="Reset the second factors that a member has bound to single sign-on connections",
        tags=("members",),
    )
    def delete(self, call: Call) -> None:
        member = selectors.member_by_subject(call.path["member"])
        bound.reset(actor=call.caller, member=member)
