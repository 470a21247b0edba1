"""The dashboard's pages of members: plain functions in an open tenant scope.

`ROUTES` lists them for whoever wires them: path beneath the dashboard's base, function, permission.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.lookups import id_or_missing
from tenants import bulk_pages, erasure, members, provisioning, selectors
from tenants.bulk_pages import STATUSES
from tenants.forms import MemberForm, ProfileForm
from tenants.models import Member, MemberStatus, TenantSession
from tenants.pagekit import (
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    reason,
    see_other,
    select,
    show,
    unconfirmed,
)


def status_label(status: str) -> str:
    labels = {
        MemberStatus.ACTIVE: _("Active"),
        MemberStatus.PENDING: _("Pending"),
        MemberStatus.SUSPENDED: _("Suspended"),
        MemberStatus.REMOVED: _("Removed"),
    }
    return labels[MemberStatus(status)]


def member_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List members, newest first, by the beginning of name or address, status, role, group and organization."""
    q, selects = asked(request, "q"), _member_filters(request)
    page = listing(request, bulk_pages.narrowed(request))
    return show(
        request,
        "members/list.html",
        **list_context(page, q, selects),
        members_url=viewer.url("members"),
        new_url=viewer.url("members", "new") if viewer.may("members:write") else "",
        bulk_acts=bulk_pages.offered(viewer),
        bulk_url=viewer.url("members", "bulk"),
        export_url=f"{viewer.url('members', 'export')}?{request.GET.urlencode()}",
        removed_url=viewer.url("members", "removed") if viewer.may("members:write") else "",
        invite_url=viewer.url("invitations", "new") if viewer.may("invitations:write") else "",
    )


def _member_filters(request: HttpRequest) -> list[dict[str, Any]]:
    statuses = [(one.value, status_label(one)) for one in STATUSES]
    labels = {"role": _("Any role"), "group": _("Any group"), "organization": _("Any organization")}
    further = (
        select(name, label, asked(request, name), selectors.narrowings[name].choices())
        for name, label in labels.items()
        if name in selectors.narrowings
    )
    # Of a kind that the tenant has none of, only what the address asks for is worth a box.
    shown = [one for one in further if one["options"] or one["value"]]
    return [select("status", _("Any status"), asked(request, "status"), statuses), *shown]


def member_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = MemberForm(posted(request))
    if form.is_valid():
        member = form.carry_out(
            lambda: provisioning.provision_member(actor=viewer.principal, **form.cleaned_data)
        )
        if member is not None:
            messages.success(request, _("The member waits for the person to sign in with this address."))
            return see_other(viewer.url("members", member.subject))
    return show(request, "members/new.html", form, form=form, members_url=viewer.url("members"))


