"""The dashboard's pages of API keys and service accounts: plain functions in an open tenant scope."""

from __future__ import annotations

from typing import Any, Protocol

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apikeys import selectors, services
from apikeys.forms import AccountForm, KeyForm, RotationForm
from apikeys.models import ApiKey, KeyStatus, ServiceAccount
from core import ids
from core.errors import NotFound, Problem
from core.principal import Principal
from core.urls import issuer
from roles import selectors as roles
from roles.models import ApiResource
from roles.permissions import Permission
from tenants import selectors as tenants
from tenants.models import Tenant

PAGE = 50


class Viewer(Protocol):
    """The administrator at work, as the dashboard's frame hands over."""

    principal: Principal
    tenant: Tenant

    def url(self, *parts: str) -> str: ...

    def may(self, permission: str) -> bool: ...


def key_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List keys, newest first, narrowed by status, account and words of the name or beginning of the key."""
    status, account, q = (request.GET.get(name, "").strip() for name in ("status", "service_account", "q"))
    rows = selectors.api_keys()
    if status in KeyStatus.values:
        rows = selectors.with_status(rows, [status])
    if account:
        named = _id_or_none(ServiceAccount.PREFIX, account)
        rows = rows.filter(service_account_id=named) if named else rows.none()
    if q:
        rows = rows.filter(name__istartswith=q) | rows.filter(public_part=_public_part(q))
    page, older = _page(request, rows, ApiKey.PREFIX)
    accounts = [(row.public_id, row.name) for row in selectors.service_accounts().order_by("name")[:200]]
    statuses = [(KeyStatus(value).value, _status_label(value)) for value in KeyStatus.values]
    context = {
        "keys": page,
        "next_url": older,
        "q": q,
        "is_narrowed": bool(status or account or q),
        "selects": [
            {"name": "status", "label": _("Any status"), "value": status, "options": statuses},
            {
                "name": "service_account",
                "label": _("Any service account"),
                "value": account,
                "options": accounts,
            },
        ],
    }
    return render(request, "apikeys/list.html", _with(viewer, context))


def key_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Choose the API resource, then say what the key may do; the key is shown once, in the answer."""
    resources = list(roles.api_resources().order_by("-is_control_plane", "name"))
    chosen = _chosen(request, resources)
    if chosen is None:
        kept = {
            name: request.GET[name] for name in ("service_account", "organization") if name in request.GET
        }
        return render(request, "apikeys/choose.html", _with(viewer, {"resources": resources, "kept": kept}))
    options: dict[str, Any] = {"resource": chosen, "maker": viewer.principal, "policy": tenants.policy()}
    if request.method == "POST":
        form = KeyForm(request.POST, **options)
        issued = _issue(viewer, form, chosen) if form.is_valid() else None
        if issued is not None:
            return _shown_once(request, viewer, issued)
    else:
        form = KeyForm(initial=request.GET.dict(), **options)
    context = {"form": form, "resource": chosen, "many": len(resources) > 1}
    return render(request, "apikeys/new.html", _with(viewer, context), status=400 if form.errors else 200)


def _issue(viewer: Viewer, form: KeyForm, resource: ApiResource) -> services.IssuedKey | None:
    fields = form.cleaned_data
    try:
        return services.issue_key(
            actor=viewer.principal,
            name=fields["name"],
            scopes=fields["scopes"],
            resource=resource,
            organization=fields.get("organization"),
            service_account=fields["service_account"],
            expires_at=form.expiry,
        )
    except Problem as problem:
        form.explain(problem)
        return None


def _shown_once(request: HttpRequest, viewer: Viewer, issued: services.IssuedKey) -> HttpResponse:
    address = f"{issuer(viewer.tenant.slug)}/v1/auth/token"
    curl = (
        f"curl {address} \\\n  -H 'Content-Type: application/json' \\\n"
        '  -d "{\\"grant_type\\": \\"api_key\\", \\"api_key\\": \\"$API_KEY\\"}"'
    )
    python = (
        f'import os\n\nimport httpx\n\nanswer = httpx.post(\n    "{address}",\n'
        '    json={"grant_type": "api_key", "api_key": os.environ["API_KEY"]},\n)\n'
        'token = answer.raise_for_status().json()["access_token"]'
    )
    samples = [{"label": "curl", "code": curl}, {"label": "Python", "code": python}]
    context = {"key": issued.key, "secret": issued.secret, "samples": samples}
    context["done_url"] = viewer.url("api-keys", issued.key.public_id)
    return render(request, "apikeys/issued.html", _with(viewer, context))


