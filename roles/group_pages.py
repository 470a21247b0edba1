"""The dashboard's pages of groups, who is in them and what they give; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.lookups import id_or_missing
from organizations import selectors as organizations
from organizations.member_pages import MembershipForm
from organizations.models import Organization
from organizations.pages import surroundings
from roles import group_selectors, selectors, services
from roles.group_forms import GivenForm, GroupForm, NewGroupForm
from roles.models import Group, GroupMember, Role
from tenants.models import Member
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
from tenants.selectors import member_by_subject

READ, WRITE = "groups:read", "groups:write"
TENANT = "tenant"  # in the filter: groups that belong to no organization


def group_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Groups by the beginning of a name and by where they are."""
    place = asked(request, "organization")
    places = [(TENANT, _("The whole tenant")), *organizations.choices()]
    selects = [select("organization", _("Anywhere"), place, places)]
    if viewer.principal.organization_id is not None:
        selects = []
    return show(
        request,
        "groups/list.html",
        **_listed(request, viewer, _placed(place), selects),
        show_place=True,
        new_url=viewer.url("groups", "new") if viewer.may(WRITE) else "",
    )


def _placed(place: str) -> QuerySet[Group]:
    rows = group_selectors.groups()
    if place == TENANT:
        return rows.filter(organization=None)
    return rows.filter(organization=row_of(Organization.PREFIX, place)) if place else rows


def _listed(
    request: HttpRequest, viewer: Viewer, rows: QuerySet[Group], selects: list[dict[str, Any]]
) -> dict[str, Any]:
    q = asked(request, "q")
    rows = group_selectors.with_counts(rows).select_related("organization")
    page = listing(request, group_selectors.search(rows, q) if q else rows)
    return {**list_context(page, q, selects), "groups_url": viewer.url("groups"), "all_url": request.path}


