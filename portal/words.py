"""What happened, in words for the person whose account it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "signin.succeeded": _("You signed in"),
    "session.ended": _("A sign-in was ended"),
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
    "account_token.created": _("An access token was made"),
    "account_token.revoked": _("An access token was revoked"),
    "authenticator.enrolled": _("A way to sign in was added"),
    "authenticator.renamed": _("A way to sign in was renamed"),
    "authenticator.removed": _("A way to sign in was removed"),
    "authenticator.locked": _("A security key was refused: there may be a copy of it"),
    "device.trusted": _("A browser was trusted instead of the second factor"),
    "device.forgotten": _("A browser is no longer trusted"),
    "risk.elevated": _("You signed in from a new device or an unusual place"),
    "user.password.compromised": _("You signed in with a password that is known from leaks"),
    "recovery_codes.generated": _("New recovery codes were made"),
    "recovery_codes.used": _("A recovery code was used to sign in"),
    "account.tenants.linked": _("You linked two services"),
    "account.tenants.unlinked": _("You took a link between two services back"),
    "account.tenant.left": _("You cut off a service"),
    "account.export.requested": _("A copy of your data was asked for"),
    "account.export.downloaded": _("A copy of your data was downloaded"),
    "account.deletion.planned": _("The end of your account was planned"),
    "account.deletion.cancelled": _("The end of your account was taken back"),
    "account.deletion.stopped": _("Your account could not be deleted yet"),
    "account.takeover.reported": _("You said that something was not done by you"),
}
TONES = {
    "risk.elevated": "warn",
    "user.password.compromised": "warn",
    "authenticator.locked": "bad",
    "account.takeover.reported": "warn",
    "account.deletion.planned": "warn",
    "recovery_codes.used": "warn",
    "user.password.reset_requested": "warn",
}
