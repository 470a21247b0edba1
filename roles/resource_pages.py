"""The dashboard's pages of API resources: list, scopes, settings, import, claims."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import jose
from core.api.dialects import DIALECTS
from core.lookups import id_or_missing
from roles import claim_mapping, imports, resources, scope_words, selectors
from roles.addresses import metadata_address
from roles.claim_pages import Owner, mapping_page
from roles.models import ApiResource, Scope
from roles.resource_forms import DIALECT_LABELS, ImportForm, ResourceForm, ResourceSettingsForm, ScopeForm
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
from tenants.selectors import begins

READ, WRITE = "roles:read", "roles:write"
SECTION = "api-resources"


def resource_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List the APIs, newest first, by the beginning of name or audience, algorithm and dialect."""
    q, alg, dialect = (asked(request, name) for name in ("q", "alg", "dialect"))
    rows = selectors.api_resources()
    if q:
        rows = rows.filter(begins("name", q, folded=False) | begins("audience", q, folded=False))
    rows = rows.filter(signing_alg=alg) if alg in jose.ALGORITHMS else rows
    rows = rows.filter(error_dialect=dialect) if dialect in DIALECTS else rows
    page = listing(request, rows)
    selects = [
        select("alg", _("Any algorithm"), alg, [(name, name) for name in jose.ALGORITHMS]),
        select("dialect", _("Any dialect"), dialect, [(name, DIALECT_LABELS[name]) for name in DIALECTS]),
    ]
    return show(
        request,
        "roles/resources.html",
        **list_context(page, q, selects),
        resources_url=viewer.url(SECTION),
        new_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
    )


def resource_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = ResourceForm(posted(request))
    if form.is_valid():
        made = form.carry_out(lambda: resources.create_resource(actor=viewer.principal, **form.cleaned_data))
        if made is not None:
            messages.success(request, _("The API resource is ready. Next: its scopes."))
            return see_other(viewer.url(SECTION, made.public_id))
    return show(request, "roles/resource_new.html", form, form=form, resources_url=viewer.url(SECTION))


def resource_detail(request: HttpRequest, viewer: Viewer, resource_id: str) -> HttpResponse:
    """Show an API resource with its scopes; POST adds a scope."""
    resource = read_resource(resource_id)
    form = ScopeForm(posted(request))
    if form.is_valid():
        made = form.carry_out(
            lambda: resources.create_scope(actor=viewer.principal, resource=resource, **form.cleaned_data)
        )
        if made is not None:
            messages.success(request, _("The scope can be asked for."))
            return see_other(viewer.url(SECTION, resource.public_id))
    return resource_page(request, viewer, resource, form)


def resource_page(
    request: HttpRequest, viewer: Viewer, resource: ApiResource, form: ScopeForm, status: int = 0, **more: Any
) -> HttpResponse:
    base = viewer.url(SECTION, resource.public_id)
    q, feature = asked(request, "q"), asked(request, "feature")
    return show(
        request,
        "roles/resource.html",
        form,
        status=status,
        form=form,
        resource=resource,
        rows=_facts(viewer, resource),
        scopes=scope_lines(resource, q, feature),
        q=q,
        is_narrowed=bool(q or feature),
        selects=[features_select(resource, feature)],
        consequences=resources.uses_of(resource),
        resource_url=base,
        delete_url=f"{base}/deletion",
        may_change=viewer.may(WRITE) and not resource.is_control_plane,
        **frame(viewer, resource, ""),
        **more,
    )


def frame(viewer: Viewer, resource: ApiResource, tab: str) -> dict[str, Any]:
    """Return what stands above every page of one API: the tabs and the way back."""
    base = viewer.url(SECTION, resource.public_id)
    entries = [("", _("Scopes")), ("settings", _("Settings")), ("claims", _("Claims"))]
    if not resource.is_control_plane and viewer.may(WRITE):
        entries.append(("import", _("Import")))
    return {
        "crumbs": [{"label": _("APIs"), "url": viewer.url(SECTION)}],
        "tab_items": [
            {"label": label, "url": f"{base}/{name}" if name else base, "active": name == tab}
            for name, label in entries
        ],
    }


def scope_lines(resource: ApiResource, q: str, feature: str) -> list[dict[str, Any]]:
    """Return scopes with what each bundle stands for."""
    declared = selectors.declared_in(resource)
    rows = selectors.scopes_of(resource).order_by("value")
    if q:
        rows = rows.filter(begins("value", q, folded=False))
    if feature:
        rows = rows.filter(features__contains=[feature])
    return [
        {"row": row, "means": scope_words.meaning(row.value, declared) if row.bundles else ()}
        for row in rows[:500]
    ]


