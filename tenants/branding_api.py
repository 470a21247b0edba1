"""`/v1/branding`: the tenant's looks. The shapes serve an organization's too (TEN-10)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core import colour
from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.fields import Body, Text
from tenants import branding, selectors
from tenants.serializers import Email, WebAddress

TAGS = ("branding",)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


class Colour(serializers.CharField):
    """`#rgb` or `#rrggbb`, nothing else."""

    default_error_messages = {"invalid": _("Write a colour such as #1d4ed8.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or (data and colour.parse(data) is None):
            self.fail("invalid")
        return data


def optional() -> dict[str, Any]:
    return {"required": False, "allow_null": True, "allow_blank": True}


class Texts(Body):
    """Words at sign-in for each language; null takes them away."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {code: Text(branding.LONGEST[f"text_{code}"], **optional()) for code in LANGUAGES}


class BrandingBody(Body):
    brand = Colour(**optional())
    brand_ink = Colour(**optional())
    sender = Text(branding.LONGEST["sender"], **optional())
    texts = Texts(required=False)


class OwnBrandingBody(BrandingBody):
    support_email = Email(max_length=254, **optional())
    support_url = WebAddress(max_length=500, **optional())


class LogoBody(Body):
    content = serializers.CharField(max_length=settings.API_MAX_BODY)

    default_error_messages = {"base64": _("Must be a PNG or JPEG file in base64 (RFC 4648 section 4).")}

    def validate_content(self, value: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:  # also of characters that are not ASCII, which is no binascii.Error
            self.fail("base64")


class BrandingShape(serializers.Serializer):
    """What is published. `logos` are addresses beneath our origin, by appearance; `contrast` is that of
    `brand_ink` on `brand`.
    """

    object = serializers.CharField(default="branding")
    mode = serializers.CharField()
    brand = serializers.CharField(allow_null=True)
    brand_ink = serializers.CharField(allow_null=True)
    contrast = serializers.FloatField(allow_null=True)
    sender = serializers.CharField(allow_null=True)
    texts = serializers.DictField(child=serializers.CharField())
    logos = serializers.DictField(child=serializers.CharField())


class WornShape(BrandingShape):
    """An organization's own, and with `worn` what its pages show of both."""

    support_email = serializers.CharField(allow_null=True)
    support_url = serializers.CharField(allow_null=True)
    worn = BrandingShape()


def shown(published: Mapping[str, str], mode: str) -> dict[str, Any]:
    """Write published branding in its shape."""
    ratio = branding.contrast(published)
    texts = {code: published[f"text_{code}"] for code in LANGUAGES if f"text_{code}" in published}
    logos = {
        variant: f"{settings.ORIGIN}{published[name]}"
        for variant, name in branding.LOGOS.items()
        if name in published
    }
    plain = {name: published.get(name) for name in (*branding.COLOURS, "sender")}
    contrast = round(ratio, 2) if ratio else None
    return {"object": "branding", "mode": mode, **plain, "contrast": contrast, "texts": texts, "logos": logos}


def merged(published: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """Return the stored values after a merge patch: null takes one away (RFC 7396)."""
    texts = {f"text_{code}": text for code, text in changes.get("texts", {}).items()}
    plain = {name: value for name, value in changes.items() if name != "texts"}
    return {name: value for name, value in {**published, **plain, **texts}.items() if value}


class TenantBranding(Endpoint):
    @operation(
        scope="tenant:read", answer=BrandingShape, summary="Read how hosted pages and mails look", tags=TAGS
    )
    def get(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        return Answer(shown(tenant.branding, call.caller.mode), etag=etag(tenant))

    @operation(
        scope="tenant:write",
        body=BrandingBody,
        answer=BrandingShape,
        if_match="required",
        summary="Change how hosted pages and mails look",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        tenant = selectors.tenant()
        call.check_match(etag(tenant))
        values = merged(tenant.branding, call.body)
        tenant = branding.publish(actor=call.caller, tenant=tenant, values=values)
        return Answer(shown(tenant.branding, call.caller.mode), etag=etag(tenant))


class TenantLogo(Endpoint):
    """The address of each appearance (`branding.LOGOS`) says which."""

    variant = ""

    @operation(
        scope="tenant:write",
        body=LogoBody,
        answer=BrandingShape,
        summary="Publish a logo for the light or the dark appearance",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        tenant = branding.set_logo(
            actor=call.caller,
            tenant=selectors.tenant(),
            variant=self.variant,
            content=call.body["content"],
        )
        return Answer(shown(tenant.branding, call.caller.mode), etag=etag(tenant))

    @operation(scope="tenant:write", status=204, summary="Take a logo away", tags=TAGS)
    def delete(self, call: Call) -> None:
        branding.remove_logo(actor=call.caller, tenant=selectors.tenant(), variant=self.variant)
