"""The page of claim mapping, the same for an application and for an API resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.errors import NotFound, Problem
from core.lookups import id_or_missing
from organizations.models import Organization
from roles import claim_preview
from roles.resource_forms import RuleForm
from tenants import selectors
from tenants.models import Member
from tenants.pagekit import Viewer, asked, attempt, posted, see_other, show


@dataclass(frozen=True)
class Owner:
    """Whose mapping a page shows: its name, rules and tokens, how rules are saved, and the way around."""

    name: str
    rules: list[dict[str, Any]]
    tokens: tuple[str, ...]
    save: Callable[[list[dict[str, Any]]], Any]
    url: str
    may_change: bool
    tabs: list[dict[str, Any]]
    crumbs: list[dict[str, str]]
    public_id: str
    icon: str


def mapping_page(request: HttpRequest, viewer: Viewer, owner: Owner) -> HttpResponse:
    """Show the rules and what they make of one member; POST adds a rule, or removes one by its number."""
    if request.method == "POST" and "remove" in request.POST:
        return _remove(request, owner)
    form = RuleForm(posted(request), tokens=owner.tokens)
    if form.is_valid() and form.carry_out(lambda: owner.save([*owner.rules, form.rule])) is not None:
        messages.success(request, _("The claim is in every token from now on."))
        return see_other(owner.url)
    return show(
        request, "roles/claims.html", form, form=form, owner=owner, **_preview(request, viewer, owner)
    )


def _remove(request: HttpRequest, owner: Owner) -> HttpResponse:
    claim = request.POST["remove"]
    kept = [rule for rule in owner.rules if rule["claim"] != claim]
    _done, problem = attempt(lambda: owner.save(kept))
    if problem is not None:
        messages.error(request, f"{problem.title}. {problem.detail}")
    else:
        messages.success(request, _("The claim is gone from new tokens. Old ones keep it until they expire."))
    return see_other(owner.url)


def _preview(request: HttpRequest, viewer: Viewer, owner: Owner) -> dict[str, Any]:
    """Return what the preview of the member named in the address shows."""
    named, within = asked(request, "member"), asked(request, "organization")
    shown: dict[str, Any] = {
        "member": named,
        "organization": within,
        "can_preview": viewer.may("members:read"),
    }
    if not named or not shown["can_preview"]:
        return shown
    try:
        organization_id = id_or_missing(Organization.PREFIX, within) if within else None
        made = claim_preview.preview(
            actor=viewer.principal,
            rules=owner.rules,
            member=_member(named),
            tokens=owner.tokens,
            organization_id=organization_id,
        )
    except Problem:
        return {**shown, "preview_error": _("No such member, or not in that organization.")}
    return {**shown, "preview": list(made.items())}


def _member(named: str) -> Member:
    found = selectors.member_by_email(named) if "@" in named else selectors.member_by_subject(named)
    if found is None:
        raise NotFound
    return found
