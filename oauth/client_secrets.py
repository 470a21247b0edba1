"""Secrets of clients: issued, rotated with an overlap, revoked. Kept as keyed digests and shown once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from core import ports, secrets
from core.errors import Conflict, FieldError, NotFound, ValidationFailed
from core.principal import Principal
from events.services import emit
from oauth import clients
from oauth.client_auth import SECRET_PURPOSE
from oauth.models import Application, AuthMethod, ClientSecret
from roles.permissions import Permission

SECRET_PREFIX = "cs_"
OVERLAP_MOST = 7 * 86_400


@dataclass(frozen=True)
class IssuedSecret:
    row: ClientSecret
    secret: str


def rotate_secret(*, actor: Principal, application: Application, overlap: int = 86_400) -> IssuedSecret:
    """Issue a new secret; those before it go on for `overlap` seconds (0 to 7 days), at most two live.

    Raises Conflict for an application that has no secret, ValidationFailed for another overlap.
    """
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    if not has_secret(application):
        raise Conflict(f"An application with {application.auth_method} has no secret.")
    if not 0 <= overlap <= OVERLAP_MOST:
        raise ValidationFailed(
            errors=[FieldError("/overlap", "out_of_range", f"0 to {OVERLAP_MOST} seconds.")]
        )
    with transaction.atomic():
        Application.objects.select_for_update().get(id=application.id)
        _retire(application, overlap)
        issued = issue(application)
        clients.forget(application)
        emit("application.secret.rotated", actor=actor.actor, object=describe_secret(application, issued.row))
    return issued


def revoke_secret(*, actor: Principal, application: Application, secret: ClientSecret) -> None:
    """Stop one of two live secrets at once. Raises Conflict for the only one: disable the application instead."""
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    with transaction.atomic():
        Application.objects.select_for_update().get(id=application.id)
        if not secrets_of(application).exclude(id=secret.id).exists():
            raise Conflict("This is the only live secret. Make another first, or disable the application.")
        ClientSecret.objects.filter(id=secret.id, application=application).delete()
        clients.forget(application)
        emit("application.secret.revoked", actor=actor.actor, object=describe_secret(application, secret))


def secret_of(application: Application, secret_id: Any) -> ClientSecret:
    """Return a live secret of an application; raises NotFound."""
    found = secrets_of(application).filter(id=secret_id).first()
    if found is None:
        raise NotFound
    return found


def _retire(application: Application, overlap: int) -> None:
    """Let the newest secret live on for the overlap and drop the rest."""
    rows = list(secrets_of(application))
    keep = rows[:1] if overlap else []
    ClientSecret.objects.filter(id__in=[row.id for row in rows if row not in keep]).delete()
    until = timezone.now() + timedelta(seconds=overlap)
    for row in keep:
        row.expires_at = min(row.expires_at, until) if row.expires_at else until
        row.save(update_fields=["expires_at", "updated_at"])


def issue(application: Application) -> IssuedSecret:
    secret = secrets.generate(SECRET_PREFIX)
    digest = secrets.digest(secret, SECRET_PURPOSE)
    return IssuedSecret(
        ClientSecret.objects.create(application=application, digest=digest, hint=secret[-4:]), secret
    )


def has_secret(application: Application) -> bool:
    return application.auth_method in (AuthMethod.BASIC, AuthMethod.POST)


def describe_secret(application: Application, row: ClientSecret) -> dict[str, Any]:
    head = {"id": row.public_id, "object": "client_secret", "application": application.public_id}
    return {**head, "hint": row.hint}


def secrets_of(application: Application) -> QuerySet[ClientSecret]:
    """Return the live secrets, newest first."""
    live = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ClientSecret.objects.filter(live, application=application).order_by("-id")
