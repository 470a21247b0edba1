"""The card of an application that says what its tokens are bound to and which profile it keeps to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from oauth import mtls
from oauth.grants import AUTHORIZATION_CODE
from oauth.models import Application, ApplicationType, Profile
from tenants.pagekit import Explained

PROFILES = {
    Profile.NONE: _("OAuth 2.1: what every application keeps to"),
    Profile.FAPI2: _("FAPI 2.0 security profile"),
}


class ProtectionForm(Explained):
    """Settings by their public names; what the type or the installation cannot have is not asked."""

    profile = forms.ChoiceField(
        required=False,
        choices=list(PROFILES.items()),
        label=_("Security profile"),
        help_text=_(
            "FAPI 2.0 takes requests by PAR only, clients that prove themselves by a key or a certificate, and"
            " gives bound tokens only."
        ),
    )
    dpop_bound_access_tokens = forms.BooleanField(
        required=False,
        label=_("Give tokens only with a DPoP proof"),
        help_text=_(
            "Such a token is worth nothing to who steals it. Without this, a proof binds when it is sent."
        ),
    )
    dpop_nonce_required = forms.BooleanField(
        required=False,
        label=_("Demand a nonce of ours in each DPoP proof"),
        help_text=_("Proofs cannot be made in advance. Costs the application a second try now and then."),
    )
    require_pushed_authorization_requests = forms.BooleanField(
        required=False,
        label=_("Take its authorization requests by PAR only"),
        help_text=_("What it asks for then never passes through the browser, where it could be changed."),
    )
    tls_client_certificate_bound_access_tokens = forms.BooleanField(
        required=False, label=_("Bind tokens to the client's TLS certificate")
    )

    def __init__(self, data: Any, application: Application) -> None:
        names = self.base_fields
        super().__init__(data, initial={name: getattr(application, name) for name in names})
        if application.type not in (ApplicationType.WEB, ApplicationType.MACHINE):
            del self.fields["profile"]
        if AUTHORIZATION_CODE not in application.grants:
            del self.fields["require_pushed_authorization_requests"]
        if not mtls.is_offered():
            del self.fields["tls_client_certificate_bound_access_tokens"]
