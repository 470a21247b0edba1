"""OpenAPI 3.1 from the declared operations; each publishes its scopes as `x-required-scopes` (AZ-09)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from core.api.endpoint import Operation
from core.api.fields import Metadata, cleared

VERBS = {"get": "get", "post": "create", "put": "put", "patch": "update", "delete": "delete"}
PROBLEM = "application/problem+json"


class Problem(serializers.Serializer):
    """An RFC 9457 problem document."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()


class OperationSchema(AutoSchema):
    @property
    def spec(self) -> Operation:
        handler = getattr(self.view, self.method.lower(), None)
        return getattr(handler, "operation", None) or Operation()

    def get_operation_id(self) -> str:
        return name_of(self.method.lower(), self.path, many=self.spec.many)

    def get_description(self) -> str:  # type: ignore[override]
        return ""  # the summary says it; docstrings are for those who read the code

    def get_request_serializer(self) -> Any:
        return self.spec.body

    def map_parsers(self) -> list[str]:
        patch = ["application/merge-patch+json"] if self.method == "PATCH" else []
        return ["application/json", *patch]

    def get_response_serializers(self) -> Any:
        spec = self.spec
        answers: dict[Any, Any] = {(status, PROBLEM): Problem for status in ("4XX", "5XX")}
        if spec.answer is None:
            return {204: None, **answers}
        answer: Any = list_of(spec.answer) if spec.many else spec.answer
        return {(spec.status, "application/json"): answer, **answers}

    def get_override_parameters(self) -> Any:
        spec = self.spec
        parameters: list[Any] = [spec.query] if spec.query else []
        if self.method != "GET":
            required = spec.idempotency == "required"
            parameters.append(
                header("Idempotency-Key", "The same request has one effect.", required=required)
            )
        if spec.if_match:
            parameters.append(header("If-Match", "The ETag that was read.", required=True))
        return parameters

    def get_summary(self) -> str | None:
        return self.spec.summary or super().get_summary()

    def get_tags(self) -> list[str]:
        return list(self.spec.tags) or super().get_tags()

    def get_auth(self) -> list[dict[str, list[str]]]:
        spec = self.spec
        if spec.public:
            return [{}]
        scopes = [spec.scope] if spec.scope else []
        return [{"bearer": scopes}] if spec.account else [{"bearer": scopes}, {"apiKey": []}]

    def get_extensions(self) -> dict[str, Any]:
        spec = self.spec
        extensions: dict[str, Any] = {"x-required-scopes": [spec.scope] if spec.scope else []}
        extensions["x-subject-types"] = sorted(spec.subject_types)
        if self.method not in {"GET", "HEAD"}:
            extensions["x-idempotency"] = spec.idempotency
        return extensions


def header(name: str, description: str, *, required: bool) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=required, description=description)


@cache
def list_of(item: type[serializers.Serializer]) -> Any:
    """Return the serializer of a page of `item`, one component for all lists of it."""
    return inline_serializer(
        name=f"{item.__name__}List",
        fields={
            "object": serializers.CharField(),
            "data": item(many=True),
            "has_more": serializers.BooleanField(),
            "next_cursor": serializers.CharField(allow_null=True),
            "prev_cursor": serializers.CharField(allow_null=True),
            "total": serializers.IntegerField(required=False),
            "total_is_exact": serializers.BooleanField(required=False),
        },
    )


def name_of(method: str, path: str, *, many: bool) -> str:
    """Return the operation's id by its address: `list_members`, `create_api_key_rotation`."""
    segments = [part for part in path.strip("/").split("/")[1:] if part]
    words = []
    for part, following in zip(segments, [*segments[1:], ""], strict=True):
        if part.startswith("{"):
            continue
        one = following.startswith("{") or (not following and method == "post")
        words.append(singular(part) if one else part)
    return "_".join(["list" if many else VERBS[method], *words]).replace("-", "_")


def singular(word: str) -> str:
    return re.sub(r"ies$", "y", word) if word.endswith("ies") else re.sub(r"(?<!s)s$", "", word)


class ShapeSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The members that every object has (core.api.fields.Shape)."""

    target_class = "core.api.fields.Shape"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        schema.pop("description", None)
        time = {"type": ["string", "null"], "format": "date-time"}
        head = {
            "id": {"type": ["string", "null"]},
            "object": {"type": "string", "const": self.target.object_name},
        }
        tail = {
            "mode": {"type": "string", "enum": ["live", "test"]},
            "created_at": time,
            "updated_at": time,
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        }
        schema["properties"] = {**head, **schema.get("properties", {}), **tail}
        # `fields=` leaves any other member out.
        schema["required"] = ["id", "object"]
        return schema


class BodySchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """An input object; in a patch null empties what may be empty (RFC 7396)."""

    target_class = "core.api.fields.Body"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if not self.target.partial:
            return schema
        for name, field in self.target.fields.items():
            member = schema["properties"][name]
            if isinstance(member.get("type"), str) and takes_null(field):
                member["type"] = [member["type"], "null"]
            if isinstance(field, Metadata):
                member["additionalProperties"] = {
                    **member["additionalProperties"],
                    "type": ["string", "null"],
                }
        return schema


def takes_null(field: serializers.Field) -> bool:
    return isinstance(field, Metadata) or cleared(field) is not None


class PublicIdSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.fields.PublicId"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        return {"type": "string", "pattern": f"^{self.target.prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}


class TimestampSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """RFC 3339; what has not happened yet is written as null."""

    target_class = "core.api.fields.Timestamp"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        kind: Any = ["string", "null"] if direction == "response" else "string"
        return {"type": kind, "format": "date-time"}


class WordsSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.lists.Words"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        one_of = f", out of: {', '.join(self.target.choices)}" if self.target.choices else ""
        return {"type": "string", "description": f"A comma-separated list{one_of}."}
