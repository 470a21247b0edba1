"""The checks of a sign-in by a connection in words, for whoever looks after it (ORG-17)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CHECKS = {
    "state": _("Where it was begun: the answer came to another browser, or belongs to no sign-in of ours."),
    "provider": _("The provider refused the sign-in, or its answer had no code."),
    "redirect": _("The redirect address: register ours at the provider exactly as it is shown here."),
    "discovery": _("The issuer: its discovery document could not be used."),
    "token": _("The code: the provider did not redeem it. Check client id, secret and redirect address."),
    "signature": _("The signature: no published key fits, or the algorithm is not one that is allowed."),
    "issuer": _("The issuer: the answer or the ID token names another one."),
    "audience": _("The audience: the ID token is not for our client id."),
    "nonce": _("The nonce: the ID token was made for another sign-in."),
    "clock": _("The clock: the ID token has run out, is too old, or comes from the future."),
    "freshness": _("Freshness: a new proof was asked for, and the ID token shows none (auth_time)."),
    "userinfo": _("The UserInfo endpoint: it did not answer, or spoke of somebody else."),
    "attributes": _("The attributes: a claim that is needed is missing or not verified."),
    "domain": _("The domain: the organization has not proved that of this e-mail address."),
    "no_member": _("No member: the person is linked to none, and the connection may create none."),
    "member": _("The member: suspended, removed, or not in the organization any more."),
    "disabled": _("The connection: it was switched off while the sign-in was under way."),
}
