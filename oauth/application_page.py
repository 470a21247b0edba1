"""The page of one application: its forms, what is said of it, and what each form does."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy, ngettext

from oauth import (
    backchannel,
    client_metadata,
    client_secrets,
    code_samples,
    integration,
    try_it,
)
from oauth.applications import tenant_ref
from oauth.forms import KIND_LABELS, ApplicationForm, RotationForm, initial_of
from oauth.models import Application, ApplicationType, Consent, RefreshToken
from oauth.protection_pages import ProtectionForm
from oauth.token_pages import SECTION, WRITE, frame
from tenants.pagekit import (
    Viewer,
    show,
)

LOGOUTS_SHOWN = 10
SOURCE_LABELS = {
    Application.RegistrationSource.MANUAL.value: gettext_lazy("Registered here"),
    Application.RegistrationSource.DCR.value: gettext_lazy("Registered itself"),
    Application.RegistrationSource.CIMD.value: gettext_lazy("By its own address"),
}


def application_page(
    request: HttpRequest,
    viewer: Viewer,
    row: Application,
    *,
    form: ApplicationForm | None = None,
    rotation: RotationForm | None = None,
    protection: ProtectionForm | None = None,
    delete_error: str = "",
) -> HttpResponse:
    refused = [one for one in (form, rotation, protection) if one is not None]
    return show(
        request,
        "oauth/application.html",
        *refused,
        status=422 if delete_error else 0,
        application=row,
        form=form or settings_form(row),
        rotation=rotation or RotationForm(),
        protection=protection or ProtectionForm(None, row),
        delete_error=delete_error,
        consequences=_consequences(row),
        may_change=viewer.may(WRITE),
        **_facts(row),
        **_links(viewer, row),
    )


def _facts(row: Application) -> dict[str, Any]:
    """Return what the page says of the application beside its forms."""
    tenant = tenant_ref()
    return {
        "kind_label": KIND_LABELS[ApplicationType(row.type)],
        "values": integration.values(tenant, row),
        "samples": code_samples.samples(tenant, row),
        "secrets": list(client_secrets.secrets_of(row)),
        "untried": try_it.hindrance(tenant, row),
        "source": None if row.is_vetted else SOURCE_LABELS.get(row.registration_source),
        "registered_with": row.initial_access_token,
        "document": client_metadata.document_of(row),
        "is_dynamic": row.registration_source != Application.RegistrationSource.MANUAL,
        "logouts": list(backchannel.deliveries_of(row)[:LOGOUTS_SHOWN]),
    }


def _links(viewer: Viewer, row: Application) -> dict[str, Any]:
    base = viewer.url(SECTION, row.public_id)
    return {
        **frame(viewer, row, ""),
        "applications_url": viewer.url(SECTION),
        "tokens_url": viewer.url("initial-access-tokens"),
        "try_url": f"{base}/try",
        "vetting_url": f"{base}/vetting",
        "protect_url": f"{base}/protection",
        "secret_url": f"{base}/secret-revocation",
        "rotate_url": f"{base}/rotation",
        "suspend_url": f"{base}/suspension",
        "delete_url": f"{base}/deletion",
    }


def _consequences(row: Application) -> list[str]:
    """Say with live numbers what a deletion would end."""
    people = Consent.objects.filter(application=row, revoked_at=None).count()
    families = RefreshToken.objects.filter(application=row, revoked=None, used_at=None).count()
    return [
        ngettext("%(n)d person has allowed it.", "%(n)d people have allowed it.", people) % {"n": people},
        ngettext("%(n)d refresh token ends.", "%(n)d refresh tokens end.", families) % {"n": families},
    ]


def settings_form(row: Application, data: Any = None) -> ApplicationForm:
    return ApplicationForm(data, tenant=tenant_ref(), type=row.type, initial=initial_of(row))
