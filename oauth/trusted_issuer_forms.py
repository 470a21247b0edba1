"""Forms of the pages of trusted issuers. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauth.forms import Lines
from oauth.models import TrustedIssuer
from oauth.outside_tokens import ALGORITHMS
from oauth.trusted_issuer_presets import KNOWN
from oauth.trusted_issuers import MEANINGS
from organizations import selectors as organizations
from organizations.models import Organization
from roles import selectors as roles
from tenants.pagekit import Explained


class RolePairs(forms.CharField):
    """One `their word = our role` a line, shown and read by our role's name."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"})

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        known = {name: role_id for role_id, name in roles.choices()}
        found = {}
        for line in lines[:50]:
            word, equals, name = (part.strip() for part in line.rpartition("="))
            if not equals or name not in known:
                message = _("“%(line)s”: write a word, =, and the name of a role.")
                raise forms.ValidationError(message, params={"line": line[:60]})
            found[word] = known[name]
        return found

    def validate(self, value: Any) -> None:
        return None

    def run_validators(self, value: Any) -> None:
        return None

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = dict(roles.choices())
        return "\n".join(f"{word} = {names.get(role_id, role_id)}" for word, role_id in value.items())


class TrustedIssuerForm(Explained):
    """Settings that may change later."""

    names = {"claims": "claim_subject", "organization": "organization"}

    name = forms.CharField(max_length=120, label=gettext_lazy("Name"))
    audiences = Lines(
        label=gettext_lazy("Audiences"),
        help_text=gettext_lazy("The client ids that its tokens must be for. One a line."),
    )
    jwks_uri = forms.CharField(
        required=False,
        max_length=500,
        label=gettext_lazy("Address of its keys"),
        help_text=gettext_lazy("Leave it empty to take them from the issuer's discovery document."),
    )
    algorithms = forms.MultipleChoiceField(
        choices=[(name, name) for name in ALGORITHMS],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Algorithms"),
        help_text=gettext_lazy("Tokens signed in any other way are refused."),
    )
    claim_subject = forms.CharField(
        max_length=120, initial="sub", label=gettext_lazy("Claim with the person's key")
    )
    claim_email = forms.CharField(
        max_length=120, required=False, initial="email", label=gettext_lazy("Claim with the e-mail address")
    )
    claim_name = forms.CharField(
        max_length=120, required=False, initial="name", label=gettext_lazy("Claim with the name")
    )
    claim_organization = forms.CharField(
        max_length=120,
        required=False,
        label=gettext_lazy("Claim with the organization"),
        help_text=gettext_lazy("It holds the organization's id, or your own key for it (external id)."),
    )
    claim_roles = forms.CharField(
        max_length=120, required=False, label=gettext_lazy("Claim with roles or groups")
    )
    roles = RolePairs(
        required=False,
        label=gettext_lazy("What its roles mean here"),
        help_text=gettext_lazy("One a line: their word = the name of your role. Others count for nothing."),
    )
    create_members = forms.BooleanField(
        required=False, label=gettext_lazy("Create members for people who come for the first time")
    )
    trust_email = forms.BooleanField(
        required=False, label=gettext_lazy("Take its word that an e-mail address is verified")
    )
    takes_id_tokens = forms.BooleanField(
        required=False,
        label=gettext_lazy("Take its ID tokens at /v1/me and /v1/me/organizations too, without an exchange"),
    )

    def settings(self) -> dict[str, Any]:
        """Return what the service takes."""
        data = dict(self.cleaned_data)
        data["claims"] = {
            meaning: text for meaning in MEANINGS if (text := data.pop(f"claim_{meaning}", "").strip())
        }
        return data


class NewTrustedIssuerForm(TrustedIssuerForm):
    """The settings, and what stays as it was chosen."""

    issuer = forms.CharField(
        max_length=500,
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy("As in the iss claim of its tokens, character by character."),
    )
    organization = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Speaks for"),
        help_text=gettext_lazy("With an organization it counts inside that one only."),
    )
    field_order = ["name", "issuer", "organization", "audiences"]

    def __init__(self, data: Any = None, *, preset: str) -> None:
        known = KNOWN[preset]
        initial: dict[str, Any] = {"jwks_uri": known.jwks_uri, "algorithms": list(known.algorithms)}
        initial |= {f"claim_{meaning}": text for meaning, text in known.claims.items()}
        super().__init__(data, initial=initial)
        self.preset = preset
        self.fields["issuer"].widget.attrs["placeholder"] = known.example
        self.offer("organization", [("", _("The whole tenant")), *organizations.choices()])

    def settings(self) -> dict[str, Any]:
        data = super().settings()
        chosen = data.pop("organization")
        found = organizations.organization(Organization.read_id(chosen)) if chosen else None
        return {**data, "organization": found, "preset": self.preset}


def initial_of(row: TrustedIssuer) -> dict[str, Any]:
    plain = (
        "name", "audiences", "jwks_uri", "algorithms", "roles", "create_members", "trust_email",
        "takes_id_tokens",
    )  # fmt: skip
    claims = {f"claim_{meaning}": row.claims.get(meaning, "") for meaning in MEANINGS}
    return {**{name: getattr(row, name) for name in plain}, **claims}
