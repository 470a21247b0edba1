"""What an inviter may still give, asked again when the invitation is accepted (threat S3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.errors import SubjectTypeNotAllowed
from core.principal import Principal
from invitations.errors import InvitationGone
from invitations.models import Invitation
from roles import authority, selectors
from roles.guards import is_owner_role, owns
from roles.models import Role
from tenants.models import MemberStatus

KeyAuthority = Callable[[str], frozenset[str]]
_of_key: list[KeyAuthority] = []
INVITE = "invitations:write"


def authority_of_keys(read: KeyAuthority) -> KeyAuthority:
    """Register what an API key, by its public id, may do now; it raises or answers nothing for a dead one."""
    _of_key.append(read)
    return read


def permissions_now(invitation: Invitation) -> frozenset[str]:
    """Return what the inviter may do now where they invited; nothing for somebody who is gone."""
    if invitation.inviter_key:
        return _of_key[0](invitation.inviter_key) if _of_key else frozenset()
    inviter = invitation.inviter
    if inviter is None or inviter.status != MemberStatus.ACTIVE:
        return frozenset()
    whole = authority.permissions_of(inviter.id)
    if invitation.organization_id is None:
        return whole
    return whole | authority.permissions_of(inviter.id, invitation.organization_id)


def check_again(invitation: Invitation, roles: Iterable[Role]) -> None:
    """Raise InvitationGone unless the inviter could still send this very invitation."""
    held = permissions_now(invitation)
    if INVITE not in held:
        raise InvitationGone("The person who invited you may no longer do so. Ask for a new invitation.")
    for role in roles:
        granted = selectors.granted(role, invitation.organization_id)
        if not granted <= held or not may_offer(invitation, role):
            raise InvitationGone(
                "What this invitation promises can no longer be given by who sent it. Ask for a new one."
            )


def may_offer(invitation: Invitation, role: Role) -> bool:
    """Whether the inviter still decides about owners, where the role is theirs."""
    if not is_owner_role(role):
        return True
    inviter = invitation.inviter_id
    if invitation.organization_id is None:
        return inviter is not None and owns(inviter, None)
    if inviter is None:
        return True
    return owns(inviter, invitation.organization_id) or INVITE in authority.permissions_of(inviter)


def sender(actor: Principal) -> dict[str, object]:
    """Return the columns that say who invites.

    Raises SubjectTypeNotAllowed for a caller whose right could not be asked again at the acceptance.
    """
    if actor.key_id is not None:
        return {"inviter_id": None, "inviter_key": actor.client_id}
    if actor.member_id is None:
        raise SubjectTypeNotAllowed("People and API keys invite, applications do not.")
    return {"inviter_id": actor.member_id, "inviter_key": ""}
