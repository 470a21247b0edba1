"""Refusals of the invitations app."""

from __future__ import annotations

from core.errors import Conflict, Gone, Problem


class InvitationGone(Gone):
    code = "invitation_gone"
    title = "This invitation can no longer be used"
    fix = "Ask the person who invited you for a new one."


class InvitationPending(Conflict):
    code = "invitation_pending"
    title = "There is an open invitation for this address already"
    fix = "Send that one again, or revoke it first."


class AlreadyMember(Conflict):
    code = "already_member"
    title = "This address belongs to a member already"
    fix = "Change the member's roles instead."


class WrongAddress(Problem):
    code, status, simple = "invitation_wrong_address", 403, "forbidden"
    title = "This invitation is for another address"
    fix = "Sign in with the account that owns the invited address, or add and verify that address first."
