"""Forms of the key pages. They ask; the services decide."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apikeys import lifetimes, selectors
from apikeys.lifetimes import DAY, MAX_OVERLAP, PRESETS, RECOMMENDED, Expiry
from apikeys.models import ServiceAccount
from core import ids
from core.errors import Problem
from core.principal import Principal
from organizations import selectors as organizations
from organizations.models import Organization, OrganizationStatus
from roles import scope_words
from roles import selectors as roles
from roles.models import ApiResource, Scope
from roles.permissions import ORGANIZATION
from tenants.pagekit import Explained
from tenants.policy import TenantPolicy

ON_A_DATE = "date"
MOST_OFFERED = 500
OVERLAPS = (0, 3600, DAY, 7 * DAY, MAX_OVERLAP)


class KeyForm(Explained):
    """What a new key is called, may do, and how long it lives, for one API resource."""

    names = {"service_account_id": "service_account", "organization_id": "organization"}

    name = forms.CharField(
        max_length=120, help_text=gettext_lazy("What will use it, such as “Nightly import”.")
    )
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("Tick only what the program needs. Scopes of a key cannot be changed later."),
        error_messages={"required": gettext_lazy("Tick at least one scope.")},
    )
    lifetime = forms.ChoiceField(widget=forms.RadioSelect, label=gettext_lazy("Expires"))
    date = forms.DateField(
        required=False,
        label=gettext_lazy("Expiry date"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Only for “On a date”. The key works until the end of that day, UTC."),
    )
    service_account = forms.ChoiceField(required=False, label=gettext_lazy("Service account"))
    organization = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Organization"),
        help_text=gettext_lazy("Binds the key to one organization: it will see nothing else."),
    )

    def __init__(
        self, *args: Any, resource: ApiResource, maker: Principal, policy: TenantPolicy, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.policy = policy
        self._offer_scopes(resource, maker)
        self._offer_lifetimes()
        accounts = selectors.service_accounts().filter(disabled_at=None).order_by("name")[:200]
        named = [(account.public_id, account.name) for account in accounts]
        self.fields["service_account"].choices = [("", _("None: the key acts for itself")), *named]  # type: ignore[attr-defined]
        if maker.organization_id is not None:
            del self.fields["organization"]
        else:
            self._offer_organizations()

    def _offer_scopes(self, resource: ApiResource, maker: Principal) -> None:
        rows = list(roles.scopes_of(resource).order_by("value"))
        if resource.is_control_plane:
            mine = maker.permissions & ORGANIZATION if maker.organization_id else maker.permissions
            rows = [row for row in rows if row.value in mine]
        field = self.fields["scopes"]
        field.choices = [(row.value, row.value) for row in rows]  # type: ignore[attr-defined]
        declared = {row.value: row.bundles for row in rows}
        field.option_help = {row.value: explained(row, declared) for row in rows}  # type: ignore[attr-defined]

    def _offer_organizations(self) -> None:
        """Offer the first few hundred by name, and the one that the page was opened for, whichever it is."""
        active = organizations.organizations().filter(status=OrganizationStatus.ACTIVE)
        offered = {row.public_id: row.name for row in active.order_by("name_search")[:MOST_OFFERED]}
        named = str(self.data.get("organization") or self.initial.get("organization") or "")
        if named and named not in offered:
            wanted = _uuid_or_none(Organization.PREFIX, named)
            row = active.filter(id=wanted).first() if wanted else None
            offered |= {row.public_id: row.name} if row else {}
        choices = [("", _("None: it sees the whole tenant")), *offered.items()]
        self.fields["organization"].choices = choices  # type: ignore[attr-defined]

    def _offer_lifetimes(self) -> None:
        names = lifetimes.allowed_presets(self.policy)
        field = self.fields["lifetime"]
        presets = [(name, lifetime_label(name)) for name in names if name != "never"]
        never = [("never", _("Never"))] if "never" in names else []
        field.choices = [*presets, (ON_A_DATE, _("On a date")), *never]  # type: ignore[attr-defined]
        field.initial = RECOMMENDED if RECOMMENDED in names else (names or [ON_A_DATE])[-1]
        field.option_help = {  # type: ignore[attr-defined]
            RECOMMENDED: _("Recommended: long enough to be no burden, short enough to limit a leak."),
            "never": _("Warning: a leaked key without expiry stays dangerous until somebody notices."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("lifetime") == ON_A_DATE and not cleaned.get("date"):
            self.add_error("date", _("Choose a date."))
        return cleaned

    def clean_service_account(self) -> ServiceAccount | None:
        found: ServiceAccount | None = _find(
            self.cleaned_data["service_account"], "sa", selectors.service_account
        )
        return found

    def clean_organization(self) -> Organization | None:
        found: Organization | None = _find(
            self.cleaned_data["organization"], Organization.PREFIX, organizations.organization
        )
        return found

    @property
    def expiry(self) -> Expiry:
        if self.cleaned_data["lifetime"] == ON_A_DATE:
            return datetime.combine(self.cleaned_data["date"], time(23, 59, 59), UTC)
        return lifetimes.preset(self.cleaned_data["lifetime"])


class RotationForm(Explained):
    overlap = forms.TypedChoiceField(
        coerce=int,
        label=gettext_lazy("The old key works for"),
        help_text=gettext_lazy("Put the new key everywhere within this time."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["overlap"].choices = [(seconds, overlap_label(seconds)) for seconds in OVERLAPS]  # type: ignore[attr-defined]
        self.fields["overlap"].initial = DAY


class AccountForm(Explained):
    name = forms.CharField(
        max_length=120, help_text=gettext_lazy("The program or machine that it stands for.")
    )
    description = forms.CharField(max_length=300, required=False)
    scopes = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("At most these scopes"),
        help_text=gettext_lazy("Caps every key of the account, also later. Nothing ticked: no cap."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        words = {scope.value for resource in roles.api_resources() for scope in roles.scopes_of(resource)}
        self.fields["scopes"].choices = [(word, word) for word in sorted(words)]  # type: ignore[attr-defined]


def explained(row: Scope, declared: dict[str, list[str]]) -> str:
    """Describe a scope; of a bundle also what it stands for, and what uses it."""
    parts = [row.description] if row.description else []
    if row.bundles:
        words = ", ".join(scope_words.meaning(row.value, declared))
        parts.append(_("Stands for %(scopes)s.") % {"scopes": words})
    if row.features:
        parts.append(_("Used by %(features)s.") % {"features": ", ".join(row.features)})
    return " ".join(parts)


def lifetime_label(name: str) -> str:
    days = PRESETS[name] // DAY
    label = _("1 year") if name == "1y" else ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    return _("%(label)s (recommended)") % {"label": label} if name == RECOMMENDED else label


def overlap_label(seconds: int) -> str:
    if not seconds:
        return _("No overlap: it stops at once")
    if seconds < DAY:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // 3600) % {"n": seconds // 3600}
    return ngettext("%(n)d day", "%(n)d days", seconds // DAY) % {"n": seconds // DAY}


def _find(text: str, prefix: str, find: Any) -> Any:
    """Return the object that a public id names; a wrong id is an error of the field."""
    if not text:
        return None
    try:
        return find(ids.decode(prefix, text))
    except (ids.MalformedId, Problem):
        raise forms.ValidationError(_("There is no such object here.")) from None


def _uuid_or_none(prefix: str, text: str) -> uuid.UUID | None:
    try:
        return ids.decode(prefix, text)
    except ids.MalformedId:
        return None
