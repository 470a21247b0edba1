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
from django.urls import reverse
from django.utils import translation

from core import colour
from tenants.face import Face, face_of


@dataclass(frozen=True)
class Sender:
    """What a mail says of the tenant that sends it; the product itself where there is none.

    `name` is the tenant's; `mark` is whose picture or name stands above the text.
    """

    name: str = "Claviger"
    mark: str = "Claviger"
    support_email: str = ""
    support_url: str = ""
    mode: str = "live"
    sender: str = ""
    logo: str = ""
    brand: str = "#0b5d57"
    brand_ink: str = "#ffffff"

    @classmethod
    def of(cls, face: Face) -> Sender:
        """With the colour, the picture and the name that were published."""
        branding, brand = face.branding, colour.parse(face.branding.get("brand"))
        colours = {}
        if brand is not None:
            chosen = colour.parse(branding.get("brand_ink"))
            colours = {"brand": brand, "brand_ink": chosen or colour.ink_on(brand)}
        logo = branding.get("logo_url", "")
        return cls(
            name=face.name,
            mark=branding.get("mark", face.name),
            support_email=face.support_email,
            support_url=face.support_url,
            mode=face.mode,
            sender=branding.get("sender", ""),
            logo=f"{settings.ORIGIN}{logo}" if logo else "",
            **colours,
        )


def sender_of(tenant_id: uuid.UUID | None, organization_id: uuid.UUID | None = None) -> Sender:
    """Read the face in a scope of its own, closed before anything is sent."""
    return Sender.of(face_of(tenant_id, organization_id)) if tenant_id else Sender()


def build(payload: dict[str, Any]) -> EmailMultiAlternatives:
    """Return the message of a `mail.deliver` job; raises TemplateDoesNotExist for an unknown template."""
    sender = sender_of(_id(payload["tenant"]), _id(payload.get("organization", "")))
    values = {**payload["context"], "tenant": sender, "product": "Claviger"}
    values["activity_link"] = settings.ORIGIN + reverse("portal_activity")
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


def _id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None


def preview(face: Face, template: str, context: dict[str, Any]) -> str:
    """Return the HTML of a mail with another face, in the language of the running request."""
    values = {**context, "tenant": Sender.of(face), "product": "Claviger"}
    return _html(template, {**values, "LANGUAGE_CODE": translation.get_language()})


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
