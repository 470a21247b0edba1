"""OpenAPI 3.1 from the declared operations; each publishes its scopes as `x-required-scopes` (AZ-09)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from core.api.endpoint import Operation


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

    def get_request_serializer(self) -> Any:
        return self.spec.body

    def get_response_serializers(self) -> Any:
        spec = self.spec
        answers: dict[Any, Any] = {("4XX", "application/problem+json"): Problem}
        if spec.answer is None:
            return {204: None, **answers}
        answer: Any = self._list(spec.answer) if spec.many else spec.answer
        return {(spec.status, "application/json"): answer, **answers}

    @staticmethod
    def _list(item: Any) -> Any:
        return inline_serializer(
            name=f"{item.__name__}List",
            fields={
                "object": serializers.CharField(),
                "data": item(many=True),
                "has_more": serializers.BooleanField(),
                "next_cursor": serializers.CharField(allow_null=True),
                "prev_cursor": serializers.CharField(allow_null=True),
            },
        )

    def get_override_parameters(self) -> Any:
        return [self.spec.query] if self.spec.query else []

    def get_summary(self) -> str | None:
        return self.spec.summary or super().get_summary()

    def get_tags(self) -> list[str]:
        return list(self.spec.tags) or super().get_tags()

    def get_auth(self) -> list[dict[str, list[str]]]:
        spec = self.spec
        if spec.public:
            return [{}]
        scopes = [spec.scope] if spec.scope else []
        return [{"bearer": scopes}, {"apiKey": []}]

    def get_extensions(self) -> dict[str, Any]:
        spec = self.spec
        extensions: dict[str, Any] = {"x-required-scopes": [spec.scope] if spec.scope else []}
        extensions["x-subject-types"] = sorted(spec.subject_types)
        if self.method not in {"GET", "HEAD"}:
            extensions["x-idempotency"] = spec.idempotency
        return extensions