def member_detail(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """Show a member; POST changes the tenant's own copy of name and language."""
    member = selectors.member_by_subject(member_id)
    initial = {"name": member.name, "locale": member.locale}
    form = ProfileForm(posted(request), initial=initial)
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        saved = form.carry_out(
            lambda: members.update_member(actor=viewer.principal, member=member, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url("members", member.subject))
    return member_page(request, viewer, member, form)


_beside: list[Callable[[Viewer, Member], dict[str, Any]]] = []


def beside_member(further: Callable[[Viewer, Member], dict[str, Any]]) -> Any:
    """Register what a higher app adds to the page of a member."""
    _beside.append(further)
    return further


def member_page(
    request: HttpRequest, viewer: Viewer, member: Member, form: ProfileForm, status: int = 0, **more: Any
) -> HttpResponse:
    return show(
        request,
        "members/detail.html",
        form,
        status=status,
        form=form,
        **frame(viewer, member, ""),
        rows=profile(member),
        may_change=viewer.may("members:write"),
        is_self=member.subject == viewer.principal.subject,
        consequences=consequences(member),
        activity_url=f"{viewer.url('audit')}?target={member.subject}" if viewer.may("audit:read") else "",
        trace_url=f"{viewer.url('sign-ins')}?about={member.subject}",
        **{name: value for add in _beside for name, value in add(viewer, member).items()},
        **more,
    )


def frame(viewer: Viewer, member: Member, tab: str) -> dict[str, Any]:
    """Return what stands above every page of one member: who it is, and the tabs."""
    base = viewer.url("members", member.subject)
    entries = [
        ("", _("Profile"), True),
        ("claims", _("Claims"), True),
        ("sessions", _("Sessions"), True),
        ("roles", _("Roles"), viewer.may("roles:read")),
        ("organizations", _("Organizations"), viewer.may("organizations:read")),
    ]
    return {
        "person": member,
        "person_name": member.name or member.email,
        "status_label": status_label(member.status),
        "member_url": base,
        "suspend_url": f"{base}/suspension",
        "remove_url": f"{base}/removal",
        "logout_url": f"{base}/logout",
        "crumbs": [{"label": _("Members"), "url": viewer.url("members")}],
        "tab_items": [
            {"label": label, "url": f"{base}/{name}" if name else base, "active": name == tab}
            for name, label, shown in entries
            if shown
        ],
    }


def profile(member: Member) -> list[dict[str, Any]]:
    verified = _("verified") if member.email_verified else _("not verified")
    return [
        {"label": _("Subject"), "value": member.subject, "kind": "copy"},
        {"label": _("E-mail address"), "value": f"{member.email} ({verified})"},
        {"label": _("Joined"), "value": member.created_at, "kind": "time"},
        {"label": _("Last sign-in"), "value": member.last_sign_in_at, "kind": "time"},
        *({"label": name, "value": value} for name, value in sorted(member.metadata.items())),
    ]


def consequences(member: Member) -> list[str]:
    live = selectors.sessions_of(member).count()
    return [ngettext("%(n)d session ends at once.", "%(n)d sessions end at once.", live) % {"n": live}]


def member_suspend(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """Suspend, or lift a suspension with `lift` in the form."""
    member = selectors.member_by_subject(member_id)
    back = viewer.url("members", member.subject)
    if request.POST.get("lift"):
        done = _("The member may sign in again.")
        return act(
            request, back, lambda: members.reactivate_member(actor=viewer.principal, member=member), done
        )
    why = reason(request)
    return act(
        request,
        back,
        lambda: members.suspend_member(actor=viewer.principal, member=member, reason=why),
        _("The member is suspended. Sessions and tokens are refused from now on."),
    )


def member_logout(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    member = selectors.member_by_subject(member_id)
    why = reason(request)
    return act(
        request,
        viewer.url("members", member.subject, "sessions"),
        lambda: members.force_logout(actor=viewer.principal, member=member, reason=why),
        _("All sessions in this tenant have ended. The person must sign in again."),
    )


def member_session_end(request: HttpRequest, viewer: Viewer, member_id: str, session_id: str) -> HttpResponse:
    member = selectors.member_by_subject(member_id)
    session = selectors.session_of(member, id_or_missing(TenantSession.PREFIX, session_id))
    return act(
        request,
        viewer.url("members", member.subject, "sessions"),
        lambda: members.revoke_session(actor=viewer.principal, session=session),
        _("The session has ended, and its tokens with it."),
    )


def member_remove(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    member = selectors.member_by_subject(member_id)
    if request.method == "POST" and (error := unconfirmed(request, member.email or member.subject)):
        form = ProfileForm(initial={"name": member.name, "locale": member.locale})
        return member_page(request, viewer, member, form, 422, remove_error=error)
    why = reason(request)
    return act(
        request,
        viewer.url("members", member.subject),
        lambda: members.remove_member(actor=viewer.principal, member=member, reason=why),
        _("The member is removed. The audit log keeps their history."),
        then=viewer.url("members"),
    )


def member_removed(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List those who were removed, so that what is still known of them can be erased."""
    page = listing(request, selectors.removed_members())
    return removed_page(request, viewer, page)


def removed_page(
    request: HttpRequest, viewer: Viewer, page: Any, status: int = 0, **more: Any
) -> HttpResponse:
    return show(
        request,
        "members/removed.html",
        status=status,
        page=page,
        next_url=page.next_url,
        previous_url=page.previous_url,
        crumbs=[{"label": _("Members"), "url": viewer.url("members")}],
        removed_url=viewer.url("members", "removed"),
        **more,
    )


def member_erase(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    """Erase a removed member's data after the subject was typed and a reason given."""
    member = selectors.any_member_by_subject(member_id)
    if request.method == "POST" and (error := unconfirmed(request, member.subject)):
        page = listing(request, selectors.removed_members())
        return removed_page(request, viewer, page, 422, refused=member.subject, erase_error=error)
    why = reason(request)
    return act(
        request,
        viewer.url("members", "removed"),
        lambda: erasure.erase_member(actor=viewer.principal, member=member, reason=why),
        _("Erased. The audit log still shows what happened, and to whom no longer."),
    )


def member_sessions(request: HttpRequest, viewer: Viewer, member_id: str) -> HttpResponse:
    member = selectors.member_by_subject(member_id)
    return show(
        request,
        "members/sessions.html",
        **frame(viewer, member, "sessions"),
        sessions=selectors.sessions_of(member)[:100],
        sessions_url=viewer.url("members", member.subject, "sessions"),
        may_change=viewer.may("members:write"),
    )


ROUTES = [
    *bulk_pages.ROUTES,
    ("members", member_list, "members:read"),
    ("members/new", member_create, "members:write"),
    ("members/removed", member_removed, "members:write"),
    ("members/removed/<str:member_id>/erasure", member_erase, "members:write"),
    ("members/<str:member_id>", member_detail, "members:read"),
    ("members/<str:member_id>/sessions", member_sessions, "members:read"),
    ("members/<str:member_id>/sessions/<str:session_id>/end", member_session_end, "members:write"),
    ("members/<str:member_id>/suspension", member_suspend, "members:write"),
    ("members/<str:member_id>/logout", member_logout, "members:write"),
    ("members/<str:member_id>/removal", member_remove, "members:write"),
]
