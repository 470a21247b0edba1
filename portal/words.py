"""What happened, in words for the person whose account it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "signin.succeeded": _("You signed in"),
    "signin.failed": _("Somebody tried to sign in and was refused"),
    "mfa.succeeded": _("You proved a second factor"),
    "mfa.failed": _("A second factor was refused"),
    "session.ended": _("A sign-in was ended"),
    "user.terms_accepted": _("You accepted the terms of a service"),
    "consent.granted": _("You allowed an application"),
    "consent.updated": _("You changed what an application may do"),
    "consent.revoked": _("You took an application's access back"),
    "user.password.changed": _("Your password was changed"),
    "user.password.reset_requested": _("A mail to choose a new password was asked for"),
    "user.password.reset_completed": _("A new password was chosen by mail"),
    "user.email.verified": _("An address was confirmed"),
    "user.email.added": _("An address was added"),
    "user.email.primary_changed": _("Another address became the primary one"),
    "user.email.removed": _("An address was removed"),
    "account.profile.updated": _("You changed your profile"),
    "account.picture.changed": _("You chose another picture"),
    "account.picture.removed": _("You removed your picture"),
    "user.phone.verified": _("A phone number was confirmed"),
    "user.phone.removed": _("A phone number was removed"),
    "user.phone.primary_changed": _("Another phone number became the primary one"),
    "identity.wallet.linked": _("A wallet was linked"),
    "identity.wallet.unlinked": _("A wallet was unlinked"),
    "account_token.created": _("An access token was made"),
    "account_token.revoked": _("An access token was revoked"),
    "authenticator.enrolled": _("A way to sign in was added"),
    "authenticator.renamed": _("A way to sign in was renamed"),
    "authenticator.removed": _("A way to sign in was removed"),
    "authenticator.locked": _("A security key was refused: there may be a copy of it"),
    "device.trusted": _("A browser was trusted instead of the second factor"),
    "device.forgotten": _("A browser was forgotten"),
    "risk.elevated": _("You signed in from a new device or an unusual place"),
    "user.password.compromised": _("You signed in with a password that is known from leaks"),
    "recovery_codes.generated": _("New recovery codes were made"),
    "recovery_codes.used": _("A recovery code was used to sign in"),
    "account.tenants.linked": _("You linked two services"),
    "account.tenants.unlinked": _("You took a link between two services back"),
    "account.tenant.left": _("You cut off a service"),
    "user.export.requested": _("A copy of your data was asked for"),
    "user.export.completed": _("The copy of your data is ready"),
    "account.export.downloaded": _("A copy of your data was downloaded"),
    "user.deletion_requested": _("The end of your account was planned"),
    "account.deletion.cancelled": _("The end of your account was taken back"),
    "account.deletion.stopped": _("Your account could not be deleted yet"),
    "account.takeover.reported": _("You said that something was not done by you"),
}
# By the beginning of an event's name; a clock stands for the rest.
ICONS = {
    "signin": "user",
    "mfa": "shield",
    "session": "sign-out",
    "consent": "app",
    "risk": "warning",
    "device": "device",
    "authenticator": "fingerprint",
    "recovery_codes": "key",
    "account_token": "key",
    "user.password": "lock",
    "user.email": "mail",
    "user.phone": "phone",
    "user.terms_accepted": "book",
    "user.export": "download",
    "identity.wallet": "wallet",
    "account.tenants": "link",
}
TONES = {
    "signin.failed": "warn",
    "mfa.failed": "warn",
    "risk.elevated": "warn",
    "user.password.compromised": "warn",
    "authenticator.locked": "bad",
    "account.takeover.reported": "warn",
    "user.deletion_requested": "warn",
    "recovery_codes.used": "warn",
    "user.password.reset_requested": "warn",
}


def icon_of(event: str) -> str:
    """Return the icon beside an entry, empty for the usual one."""
    return next((icon for beginning, icon in ICONS.items() if event.startswith(beginning)), "")
