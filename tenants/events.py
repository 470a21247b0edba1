"""Events of tenants, the people in them, and their sessions."""

from __future__ import annotations

from events.registry import Schema, declare

RISC = "https://schemas.openid.net/secevent/risc/event-type"
CAEP = "https://schemas.openid.net/secevent/caep/event-type"
TENANT: dict[str, Schema | str] = {
    "slug": "string",
    "name": "string",
    "support_email": "string",
    "support_url": "string",
    "terms_url": "string",
    "privacy_url": "string",
    "metadata": "object",
    "policy": "object",
    "branding": "object",
    "status": "string",
    "reason": "string",
}
MEMBER: dict[str, Schema | str] = {
    "status": {"type": "string", "enum": ["pending", "active", "suspended", "removed"]},
    "email": "string",
    "name": "string",
    "locale": "string",
    "profile": "string",
    "metadata": "object",
    "reason": "string",
}
SESSION: dict[str, Schema | str] = {"member": "string", "acr": "string", "reason": "string"}
KEY: dict[str, Schema | str] = {"kid": "string", "alg": "string", "state": "string", "reason": "string"}

declare("tenant.created", "A tenant was created", object="tenant", fields=TENANT)
declare("tenant.updated", "A tenant's settings were changed", object="tenant", fields=TENANT)
declare("tenant.branding.updated", "A tenant's looks were changed", object="tenant", fields=TENANT)
declare(
    "tenant.suspended",
    "A tenant was suspended",
    object="tenant",
    fields=TENANT,
    signal=f"{RISC}/account-disabled",
)
declare("tenant.reactivated", "A suspended tenant works again", object="tenant", fields=TENANT)
declare("tenant.signing_key.created", "A signing key was created", object="signing_key", fields=KEY)
declare(
    "tenant.signing_key.rotated", "Another signing key signs from now on", object="signing_key", fields=KEY
)
declare(
    "tenant.data_key.rotated",
    "The key that seals the tenant's secrets was replaced",
    object="tenant",
    fields={"values": "integer"},
)
declare("tenant.signing_key.revoked", "A signing key was revoked", object="signing_key", fields=KEY)

declare("user.created", "A person joined or was added", object="member", fields=MEMBER)
declare("user.updated", "A member's data changed", object="member", fields=MEMBER)
declare(
    "user.suspended",
    "A member was suspended",
    object="member",
    fields=MEMBER,
    signal=f"{RISC}/account-disabled",
)
declare(
    "user.reactivated",
    "A suspended member may sign in again",
    object="member",
    fields=MEMBER,
    signal=f"{RISC}/account-enabled",
)
declare(
    "user.deleted", "A member was removed", object="member", fields=MEMBER, signal=f"{RISC}/account-purged"
)
declare(
    "user.list.exported",
    "The list of members was taken out as a file",
    object="tenant",
    fields={"count": "integer"},
)
declare(
    "user.authenticators.reset",
    "What a member had bound to the tenant's single sign-on connections was dropped",
    object="member",
    fields=MEMBER,
    signal=f"{CAEP}/credential-change",
)
declare("user.erased", "A removed member's personal data was erased", object="member", fields=MEMBER)

declare(
    "user.terms_accepted",
    "A member accepted a version of the tenant's terms",
    object="member",
    fields=MEMBER | {"terms_version": "string"},
)

LINK: dict[str, Schema | str] = {"linked_subject": "object"}
declare(
    "user.subject.linked",
    "A person let the tenant know the subject that they have in another tenant",
    object="member",
    fields=LINK,
)
declare(
    "user.subject.unlinked",
    "A person took a link to the subject that they have in another tenant back",
    object="member",
    fields=LINK,
)
TENANTS: dict[str, Schema | str] = {"tenants": {"type": "array", "items": {"type": "string"}}}
declare(
    "account.tenants.linked",
    "A person let two tenants know that they see the same person",
    object="account",
    fields=TENANTS,
)
declare(
    "account.tenants.unlinked",
    "A person took the link between two tenants back",
    object="account",
    fields=TENANTS,
)

declare("session.created", "A session began", object="session", fields=SESSION, high_volume=True)
declare("session.ended", "A session was ended", object="session", fields=SESSION)
declare(
    "session.refreshed",
    "Somebody signed in again, or switched the organization, in a session that went on",
    object="session",
    fields=SESSION,
    high_volume=True,
)
declare(
    "session.expired",
    "A session reached its idle or absolute limit",
    object="session",
    fields=SESSION,
    high_volume=True,
)
declare(
    "session.assurance_changed",
    "A session counts for another level of proof since a step-up or a new sign-in",
    object="session",
    fields=SESSION,
    signal=f"{CAEP}/assurance-level-change",
)
declare(
    "session.revoked",
    "A session was ended by somebody else",
    object="session",
    fields=SESSION,
    signal=f"{CAEP}/session-revoked",
)
declare(
    "access.denied",
    "A caller was refused something",
    object="access",
    fields={"code": "string"},
    high_volume=True,
)
