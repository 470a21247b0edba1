"""`/v1/signing-keys`: what is published, rotating, revoking. Private halves are never shown."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core import jose
from core.api.endpoint import Answer, Call, Endpoint, operation
from core.api.fields import Body, Shape, Text, Timestamp
from core.api.lists import ListQuery, Words, paginate
from tenants import key_rotation, keys
from tenants.models import SigningKey, SigningKeyState

TAGS = ("signing keys",)
SHOWN = tuple(state.value for state in SigningKeyState if state != SigningKeyState.EXPIRED)


class SigningKeyShape(Shape):
    object_name = "signing_key"

    kid = serializers.CharField()
    alg = serializers.CharField()
    state = serializers.CharField()
    public_jwk = serializers.DictField()
    activated_at = Timestamp()
    retired_at = Timestamp()
    due_at = Timestamp()


class SigningKeyQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"state": "state__in", "alg": "alg__in"}

    state = Words(SHOWN)
    alg = Words(jose.ALGORITHMS)


class SigningKeyRotationBody(Body):
    alg = Text(8, required=False, default=keys.DEFAULT_ALGORITHM)


class SigningKeyRevocationBody(Body):
    reason = Text(300)


class SigningKeys(Endpoint):
    @operation(
        scope="tenant:read",
        query=SigningKeyQuery,
        answer=SigningKeyShape,
        many=True,
        summary="List signing keys",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, key_rotation.signing_keys(), SigningKeyShape)


class Rotations(Endpoint):
    @operation(
        scope="tenant:write",
        body=SigningKeyRotationBody,
        answer=SigningKeyShape,
        status=201,
        summary="Sign with the next key from now on",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        key = key_rotation.rotate(actor=call.caller, alg=call.body["alg"])
        return call.shape(SigningKeyShape, key)


class Revocation(Endpoint):
    ids_in_path = {"signing_key": SigningKey.PREFIX}

    @operation(
        scope="tenant:write",
        body=SigningKeyRevocationBody,
        answer=SigningKeyShape,
        summary="Revoke a signing key and every token that it signed",
        tags=TAGS,
    )
    def put(self, call: Call) -> dict[str, Any]:
        key = key_rotation.signing_key(call.path["signing_key"])
        revoked = key_rotation.revoke(actor=call.caller, key=key, reason=call.body["reason"])
        return call.shape(SigningKeyShape, revoked)
