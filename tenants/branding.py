"""How a tenant's hosted pages and mails look: colours, logos, words, sender (TEN-10).

Published branding lies in `Tenant.branding`; logos are files of our own origin. A draft is a signed value
that only the tenant's preview reads: nothing in it is published, and nobody else can write one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction

from core import colour, ports
from core.errors import FieldError, NotFound, ValidationFailed
from core.principal import Principal
from core.urls import tenant_path
from tenants import images, services
from tenants.models import Logo, Tenant

SALT = "tenants.branding.draft"
DRAFT_LIFETIME = 3600
TEXTS = tuple(f"text_{code}" for code, _name in settings.LANGUAGES)
FIELDS = ("brand", "brand_ink", "sender", *TEXTS)
LONGEST = {"sender": 80, **dict.fromkeys(TEXTS, 200)}
LOGOS = {"light": "logo_url", "dark": "logo_dark_url"}


def checked(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values in their one form, empty ones left out. Raises ValidationFailed.

    A text colour that cannot be read on the brand colour is refused (WCAG 2.2, 1.4.3).
    """
    found: dict[str, str] = {}
    errors = []
    for name in FIELDS:
        text = " ".join(str(values.get(name, "")).split())
        if not text:
            continue
        clean = colour.parse(text) if name.startswith("brand") else text
        if clean is None:
            errors.append(FieldError(f"/{name}", "invalid", "Write a colour such as #1d4ed8."))
        elif len(clean) > LONGEST.get(name, 7) or not clean.isprintable():
            errors.append(
                FieldError(f"/{name}", "too_long", f"Use at most {LONGEST[name]} printable characters.")
            )
        else:
            found[name] = clean
    if not errors and (ratio := contrast(found)) is not None and ratio < colour.AA_TEXT:
        detail = f"This text has a contrast of {ratio:.1f} to 1 on the brand colour; 4.5 to 1 is needed."
        errors.append(FieldError("/brand_ink", "contrast", detail))
    if errors:
        raise ValidationFailed(errors=errors)
    return found


def contrast(values: Mapping[str, str]) -> float | None:
    """Return the contrast of the chosen text colour on the brand colour, None where both are not set."""
    brand, ink = colour.parse(values.get("brand")), colour.parse(values.get("brand_ink"))
    return colour.contrast(brand, ink) if brand and ink else None


def publish(*, actor: Principal, tenant: Tenant, values: Mapping[str, str]) -> Tenant:
    """Put colours and words in force; logos stay as they are. Raises ValidationFailed."""
    logos = {name: tenant.branding[name] for name in LOGOS.values() if name in tenant.branding}
    return services.update_tenant(actor=actor, tenant=tenant, changes={"branding": checked(values) | logos})


def set_logo(*, actor: Principal, tenant: Tenant, variant: str, content: bytes) -> Tenant:
    """Publish a logo for the light or the dark appearance. Raises ValidationFailed."""
    ports.authority.require(actor, "tenant:write", tenant)
    kind = images.check(content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Logo.objects.update_or_create(
            tenant_id=tenant.id,
            variant=variant,
            defaults={"digest": digest, "media_type": kind, "content": content},
        )
        address = tenant_path(tenant.slug, "brand_logo", digest=digest)
        return _point(actor, tenant, variant, address)


def remove_logo(*, actor: Principal, tenant: Tenant, variant: str) -> Tenant:
    ports.authority.require(actor, "tenant:write", tenant)
    with transaction.atomic():
        if not Logo.objects.filter(tenant_id=tenant.id, variant=variant).delete()[0]:
            raise NotFound
        return _point(actor, tenant, variant, "")


def _point(actor: Principal, tenant: Tenant, variant: str, address: str) -> Tenant:
    rest = {name: value for name, value in tenant.branding.items() if name != LOGOS[variant]}
    named = {LOGOS[variant]: address} if address else {}
    return services.update_tenant(actor=actor, tenant=tenant, changes={"branding": rest | named})


def draft(tenant: Tenant, values: Mapping[str, str]) -> str:
    """Sign checked values together with the published logos, for this tenant's preview."""
    logos = {name: tenant.branding[name] for name in LOGOS.values() if name in tenant.branding}
    return signing.dumps({"t": tenant.slug, "b": {**values, **logos}}, salt=SALT, compress=True)


def read_draft(slug: str, written: str) -> dict[str, Any]:
    """Open a draft; a foreign, old or changed one is not found."""
    try:
        found = signing.loads(written, salt=SALT, max_age=DRAFT_LIFETIME)
    except signing.BadSignature:
        raise NotFound from None
    if found["t"] != slug:
        raise NotFound
    branding: dict[str, Any] = found["b"]
    return branding
