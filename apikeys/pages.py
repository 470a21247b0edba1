"""The dashboard's pages of API keys: plain functions in an open tenant scope; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apikeys import code_samples, selectors, services
from apikeys.forms import KeyForm, RotationForm
from apikeys.models import ApiKey, KeyStatus, ServiceAccount
from core.lookups import id_or_missing
from roles import selectors as roles
from roles.models import ApiResource
from roles.permissions import Permission
from tenants import selectors as tenants
from tenants.pagekit import (
    Viewer,
    act,
    asked,
    demand_post,
    list_context,
    listing,
    posted,
    reason,
    row_of,
    select,
    show,
    unconfirmed,
)

SECTION = "api-keys"
READ, WRITE = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE


def key_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List keys, newest first, narrowed by status, account and words of the name or beginning of the key."""
    status, account, q = (asked(request, name) for name in ("status", "service_account", "q"))
    page = listing(request, _narrowed(status, account, q))
    statuses = [(KeyStatus(value).value, _status_label(value)) for value in KeyStatus.values]
    accounts = [(row.public_id, row.name) for row in selectors.service_accounts().order_by("name")[:200]]
    selects = [
        select("status", _("Any status"), status, statuses),
        select("service_account", _("Any service account"), account, accounts),
    ]
    return show(
        request,
        "apikeys/list.html",
        keys=page.rows,
        keys_url=viewer.url(SECTION),
        new_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
        **list_context(page, q, selects),
    )


def _narrowed(status: str, account: str, q: str) -> QuerySet[ApiKey]:
    rows = selectors.api_keys()
    if status in KeyStatus.values:
        rows = selectors.with_status(rows, [status])
    if account:
        rows = rows.filter(service_account_id=row_of(ServiceAccount.PREFIX, account))
    if q:
        rows = rows.filter(name__istartswith=q) | rows.filter(public_part=_public_part(q))
    return rows


def _public_part(text: str) -> str:
    """Return the clear part of a key, or of its beginning, as somebody may paste it to find the key."""
    return text.rsplit("_", 1)[-1][:12]


def key_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Choose the API resource, then say what the key may do; the key is shown once, in the answer."""
    resources = list(roles.api_resources().order_by("-is_control_plane", "name"))
    around: dict[str, Any] = {"resources": resources, "keys_url": viewer.url(SECTION)}
    chosen = _chosen(request, resources)
    if chosen is None:
        kept = {
            name: request.GET[name] for name in ("service_account", "organization") if name in request.GET
        }
        return show(request, "apikeys/choose.html", kept=kept, **around)
    form = KeyForm(
        posted(request),
        initial=request.GET.dict(),
        resource=chosen,
        maker=viewer.principal,
        policy=tenants.policy(),
    )
    around |= {"form": form, "resource": chosen, "many": len(resources) > 1}
    issued = form.carry_out(lambda: _issue(viewer, form, chosen)) if form.is_valid() else None
    if issued is not None:
        return _shown_once(request, viewer, issued)
    return show(request, "apikeys/new.html", form, new_url=viewer.url(SECTION, "new"), **around)


def _chosen(request: HttpRequest, resources: list[ApiResource]) -> ApiResource | None:
    if len(resources) == 1:
        return resources[0]
    named = request.POST.get("resource") or request.GET.get("resource", "")
    return next((row for row in resources if row.public_id == named), None)


def _issue(viewer: Viewer, form: KeyForm, resource: ApiResource) -> services.IssuedKey:
    fields = form.cleaned_data
    return services.issue_key(
        actor=viewer.principal,
        name=fields["name"],
        scopes=fields["scopes"],
        resource=resource,
        organization=fields.get("organization"),
        service_account=fields["service_account"],
        expires_at=form.expiry,
    )


def _shown_once(request: HttpRequest, viewer: Viewer, issued: services.IssuedKey) -> HttpResponse:
    return show(
        request,
        "apikeys/issued.html",
        key=issued.key,
        secret=issued.secret,
        samples=code_samples.exchange(viewer.tenant.slug),
        done_url=viewer.url(SECTION, issued.key.public_id),
    )


def key_detail(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    return _key_page(request, viewer, _key(key_id), RotationForm())


def key_rotate(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    """Replace the key; the new one is shown once, in the answer."""
    demand_post(request)
    key, form = _key(key_id), RotationForm(request.POST)
    if form.is_valid():
        overlap = form.cleaned_data["overlap"]
        issued = form.carry_out(lambda: services.rotate_key(actor=viewer.principal, key=key, overlap=overlap))
        if issued is not None:
            return _shown_once(request, viewer, issued)
    return _key_page(request, viewer, key, form)


def key_revoke(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    """Revoke after the key's name was typed and a reason given."""
    key, why = _key(key_id), reason(request)
    if request.method == "POST" and (error := unconfirmed(request, key.name)):
        return _key_page(request, viewer, key, RotationForm(), 422, revoke_error=error)
    return act(
        request,
        viewer.url(SECTION, key.public_id),
        lambda: services.revoke_key(actor=viewer.principal, key=key, reason=why),
        _("The key is revoked. It and its tokens are refused from now on."),
    )


