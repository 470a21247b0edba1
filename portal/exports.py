"""A copy of everything that we keep of a person, as a ZIP of JSON files, made by a job (USR-14; GDPR Art. 20)."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from core import crypto, housekeeping, ids, jobs, scope
from core.errors import NotFound
from core.principal import SYSTEM
from events import selectors as events
from events.services import emit
from federation.models import Connection
from identity import selectors as people
from identity.models import AccountToken, IdentitySession, KnownDevice, Passkey, TotpDevice
from identity.services import PROFILE, describe, person
from oauth.models import Consent
from organizations.models import Membership
from portal.models import DataExport
from tenants.models import Member, Tenant, TenantSession

JOB = "portal.export"
KEPT = timedelta(days=7)
MOST_EVENTS = 20_000


def request(*, account_id: uuid.UUID) -> DataExport:
    """Promise a copy in the open account scope; one that is waiting or there already is enough."""
    known = latest(account_id)
    if known is not None:
        return known
    row = DataExport.objects.create(account_id=account_id, expires_at=timezone.now() + KEPT)
    emit("user.export.requested", actor=person(account_id), object=describe(account_id))
    jobs.enqueue(JOB, {"account": str(account_id), "export": str(row.id)})
    return row


def latest(account_id: uuid.UUID) -> DataExport | None:
    live = DataExport.objects.filter(account_id=account_id, expires_at__gt=timezone.now())
    return live.defer("sealed").order_by("-id").first()


def delete(*, account_id: uuid.UUID, export_id: uuid.UUID) -> None:
    if not DataExport.objects.filter(account_id=account_id, id=export_id).delete()[0]:
        raise NotFound


def download(*, account_id: uuid.UUID, export_id: uuid.UUID) -> bytes:
    """Return the ZIP in the open account scope; raises NotFound for one that is not ready or ran out."""
    row = DataExport.objects.filter(account_id=account_id, id=export_id).first()
    if row is None or not row.is_ready or row.sealed is None:
        raise NotFound
    emit("account.export.downloaded", actor=person(account_id), object=describe(account_id))
    return crypto.open_sealed(bytes(row.sealed), _place(row.id))


@jobs.handler(JOB, opens_scope=False)
def make(payload: dict[str, Any]) -> None:
    account_id, export_id = uuid.UUID(payload["account"]), uuid.UUID(payload["export"])
    files = collect(account_id)
    sealed = crypto.seal(_zipped(files), _place(export_id))
    with scope.account(account_id):
        waiting = DataExport.objects.filter(id=export_id, made_at=None)
        if waiting.update(sealed=sealed, made_at=timezone.now()):
            emit("user.export.completed", actor=SYSTEM, object=describe(account_id))


def collect(account_id: uuid.UUID) -> dict[str, Any]:
    """Return the files by name. Opens a short scope for the account and one for each tenant."""
    with scope.account(account_id):
        files = {"account.json": _account(account_id), "activity.json": _events(events.stream())}
        tenants = {tenant.id: tenant for tenant in Tenant.objects.all()}
        members = list(Member.objects.exclude(status="removed"))
    for member in members:
        tenant = tenants.get(member.tenant_id)
        if tenant is not None:
            files[f"services/{tenant.slug}.json"] = _service(tenant, member)
    return files


def _account(account_id: uuid.UUID) -> dict[str, Any]:
    account = people.account(account_id)
    assert account is not None
    return {
        **{name: getattr(account, name) for name in PROFILE},
        "created_at": account.created_at,
        "password_changed_at": account.password_changed_at,
        "phones": list(account.phones.values("number", "is_primary", "created_at")),
        "wallets": list(account.wallets.values("address", "created_at")),
        "addresses": list(people.emails(account_id).values("address", "is_primary", "verified_at")),
        "sessions": list(
            IdentitySession.objects.filter(account_id=account_id).values(
                "created_at", "auth_time", "last_active_at", "ended_at", "ip", "user_agent", "acr", "amr"
            )
        ),
        "devices": list(
            KnownDevice.objects.filter(account_id=account_id).values(
                "created_at", "seen_at", "ip", "user_agent", "latitude", "longitude"
            )
        ),
        "passkeys": [_authenticator(row, rp_id=row.rp_id) for row in account.passkeys.order_by("id")],
        "authenticator_apps": [
            _authenticator(row) for row in TotpDevice.objects.filter(user_id=account_id).order_by("id")
        ],
        "tokens": list(
            AccountToken.objects.filter(account_id=account_id).values(
                "name", "hint", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"
            )
        ),
    }


def _authenticator(row: Passkey | TotpDevice, **more: str) -> dict[str, Any]:
    """Describe one of the person's own, or one that is bound to a connection."""
    bound_to = ids.encode(Connection.PREFIX, row.connection_id) if row.connection_id else None
    shown = {"name": row.name, "connection": bound_to, "created_at": row.created_at}
    return {**shown, **more, "last_used_at": row.last_used_at}


def _service(tenant: Tenant, member: Member) -> dict[str, Any]:
    with scope.tenant(tenant.id):
        mine = Membership.objects.filter(member=member)
        allowed = Consent.objects.filter(member=member)
        sessions = TenantSession.objects.filter(member=member)
        return {
            "service": tenant.name,
            "subject": member.subject,
            "name": member.name,
            "email": member.email,
            "profile": member.profile,
            "locale": member.locale,
            "status": member.status,
            "since": member.created_at,
            "organizations": list(mine.values("organization__name", "created_at")),
            "consents": list(
                allowed.values("application__name", "scopes", "claims", "created_at", "revoked_at")
            ),
            "sessions": list(sessions.values("created_at", "last_active_at", "ended_at", "ip", "user_agent")),
            "activity": _events(events.stream().filter(actor_id=member.subject)),
        }


def _events(rows: Any) -> list[dict[str, Any]]:
    return [events.envelope(row) for row in events.described(rows.order_by("-id")[:MOST_EVENTS])]


def _zipped(files: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
    return out.getvalue()


def _place(export_id: uuid.UUID) -> tuple[str, ...]:
    return ("", "portal_dataexport", "sealed", str(export_id))


@housekeeping.sweep("data exports")
def _old() -> int:
    return housekeeping.delete_batch("portal_dataexport", "expires_at < now()")
