"""How hosted pages and mails look: colours, logos, words, sender (TEN-10).

A tenant's published branding lies in `Tenant.branding`; an organization may wear its own over it
(`organizations.branding`, by the same rules). Logos are files of our own origin. A draft is a signed value
that only the tenant's preview reads: nothing in it is published, and nobody else can write one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import transaction

from core import colour, ports
from core.errors import FieldError, NotFound, ValidationFailed
from core.principal import Principal
from tenants import logos, services
from tenants.models import Tenant

SALT = "tenants.branding.draft"
DRAFT_LIFETIME = 3600
TEXTS = tuple(f"text_{code}" for code, _name in settings.LANGUAGES)
COLOURS = ("brand", "brand_ink")
CONTACT = ("support_email", "support_url")
FIELDS = (*COLOURS, "sender", *TEXTS)
LOGOS = {"light": "logo_url", "dark": "logo_dark_url"}
_is_https: Callable[[str], None] = URLValidator(["https"])
ADDRESSES: Mapping[str, tuple[Callable[[str], None], str]] = {
    "support_email": (validate_email, "Write an e-mail address."),
    "support_url": (_is_https, "Write an address that begins with https://."),
}
LONGEST = {"sender": 80, "support_email": 254, "support_url": 500, **dict.fromkeys(TEXTS, 200)}


def checked(values: Mapping[str, str], fields: Iterable[str] = FIELDS) -> dict[str, str]:
    """Return the values of `fields` in their one form, empty ones left out. Raises ValidationFailed.

    A text colour that cannot be read on the brand colour is refused (WCAG 2.2, 1.4.3).
    """
    found: dict[str, str] = {}
    errors = []
    for name in fields:
        text = " ".join(str(values.get(name) or "").split())
        if not text:
            continue
        clean, fault = _one(name, text)
        found[name] = clean
        if fault:
            errors.append(fault)
    if not errors and (ratio := contrast(found)) is not None and ratio < colour.AA_TEXT:
        detail = f"This text has a contrast of {ratio:.1f} to 1 on the brand colour; 4.5 to 1 is needed."
        errors.append(FieldError("/brand_ink", "contrast", detail))
    if errors:
        raise ValidationFailed(errors=errors)
    return found


def _one(name: str, text: str) -> tuple[str, FieldError | None]:
    """Return a value in its one form and what is wrong with it."""
    at = f"/{name}"
    if name in COLOURS:
        clean = colour.parse(text)
        return clean or "", None if clean else FieldError(at, "invalid", "Write a colour such as #1d4ed8.")
    if len(text) > LONGEST[name] or not text.isprintable():
        return "", FieldError(at, "too_long", f"Use at most {LONGEST[name]} printable characters.")
    if name == "sender" and any(character in text for character in "@<>"):
        # A name that reads as an address would lend a mail somebody else's.
        return "", FieldError(at, "invalid", "Write a name, not an address.")
    if name in ADDRESSES:
        check, detail = ADDRESSES[name]
        try:
            check(text)
        except ValidationError:
            return "", FieldError(at, "invalid", detail)
    return text, None


def contrast(values: Mapping[str, str]) -> float | None:
    """Return the contrast of the chosen text colour on the brand colour, None where both are not set."""
    brand, ink = colour.parse(values.get("brand")), colour.parse(values.get("brand_ink"))
    return colour.contrast(brand, ink) if brand and ink else None


def worn(tenant: Mapping[str, Any], own: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return an organization's branding over its tenant's.

    Colours go together, or a text colour of one would lie on the ground of the other; so do the logos, or the
    dark appearance would show another company. `mark` is what the picture or the first letter stands for.
    """
    if not own:
        return dict(tenant)
    together = [group for group in (COLOURS, tuple(LOGOS.values())) if own.keys() & set(group)]
    replaced = {field for group in together for field in group}
    rest = {field: value for field, value in tenant.items() if field not in replaced}
    shows_own_logo = bool(own.keys() & set(LOGOS.values()))
    has_logo = shows_own_logo or bool(tenant.keys() & set(LOGOS.values()))
    mark = {"mark": name} if shows_own_logo or not has_logo else {}
    return {**rest, **own, **mark}


def logos_of(published: Mapping[str, str]) -> dict[str, str]:
    return {field: published[field] for field in LOGOS.values() if field in published}


def pointed(published: Mapping[str, str], variant: str, address: str) -> dict[str, str]:
    """Return branding whose logo of a variant lies at `address`; an empty one takes it away."""
    rest = {field: value for field, value in published.items() if field != LOGOS[variant]}
    return {**rest, LOGOS[variant]: address} if address else rest


def publish(*, actor: Principal, tenant: Tenant, values: Mapping[str, str]) -> Tenant:
    """Put colours and words in force; logos stay as they are. Raises ValidationFailed."""
    branding = checked(values) | logos_of(tenant.branding)
    return services.update_tenant(actor=actor, tenant=tenant, changes={"branding": branding})


def set_logo(*, actor: Principal, tenant: Tenant, variant: str, content: bytes) -> Tenant:
    """Publish a logo for the light or the dark appearance. Raises ValidationFailed."""
    ports.authority.require(actor, "tenant:write", tenant)
    with transaction.atomic():
        address = logos.keep(slug=tenant.slug, variant=variant, content=content)
        return _point(actor, tenant, variant, address)


def remove_logo(*, actor: Principal, tenant: Tenant, variant: str) -> Tenant:
    """Take a logo away. Raises NotFound where there is none."""
    ports.authority.require(actor, "tenant:write", tenant)
    with transaction.atomic():
        logos.drop(variant=variant)
        return _point(actor, tenant, variant, "")


def _point(actor: Principal, tenant: Tenant, variant: str, address: str) -> Tenant:
    branding = pointed(tenant.branding, variant, address)
    return services.update_tenant(actor=actor, tenant=tenant, changes={"branding": branding})


def draft(slug: str, shown: Mapping[str, Any]) -> str:
    """Sign what a preview of this tenant's pages shows: checked values and published logos."""
    return signing.dumps({"t": slug, "b": dict(shown)}, salt=SALT, compress=True)


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