def _key_page(
    request: HttpRequest, viewer: Viewer, key: ApiKey, rotation: RotationForm, status: int = 0, **more: Any
) -> HttpResponse:
    base = viewer.url(SECTION, key.public_id)
    return show(
        request,
        "apikeys/detail.html",
        rotation,
        status=status,
        key=key,
        key_status=key.status.value,
        crumbs=[{"label": _("API Keys"), "url": viewer.url(SECTION)}],
        keys_url=viewer.url(SECTION),
        rows=_facts(key),
        rotation=rotation,
        rotate_url=f"{base}/rotation",
        revoke_url=f"{base}/revocation",
        consequences=_consequences(key),
        may_change=viewer.may(WRITE) and key.status != KeyStatus.REVOKED,
        **more,
    )


def _consequences(key: ApiKey) -> list[str]:
    """Say with live numbers what a revocation would end."""
    made = ApiKey.objects.filter(tenant_id=key.tenant_id, maker_key=key, revoked_at=None).count()
    said = [_("Programs that send this key are refused at once, and so are its tokens.")]
    if made:
        stop = ngettext("%(n)d key that it made stops too.", "%(n)d keys that it made stop too.", made)
        said.append(stop % {"n": made})
    return said


def _facts(key: ApiKey) -> list[dict[str, Any]]:
    account = key.service_account.name if key.service_account else _("None: the key acts for itself")
    return [
        {"label": _("Begins with"), "value": key.hint, "kind": "copy"},
        {"label": _("API resource"), "value": f"{key.resource.name} ({key.resource.audience})"},
        {"label": _("Service account"), "value": account},
        {"label": _("Organization"), "value": key.organization.name if key.organization else ""},
        {"label": _("Made by"), "value": key.created_by, "kind": "copy"},
        {"label": _("Created"), "value": key.created_at, "kind": "time"},
        {"label": _("Expires"), "value": key.expires_at, "kind": "time"}
        if key.expires_at
        else {"label": _("Expires"), "value": _("Never")},
        {"label": _("Last used"), "value": key.last_used_at, "kind": "time"},
        {"label": _("Last used from"), "value": key.last_used_ip or ""},
    ]


def _key(key_id: str) -> ApiKey:
    return selectors.api_key(id_or_missing(ApiKey.PREFIX, key_id))


def _status_label(status: str) -> str:
    return {
        KeyStatus.ACTIVE: _("Active"),
        KeyStatus.ROTATING: _("Rotating"),
        KeyStatus.EXPIRED: _("Expired"),
        KeyStatus.REVOKED: _("Revoked"),
    }[KeyStatus(status)]


ROUTES = [
    (SECTION, key_list, READ),
    (f"{SECTION}/new", key_create, WRITE),
    (f"{SECTION}/<str:key_id>", key_detail, READ),
    (f"{SECTION}/<str:key_id>/rotation", key_rotate, WRITE),
    (f"{SECTION}/<str:key_id>/revocation", key_revoke, WRITE),
]
