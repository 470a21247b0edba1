"""The style guide: every element on one page, and whole sample pages beside it. Development only.

It touches no database and no tenant: all data below is invented.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from config.styleguide import navigation, samples

PAGES = {
    "": "styleguide.html",
    "list": "styleguide/list.html",
    "detail": "styleguide/detail.html",
    "overview": "styleguide/overview.html",
    "entrance": "styleguide/entrance.html",
    "portal": "styleguide/portal.html",
    "problem": "errors/404.html",
}
SPRITE = settings.BASE_DIR / "static" / "img" / "icons.svg"
BRANDED = {
    "name": "Northwind",
    "slug": "northwind",
    "mode": "live",
    "support_email": "help@northwind.example",
}


class SampleForm(forms.Form):
    """One control of every kind."""

    name = forms.CharField(help_text="Shown to administrators only.", max_length=64)
    email = forms.EmailField()
    phone = forms.CharField(required=False)
    password = forms.CharField(widget=forms.PasswordInput)
    kind = forms.ChoiceField(
        label="Type", choices=[("web", "Web application"), ("native", "Native application")]
    )
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    scopes = forms.MultipleChoiceField(
        choices=[
            ("members:read", "Read members"),
            ("members:write", "Change members"),
            ("keys:read", "Read keys"),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = forms.ChoiceField(
        choices=[("30", "30 days"), ("90", "90 days"), ("never", "No expiry")], widget=forms.RadioSelect
    )
    notify = forms.BooleanField(
        label="Tell the owner by mail", help_text="One message, at once.", required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lifetime"].option_help = {  # type: ignore[attr-defined]
            "30": "For a trial or a single job.",
            "90": "Rotation is announced a week before.",
            "never": "Only with an IP rule.",
        }


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the page named by `?page=`; `?mode=test` and `?brand=` vary the tenant. 404 in production."""
    if getattr(settings, "PRODUCTION", True):
        raise Http404
    page = request.GET.get("page", "")
    if page == "palette":
        return JsonResponse(samples.found(request.GET.get("q", "")))
    if page not in PAGES:
        raise Http404
    return render(request, PAGES[page], _sample(request, page))


def _sample(request: HttpRequest, page: str) -> dict[str, Any]:
    mode = request.GET.get("mode", "live")
    tenant = {"name": "Acme Cloud", "slug": "acme", "mode": mode, "support_email": "help@acme.example"}
    tenant |= {"privacy_url": "#privacy", "terms_url": "#terms"}
    return {
        "tenant": None if page in {"portal", "problem"} else tenant,
        "branding": {"brand": request.GET.get("brand", "")},
        "tenants": [tenant | {"url": "#", "active": True}, BRANDED | {"url": "#", "mode": "test"}],
        "viewer": {"name": "Ada Moreno", "email": "ada@acme.example"},
        "nav": navigation.PORTAL_NAV if page == "portal" else navigation.rail(page),
        "search_url": "#search",
        "palette_url": "?page=palette",
        "docs_url": "#docs",
        "account_url": "?page=portal",
        "sign_out_url": "#sign-out",
        "language_url": "#language",
        "request_id": "req_01kb5n8t3z9qf6m2x4v7",
        "icon_names": re.findall(r'<symbol id="([a-z-]+)"', SPRITE.read_text()),
        "form": SampleForm(),
        "bad_form": SampleForm({"name": "x" * 70, "email": "ada@"}),
        **samples.people(),
        **samples.activity(),
        **samples.charts(),
        **samples.lists(toast="toast" in request.GET),
    }
