"""Strict fields: a number is not a string, hostile Unicode is refused, unknown names are errors."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core import ids
from core.errors import FieldError, ValidationFailed

MOST_PAIRS = 50
# Control, invisible and direction-changing characters, and the tags that hide text in plain sight.
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


class Text(serializers.CharField):
    """A string of at most `max_length` characters, in NFC, without control or direction-changing ones."""

    default_error_messages = {
        "invalid": _("Must be a string."),
        "characters": _("Contains control or invisible characters."),
    }

    def __init__(self, max_length: int = 200, **options: Any) -> None:
        self.multiline = options.pop("multiline", False)
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = unicodedata.normalize("NFC", super().to_internal_value(data))
        if CONTROL.search(text) or (not self.multiline and "\n" in text):
            self.fail("characters")
        return text


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Integer(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class PublicId(serializers.Field):
    """An identifier such as `org_…`, read as the UUID; one that is malformed is simply not found."""

    default_error_messages = {"invalid": _("Must be an id of the form {prefix}_…")}

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> uuid.UUID:
        try:
            return ids.decode(self.prefix, data)
        except (ids.MalformedId, AttributeError):
            self.fail("invalid", prefix=self.prefix)

    def to_representation(self, value: uuid.UUID) -> str:
        return ids.encode(self.prefix, value)


class Pair(Text):
    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, None) if data is None and in_patch(self) else super().validate_empty_values(data)


class Metadata(serializers.DictField):
    """At most 50 pairs of strings: names to 40, values to 500 characters.

    In a patch, null takes a pair, or all of them, away: see `merged_pairs`.
    """

    default_error_messages = {"too_many": _("At most 50 pairs.")}

    def __init__(self, **options: Any) -> None:
        options.setdefault("child", Pair(500, allow_blank=True))
        super().__init__(**options)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, None) if data is None and in_patch(self) else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        value = super().to_internal_value(data)
        if len(value) > MOST_PAIRS or any(len(name) > 40 or CONTROL.search(name) for name in value):
            self.fail("too_many")
        return value


def merged_pairs(before: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return metadata after a merge patch (RFC 7396). Raises ValidationFailed."""
    after = {**before, **changes} if changes is not None else {}
    kept = {name: value for name, value in after.items() if value is not None}
    if len(kept) > MOST_PAIRS:
        raise ValidationFailed(errors=[FieldError("/metadata", "too_many", f"At most {MOST_PAIRS} pairs.")])
    return kept


def in_patch(field: serializers.Field) -> bool:
    return bool(getattr(field.root, "partial", False))


def cleared(field: serializers.Field) -> Any:
    """Return what null in a patch makes of a member that may be empty; None where null means null, or nothing."""
    if field.allow_null:
        return None
    if isinstance(field, serializers.CharField) and field.allow_blank:
        return ""
    return [] if isinstance(field, serializers.ListField) and field.allow_empty else None


class Timestamp(serializers.DateTimeField):
    """RFC 3339 UTC with `Z`; an input must name its offset."""

    default_error_messages = {
        "offset": _("Must be an RFC 3339 time with an offset, such as 2026-11-22T10:00:00Z.")
    }

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not re.search(r"(Z|[+-]\d\d:\d\d)\Z", value):
            self.fail("offset")
        return super().to_internal_value(value)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return timestamp(value)


def timestamp(value: Any) -> str | None:
    """Write a time as RFC 3339 UTC with milliseconds and `Z`."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z" if value else None


class Body(serializers.Serializer):
    """An input object; unknown names are refused (threat L10: only what is listed can be written).

    In a patch null empties what may be empty (RFC 7396).
    """

    default_error_messages = {"unknown": _("This field is not known here.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and (unknown := data.keys() - self.fields.keys()):
            message = self.error_messages["unknown"]
            raise serializers.ValidationError(
                {
                    name: [serializers.ErrorDetail(str(message), code="unknown_field")]
                    for name in sorted(unknown)
                }
            )
        if self.partial and isinstance(data, dict):
            data = {
                name: cleared(self.fields[name]) if value is None else value for name, value in data.items()
            }
        read: dict[str, Any] = super().to_internal_value(data)
        return read


class Shape(serializers.Serializer):
    """An output object with the members that every object has (api-conventions §1)."""

    object_name = ""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        head: dict[str, Any] = {"id": getattr(instance, "public_id", None), "object": self.object_name}
        tail: dict[str, Any] = {
            "mode": self.context.get("mode", ""),
            "created_at": timestamp(getattr(instance, "created_at", None)),
            "updated_at": timestamp(getattr(instance, "updated_at", None)),
        }
        if hasattr(instance, "metadata"):
            tail["metadata"] = instance.metadata
        return {**head, **super().to_representation(instance), **tail}


_idle: dict[type[serializers.Serializer], list[serializers.Serializer]] = {}


def represent(shape: type[serializers.Serializer], instance: Any, context: dict[str, Any]) -> dict[str, Any]:
    """Write an object in its shape.

    Making a serializer copies all its fields, which costs several times what writing the object does; so
    each is used again, by one caller at a time.
    """
    idle = _idle.setdefault(shape, [])
    try:
        serializer = idle.pop()
    except IndexError:
        serializer = shape()
    serializer._context = context
    try:
        written: dict[str, Any] = serializer.to_representation(instance)
    finally:
        serializer._context = {}
        idle.append(serializer)
    return written
