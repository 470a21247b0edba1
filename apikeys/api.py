"""`/v1/api-keys` and `/v1/service-accounts`. A key's scopes have no edit: make another (KEY-13)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apikeys import selectors, services
from apikeys.lifetimes import STANDARD, Expiry
from apikeys.models import AccountStatus, ApiKey
from apikeys.services import IssuedKey
from apikeys.services.makers import MAKERS
from apikeys.shapes import (
    AccountBody,
    AccountPatch,
    AccountQuery,
    AccountShape,
    IssuedKeyShape,
    KeyBody,
    KeyQuery,
    KeyShape,
    RotationBody,
)
from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from core.errors import FieldError, NotFound, ValidationFailed
from organizations.models import Organization
from roles import selectors as roles
from roles.models import ApiResource
from roles.permissions import Permission

READ, WRITE = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE
KEYS, ACCOUNTS = ("API keys",), ("Service accounts",)


class Keys(Endpoint):
    @operation(scope=READ, query=KeyQuery, answer=KeyShape, many=True, summary="List API keys", tags=KEYS)
    def get(self, call: Call) -> Answer:
        return paginate(call, by_status(call, selectors.api_keys()), KeyShape)

    @operation(
        scope=WRITE,
        body=KeyBody,
        answer=IssuedKeyShape,
        status=201,
        secrets=("secret",),
        subject_types=MAKERS,
        summary="Create an API key; its text is in this answer only",
        tags=KEYS,
    )
    def post(self, call: Call) -> Answer:
        return create(call, organization_of(call.body))


class OrganizationKeys(Endpoint):
    ids_in_path = {"organization": "org"}
    organization_in_path = "organization"

    @operation(
        scope=READ,
        query=KeyQuery,
        answer=KeyShape,
        many=True,
        summary="List keys of an organization",
        tags=KEYS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.api_keys().filter(organization=organization(call.path["organization"]))
        return paginate(call, by_status(call, rows), KeyShape)

    @operation(
        scope=WRITE,
        body=KeyBody,
        answer=IssuedKeyShape,
        status=201,
        secrets=("secret",),
        subject_types=MAKERS,
        summary="Create a key of an organization",
        tags=KEYS,
    )
    def post(self, call: Call) -> Answer:
        named = organization(call.path["organization"])
        if call.body.get("organization_id") not in (None, named.id):
            raise not_here("/organization_id")
        return create(call, named)


class Key(Endpoint):
    ids_in_path = {"key": "ak"}

    @operation(scope=READ, answer=KeyShape, summary="Read an API key", tags=KEYS)
    def get(self, call: Call) -> Answer:
        row = selectors.api_key(call.path["key"])
        return Answer(call.shape(KeyShape, row), etag=etag(row))

    @operation(scope=WRITE, status=204, summary="Revoke an API key and its tokens, at once", tags=KEYS)
    def delete(self, call: Call) -> None:
        row = selectors.api_key(call.path["key"])
        call.check_match(etag(row))
        services.revoke_key(actor=call.caller, key=row)


class KeyRotation(Endpoint):
    ids_in_path = {"key": "ak"}

    @operation(
        scope=WRITE,
        body=RotationBody,
        answer=IssuedKeyShape,
        status=201,
        secrets=("secret",),
        subject_types=MAKERS,
        summary="Replace an API key; the old one is taken until the overlap ends",
        tags=KEYS,
    )
    def post(self, call: Call) -> Answer:
        row, options = selectors.api_key(call.path["key"]), {}
        if "overlap_seconds" in call.body:
            options["overlap"] = call.body["overlap_seconds"]
        issued = services.rotate_key(
            actor=call.caller,
            key=row,
            expires_at=expiry(call.body),
            reason=call.body.get("reason", ""),
            **options,
        )
        return shown_once(call, issued)


class ServiceAccounts(Endpoint):
    @operation(
        scope=READ,
        query=AccountQuery,
        answer=AccountShape,
        many=True,
        summary="List service accounts",
        tags=ACCOUNTS,
    )
    def get(self, call: Call) -> Answer:
        rows, wanted = selectors.service_accounts(), call.query.get("status", [])
        if len(wanted) == 1:
            rows = rows.filter(disabled_at__isnull=wanted[0] == AccountStatus.ACTIVE)
        return paginate(call, rows, AccountShape)

    @operation(
        scope=WRITE,
        body=AccountBody,
        answer=AccountShape,
        status=201,
        subject_types=MAKERS,
        summary="Create a service account",
        tags=ACCOUNTS,
    )
    def post(self, call: Call) -> Answer:
        fields = {name: value for name, value in call.body.items() if name != "organization_id"}
        row = services.create_service_account(
            actor=call.caller, organization=organization_of(call.body), **fields
        )
        return Answer(call.shape(AccountShape, row), etag=etag(row))


class ServiceAccount(Endpoint):
    ids_in_path = {"account": "sa"}

    @operation(scope=READ, answer=AccountShape, summary="Read a service account", tags=ACCOUNTS)
    def get(self, call: Call) -> Answer:
        row = selectors.service_account(call.path["account"])
        return Answer(call.shape(AccountShape, row), etag=etag(row))

    @operation(
        scope=WRITE, body=AccountPatch, answer=AccountShape, summary="Change a service account", tags=ACCOUNTS
    )
    def patch(self, call: Call) -> Answer:
        row = selectors.service_account(call.path["account"])
        call.check_match(etag(row))
        row = services.update_service_account(actor=call.caller, account=row, **call.changes(row))
        return Answer(call.shape(AccountShape, row), etag=etag(row))

    @operation(scope=WRITE, status=204, summary="Delete a service account and revoke its keys", tags=ACCOUNTS)
    def delete(self, call: Call) -> None:
        row = selectors.service_account(call.path["account"])
        call.check_match(etag(row))
        services.delete_service_account(actor=call.caller, account=row)


class ServiceAccountSuspension(Endpoint):
    """A disabled account: `PUT` stops all of its keys and tokens at once, `DELETE` lets them work again."""

    ids_in_path = {"account": "sa"}

    @operation(scope=WRITE, answer=AccountShape, summary="Disable a service account", tags=ACCOUNTS)
    def put(self, call: Call) -> Answer:
        row = selectors.service_account(call.path["account"])
        row = services.disable_service_account(actor=call.caller, account=row)
        return Answer(call.shape(AccountShape, row), etag=etag(row))

    @operation(scope=WRITE, status=204, summary="Enable a service account again", tags=ACCOUNTS)
    def delete(self, call: Call) -> None:
        row = selectors.service_account(call.path["account"])
        services.enable_service_account(actor=call.caller, account=row)


def by_status(call: Call, rows: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    wanted = call.query.get("status")
    return selectors.with_status(rows, wanted) if wanted else rows


def create(call: Call, owner: Organization | None) -> Answer:
    body = call.body
    issued = services.issue_key(
        actor=call.caller,
        name=body["name"],
        scopes=body["scopes"],
        resource=resource_of(body),
        organization=owner,
        service_account=account_of(body),
        expires_at=expiry(body),
        metadata=body.get("metadata"),
    )
    return shown_once(call, issued)


def shown_once(call: Call, issued: IssuedKey) -> Answer:
    body = call.shape(IssuedKeyShape, issued.key, secret=issued.secret)
    return Answer(body, headers={"Location": f"/v1/api-keys/{issued.key.public_id}"})


def expiry(body: dict[str, Any]) -> Expiry:
    if "expires_in" in body:
        return timezone.now() + timedelta(seconds=body["expires_in"])
    wanted: Expiry = body.get("expires_at", STANDARD)
    return wanted


def resource_of(body: dict[str, Any]) -> ApiResource:
    """Return the API resource of a body; our own `/v1` when none is named."""
    if "resource_id" not in body:
        return roles.api_resources().get(is_control_plane=True)
    try:
        return roles.api_resource(body["resource_id"])
    except NotFound:
        raise not_here("/resource_id") from None


def account_of(body: dict[str, Any]) -> Any:
    if body.get("service_account_id") is None:
        return None
    try:
        return selectors.service_account(body["service_account_id"])
    except NotFound:
        raise not_here("/service_account_id") from None


def organization_of(body: dict[str, Any]) -> Organization | None:
    if body.get("organization_id") is None:
        return None
    try:
        return organization(body["organization_id"])
    except NotFound:
        raise not_here("/organization_id") from None


def organization(organization_id: uuid.UUID) -> Organization:
    found = Organization.objects.filter(id=organization_id).exclude(status="deleted").first()
    if found is None:
        raise NotFound
    return found


def not_here(pointer: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(pointer, "not_found", "There is no such object here.")])
