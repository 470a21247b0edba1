"""`{origin}/v1/tenants`: a person's tenants, by the person's own token (TEN-01, C28)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core import scope
from core.api import idempotency
from core.api.endpoint import PEOPLE, Answer, Call, operation
from core.api.fields import Body, Text
from core.api.lists import ListQuery, Words, paginate
from core.errors import Problem
from identity import requests
from identity.api import AccountEndpoint, holder
from identity.tokens import TokenHolder, TokenScope
from tenants import founding, selectors
from tenants.models import Mode, Tenant, TenantStatus
from tenants.serializers import Email, TenantShape


class OwnTenantShape(TenantShape):
    """A tenant as its member sees it from outside; its mode is its own, for the caller has none."""

    def to_representation(self, instance: Tenant) -> dict[str, Any]:
        return {**super().to_representation(instance), "mode": instance.mode}


class TenantBody(Body):
    name = Text(120)
    slug = Text(63)
    mode = serializers.ChoiceField(Mode.values, required=False, default=Mode.TEST.value)
    support_email = Email(max_length=254, required=False, allow_blank=True)


class TenantQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"mode": "mode__in", "status": "status__in"}

    mode = Words(Mode.values)
    status = Words(TenantStatus.values)


class Tenants(AccountEndpoint):
    @operation(
        scope=TokenScope.TENANTS_READ.value,
        account=True,
        query=TenantQuery,
        answer=OwnTenantShape,
        many=True,
        subject_types=PEOPLE,
        summary="List the tenants that the person is a member of",
        tags=("tenant",),
    )
    def get(self, call: Call) -> Answer:
        with scope.account(holder(call).account_id):
            return paginate(call, selectors.tenants_of_account(), OwnTenantShape)

    @operation(
        scope=TokenScope.TENANTS_CREATE.value,
        account=True,
        body=TenantBody,
        answer=OwnTenantShape,
        status=201,
        subject_types=PEOPLE,
        summary="Create a tenant with the person as its owner",
        tags=("tenant",),
    )
    def post(self, call: Call) -> Answer:
        person, key = holder(call), idempotency.read_key(call)
        wanted = {
            "account_id": person.account_id,
            "email": person.email,
            "person_name": person.name,
            **call.body,
        }
        if key is None:
            return Answer(call.shape(OwnTenantShape, founding.found_tenant(**wanted)))
        return _once(call, person, idempotency.scope_hash(call, key), wanted)


def _once(call: Call, person: TokenHolder, place: bytes, wanted: dict[str, Any]) -> Answer:
    """Make the tenant that the key stands for, or answer with the one it made (api-conventions §5)."""
    owner = person.account_id
    settled = requests.settle(account_id=owner, place=place, fingerprint=idempotency.fingerprint(call))
    try:
        tenant, is_replay = founding.found_once(tenant_id=settled, **wanted)
    except Problem:
        requests.forget(account_id=owner, place=place)
        raise
    replayed = {"Idempotent-Replayed": "true"} if is_replay else {}
    return Answer(call.shape(OwnTenantShape, tenant), headers=replayed)