def key_detail(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    return _key_page(request, viewer, _key(key_id), RotationForm())


def key_rotate(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    """Replace the key; the new one is shown once, in the answer."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    key, form = _key(key_id), RotationForm(request.POST)
    if form.is_valid():
        try:
            issued = services.rotate_key(
                actor=viewer.principal, key=key, overlap=form.cleaned_data["overlap"]
            )
            return _shown_once(request, viewer, issued)
        except Problem as problem:
            form.explain(problem)
    return _key_page(request, viewer, key, form, status=400)


def key_revoke(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    """Revoke after the key's name was typed and a reason given."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    key, reason = _key(key_id), request.POST.get("reason", "").strip()
    error = _unconfirmed(request, key.name)
    if error:
        return _key_page(request, viewer, key, RotationForm(), status=400, revoke_error=error)
    services.revoke_key(actor=viewer.principal, key=key, reason=reason)
    messages.success(request, _("The key is revoked. It and its tokens are refused from now on."))
    return _see_other(viewer.url("api-keys", key.public_id))


def _key_page(
    request: HttpRequest,
    viewer: Viewer,
    key: ApiKey,
    rotation: RotationForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    made = ApiKey.objects.filter(tenant_id=key.tenant_id, maker_key=key, revoked_at=None).count()
    consequences = [_("Programs that send this key are refused at once, and so are its tokens.")]
    if made:
        consequences.append(
            ngettext("%(n)d key that it made stops too.", "%(n)d keys that it made stop too.", made)
            % {"n": made}
        )
    context = {
        "key": key,
        "key_status": key.status.value,
        "crumbs": [{"label": _("API Keys"), "url": viewer.url("api-keys")}],
        "rows": _rows(viewer, key),
        "rotation": rotation,
        "rotate_url": viewer.url("api-keys", key.public_id, "rotation"),
        "revoke_url": viewer.url("api-keys", key.public_id, "revocation"),
        "consequences": consequences,
        "may_change": viewer.may(Permission.API_KEYS_WRITE) and key.status != KeyStatus.REVOKED,
        **more,
    }
    return render(request, "apikeys/detail.html", _with(viewer, context), status=status)


def _rows(viewer: Viewer, key: ApiKey) -> list[dict[str, Any]]:
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


# --- service accounts ----------------------------------------------------------------------------------


def account_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    q = request.GET.get("q", "").strip()
    rows = selectors.service_accounts()
    if q:
        rows = rows.filter(name__istartswith=q)
    page, older = _page(request, rows, ServiceAccount.PREFIX)
    context = {"accounts": page, "next_url": older, "q": q}
    return render(request, "apikeys/accounts.html", _with(viewer, context))


def account_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = AccountForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            row = services.create_service_account(actor=viewer.principal, **form.cleaned_data)
        except Problem as problem:
            form.explain(problem)
        else:
            messages.success(request, _("The service account is ready. Give it a key."))
            return _see_other(viewer.url("service-accounts", row.public_id))
    return render(
        request, "apikeys/account_new.html", _with(viewer, {"form": form}), status=400 if form.errors else 200
    )


def account_detail(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    """Show a service account with its keys; POST changes name, description and the cap of scopes."""
    account = _account(account_id)
    initial = {"name": account.name, "description": account.description, "scopes": account.scopes}
    form = AccountForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            services.update_service_account(actor=viewer.principal, account=account, **form.cleaned_data)
        except Problem as problem:
            form.explain(problem)
        else:
            messages.success(request, _("Saved."))
            return _see_other(viewer.url("service-accounts", account.public_id))
    return _account_page(request, viewer, account, form)


def account_suspend(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    """Disable the account, or enable it again with `enable` in the form."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    account = _account(account_id)
    if request.POST.get("enable"):
        services.enable_service_account(actor=viewer.principal, account=account)
        messages.success(request, _("The service account works again."))
    else:
        services.disable_service_account(actor=viewer.principal, account=account)
        messages.success(request, _("The service account is disabled. Its keys are refused from now on."))
    return _see_other(viewer.url("service-accounts", account.public_id))


def account_delete(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    account = _account(account_id)
    error = _unconfirmed(request, account.name)
    if error:
        form = AccountForm(initial={"name": account.name, "scopes": account.scopes})
        return _account_page(request, viewer, account, form, delete_error=error)
    services.delete_service_account(actor=viewer.principal, account=account)
    messages.success(request, _("The service account is deleted and its keys are revoked."))
    return _see_other(viewer.url("service-accounts"))


def _account_page(
    request: HttpRequest, viewer: Viewer, account: ServiceAccount, form: AccountForm, **more: Any
) -> HttpResponse:
    keys = list(selectors.keys_of(account).order_by("-id")[:PAGE])
    live = sum(key.status in (KeyStatus.ACTIVE, KeyStatus.ROTATING) for key in keys)
    count = ngettext("%(n)d key stops working.", "%(n)d keys stop working.", live) % {"n": live}
    context = {
        "account": account,
        "account_status": account.status.value,
        "keys": keys,
        "form": form,
        "crumbs": [{"label": _("Service accounts"), "url": viewer.url("service-accounts")}],
        "suspend_url": viewer.url("service-accounts", account.public_id, "suspension"),
        "delete_url": viewer.url("service-accounts", account.public_id, "deletion"),
        "new_key_url": f"{viewer.url('api-keys', 'new')}?service_account={account.public_id}",
        "consequences": [count],
        "may_change": viewer.may(Permission.API_KEYS_WRITE),
        **more,
    }
    status = 400 if form.errors or more else 200
    return render(request, "apikeys/account.html", _with(viewer, context), status=status)


# --- shared --------------------------------------------------------------------------------------------


def _with(viewer: Viewer, context: dict[str, Any]) -> dict[str, Any]:
    return {
        "keys_url": viewer.url("api-keys"),
        "accounts_url": viewer.url("service-accounts"),
        "new_url": viewer.url("api-keys", "new") if viewer.may(Permission.API_KEYS_WRITE) else "",
        "new_account_url": viewer.url("service-accounts", "new")
        if viewer.may(Permission.API_KEYS_WRITE)
        else "",
        **context,
    }


def _chosen(request: HttpRequest, resources: list[ApiResource]) -> ApiResource | None:
    if len(resources) == 1:
        return resources[0]
    named = request.POST.get("resource") or request.GET.get("resource", "")
    return next((row for row in resources if row.public_id == named), None)


def _page(request: HttpRequest, rows: QuerySet[Any], prefix: str) -> tuple[list[Any], str]:
    """Return one page, newest first, and the address of the next; `after` is the last id seen."""
    after = _id_or_none(prefix, request.GET.get("after", ""))
    if after is not None:
        rows = rows.filter(id__lt=after)
    page = list(rows.order_by("-id")[: PAGE + 1])
    if len(page) <= PAGE:
        return page, ""
    query = request.GET.copy()
    query["after"] = page[PAGE - 1].public_id
    return page[:PAGE], f"?{query.urlencode()}"


def _id_or_none(prefix: str, text: str) -> Any:
    try:
        return ids.decode(prefix, text)
    except ids.MalformedId:
        return None


def _key(key_id: str) -> ApiKey:
    return selectors.api_key(_id_or_missing(ApiKey.PREFIX, key_id))


def _account(account_id: str) -> ServiceAccount:
    return selectors.service_account(_id_or_missing(ServiceAccount.PREFIX, account_id))


def _id_or_missing(prefix: str, text: str) -> Any:
    found = _id_or_none(prefix, text)
    if found is None:
        raise NotFound
    return found


def _public_part(text: str) -> str:
    """Return the clear part of a key, or of its beginning, as somebody may paste it to find the key."""
    return text.rsplit("_", 1)[-1][:12]


def _unconfirmed(request: HttpRequest, name: str) -> str:
    if request.POST.get("confirm", "").strip() != name:
        return _("Type the name exactly as shown.")
    return "" if request.POST.get("reason", "").strip() else _("Give a reason: it is kept in the audit log.")


def _status_label(status: str) -> str:
    return {
        KeyStatus.ACTIVE: _("Active"),
        KeyStatus.ROTATING: _("Rotating"),
        KeyStatus.EXPIRED: _("Expired"),
        KeyStatus.REVOKED: _("Revoked"),
    }[KeyStatus(status)]


def _see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)


ROUTES = [
    ("api-keys", key_list, Permission.API_KEYS_READ),
    ("api-keys/new", key_create, Permission.API_KEYS_WRITE),
    ("api-keys/<str:key_id>", key_detail, Permission.API_KEYS_READ),
    ("api-keys/<str:key_id>/rotation", key_rotate, Permission.API_KEYS_WRITE),
    ("api-keys/<str:key_id>/revocation", key_revoke, Permission.API_KEYS_WRITE),
    ("service-accounts", account_list, Permission.API_KEYS_READ),
    ("service-accounts/new", account_create, Permission.API_KEYS_WRITE),
    ("service-accounts/<str:account_id>", account_detail, Permission.API_KEYS_READ),
    ("service-accounts/<str:account_id>/suspension", account_suspend, Permission.API_KEYS_WRITE),
    ("service-accounts/<str:account_id>/deletion", account_delete, Permission.API_KEYS_WRITE),
]
