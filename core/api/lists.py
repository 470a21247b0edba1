"""Lists: signed cursors over a sortable key, declared filters, no offsets (api-conventions §3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core.api.endpoint import Answer
from core.api.fields import Body, Flag, Text, Timestamp
from core.errors import CursorMismatch
from core.urls import tenant_slug

if TYPE_CHECKING:
    from core.api.endpoint import Call

TOTAL_CAP = 10_000


class QueryInteger(serializers.IntegerField):
    pass


class QueryFlag(Flag):
    def to_internal_value(self, data: Any) -> bool:
        return super().to_internal_value({"true": True, "false": False}.get(data, data))


class Words(serializers.Field):
    """A comma-separated set out of `choices`, such as `status=active,suspended`."""

    default_error_messages = {"invalid": _("Must be a comma-separated list out of: {choices}.")}

    def __init__(self, choices: Any = (), **options: Any) -> None:
        self.choices = tuple(choices)
        options.setdefault("required", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[str]:
        words = [word.strip() for word in str(data).split(",") if word.strip()]
        if not words or (self.choices and not set(words) <= set(self.choices)) or len(words) > 50:
            self.fail("invalid", choices=", ".join(self.choices))
        return words

    def to_representation(self, value: Any) -> str:
        return ",".join(value)


class ListQuery(Body):
    """Query of every list. A subclass adds fields and names in `filters` how each narrows the queryset.

    `filters` maps a field to an ORM lookup; `status: "status__in"`. Ranges on created_at come for free.
    """

    filters: ClassVar[dict[str, str]] = {}

    limit = QueryInteger(min_value=1, max_value=100, required=False, default=25)
    cursor = Text(600, required=False)
    order = serializers.ChoiceField(["asc", "desc"], required=False, default="desc")
    include_total = QueryFlag(required=False, default=False)
    fields_ = Words(required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["fields"] = fields.pop("fields_")
        for bound in ("gt", "gte", "lt", "lte"):
            fields[f"created_at[{bound}]"] = Timestamp(required=False)
        return fields

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        lookups = {self.filters[name]: value for name, value in attributes.items() if name in self.filters}
        for bound in ("gt", "gte", "lt", "lte"):
            if f"created_at[{bound}]" in attributes:
                lookups[f"created_at__{bound}"] = attributes[f"created_at[{bound}]"]
        return {**attributes, "lookups": lookups}


class SearchQuery(ListQuery):
    """Query of a list that has a search; every other list refuses `q`, instead of answering as if all fitted.

    `q` is a filter like the others, or the endpoint's to apply.
    """

    q = Text(120, required=False)


def paginate(call: Call, rows: QuerySet[Any], shape: type[serializers.Serializer], **extra: Any) -> Answer:
    """Answer one page of `rows`, ordered by their sortable key.

    The cursor is signed and bound to tenant, caller's organization, path, filters and order; any other
    use answers CursorMismatch (threat A5).
    """
    query = call.query
    rows = rows.filter(**query.get("lookups", {}))
    total = rows[: TOTAL_CAP + 1].count() if query.get("include_total") else None
    descending = query.get("order", "desc") == "desc"
    place = read_cursor(call) if query.get("cursor") else None
    page, before, after = slice_page(rows, place, query.get("limit", 25), descending)
    data = [call.shape(shape, row, **extra) for row in page]
    body: dict[str, Any] = {
        "object": "list",
        "data": [only(item, query["fields"]) for item in data] if query.get("fields") else data,
        "has_more": after,
        "next_cursor": write_cursor(call, page[-1].pk, "next") if after else None,
        "prev_cursor": write_cursor(call, page[0].pk, "prev") if before and page else None,
    }
    if total is not None:
        body["total"] = min(total, TOTAL_CAP)
        body["total_is_exact"] = total <= TOTAL_CAP
    return Answer(body, headers=link_headers(call, body["next_cursor"]))


def slice_page(
    rows: QuerySet[Any], place: tuple[uuid.UUID, str] | None, limit: int, descending: bool
) -> tuple[list[Any], bool, bool]:
    """Return (page, whether more lies before, whether more lies after)."""
    backwards = place is not None and place[1] == "prev"
    falling = descending != backwards
    if place is not None:
        rows = rows.filter(**{"pk__lt" if falling else "pk__gt": place[0]})
    page = list(rows.order_by("-pk" if falling else "pk")[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    if backwards:
        page.reverse()
        return page, more, True
    return page, place is not None, more


def only(item: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in names or name in ("id", "object")}


def link_headers(call: Call, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    request = call.request
    query = urlencode({**request.query_params.dict(), "cursor": cursor})
    slug = tenant_slug(request._request)
    prefix = f"/t/{slug}" if slug else ""
    return {"Link": f'<{settings.ORIGIN}{prefix}{request._request.path_info}?{query}>; rel="next"'}


def write_cursor(call: Call, key: uuid.UUID, direction: str) -> str:
    payload = json.dumps([str(key), direction]).encode()
    return _written(payload + _tag(call, payload))


def _written(raw: bytes) -> str:
    return "c_" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_cursor(call: Call) -> tuple[uuid.UUID, str]:
    text = str(call.query["cursor"])
    try:
        raw = base64.urlsafe_b64decode(text[2:] + "=" * (-(len(text) - 2) % 4))
        payload, tag = raw[:-16], raw[-16:]
        # Base64 has several spellings of one value; only the one that we wrote is a cursor.
        if _written(raw) != text or not hmac.compare_digest(tag, _tag(call, payload)):
            raise CursorMismatch
        key, direction = json.loads(payload)
        return uuid.UUID(key), direction
    except (ValueError, TypeError):
        raise CursorMismatch from None


def _tag(call: Call, payload: bytes) -> bytes:
    bound = {
        name: value
        for name, value in call.request.query_params.items()
        if name not in ("cursor", "limit", "include_total")
    }
    caller = call.caller
    owner = [
        str(caller.tenant_id),
        str(caller.organization_id or ""),
        caller.subject,
        call.request._request.path_info,
    ]
    material = payload + json.dumps([owner, sorted(bound.items())]).encode()
    return hmac.new(settings.SECRET_KEY.encode(), b"cursor" + material, hashlib.sha256).digest()[:16]
