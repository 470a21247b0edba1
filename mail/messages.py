"""From a template's name and a context to a message with subject, text and HTML."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.template.exceptions import TemplateDoesNotExist
from django.utils import translation

from core import colour, scope
from tenants.models import Tenant

COLUMNS = ("name", "support_email", "mode", "branding")


@dataclass(frozen=True)
class Sender:
    """What a mail says of the tenant that sends it; the product itself where there is none."""

    name: str = "Claviger"
    support_email: str = ""
    mode: str = "live"
    sender: str = ""
    brand: str = "#18181b"
    brand_ink: str = "#ffffff"

    @classmethod
    def of(cls, row: dict[str, Any]) -> Sender:
        """With the tenant's own colour and the name it sends under, where it has chosen them."""
        branding, rest = row["branding"], {name: row[name] for name in ("name", "support_email", "mode")}
        sender, brand = branding.get("sender", ""), colour.parse(branding.get("brand"))
        if brand is None:
            return cls(**rest, sender=sender)
        ink = colour.parse(branding.get("brand_ink")) or colour.ink_on(brand)
        return cls(**rest, sender=sender, brand=brand, brand_ink=ink)


def sender_of(tenant_id: uuid.UUID | None) -> Sender:
    """Read the tenant's name and support address in a scope of its own, closed before anything is sent."""
    if tenant_id is None:
        return Sender()
    with scope.tenant(tenant_id):
        found = Tenant.objects.filter(id=tenant_id).values(*COLUMNS).first()
    return Sender.of(found) if found else Sender()


def build(payload: dict[str, Any]) -> EmailMultiAlternatives:
    """Return the message of a `mail.deliver` job; raises TemplateDoesNotExist for an unknown template."""
    sender = sender_of(uuid.UUID(payload["tenant"]) if payload["tenant"] else None)
    values = {**payload["context"], "tenant": sender, "product": "Claviger"}
    values["LANGUAGE_CODE"] = payload["locale"] or settings.LANGUAGE_CODE
    with translation.override(payload["locale"] or settings.LANGUAGE_CODE):
        subject, text = _text(payload["template"], values)
        html = _html(payload["template"], values)
    message = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=formataddr(
            (" ".join((sender.sender or sender.name).split()), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
        ),
        to=[payload["to"]],
        reply_to=[sender.support_email] if sender.support_email else None,
        headers={"Message-ID": f"<{payload['id']}@{settings.HOST}>", "Auto-Submitted": "auto-generated"},
    )
    if html:
        message.attach_alternative(html, "text/html")
    return message


def _text(template: str, values: dict[str, Any]) -> tuple[str, str]:
    """Plain text is not HTML: names are written as they are. Newlines in a subject would forge headers."""
    written = (
        Engine.get_default().get_template(f"emails/{template}.txt").render(Context(values, autoescape=False))
    )
    head, _, body = written.strip().partition("\n")
    return " ".join(head.removeprefix("Subject:").split()), body.strip() + "\n"


def _html(template: str, values: dict[str, Any]) -> str:
    try:
        found = Engine.get_default().get_template(f"emails/{template}.html")
    except TemplateDoesNotExist:
        return ""
    return str(found.render(Context(values)))