def _facts(viewer: Viewer, resource: ApiResource) -> list[dict[str, Any]]:
    metadata = metadata_address(viewer.tenant.slug, resource)
    return [
        {"label": _("Audience"), "value": resource.audience, "kind": "copy"},
        {"label": _("Metadata (RFC 9728)"), "value": metadata, "kind": "copy"},
        {"label": _("Challenge"), "value": f'Bearer resource_metadata="{metadata}"', "kind": "copy"},
    ]


def features_select(resource: ApiResource, feature: str) -> dict[str, Any]:
    lists = selectors.scopes_of(resource).values_list("features", flat=True)
    words = sorted({word for features in lists for word in features})
    return select("feature", _("Any feature"), feature, [(word, word) for word in words])


def resource_settings(request: HttpRequest, viewer: Viewer, resource_id: str) -> HttpResponse:
    """Show and change what an API's tokens are like."""
    resource = read_resource(resource_id)
    form = ResourceSettingsForm(posted(request), resource=resource)
    if form.is_valid():
        saved = form.carry_out(
            lambda: resources.update_resource(actor=viewer.principal, resource=resource, changes=form.changes)
        )
        if saved is not None:
            messages.success(request, _("Saved. New tokens follow it."))
            return see_other(viewer.url(SECTION, resource.public_id, "settings"))
    return show(
        request,
        "roles/resource_settings.html",
        form,
        form=form,
        resource=read_resource(resource_id),
        may_change=viewer.may(WRITE),
        **frame(viewer, resource, "settings"),
    )


def resource_claims(request: HttpRequest, viewer: Viewer, resource_id: str) -> HttpResponse:
    """Claims of an API's access tokens, those that keys are exchanged for among them."""
    resource = read_resource(resource_id)
    around = frame(viewer, resource, "claims")
    owner = Owner(
        name=resource.name,
        rules=list(resource.claim_mapping),
        tokens=(claim_mapping.ACCESS,),
        save=lambda rules: resources.update_resource(
            actor=viewer.principal, resource=resource, changes={"claim_mapping": rules}
        ),
        url=viewer.url(SECTION, resource.public_id, "claims"),
        may_change=viewer.may(WRITE),
        tabs=around["tab_items"],
        crumbs=around["crumbs"],
        public_id=resource.public_id,
        icon="api",
    )
    return mapping_page(request, viewer, owner)


def resource_import(request: HttpRequest, viewer: Viewer, resource_id: str) -> HttpResponse:
    """Take scopes over from a file, or show what that would change."""
    resource = read_resource(resource_id)
    form = ImportForm(request.POST or None, request.FILES or None)
    done = None
    if form.is_valid():
        done = form.carry_out(
            lambda: imports.import_scopes(actor=viewer.principal, resource=resource, **form.cleaned_data)
        )
    if done is not None and not done.dry_run:
        count = len(done.created) + len(done.updated)
        text = ngettext("%(n)d scope was taken over.", "%(n)d scopes were taken over.", count) % {"n": count}
        messages.success(request, text)
        return see_other(viewer.url(SECTION, resource.public_id))
    around = frame(viewer, resource, "import")
    return show(
        request, "roles/resource_import.html", form, form=form, resource=resource, tried=done, **around
    )


def resource_delete(request: HttpRequest, viewer: Viewer, resource_id: str) -> HttpResponse:
    resource = read_resource(resource_id)
    if request.method == "POST" and (error := unconfirmed(request, resource.name)):
        return resource_page(request, viewer, resource, ScopeForm(), 422, delete_error=error)
    return act(
        request,
        viewer.url(SECTION, resource.public_id),
        lambda: resources.delete_resource(actor=viewer.principal, resource=resource),
        _("The API resource is deleted with its scopes."),
        then=viewer.url(SECTION),
    )


def scope_delete(request: HttpRequest, viewer: Viewer, resource_id: str, scope_id: str) -> HttpResponse:
    resource = read_resource(resource_id)
    scope = selectors.scope_of(resource, id_or_missing(Scope.PREFIX, scope_id))
    return act(
        request,
        viewer.url(SECTION, resource.public_id),
        lambda: resources.delete_scope(actor=viewer.principal, resource=resource, scope=scope),
        _("The scope is deleted."),
    )


def read_resource(resource_id: str) -> ApiResource:
    return selectors.api_resource(id_or_missing(ApiResource.PREFIX, resource_id))


ROUTES = [
    (SECTION, resource_list, READ),
    (f"{SECTION}/new", resource_create, WRITE),
    (f"{SECTION}/<str:resource_id>", resource_detail, READ),
    (f"{SECTION}/<str:resource_id>/settings", resource_settings, READ),
    (f"{SECTION}/<str:resource_id>/claims", resource_claims, READ),
    (f"{SECTION}/<str:resource_id>/import", resource_import, WRITE),
    (f"{SECTION}/<str:resource_id>/deletion", resource_delete, WRITE),
    (f"{SECTION}/<str:resource_id>/scopes/<str:scope_id>/deletion", scope_delete, WRITE),
]