def organization_groups(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """The tab of one organization's groups."""
    organization = organizations.organization(id_or_missing(Organization.PREFIX, organization_id))
    rows = group_selectors.groups().filter(organization=organization)
    new_url = f"{viewer.url('groups', 'new')}?organization={organization.public_id}"
    return show(
        request,
        "groups/of_organization.html",
        **_listed(request, viewer, rows, []),
        new_url=new_url if viewer.may(WRITE) else "",
        **surroundings(viewer, organization, "groups"),
    )


def group_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = NewGroupForm(posted(request), viewer=viewer, initial={"place": asked(request, "organization")})
    if form.is_valid():
        made = form.carry_out(lambda: services.create_group(actor=viewer.principal, **form.wanted()))
        if made is not None:
            messages.success(request, _("The group is ready. Next: say who is in it."))
            return see_other(viewer.url("groups", made.public_id))
    return show(request, "groups/new.html", form, form=form, groups_url=viewer.url("groups"))


def group_members(request: HttpRequest, viewer: Viewer, group_id: str) -> HttpResponse:
    """List who is in a group; POST puts a member in."""
    group = read(group_id)
    form = MembershipForm(posted(request))
    if form.is_valid():
        added = form.carry_out(
            lambda: services.add_to_group(
                actor=viewer.principal, group=group, member=form.cleaned_data["member"]
            )
        )
        if added is not None:
            messages.success(request, _("Added. What the group gives counts from now on."))
            return see_other(viewer.url("groups", group.public_id))
    q = asked(request, "q")
    rows = group_selectors.people(group)
    page = listing(request, group_selectors.search_people(rows, q) if q else rows)
    return show(
        request,
        "groups/members.html",
        form,
        form=form,
        **list_context(page, q),
        people=[{"row": row, "origin": origin(row)} for row in page.rows],
        people_url=viewer.url("members"),
        may_change=viewer.may(WRITE),
        **frame(viewer, group, ""),
    )


def origin(row: GroupMember) -> str:
    """Say who put a member into a group."""
    by_hand = [_("by hand")] if group_selectors.BY_HAND in row.sources else []
    others = [word for word in row.sources if word != group_selectors.BY_HAND]
    return ", ".join([*by_hand, *others])


def group_roles(request: HttpRequest, viewer: Viewer, group_id: str) -> HttpResponse:
    """List what a group gives; POST adds a role."""
    group = read(group_id)
    form = GivenForm(posted(request), group=group)
    if form.is_valid():
        added = form.carry_out(
            lambda: services.add_group_role(actor=viewer.principal, group=group, role=form.chosen)
        )
        if added is not None:
            messages.success(request, _("Everybody in the group has the role from now on."))
            return see_other(viewer.url("groups", group.public_id, "roles"))
    return show(
        request,
        "groups/roles.html",
        form,
        form=form,
        given=group_selectors.given(group).order_by("id"),
        roles_url=viewer.url("roles"),
        may_change=may_give(viewer, group),
        **frame(viewer, group, "roles"),
    )


def may_give(viewer: Viewer, group: Group) -> bool:
    return viewer.may(WRITE) and viewer.may(services.needed_for(group.organization_id))


def group_settings(request: HttpRequest, viewer: Viewer, group_id: str) -> HttpResponse:
    """Show what a group is called; POST changes it."""
    group = read(group_id)
    initial = {name: getattr(group, name) or "" for name in GroupForm.base_fields}
    form = GroupForm(posted(request), initial=initial)
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        saved = form.carry_out(
            lambda: services.update_group(actor=viewer.principal, group=group, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url("groups", group.public_id, "settings"))
    return settings_page(request, viewer, group, form)


def settings_page(
    request: HttpRequest, viewer: Viewer, group: Group, form: GroupForm, status: int = 0, **more: Any
) -> HttpResponse:
    count = group_selectors.people(group).count()
    left = ngettext("%(n)d member loses what it gives.", "%(n)d members lose what it gives.", count) % {
        "n": count
    }
    return show(
        request,
        "groups/settings.html",
        form,
        status=status,
        form=form,
        delete_url=viewer.url("groups", group.public_id, "deletion"),
        consequences=[left],
        rows=facts(group),
        may_change=viewer.may(WRITE),
        **frame(viewer, group, "settings"),
        **more,
    )


def facts(group: Group) -> list[dict[str, Any]]:
    return [
        {"label": _("Where"), "value": place_of(group)},
        {"label": _("External id"), "value": group.external_id},
        {"label": _("Created"), "value": group.created_at, "kind": "time"},
        *({"label": name, "value": value} for name, value in sorted(group.metadata.items())),
    ]


def group_delete(request: HttpRequest, viewer: Viewer, group_id: str) -> HttpResponse:
    group = read(group_id)
    if request.method == "POST" and (error := unconfirmed(request, group.name)):
        form = GroupForm(initial={"name": group.name})
        return settings_page(request, viewer, group, form, 422, delete_error=error)
    return act(
        request,
        viewer.url("groups", group.public_id, "settings"),
        lambda: services.delete_group(actor=viewer.principal, group=group),
        _("The group is deleted, and what it gave is taken from everybody."),
        then=viewer.url("groups"),
    )


def group_member_remove(request: HttpRequest, viewer: Viewer, group_id: str, member_id: str) -> HttpResponse:
    group, member = read(group_id), member_by_subject(member_id)
    return act(
        request,
        viewer.url("groups", group.public_id),
        lambda: services.remove_from_group(actor=viewer.principal, group=group, member=member),
        _("The member is in the group no more."),
    )


def group_role_remove(request: HttpRequest, viewer: Viewer, group_id: str, role_id: str) -> HttpResponse:
    group, role = read(group_id), selectors.role(id_or_missing(Role.PREFIX, role_id))
    return act(
        request,
        viewer.url("groups", group.public_id, "roles"),
        lambda: services.remove_group_role(actor=viewer.principal, group=group, role=role),
        _("The group gives this role no more. That works at once."),
    )


def read(group_id: str) -> Group:
    return group_selectors.group(id_or_missing(Group.PREFIX, group_id))


def frame(viewer: Viewer, group: Group, tab: str) -> dict[str, Any]:
    """Return what stands above every page of one group."""
    base = viewer.url("groups", group.public_id)
    entries = [("", _("Members")), ("roles", _("Roles")), ("settings", _("Settings"))]
    return {
        "group": group,
        "group_url": base,
        "meta": [place_of(group)],
        "crumbs": [{"label": _("Groups"), "url": viewer.url("groups")}],
        "tab_items": [
            {"label": label, "url": f"{base}/{name}" if name else base, "active": name == tab}
            for name, label in entries
        ],
    }


def place_of(group: Group) -> str:
    return group.organization.name if group.organization else _("The whole tenant")


def shown_of(viewer: Viewer, member: Member) -> dict[str, Any]:
    """Return what the page of one member's roles says of the groups that they are in."""
    if not viewer.may(READ):
        return {}
    rows = group_selectors.groups_of(member.id)
    return {
        "in_groups": [{"row": row, "origin": origin(row)} for row in rows],
        "groups_url": viewer.url("groups"),
    }


# Acts on a group that gives roles ask for more than WRITE: see roles.services.groups.may_change.
ROUTES = [
    ("groups", group_list, READ),
    ("groups/new", group_create, WRITE),
    ("groups/<str:group_id>", group_members, READ),
    ("groups/<str:group_id>/members/<str:member_id>/removal", group_member_remove, WRITE),
    ("groups/<str:group_id>/roles", group_roles, READ),
    ("groups/<str:group_id>/roles/<str:role_id>/removal", group_role_remove, WRITE),
    ("groups/<str:group_id>/settings", group_settings, READ),
    ("groups/<str:group_id>/deletion", group_delete, WRITE),
    ("organizations/<str:organization_id>/groups", organization_groups, READ),
]
