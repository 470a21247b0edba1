"""The dashboard's page of who may use an application (APP-06)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.errors import NotFound, Problem
from oauth import applications
from oauth.models import Application
from oauth.token_pages import SECTION, frame
from organizations import selectors as organizations
from organizations.models import Organization
from roles import selectors as roles
from roles.permissions import Permission
from tenants.pagekit import Viewer, posted


class AssignmentForm(forms.Form):
    """The organizations that are listed, one to add, and the roles."""

    organizations = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("People at work in one of these organizations"),
        help_text=gettext_lazy("Untick one to take it off the list."),
    )
    add = forms.CharField(
        required=False,
        max_length=120,
        label=gettext_lazy("Add an organization"),
        help_text=gettext_lazy("Its short name or its id."),
    )
    roles = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("People who have one of these roles"),
    )

    def __init__(self, *args: Any, application: Application, **options: Any) -> None:
        super().__init__(*args, **options)
        listed = [_read(Organization, text) for text in application.assigned_organizations]
        known = organizations.organizations().filter(id__in=[one for one in listed if one])
        self._offer("organizations", [(row.public_id, row.name) for row in known.order_by("name")])
        names = [(row.public_id, _role_label(row)) for row in roles.roles().select_related("organization")]
        self._offer("roles", sorted(names, key=lambda one: one[1]))
        if not self.fields["organizations"].choices:  # type: ignore[attr-defined]
            del self.fields["organizations"]

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean_add(self) -> str:
        """Turn what was typed into a public id."""
        text = self.cleaned_data["add"].strip()
        if not text:
            return ""
        rows = organizations.organizations()
        found = rows.filter(slug=text.lower()).first() or rows.filter(id=_read(Organization, text)).first()
        if found is None:
            raise forms.ValidationError(_("There is no organization with this short name or id."))
        return found.public_id

    @property
    def changes(self) -> dict[str, list[str]]:
        kept = list(self.cleaned_data.get("organizations", ()))
        added = [one for one in [self.cleaned_data["add"]] if one and one not in kept]
        return {"assigned_organizations": [*kept, *added], "assigned_roles": self.cleaned_data["roles"]}


def _read(model: Any, text: str) -> Any:
    try:
        return ids.decode(model.PREFIX, text)
    except ids.MalformedId:
        return None


def _role_label(role: Any) -> str:
    return f"{role.name} · {role.organization.name}" if role.organization else str(role.name)


def application_assignment(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Show and change who may use the application; with nothing chosen, everyone may."""
    row = applications.application(_read(Application, application_id) or _missing())
    initial = {"organizations": row.assigned_organizations, "roles": row.assigned_roles}
    data = posted(request)
    form = AssignmentForm(data, application=row, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            applications.update_application(actor=viewer.principal, application=row, changes=form.changes)
        except Problem as problem:
            form.add_error(None, problem.errors[0].detail if problem.errors else problem.detail)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(viewer.url(SECTION, row.public_id, "assignment"), status=303)
    return render(
        request, "oauth/assignment.html", _context(viewer, row, form), status=400 if form.errors else 200
    )


def _missing() -> Any:
    raise NotFound


def _context(viewer: Viewer, row: Application, form: AssignmentForm) -> dict[str, Any]:
    is_open = not row.assigned_organizations and not row.assigned_roles
    return {"application": row, "form": form, "is_open": is_open, **frame(viewer, row, "assignment")}


ROUTES = [
    (f"{SECTION}/<str:application_id>/assignment", application_assignment, Permission.APPLICATIONS_WRITE)
]
