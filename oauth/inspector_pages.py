"""The dashboard's token inspector. What is pasted leaves with the answer: it is not even shown again."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from core.errors import Problem
from oauth import inspector
from oauth.inspector.report import Report
from roles.permissions import Permission
from tenants.pagekit import Viewer, attempt, show

SECTION = "token-inspector"


class InspectionForm(forms.Form):
    token = forms.CharField(
        max_length=inspector.LONGEST,
        widget=forms.Textarea(
            attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
        ),
        label=gettext_lazy("Token, key, code or request ID"),
        help_text=gettext_lazy("It is looked at and forgotten: not stored, not logged, not shown again."),
    )
    operation = forms.CharField(
        required=False,
        max_length=500,
        label=gettext_lazy("Try it against"),
        help_text=gettext_lazy("A permission such as members:read, or an operation such as GET /v1/members."),
    )


def token_inspector(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Explain what was posted; a request id may also stand in the address, as `?request=req_…`."""
    form = _form(request)
    report: Report | None = None
    if form.is_valid():
        told = form.cleaned_data
        report, problem = attempt(
            lambda: inspector.inspect(actor=viewer.principal, text=told["token"], operation=told["operation"])
        )
        if problem is not None:
            _explain(form, problem)
    return _show(request, form, report)


def _form(request: HttpRequest) -> InspectionForm:
    if request.method == "POST":
        return InspectionForm(request.POST)
    named = request.GET.get("request", "")
    asked = {"token": named} if named.startswith(inspector.REQUEST_PREFIX) else None
    return InspectionForm(asked)


def _explain(form: InspectionForm, problem: Problem) -> None:
    for error in problem.errors:
        form.add_error("operation", error.detail)
    if not problem.errors:
        form.add_error(None, problem.detail)


def _show(request: HttpRequest, form: InspectionForm, report: Report | None) -> HttpResponse:
    """The form comes back with what to try against, and never with the token."""
    kept = {"operation": form.data.get("operation", "")}
    if form.errors:
        form.data = kept
    else:
        form = InspectionForm(initial=kept)
    return show(request, "oauth/token_inspector.html", form, form=form, report=report)


ROUTES = [(SECTION, token_inspector, Permission.AUDIT_READ)]
