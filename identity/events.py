"""What happens to people's accounts; written to the account's own stream."""

from __future__ import annotations

from events.registry import Schema, declare

CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
EMAIL = {"email": "string"}

declare(
    "user.password.changed", "A person changed their password", object="account", signal=CREDENTIAL_CHANGE
)
declare("user.password.reset_requested", "A mail to choose a new password was asked for", object="account")
declare(
    "user.password.reset_completed",
    "A person chose a new password by mail; earlier sign-ins ended",
    object="account",
    signal=CREDENTIAL_CHANGE,
)
declare("user.email.verified", "A person proved that an address is theirs", object="account", fields=EMAIL)
declare("user.email.added", "A proved address was added to an account", object="account", fields=EMAIL)
declare(
    "user.email.primary_changed",
    "Another address became the primary one",
    object="account",
    fields=EMAIL,
    signal="https://schemas.openid.net/secevent/risc/event-type/identifier-changed",
)
declare("user.email.removed", "An address was removed from an account", object="account", fields=EMAIL)

TOKEN: dict[str, Schema | str] = {
    "name": "string",
    "hint": "string",
    "scopes": {"type": "array", "items": {"type": "string"}},
    "expires_at": {"type": "string", "format": "date-time"},
    "reason": "string",
}
declare("account_token.created", "A person made a token of their own", object="account_token", fields=TOKEN)
declare("account_token.revoked", "A person's own token was revoked", object="account_token", fields=TOKEN)

KIND: dict[str, Schema | str] = {
    "kind": {"type": "string", "enum": ["passkey", "totp"]},
    "name": "string",
    "is_synced": "boolean",
    "reason": "string",
    "member": "string",  # in a tenant's stream, of one that is bound to its connection
}
declare(
    "authenticator.enrolled",
    "A person added an authenticator",
    object="authenticator",
    fields=KIND,
    signal=CREDENTIAL_CHANGE,
)
declare("authenticator.renamed", "A person renamed an authenticator", object="authenticator", fields=KIND)
declare(
    "authenticator.removed",
    "A person removed an authenticator",
    object="authenticator",
    fields=KIND,
    signal=CREDENTIAL_CHANGE,
)
declare(
    "authenticator.locked",
    "An authenticator was refused because its counter went back: there may be a copy of it",
    object="authenticator",
    fields=KIND,
)
declare(
    "recovery_codes.generated",
    "A person made new recovery codes; the older ones no longer work",
    object="account",
    signal=CREDENTIAL_CHANGE,
)
declare(
    "recovery_codes.used",
    "A person signed in with a recovery code",
    object="account",
    fields={"left": "integer"},
)
declare(
    "user.phone.verified",
    "A person proved that a phone number is theirs",
    object="account",
    fields={"phone": "string"},
)
declare("user.phone.removed", "A phone number was removed from an account", object="account")
declare(
    "identity.wallet.linked",
    "A person linked a wallet to their account",
    object="account",
    fields={"wallet": "string"},
)
declare("identity.wallet.unlinked", "A wallet was unlinked from an account", object="account")
declare(
    "device.forgotten",
    "A browser was forgotten: it is new again, or no longer a second factor",
    object="device",
)
CHANGED: dict[str, Schema | str] = {"changed": {"type": "array", "items": {"type": "string"}}}
declare("account.profile.updated", "A person changed their own profile", object="account", fields=CHANGED)
declare("account.picture.changed", "A person chose another picture of themselves", object="account")
declare("account.picture.removed", "A person removed their picture", object="account")
declare("user.phone.primary_changed", "Another phone number became the primary one", object="account")
