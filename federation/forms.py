"""Forms of the pages of connections. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import jose
from federation.checks import MEANINGS
from federation.discovery import ENDPOINTS
from federation.models import ClientAuth, Connection
from organizations import selectors as organizations
from organizations.models import Organization
from roles import selectors as roles
from roles.models import Role
from tenants.pagekit import Explained, Viewer

AUTH = {
    ClientAuth.BASIC: gettext_lazy("A secret in the Authorization header"),
    ClientAuth.POST: gettext_lazy("A secret in the form"),
    ClientAuth.KEY: gettext_lazy("A signature with this tenant's key (private_key_jwt)"),
    ClientAuth.NONE: gettext_lazy("Not at all: a public client, with PKCE"),
}
ADDRESSES = {
    "authorization_endpoint": gettext_lazy("Authorization endpoint"),
    "token_endpoint": gettext_lazy("Token endpoint"),
    "jwks_uri": gettext_lazy("Address of its keys"),
    "userinfo_endpoint": gettext_lazy("UserInfo endpoint"),
}
CLAIMS = {
    "email": gettext_lazy("Claim with the e-mail address"),
    "name": gettext_lazy("Claim with the name"),
    "given_name": gettext_lazy("Claim with the given name"),
    "family_name": gettext_lazy("Claim with the family name"),
    "groups": gettext_lazy("Claim with groups"),
}


def secret(**options: Any) -> forms.CharField:
    shown = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(
        label=gettext_lazy("Client secret"), max_length=500, required=False, widget=shown, **options
    )


class NewConnectionForm(Explained):
    """What a connection needs to begin with; the rest has defaults that suit most providers."""

    name = forms.CharField(
        max_length=120,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("People read it on the button: “Continue with …”."),
    )
    organization = forms.ChoiceField(
        required=False,
        label=gettext_lazy("For"),
        help_text=gettext_lazy(
            "An organization's connection brings people of its proved domains, into it alone."
        ),
    )
    issuer = forms.CharField(
        max_length=500,
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy(
            "As the provider writes it, character by character. It cannot be changed later."
        ),
        widget=forms.TextInput(attrs={"placeholder": "https://login.example.com", "inputmode": "url"}),
    )
    client_id = forms.CharField(max_length=300, label=gettext_lazy("Client id"))
    client_auth = forms.ChoiceField(
        choices=list(AUTH.items()), label=gettext_lazy("How we authenticate there"), required=False
    )
    client_secret = secret(help_text=gettext_lazy("Sealed when you save it, and never shown again."))

    def __init__(self, data: Any = None, *, viewer: Viewer, **options: Any) -> None:
        super().__init__(data, **options)
        whole = [] if viewer.principal.organization_id else [("", _("The whole tenant"))]
        self.offer("organization", [*whole, *organizations.choices()])

    def settings(self) -> dict[str, Any]:
        """Return what the service takes."""
        data = dict(self.cleaned_data)
        chosen = data.pop("organization")
        found = organizations.organization(Organization.read_id(chosen)) if chosen else None
        data["client_auth"] = data["client_auth"] or ClientAuth.BASIC
        return {**data, "organization": found}


class ConnectionForm(Explained):
    """Settings that may change later."""

    names = {f"attributes/{name}": f"claim_{name}" for name in MEANINGS}

    name = forms.CharField(max_length=120, label=gettext_lazy("Name"))
    client_id = forms.CharField(max_length=300, label=gettext_lazy("Client id"))
    client_auth = forms.ChoiceField(
        choices=list(AUTH.items()), label=gettext_lazy("How we authenticate there")
    )
    client_secret = secret(help_text=gettext_lazy("Left empty, the one that is stored stays."))
    scopes = forms.CharField(max_length=1000, label=gettext_lazy("Scopes"))
    create_members = forms.BooleanField(
        required=False, label=gettext_lazy("Create members for people who come for the first time")
    )
    default_role = forms.ChoiceField(required=False, label=gettext_lazy("Role of those it creates"))
    trust_email = forms.BooleanField(
        required=False,
        label=gettext_lazy("Take e-mail addresses as verified although the provider does not say so"),
    )
    trust_mfa = forms.BooleanField(
        required=False,
        label=gettext_lazy("Take the provider's word that it asked for a second factor (amr)"),
    )
    algorithms = forms.MultipleChoiceField(
        choices=[(name, name) for name in jose.ALGORITHMS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label=gettext_lazy("Algorithms"),
        help_text=gettext_lazy("With none ticked, those of its discovery document that we take."),
    )

    def __init__(self, data: Any = None, *, row: Connection, viewer: Viewer) -> None:
        super().__init__(data, initial=initial_of(row))
        self.row = row
        for name in MEANINGS:
            self.fields[f"claim_{name}"] = forms.CharField(
                label=CLAIMS[name], max_length=120, required=False, initial=row.attributes.get(name, "")
            )
        for name in ENDPOINTS:
            self.fields[name] = forms.CharField(
                label=ADDRESSES[name], max_length=500, required=False, initial=row.endpoints.get(name, "")
            )
        self.fields[ENDPOINTS[0]].help_text = _("Left empty, endpoints come from the discovery document.")
        if viewer.principal.organization_id:
            del self.fields["trust_mfa"]
        own = roles.roles().filter(organization_id__in=[row.organization_id]) if row.organization_id else None
        offered = roles.roles().filter(organization=None) | own if own is not None else roles.roles().filter(
            organization=None
        )  # fmt: skip
        self.offer("default_role", [("", _("None")), *[(one.public_id, one.name) for one in offered[:200]]])

    def settings(self) -> tuple[dict[str, Any], str]:
        """Return what the service takes, and the new secret, empty where it stays."""
        data = dict(self.cleaned_data)
        data["attributes"] = {
            name: text for name in MEANINGS if (text := data.pop(f"claim_{name}", "").strip())
        }
        data["endpoints"] = {name: text for name in ENDPOINTS if (text := data.pop(name, "").strip())}
        data["scopes"] = data["scopes"].split()
        chosen = data["default_role"]
        data["default_role"] = roles.role(Role.read_id(chosen)) if chosen else None
        return data, data.pop("client_secret")


def initial_of(row: Connection) -> dict[str, Any]:
    plain = ("name", "client_id", "client_auth", "create_members", "trust_email", "trust_mfa", "algorithms")
    role = Role(id=row.default_role_id).public_id if row.default_role_id else ""
    return {
        **{name: getattr(row, name) for name in plain},
        "scopes": " ".join(row.scopes),
        "default_role": role,
    }
