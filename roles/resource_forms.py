"""Forms of the API resource pages. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import jose
from core.api.dialects import DIALECTS
from core.api.problems import PROBLEM
from core.token_binding import TokenBinding
from roles import scope_import
from roles.claim_mapping import FORMS, SOURCES
from roles.models import ApiResource
from roles.resource_settings import ACCESS_TOKEN, ID_TOKEN, OWN_API
from tenants.pagekit import Explained

DIALECT_LABELS = {
    "problem": gettext_lazy("Problem documents (RFC 9457)"),
    "upper": gettext_lazy('Upper case: {"error": {"code": "TOKEN_MISSING"}}'),
    "simple": gettext_lazy('Simple: {"code": "unauthorized"}'),
}
BINDING_LABELS = {
    TokenBinding.NONE.value: gettext_lazy("Nothing: bearer tokens do"),
    TokenBinding.DPOP.value: gettext_lazy("A DPoP key (RFC 9449)"),
    TokenBinding.CERTIFICATE.value: gettext_lazy("A client certificate (RFC 8705)"),
    TokenBinding.EITHER.value: gettext_lazy("A DPoP key or a client certificate"),
}
FOR_PEOPLE = {
    "access": gettext_lazy("Access tokens"),
    "id": gettext_lazy("ID tokens of the clients below"),
    "both": gettext_lazy("Both"),
}
_TYPES = {"access": [ACCESS_TOKEN], "id": [ID_TOKEN], "both": [ACCESS_TOKEN, ID_TOKEN]}


class Words(forms.CharField):
    """A list of words, one a line or separated by blanks."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return (value or "").split()


