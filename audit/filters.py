"""The filters of the audit log's page, as they stand in its address."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.errors import ValidationFailed
from events import registry
from events.selectors import Search

ACTORS = [
    ("user", gettext_lazy("A person")),
    ("admin", gettext_lazy("An administrator")),
    ("service", gettext_lazy("A service")),
    ("agent", gettext_lazy("An agent")),
    ("system", gettext_lazy("The system")),
]


class Filters(forms.Form):
    """The filters of the list, as they stand in its address."""

    q = forms.CharField(required=False, max_length=120, label=gettext_lazy("Search"))
    action = forms.CharField(required=False, max_length=80, label=gettext_lazy("Action"))
    actor_type = forms.ChoiceField(
        required=False, choices=[("", ""), *ACTORS], label=gettext_lazy("Kind of actor")
    )
    actor = forms.CharField(required=False, max_length=120, label=gettext_lazy("Actor id"))
    target = forms.CharField(required=False, max_length=120, label=gettext_lazy("Target id"))
    on_behalf_of = forms.CharField(required=False, max_length=120, label=gettext_lazy("On behalf of"))
    ip = forms.GenericIPAddressField(required=False, label=gettext_lazy("IP address"))
    organization = forms.CharField(required=False, max_length=40, label=gettext_lazy("Organization id"))
    since = forms.DateField(
        required=False, label=gettext_lazy("From day"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label=gettext_lazy("To day"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_organization(self) -> uuid.UUID | None:
        text = self.cleaned_data["organization"]
        try:
            return ids.decode("org", text) if text else None
        except ids.MalformedId:
            raise forms.ValidationError(_("Must be an id of the form org_…")) from None

    def clean_action(self) -> str:
        text: str = self.cleaned_data["action"]
        if text and not registry.expand([text]):
            raise forms.ValidationError(_("No event has this name."))
        return text

    @property
    def search(self) -> Search:
        """What was asked for; raises ValidationFailed where a filter is malformed."""
        if not self.is_valid():
            raise ValidationFailed
        told = self.cleaned_data
        return Search(
            types=[told["action"]] if told.get("action") else [],
            actor=told.get("actor", ""),
            actor_type=told.get("actor_type", ""),
            object=told.get("target", ""),
            on_behalf_of=told.get("on_behalf_of", ""),
            organization_id=told.get("organization"),
            ip=told.get("ip", ""),
            anything=told.get("q", ""),
            since=_start(told.get("since")),
            until=_start(told.get("until"), days=1),
        )

    @property
    def chosen(self) -> dict[str, str]:
        """Return the filters that are set, as they were sent."""
        return {name: value for name in self.fields if (value := self.data.get(name, ""))}

    @property
    def more(self) -> list[Any]:
        """Return the fields that stand behind "More filters"."""
        return [
            self[name] for name in ("actor", "target", "on_behalf_of", "ip", "organization", "since", "until")
        ]

    @property
    def has_more(self) -> bool:
        return any(field.name in self.chosen for field in self.more)


def _start(day: date | None, days: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days=days), time.min, UTC) if day else None
