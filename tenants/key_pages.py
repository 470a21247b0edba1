"""The dashboard's page of signing keys: which sign, which wait, when the next change is due."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.lookups import id_or_missing
from tenants import key_rotation
from tenants.models import SigningKey, SigningKeyState
from tenants.pagekit import Viewer, act, plain, reason, select, show, unconfirmed
from tenants.settings_pages import settings_tabs

SECTION = ("settings", "signing-keys")
STATES: dict[str, tuple[Any, str]] = {
    SigningKeyState.NEXT: (gettext_lazy("Next: published, does not sign yet"), "note"),
    SigningKeyState.ACTIVE: (gettext_lazy("Signs"), "ok"),
    SigningKeyState.RETIRED: (gettext_lazy("Retired: its tokens are still good"), ""),
    SigningKeyState.REVOKED: (gettext_lazy("Revoked"), "bad"),
}


def signing_key_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List the keys, by algorithm and state."""
    state, alg = (plain(request.GET.get(name, ""), 10) for name in ("state", "alg"))
    rows = key_rotation.signing_keys().order_by("alg", "-id")
    algorithms = key_rotation.algorithms()
    if state in STATES:
        rows = rows.filter(state=state)
    if alg in algorithms:
        rows = rows.filter(alg=alg)
    selects = [
        select("state", _("Any state"), state, [(name, label) for name, (label, _tone) in STATES.items()]),
        select("alg", _("Any algorithm"), alg, [(name, name) for name in algorithms]),
    ]
    return show(
        request,
        "tenants/signing_keys.html",
        rows=[_line(viewer, row) for row in rows[:200]],
        selects=selects,
        is_narrowed=bool(state or alg),
        algorithms=algorithms,
        keys_url=viewer.url(*SECTION),
        rotate_url=viewer.url(*SECTION, "rotation"),
        may_change=viewer.may(key_rotation.WRITE),
        tab_items=settings_tabs(viewer, "signing-keys"),
    )


def _line(viewer: Viewer, row: SigningKey) -> dict[str, Any]:
    label, tone = STATES[row.state]
    waits = row.state == SigningKeyState.NEXT and key_rotation.settles_at(row) > timezone.now()
    return {
        "row": row,
        "label": label,
        "tone": tone,
        "settles_at": key_rotation.settles_at(row) if waits else None,
        "url": viewer.url(*SECTION, row.public_id, "revocation"),
        "can_end": row.state != SigningKeyState.REVOKED,
    }


def signing_key_rotate(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    alg = plain(request.POST.get("alg", ""), 10)
    return act(
        request,
        viewer.url(*SECTION),
        lambda: key_rotation.rotate(actor=viewer.principal, alg=alg),
        _("The next key signs from now on. The old one stays published until its tokens have expired."),
    )


def signing_key_revoke(request: HttpRequest, viewer: Viewer, key_id: str) -> HttpResponse:
    """Ask for the reason and the beginning of the key's id, then revoke."""
    key = key_rotation.signing_key(id_or_missing(SigningKey.PREFIX, key_id))
    short = key.kid[:8]
    error = unconfirmed(request, short) if request.method == "POST" else ""
    if request.method != "POST" or error:
        return show(
            request,
            "tenants/signing_key_revoke.html",
            status=422 if error else 0,
            key=key,
            short=short,
            label=STATES[key.state][0],
            error=error,
            consequences=_consequences(key),
            action=viewer.url(*SECTION, key.public_id, "revocation"),
            crumbs=[{"label": _("Signing keys"), "url": viewer.url(*SECTION)}],
        )
    why = reason(request)
    return act(
        request,
        viewer.url(*SECTION),
        lambda: key_rotation.revoke(actor=viewer.principal, key=key, reason=why),
        _("The key is revoked. Every token that it signed is refused from now on."),
    )


def _consequences(key: SigningKey) -> list[str]:
    found = [_("Every token that it signed is refused at once; people and services get new ones.")]
    if key.state == SigningKeyState.ACTIVE:
        found.append(
            _("The next key signs at once. APIs that check tokens by themselves must read the keys anew.")
        )
    return found


ROUTES = [
    ("settings/signing-keys", signing_key_list, "tenant:read"),
    ("settings/signing-keys/rotation", signing_key_rotate, "tenant:write"),
    ("settings/signing-keys/<str:key_id>/revocation", signing_key_revoke, "tenant:write"),
]