class ResourceForm(Explained):
    """What an API is called and what its tokens are like."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    audience = forms.CharField(
        label=gettext_lazy("Audience"),
        max_length=300,
        help_text=gettext_lazy("An absolute address such as https://api.example.com. It can never change."),
    )
    token_lifetime = forms.IntegerField(
        label=gettext_lazy("Token lifetime, in seconds"),
        min_value=60,
        max_value=86_400,
        required=False,
        help_text=gettext_lazy("Empty: the tenant's."),
    )
    signing_alg = forms.ChoiceField(
        label=gettext_lazy("Signing algorithm"),
        required=False,
        choices=[(alg, alg) for alg in jose.ALGORITHMS],
    )

    def clean_signing_alg(self) -> str:
        return self.cleaned_data["signing_alg"] or jose.ALGORITHMS[0]


class ResourceSettingsForm(ResourceForm):
    """Everything that can change about an API; of the tenant's own only what OWN_API lists."""

    documentation_url = forms.URLField(
        label=gettext_lazy("Documentation"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy("Named in the API's metadata."),
    )
    error_dialect = forms.ChoiceField(
        label=gettext_lazy("Error dialect"), choices=[(name, DIALECT_LABELS[name]) for name in DIALECTS]
    )
    token_binding = forms.ChoiceField(
        label=gettext_lazy("Its tokens are bound to"),
        choices=list(BINDING_LABELS.items()),
        help_text=gettext_lazy(
            "A bound token is worth nothing without its key. Others are not issued for it."
        ),
    )
    key_prefix = forms.CharField(
        label=gettext_lazy("Prefix of its API keys"),
        max_length=24,
        required=False,
        help_text=gettext_lazy(
            "Such as sfk_prod_. Empty: sk_live_ or sk_test_. Keys made before keep theirs."
        ),
    )
    for_people = forms.ChoiceField(
        label=gettext_lazy("What people may send"), choices=list(FOR_PEOPLE.items()), widget=forms.RadioSelect
    )
    id_token_clients = Words(
        label=gettext_lazy("Clients whose ID tokens count"), help_text=gettext_lazy("Client ids, one a line.")
    )
    acr_values = Words(
        label=gettext_lazy("Kinds of sign-in it asks of people"),
        help_text=gettext_lazy("Authentication context classes, one a line; any of them will do."),
    )
    max_age = forms.IntegerField(
        label=gettext_lazy("Age of the sign-in at most, in seconds"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("Empty: any."),
    )

    def __init__(self, data: Any = None, *, resource: ApiResource) -> None:
        super().__init__(data, initial=initial_of(resource))
        del self.fields["audience"]
        self.accepted = dict(resource.accepted_token_types)
        if resource.is_control_plane:
            for name in [name for name in self.fields if name not in OWN_API]:
                del self.fields[name]

    @property
    def changes(self) -> dict[str, Any]:
        """Return the settings under the names of the service."""
        changes = dict(self.cleaned_data)
        kind = changes.pop("for_people", None)
        if kind is not None:
            others = {key: types for key, types in self.accepted.items() if key not in ("user", "guest")}
            people = {} if kind == "access" else {"user": _TYPES[kind], "guest": _TYPES[kind]}
            changes["accepted_token_types"] = {**others, **people}
        return changes


def initial_of(resource: ApiResource) -> dict[str, Any]:
    types = resource.accepted_token_types.get("user", [ACCESS_TOKEN])
    kind = "access" if ID_TOKEN not in types else "both" if ACCESS_TOKEN in types else "id"
    names = (
        "name",
        "token_lifetime",
        "signing_alg",
        "documentation_url",
        "error_dialect",
        "token_binding",
        "key_prefix",
        "id_token_clients",
    )
    shown = {name: getattr(resource, name) for name in (*names, "acr_values", "max_age")}
    return {"for_people": kind, **shown, "error_dialect": resource.error_dialect or PROBLEM}


class ScopeForm(Explained):
    value = forms.CharField(
        label=gettext_lazy("Scope"), max_length=120, help_text=gettext_lazy("Such as read:campaigns.")
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Shown on consent pages."),
    )
    bundles = Words(
        label=gettext_lazy("Stands for"),
        help_text=gettext_lazy(
            "Only for a bundle: the scopes it stands for, or a wildcard such as ticket:*."
        ),
    )
    features = forms.CharField(
        label=gettext_lazy("Features that use it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One a line."),
    )

    def clean_features(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["features"].splitlines() if line.strip()]


class ImportForm(Explained):
    """A catalogue of scopes, typed in or as a file."""

    file = forms.FileField(label=gettext_lazy("File"), required=False, allow_empty_file=True)
    content = forms.CharField(
        label=gettext_lazy("Or paste it here"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "JSON, CSV with a heading line, or one scope a line followed by its description."
        ),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        required=False,
        choices=[(name, name) for name in scope_import.FORMATS],
    )
    dry_run = forms.BooleanField(label=gettext_lazy("Only show what would change"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["format"] = cleaned.get("format") or scope_import.FORMATS[0]
        file = cleaned.pop("file", None)
        if file is not None:
            cleaned["content"] = self._text(file)
        return cleaned

    def _text(self, file: Any) -> str:
        if file.size > scope_import.LONGEST:
            self.add_error("file", _("The file is too large."))
            return ""
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", _("The file is no UTF-8 text."))
            return ""


class RuleForm(Explained):
    """One rule of claim mapping."""

    claim = forms.CharField(
        label=gettext_lazy("Claim"),
        max_length=200,
        help_text=gettext_lazy("Such as custom:role, organizationId or https://example.com/roles."),
    )
    source = forms.ChoiceField(label=gettext_lazy("Is"), choices=[(name, name) for name in SOURCES])
    key = forms.CharField(
        label=gettext_lazy("Entry of the metadata"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Only for the source metadata."),
    )
    value = forms.CharField(
        label=gettext_lazy("Value"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Only for the source constant."),
    )
    form = forms.ChoiceField(label=gettext_lazy("As"), choices=[(name, name) for name in FORMS])
    order = Words(
        label=gettext_lazy("Order"),
        help_text=gettext_lazy("For “first”: the word wanted most in front, one a line."),
    )
    tokens = forms.MultipleChoiceField(
        label=gettext_lazy("In"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, tokens: tuple[str, ...], **options: Any) -> None:
        super().__init__(*args, **options)
        if len(tokens) < 2:
            del self.fields["tokens"]
        else:
            self.offer("tokens", [(name, name) for name in tokens])
            self.fields["tokens"].initial = list(tokens)

    def explain(self, problem: Any) -> None:
        for error in problem.errors:
            name = error.detail.partition(":")[0]
            self.add_error(name if name in self.fields else None, error.detail)
        if not problem.errors:
            super().explain(problem)

    @property
    def rule(self) -> dict[str, Any]:
        """Return the rule as it is stored: only what was said."""
        cleaned = self.cleaned_data
        rule: dict[str, Any] = {"claim": cleaned["claim"], "source": cleaned["source"], "as": cleaned["form"]}
        used = {"metadata": "key", "constant": "value"}.get(cleaned["source"])
        if used:
            rule[used] = cleaned[used]
        if cleaned["form"] == "first" and cleaned["order"]:
            rule["order"] = cleaned["order"]
        if cleaned.get("tokens"):
            rule["tokens"] = cleaned["tokens"]
        return rule
