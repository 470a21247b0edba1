"""`{% field form.email %}` and `{% form_errors form %}`: labelled, described, announced form controls."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms import BoundField, widgets

register = template.Library()

# Sign-in and address fields are filled by browsers and password managers (WCAG 2.2, 1.3.5).
AUTOCOMPLETE = {
    "email": "email",
    "username": "username",
    "password": "current-password",
    "new_password": "new-password",
    "name": "name",
    "given_name": "given-name",
    "family_name": "family-name",
    "phone": "tel",
    "code": "one-time-code",
    "otp": "one-time-code",
}


@register.inclusion_tag("elements/field.html")
def field(bound: BoundField, cards: bool = False, columns: bool = False, **options: Any) -> dict[str, Any]:
    """Show a bound field with its label, help, errors and control.

    `cards` draws radio buttons as cards, `columns` sets many checkboxes in columns. `label` replaces the
    label, `hide_label` leaves it to screen readers, `prefix` and `suffix` stand inside the control. Any other
    keyword becomes an attribute: `autocomplete`, `placeholder`, `inputmode`, `class`. A form field may carry
    `option_help`, a mapping from choice value to a sentence beneath it.
    """
    own = {key: options.pop(key, "") for key in ("label", "hide_label", "prefix", "suffix")}
    kind = _kind(bound, cards)
    context = {"bound": bound, "kind": kind, "columns": columns, "described_by": _described_by(bound), **own}
    if kind in {"choices", "cards"}:
        return context | {"options": _options(bound)}
    context["is_password"] = isinstance(bound.field.widget, widgets.PasswordInput)
    return context | {"control": bound.as_widget(attrs=_attrs(bound, kind, options))}


@register.inclusion_tag("elements/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """List a form's errors above it, each linked to its field; shows nothing when there are none."""
    named = [(bound, error) for bound in form.visible_fields() for error in bound.errors]
    hidden = [error for bound in form.hidden_fields() for error in bound.errors]
    return {"general": [*form.non_field_errors(), *hidden], "named": named, "form": form}


def _kind(bound: BoundField, cards: bool) -> str:
    widget = bound.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, widgets.RadioSelect):
        return "cards" if cards else "choices"
    if isinstance(widget, widgets.CheckboxInput):
        return "checkbox"
    if isinstance(widget, widgets.Select):
        return "select"
    return "input"


def _attrs(bound: BoundField, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    base = bound.field.widget.attrs
    attrs: dict[str, Any] = {name.replace("_", "-"): value for name, value in options.items()}
    if kind in {"input", "select"}:
        attrs["class"] = " ".join(filter(None, ("input", base.get("class"), options.get("class"))))
    if kind == "input" and "autocomplete" not in base | attrs and bound.name in AUTOCOMPLETE:
        attrs["autocomplete"] = AUTOCOMPLETE[bound.name]
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if described_by := _described_by(bound):
        attrs["aria-describedby"] = described_by
    return attrs


def _described_by(bound: BoundField) -> str:
    parts = [(bound.help_text, "help"), (bound.errors, "error")]
    return " ".join(f"{bound.auto_id}_{suffix}" for present, suffix in parts if present)


def _options(bound: BoundField) -> list[dict[str, Any]]:
    helps = getattr(bound.field, "option_help", {})
    return [
        {
            "control": option.tag(),
            "id": option.id_for_label,
            "label": option.choice_label,
            "help": helps.get(str(option.data["value"]), ""),
        }
        for option in bound.subwidgets
    ]
