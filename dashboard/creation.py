"""Choosing and creating tenants: the pages before there is a tenant in the address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import Problem
from core.urls import tenant_slug
from dashboard.frame import siblings, to_sign_in
from identity import browser
from identity.sessions import SessionRef
from tenants import founding
from tenants.models import Mode


class TenantForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("People see it when they sign in.")
    )
    slug = forms.CharField(
        label=gettext_lazy("Slug"),
        max_length=63,
        help_text=gettext_lazy("Part of the issuer's address, such as acme in /t/acme. It can never change."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Environment"),
        initial=Mode.TEST,
        widget=forms.RadioSelect,
        choices=[
            (Mode.TEST, gettext_lazy("Test: try things out; keys start with sk_test_")),
            (Mode.LIVE, gettext_lazy("Live: real people; keys start with sk_live_")),
        ],
    )
    support_email = forms.EmailField(
        label=gettext_lazy("Support e-mail"),
        required=False,
        help_text=gettext_lazy("Shown on sign-in and consent pages, so that people know whom to ask."),
    )


def home(request: HttpRequest) -> HttpResponse:
    """`/`: administrators begin at their tenants; under a tenant's address people begin with sign-in."""
    slug = tenant_slug(request)
    return HttpResponseRedirect(f"/t/{slug}/sign-in" if slug else "/dashboard/")


def choose(request: HttpRequest) -> HttpResponse:
    """`/dashboard/`: the person's tenants, and a way to make one."""
    session = browser.account_session(request)
    if session is None:
        return to_sign_in(request)
    return render(
        request, "dashboard/choose.html", _frame(session) | {"rows": siblings(session.account_id, "")}
    )


def create(request: HttpRequest) -> HttpResponse:
    """`/dashboard/new`: a new tenant with the person as its owner (TEN-01)."""
    session = browser.account_session(request)
    if session is None:
        return to_sign_in(request)
    form = TenantForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _create(form, session):
        messages.success(request, _("The tenant is ready. Next: register your first application."))
        return HttpResponseRedirect(f"/dashboard/{form.cleaned_data['slug']}/")
    return render(
        request, "dashboard/new.html", _frame(session) | {"form": form}, status=422 if form.errors else 200
    )


def _create(form: TenantForm, session: SessionRef) -> bool:
    """Create the tenant; what the service refuses becomes an error of the form."""
    try:
        founding.found_tenant(
            account_id=session.account_id,
            email=session.email,
            person_name=session.account_name,
            **form.cleaned_data,
        )
    except Problem as problem:
        for error in problem.errors:
            form.add_error(error.pointer.strip("/"), error.detail)
        if not problem.errors:
            form.add_error("slug", problem.detail)
        return False
    return True


def _frame(session: SessionRef) -> dict[str, Any]:
    person = {"name": session.account_name, "email": session.email}
    return {
        "viewer": person,
        "home_url": "/dashboard/",
        "account_url": "/account/",
        "sign_out_url": "/sign-out",
    }
