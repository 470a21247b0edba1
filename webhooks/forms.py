"""Forms of the webhook pages. They ask; the services decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.errors import Problem
from events import registry
from organizations import selectors as organizations
from tenants.pagekit import Explained
from webhooks.models import ContentType, Endpoint, Ordering, Payload, SignatureSuite

GRACES = [("0", _("At once: the old secret leaked")), ("3600", _("1 hour")), ("86400", _("24 hours"))]
GRACES += [("604800", _("7 days"))]


class EndpointForm(Explained):
    """Where events go and which; the rest has sound defaults."""

    url = forms.CharField(
        max_length=2048,
        label=_("Address"),
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/webhooks", "autocomplete": "off"}),
        help_text=_("A public https:// address. Redirects are not followed."),
    )
    description = forms.CharField(max_length=200, required=False, label=_("Description"))
    events = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label=_("Events"),
        error_messages={"required": _("Choose at least one event.")},
    )
    payload = forms.ChoiceField(
        label=_("Payload"),
        choices=[
            (Payload.FULL, _("The whole event")),
            (Payload.THIN, _("Only ids and an address to fetch it")),
        ],
        initial=Payload.FULL,
    )
    content_type = forms.ChoiceField(
        label=_("Content type"), choices=[(v, v) for v in ContentType.values], initial=ContentType.JSON
    )
    ordering = forms.ChoiceField(
        label=_("Order"),
        choices=[
            (Ordering.UNORDERED, _("Fast: several at once, in any order")),
            (Ordering.STRICT, _("Strict: one at a time, held at a failure")),
        ],
        initial=Ordering.UNORDERED,
    )
    signature_suite = forms.ChoiceField(
        label=_("Signature"),
        choices=[
            (SignatureSuite.STANDARD, _("Standard Webhooks")),
            (SignatureSuite.TIMESTAMPED, _("Also x-webhook-signature: t=…,v1=…")),
        ],
        initial=SignatureSuite.STANDARD,
    )
    max_in_flight = forms.IntegerField(
        min_value=1, max_value=50, initial=10, label=_("Requests at once"), help_text=_("1 to 50.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = set(self.initial.get("events", ()))
        self.fields["events"].choices = choices(known)  # type: ignore[attr-defined]

    @property
    def families(self) -> list[dict[str, Any]]:
        """Return the picker's groups: the wildcard of a family, then its events, each with its tick box."""
        boxes = {str(box.data["value"]): box for box in self["events"].subwidgets}
        everything = [boxes["*"]]
        rows: list[dict[str, Any]] = [
            {"name": str(_("Everything")), "boxes": _shown(everything), "open": True}
        ]
        for family, names in groupby(registry.every(), key=lambda declared: declared.family):
            own = [boxes[f"{family}.*"], *(boxes[declared.name] for declared in names)]
            rows.append({"name": family, "boxes": _shown(own), "open": any(b.data["selected"] for b in own)})
        rest = [box for name, box in boxes.items() if name not in _listed()]
        return [*rows, {"name": str(_("Other")), "boxes": _shown(rest), "open": True}] if rest else rows

    def explain(self, problem: Problem) -> None:
        """An address that cannot be used is said at the address."""
        if problem.code == "address_unusable":
            self.add_error("url", problem.detail)
        else:
            super().explain(problem)

    @classmethod
    def of(cls, endpoint: Endpoint, data: Any = None) -> EndpointForm:
        return cls(data, initial={name: getattr(endpoint, name) for name in cls.base_fields})


class NewEndpointForm(EndpointForm):
    organization = forms.ChoiceField(
        required=False,
        label=_("Organization"),
        help_text=_("With one, only its own events are sent. It cannot be changed later."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rows = organizations.organizations().order_by("name")[:500]
        every = [("", _("All of the tenant"))]
        self.fields["organization"].choices = [*every, *((row.public_id, row.name) for row in rows)]  # type: ignore[attr-defined]


def choices(known: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return every pattern that may be ticked, and those already chosen that are declared no longer."""
    labels = _listed()
    labels |= {name: name for name in known if name not in labels}
    return list(labels.items())


def _listed() -> dict[str, str]:
    labels = {"*": "*"}
    for declared in registry.every():
        labels.setdefault(f"{declared.family}.*", f"{declared.family}.*")
        labels[declared.name] = declared.name
    return labels


def _shown(boxes: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "control": box.tag(),
            "id": box.id_for_label,
            "label": box.choice_label,
            "help": _help(box.choice_label),
        }
        for box in boxes
    ]


def _help(name: str) -> str:
    if name == "*":
        return str(_("All events but those of high volume"))
    if name.endswith(".*"):
        return str(_("All of this kind but those of high volume"))
    declared = registry.find(name)
    if declared is None:
        return ""
    return f"{declared.description} ({_('high volume')})" if declared.high_volume else declared.description


class RotationForm(forms.Form):
    grace = forms.ChoiceField(
        choices=GRACES,
        initial="86400",
        label=_("The present secret goes on signing for"),
        widget=forms.RadioSelect,
    )

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=int(self.cleaned_data["grace"]))


class AgainForm(forms.Form):
    """How far back to recover or replay."""

    SPANS = [("1", _("The last hour")), ("24", _("The last 24 hours")), ("168", _("The last 7 days"))]

    kind = forms.ChoiceField(
        choices=[("recover", _("What failed for good")), ("replay", _("Every matching event"))],
        label=_("Send again"),
    )
    hours = forms.ChoiceField(choices=SPANS, label=_("From"))

    @property
    def since(self) -> Any:
        """A minute less than the span, so that the longest one stays within what is kept."""
        return timezone.now() - timedelta(hours=int(self.cleaned_data["hours"])) + timedelta(minutes=1)
