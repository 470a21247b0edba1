"""The dashboard's pages of trusted outside issuers; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.lookups import id_or_missing
from oauth import external_identities, trusted_issuers
from oauth.models import ExternalIdentity, TrustedIssuer
from oauth.trusted_issuer_forms import NewTrustedIssuerForm, TrustedIssuerForm, initial_of
from oauth.trusted_issuer_presets import KNOWN
from roles.permissions import Permission
from tenants.pagekit import (
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    see_other,
    select,
    show,
    unconfirmed,
)

READ, WRITE = Permission.POLICIES_READ, Permission.POLICIES_WRITE
SECTION = "trusted-issuers"


def trusted_issuer_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List trusted issuers, newest first, narrowed by kind and the beginning of the name."""
    q, preset = asked(request, "q"), asked(request, "preset")
    rows = trusted_issuers.issuers()
    if preset in KNOWN:
        rows = rows.filter(preset=preset)
    if q:
        rows = rows.filter(name__istartswith=q) | rows.filter(issuer=q)
    page = listing(request, rows)
    kinds = [(value, known.label) for value, known in KNOWN.items()]
    return show(
        request,
        "oauth/trusted_issuers.html",
        issuers=[(row, KNOWN[row.preset].label) for row in page.rows],
        **list_context(page, q, [select("preset", _("Any kind"), preset, kinds)]),
        issuers_url=viewer.url(SECTION),
        new_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
    )


def trusted_issuer_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Choose the kind, then say which issuer and for which audiences."""
    preset = request.POST.get("preset") or request.GET.get("preset", "")
    if preset not in KNOWN:
        kinds = [(value, known.label, known.note) for value, known in KNOWN.items()]
        return show(
            request,
            "oauth/choose_preset.html",
            kinds=kinds,
            new_url=viewer.url(SECTION, "new"),
            **_base(viewer),
        )
    form = NewTrustedIssuerForm(posted(request), preset=preset)
    if form.is_valid():
        made = form.carry_out(
            lambda: trusted_issuers.create_issuer(actor=viewer.principal, **form.settings())
        )
        if made is not None:
            messages.success(request, _("The issuer is trusted. Check that its keys can be had."))
            return see_other(viewer.url(SECTION, made.public_id))
    more = {"preset": preset, "known": KNOWN[preset], **_base(viewer)}
    return show(request, "oauth/new_trusted_issuer.html", form, form=form, **more)


def trusted_issuer_detail(request: HttpRequest, viewer: Viewer, issuer_id: str) -> HttpResponse:
    """Show a trusted issuer and who is linked to it; POST changes its settings."""
    row = _read(issuer_id)
    form = TrustedIssuerForm(posted(request), initial=initial_of(row))
    if form.is_valid():
        saved = form.carry_out(
            lambda: trusted_issuers.update_issuer(
                actor=viewer.principal, issuer=_read(issuer_id), changes=form.settings()
            )
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url(SECTION, row.public_id))
    return _detail(request, viewer, row, form)


def _detail(
    request: HttpRequest,
    viewer: Viewer,
    row: TrustedIssuer,
    form: TrustedIssuerForm,
    status: int = 0,
    **more: Any,
) -> HttpResponse:
    linked = external_identities.identities(trusted_issuer=row).order_by("-id")
    count = linked.count()
    base = viewer.url(SECTION, row.public_id)
    return show(
        request,
        "oauth/trusted_issuer.html",
        form,
        status=status,
        form=form,
        issuer=row,
        known=KNOWN[row.preset],
        rows=_facts(row),
        identities=linked[:100],
        count=count,
        crumbs=[{"label": _("Trusted issuers"), "url": viewer.url(SECTION)}],
        base=base,
        people_url=viewer.url("members"),
        consequences=[ngettext("%(n)d link ends.", "%(n)d links end.", count) % {"n": count}],
        may_change=viewer.may(WRITE),
        **more,
    )


def _facts(row: TrustedIssuer) -> list[dict[str, Any]]:
    where = row.organization.name if row.organization else _("the whole tenant")
    return [
        {"label": _("Issuer"), "value": row.issuer, "kind": "copy"},
        {"label": _("Kind"), "value": KNOWN[row.preset].label},
        {"label": _("Speaks for"), "value": where},
    ]


def trusted_issuer_check(request: HttpRequest, viewer: Viewer, issuer_id: str) -> HttpResponse:
    row = _read(issuer_id)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: trusted_issuers.promise_check(actor=viewer.principal, issuer=row),
        _("The check is on its way. Load this page again in a moment."),
    )


def trusted_issuer_suspend(request: HttpRequest, viewer: Viewer, issuer_id: str) -> HttpResponse:
    """Disable the issuer, or enable it again with `enable` in the form."""
    row = _read(issuer_id)
    back = viewer.url(SECTION, row.public_id)
    if request.POST.get("enable"):
        work, done = trusted_issuers.enable_issuer, _("The issuer is trusted again.")
    else:
        work, done = trusted_issuers.disable_issuer, _("Nothing of this issuer is taken from now on.")
    return act(request, back, lambda: work(actor=viewer.principal, issuer=row), done)


def trusted_issuer_delete(request: HttpRequest, viewer: Viewer, issuer_id: str) -> HttpResponse:
    """Delete after the name was typed and a reason given."""
    row = _read(issuer_id)
    if request.method == "POST" and (error := unconfirmed(request, row.name)):
        form = TrustedIssuerForm(initial=initial_of(row))
        return _detail(request, viewer, row, form, 422, delete_error=error)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: trusted_issuers.delete_issuer(actor=viewer.principal, issuer=row),
        _("The issuer is deleted. Members it brought stay."),
        then=viewer.url(SECTION),
    )


def trusted_issuer_unlink(
    request: HttpRequest, viewer: Viewer, issuer_id: str, identity_id: str
) -> HttpResponse:
    row = _read(issuer_id)
    linked = external_identities.identity(
        id_or_missing(ExternalIdentity.PREFIX, identity_id), trusted_issuer=row
    )
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: external_identities.unlink(actor=viewer.principal, identity=linked),
        _("The link is undone."),
    )


def _base(viewer: Viewer) -> dict[str, Any]:
    crumbs = [{"label": _("Trusted issuers"), "url": viewer.url(SECTION)}]
    return {"issuers_url": viewer.url(SECTION), "crumbs": crumbs}


def _read(issuer_id: str) -> TrustedIssuer:
    return trusted_issuers.issuer(id_or_missing(TrustedIssuer.PREFIX, issuer_id))


ROUTES = [
    (SECTION, trusted_issuer_list, READ),
    (f"{SECTION}/new", trusted_issuer_create, WRITE),
    (f"{SECTION}/<str:issuer_id>", trusted_issuer_detail, READ),
    (f"{SECTION}/<str:issuer_id>/check", trusted_issuer_check, WRITE),
    (f"{SECTION}/<str:issuer_id>/suspension", trusted_issuer_suspend, WRITE),
    (f"{SECTION}/<str:issuer_id>/deletion", trusted_issuer_delete, WRITE),
    (f"{SECTION}/<str:issuer_id>/identities/<str:identity_id>/deletion", trusted_issuer_unlink, WRITE),
]
