"""Forms of the application pages. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauth.catalogue import IDENTITY_SCOPES, resources_of
from oauth.models import Application, ApplicationType, AuthMethod
from oauth.registration import METHODS
from tenants.pagekit import Explained
from tenants.selectors import TenantRef

KINDS = {
    ApplicationType.WEB: gettext_lazy("Runs on your server, which keeps a secret"),
    ApplicationType.SPA: gettext_lazy("Runs in the browser, in one page, and keeps no secret"),
    ApplicationType.NATIVE: gettext_lazy("Runs on a phone or a desktop"),
    ApplicationType.MACHINE: gettext_lazy("A program that acts for itself, with no person"),
    ApplicationType.DEVICE: gettext_lazy("A television or a command line that cannot show a browser"),
}
KIND_LABELS = {
    ApplicationType.WEB: gettext_lazy("Web server"),
    ApplicationType.SPA: gettext_lazy("Single-page"),
    ApplicationType.NATIVE: gettext_lazy("Native"),
    ApplicationType.MACHINE: gettext_lazy("Machine"),
    ApplicationType.DEVICE: gettext_lazy("Device"),
}


METHOD_LABELS = {
    AuthMethod.NONE: gettext_lazy("Not at all: it keeps no secret, and uses PKCE"),
    AuthMethod.BASIC: gettext_lazy("A secret in the Authorization header"),
    AuthMethod.POST: gettext_lazy("A secret in the form"),
    AuthMethod.PRIVATE_KEY_JWT: gettext_lazy("A signature with a private key (private_key_jwt)"),
}


class Lines(forms.CharField):
    """One address a line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"})

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=50_000, **options)

    def to_python(self, value: Any) -> Any:
        return str(value or "").split()

    def validate(self, value: Any) -> None:
        return None

    def run_validators(self, value: Any) -> None:
        return None

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class KeySetField(forms.JSONField):
    """A JWK Set; nothing is shown as nothing, not as the word null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def offered_scopes(field: Any, tenant: TenantRef, *, personal: bool) -> None:
    """Offer the tenant's scopes in a field, each with its sentence; those about people where `personal`."""
    offered = dict(IDENTITY_SCOPES) if personal else {}
    for resource in resources_of(tenant).values():
        offered |= resource.scopes
    field.choices = [(word, word) for word in offered]
    field.option_help = {word: str(text) for word, text in offered.items()}


class ApplicationForm(Explained):
    """Settings of an application; what its type cannot have is not asked."""

    name = forms.CharField(
        max_length=120,
        help_text=gettext_lazy("People see it when they sign in and when they are asked to allow it."),
    )
    redirect_uris = Lines(
        label=gettext_lazy("Redirect URIs"),
        help_text=gettext_lazy("One a line. Compared character by character; no wildcards."),
    )
    post_logout_redirect_uris = Lines(
        label=gettext_lazy("Sign-out return addresses"),
        help_text=gettext_lazy("Where people may land after they signed out. One a line."),
    )
    backchannel_logout_uri = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.URLInput(attrs={"inputmode": "url", "autocapitalize": "none"}),
        label=gettext_lazy("Back-channel sign-out address"),
        help_text=gettext_lazy("Called with a logout token when a session that used this application ends."),
    )
    origins = Lines(
        label=gettext_lazy("Browser origins"),
        help_text=gettext_lazy(
            "Origins whose scripts may call the token endpoint, such as https://app.example."
        ),
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes it may ask for"),
        help_text=gettext_lazy("Tick only what it needs."),
    )
    required_scopes = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes that a person cannot leave out"),
        help_text=gettext_lazy("Without these it does not work: whoever refuses one refuses all."),
    )
    auth_method = forms.ChoiceField(
        required=False,
        label=gettext_lazy("How it proves itself"),
        help_text=gettext_lazy("With keys of its own, or of an address, no secret is kept anywhere."),
    )
    jwks_uri = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.URLInput(attrs={"inputmode": "url", "autocapitalize": "none"}),
        label=gettext_lazy("Address of its public keys"),
        help_text=gettext_lazy("A JWK Set. Read again when a new key appears in it."),
    )
    jwks = KeySetField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        label=gettext_lazy("Or the public keys themselves"),
        help_text=gettext_lazy('A JWK Set such as {"keys": […]}. Public keys only.'),
    )
    is_first_party = forms.BooleanField(
        required=False,
        label=gettext_lazy("This is our own application: do not ask people for consent"),
    )
    refresh_ends_with_session = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Refresh tokens end with the person's session, unless offline access was granted"),
    )

    def __init__(self, *args: Any, tenant: TenantRef, type: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.type = type
        self._offer_scopes(tenant)
        self.fields["auth_method"].choices = [  # type: ignore[attr-defined]
            (method.value, METHOD_LABELS[method]) for method in METHODS[type] if method in METHOD_LABELS
        ]
        unfit: list[str] = [] if len(METHODS[type]) > 1 else ["auth_method", "jwks", "jwks_uri"]
        if type == ApplicationType.MACHINE:
            unfit += ["redirect_uris", "post_logout_redirect_uris", "origins", "is_first_party"]
            unfit += ["refresh_ends_with_session", "backchannel_logout_uri", "required_scopes"]
        elif type in (ApplicationType.NATIVE, ApplicationType.DEVICE):
            unfit += ["origins"] + (["redirect_uris"] if type == ApplicationType.DEVICE else [])
        for name in unfit:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """What was not asked stays as it is."""
        given: dict[str, Any] = super().clean() or {}
        return {name: value for name, value in given.items() if name != "auth_method" or value}

    def _offer_scopes(self, tenant: TenantRef) -> None:
        personal = self.type != ApplicationType.MACHINE
        field = self.fields["scopes"]
        offered_scopes(field, tenant, personal=personal)
        if personal:
            field.initial = ["openid", "profile", "email"]
        offered_scopes(self.fields["required_scopes"], tenant, personal=personal)


class RotationForm(forms.Form):
    overlap = forms.TypedChoiceField(
        coerce=int,
        label=gettext_lazy("The old secret works for"),
        help_text=gettext_lazy("Put the new secret everywhere within this time."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(0, _("Not at all: it stops at once")), (3600, _("1 hour")), (86_400, _("1 day"))]
        self.fields["overlap"].choices = [*choices, (7 * 86_400, _("7 days"))]  # type: ignore[attr-defined]
        self.fields["overlap"].initial = 86_400


def initial_of(application: Application) -> dict[str, Any]:
    return {
        "name": application.name,
        "redirect_uris": application.redirect_uris.split(),
        "post_logout_redirect_uris": application.post_logout_redirect_uris.split(),
        "origins": application.allowed_origins.split(),
        "backchannel_logout_uri": application.backchannel_logout_uri,
        "scopes": application.scopes,
        "required_scopes": application.required_scopes,
        "is_first_party": application.is_first_party,
        "auth_method": application.auth_method,
        "jwks_uri": application.jwks_uri,
        "jwks": application.jwks,
        "refresh_ends_with_session": application.refresh_ends_with_session,
    }
