"""System checks of the kernel."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import Error, register


@register
def every_model_has_a_list(**_: Any) -> list[Error]:
    """A model of ours that is neither scoped nor named plain would escape row-level security."""
    own = [model for model in apps.get_models() if model.__module__.split(".")[0] in OWN_APPS]
    return [
        Error(f"{model._meta.label} declares neither is_scoped nor is_plain", id="core.E001")
        for model in own
        if not hasattr(model, "is_scoped") and not getattr(model, "is_plain", False)
    ]


OWN_APPS = {
    "core", "events", "identity", "tenants", "mail", "organizations", "roles", "invitations",
    "apikeys", "oauth", "audit", "webhooks", "signin", "portal", "dashboard",
}  # fmt: skip
