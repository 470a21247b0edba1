"""The dashboard's pages of roles and who has them; `ROUTES` lists them with those of API resources."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.lookups import id_or_missing
from organizations import selectors as organizations
from organizations.models import Organization
from roles import group_selectors, resource_pages, selectors, services
from roles.forms import RoleForm
from roles.models import Role
from roles.permissions import BUILT_IN, DESCRIPTIONS, Permission
from tenants.forms import FACTORS
from tenants.pagekit import (
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    row_of,
    see_other,
    select,
    show,
    unconfirmed,
)
from tenants.selectors import begins

READ, WRITE = "roles:read", "roles:write"
TENANT = "tenant"  # in the filter: roles that belong to no organization


def role_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Custom roles, by the beginning of a name and by where they count, and the built-in ones above them."""
    q, place = asked(request, "q"), asked(request, "organization")
    page = listing(request, _narrowed(q, place))
    places = [(TENANT, _("The whole tenant")), *organizations.choices()]
    selects = [select("organization", _("Anywhere"), place, places)]
    return show(
        request,
        "roles/list.html",
        built_in=[] if q or place else selectors.roles().filter(is_built_in=True).order_by("id"),
        **list_context(page, q, selects),
        roles_url=viewer.url("roles"),
        matrix_url=viewer.url("roles", "matrix"),
        new_url=viewer.url("roles", "new") if viewer.may(WRITE) else "",
    )


def _narrowed(q: str, place: str) -> QuerySet[Role]:
    rows = selectors.roles().filter(is_built_in=False).select_related("organization")
    if q:
        rows = rows.filter(begins("name", q, folded=False))
    if place == TENANT:
        return rows.filter(organization=None)
    return rows.filter(organization=row_of(Organization.PREFIX, place)) if place else rows


def matrix(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Every built-in role against every permission (AZ-03), from the same table that decides."""
    names = list(BUILT_IN)
    lines = [
        {"word": word, "description": DESCRIPTIONS[word], "cells": [word in BUILT_IN[name] for name in names]}
        for word in Permission
    ]
    crumbs = [{"label": _("Roles"), "url": viewer.url("roles")}]
    return show(request, "roles/matrix.html", names=names, lines=lines, crumbs=crumbs)


def role_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = RoleForm(posted(request), viewer=viewer)
    if form.is_valid():
        made = form.carry_out(lambda: services.create_role(actor=viewer.principal, **form.cleaned_data))
        if made is not None:
            messages.success(request, _("The role is ready to be given."))
            return see_other(viewer.url("roles", made.public_id))
    return show(request, "roles/new.html", form, form=form, roles_url=viewer.url("roles"))


def role_detail(request: HttpRequest, viewer: Viewer, role_id: str) -> HttpResponse:
    """Show a role and who has it; POST changes a custom one."""
    role = read(role_id)
    confined = role.organization_id is not None
    initial = {name: getattr(role, name) for name in RoleForm.base_fields}
    form = RoleForm(posted(request), initial=initial, viewer=viewer, confined=confined)
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        saved = form.carry_out(
            lambda: services.update_role(actor=viewer.principal, role=role, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("Saved. Everybody who has the role feels it at once."))
            return see_other(viewer.url("roles", role.public_id))
    return role_page(request, viewer, role, form)


def role_page(
    request: HttpRequest, viewer: Viewer, role: Role, form: RoleForm, status: int = 0, **more: Any
) -> HttpResponse:
    held = selectors.live(selectors.holders(role)).select_related("group").order_by("-id")
    count = held.order_by().values("member_id").distinct().count()
    return show(
        request,
        "roles/detail.html",
        form,
        status=status,
        form=form,
        role=role,
        factor=dict(FACTORS)[role.required_factor] if role.required_factor != "any" else "",
        granted=[(word, DESCRIPTIONS[Permission(word)]) for word in sorted(selectors.granted(role))],
        holders=held[:100],
        crumbs=[{"label": _("Roles"), "url": viewer.url("roles")}],
        people_url=viewer.url("members"),
        groups=group_selectors.giving(group_selectors.groups(), role.id).order_by("name_search")[:100],
        groups_url=viewer.url("groups") if viewer.may("groups:read") else "",
        delete_url=viewer.url("roles", role.public_id, "deletion"),
        consequences=[ngettext("%(n)d member loses it.", "%(n)d members lose it.", count) % {"n": count}],
        may_change=not role.is_built_in and viewer.may(services.needed_for(role.organization_id)),
        **more,
    )


def role_delete(request: HttpRequest, viewer: Viewer, role_id: str) -> HttpResponse:
    role = read(role_id)
    if request.method == "POST" and (error := unconfirmed(request, role.name)):
        form = RoleForm(initial={"name": role.name}, viewer=viewer)
        return role_page(request, viewer, role, form, 422, delete_error=error)
    return act(
        request,
        viewer.url("roles", role.public_id),
        lambda: services.delete_role(actor=viewer.principal, role=role),
        _("The role is deleted and taken from everybody who had it."),
        then=viewer.url("roles"),
    )


def read(role_id: str) -> Role:
    return selectors.role(id_or_missing(Role.PREFIX, role_id))


# Deleting a role asks for READ only at the door: of an organization it needs organizations:write, of the
# tenant roles:write, and the service knows which (roles.services.needed_for).
ROUTES = [
    ("roles", role_list, READ),
    ("roles/matrix", matrix, READ),
    ("roles/new", role_create, WRITE),
    ("roles/<str:role_id>", role_detail, READ),
    ("roles/<str:role_id>/deletion", role_delete, READ),
    *resource_pages.ROUTES,
]
