"""`/v1/trusted-issuers`: outside issuers whose ID tokens are exchanged here, and who of them is which member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from core import scope
from core.api import quota
from core.api.endpoint import (
    PEOPLE,
    Answer,
    Call,
    Endpoint,
    Operation,
    etag,
    operation,
    query_of,
    validated,
)
from core.api.fields import Body
from core.api.lists import ListQuery, paginate
from core.errors import NotFound, ValidationFailed
from core.principal import Principal
from oauth import external_identities, outside_grant, trusted_issuer_check, trusted_issuers
from oauth.errors import OAuthError
from oauth.models import ExternalIdentity, TrustedIssuer
from oauth.trusted_issuer_shapes import (
    ExternalIdentityBody,
    ExternalIdentityShape,
    TrustedIssuerBody,
    TrustedIssuerPatch,
    TrustedIssuerQuery,
    TrustedIssuerShape,
    TrustedIssuerTestBody,
    TrustedIssuerTestShape,
)
from organizations import selectors as organizations
from roles.permissions import Permission
from tenants import selectors

READ, WRITE = Permission.POLICIES_READ, Permission.POLICIES_WRITE
TAGS = ("Trusted issuers",)


class TrustedIssuers(Endpoint):
    @operation(
        scope=READ,
        query=TrustedIssuerQuery,
        answer=TrustedIssuerShape,
        many=True,
        summary="List trusted issuers",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, trusted_issuers.issuers(), TrustedIssuerShape)

    @operation(
        scope=WRITE,
        body=TrustedIssuerBody,
        answer=TrustedIssuerShape,
        status=201,
        summary="Trust an outside issuer",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        settings = dict(call.body)
        named = settings.pop("organization", None)
        organization = organizations.organization(named) if named else None
        row = trusted_issuers.create_issuer(actor=call.caller, organization=organization, **settings)
        return shown(call, row)


class OneTrustedIssuer(Endpoint):
    ids_in_path = {"issuer": TrustedIssuer.PREFIX}

    @operation(scope=READ, answer=TrustedIssuerShape, summary="Read a trusted issuer", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return shown(call, named(call))

    @operation(
        scope=WRITE,
        body=TrustedIssuerPatch,
        answer=TrustedIssuerShape,
        summary="Change a trusted issuer",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        row = named(call)
        call.check_match(etag(row))
        return shown(
            call, trusted_issuers.update_issuer(actor=call.caller, issuer=row, changes=call.changes(row))
        )

    @operation(scope=WRITE, summary="Delete a trusted issuer and the links to it", tags=TAGS)
    def delete(self, call: Call) -> None:
        row = named(call)
        call.check_match(etag(row))
        trusted_issuers.delete_issuer(actor=call.caller, issuer=row)


class TrustedIssuerSuspension(Endpoint):
    ids_in_path = {"issuer": TrustedIssuer.PREFIX}

    @operation(scope=WRITE, answer=TrustedIssuerShape, summary="Disable a trusted issuer", tags=TAGS)
    def put(self, call: Call) -> Answer:
        return shown(call, trusted_issuers.disable_issuer(actor=call.caller, issuer=named(call)))

    @operation(scope=WRITE, status=204, summary="Enable a trusted issuer again", tags=TAGS)
    def delete(self, call: Call) -> None:
        trusted_issuers.enable_issuer(actor=call.caller, issuer=named(call))


class CallsOut(Endpoint):
    """An address whose work calls other servers: it runs with no scope open and opens short ones itself."""

    def admit(
        self,
        spec: Operation,
        function: Callable[..., Any],
        caller: Principal,
        request: Request,
        path: Mapping[str, Any],
    ) -> HttpResponse:
        self.authorize(spec, caller, request, path)
        self.limits = quota.spend(spec, caller, request)
        call = Call(request, spec, caller, self.read_path(path))
        call.query = validated(spec.query or Body, query_of(request))
        call.body = self.read_body(spec, request)
        return self.answer(spec, self.work(function, call), call)


class TrustedIssuerTests(CallsOut):
    ids_in_path = {"issuer": TrustedIssuer.PREFIX}

    @operation(
        scope=WRITE,
        body=TrustedIssuerTestBody,
        answer=TrustedIssuerTestShape,
        rate="bulk",
        summary="Test a trusted issuer: can its keys be had, and what would a token come to",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        with scope.principal(call.caller):
            issuer = trusted_issuers.snapshot(named(call))
        return trusted_issuer_check.run(issuer, call.body.get("subject_token", ""))


class TrustedIssuerIdentities(Endpoint):
    ids_in_path = {"issuer": TrustedIssuer.PREFIX}

    @operation(
        scope=READ,
        query=ListQuery,
        answer=ExternalIdentityShape,
        many=True,
        summary="List the members linked to an issuer",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(
            call, external_identities.identities(trusted_issuer=named(call)), ExternalIdentityShape
        )


class TrustedIssuerIdentity(Endpoint):
    ids_in_path = {"issuer": TrustedIssuer.PREFIX, "identity": ExternalIdentity.PREFIX}

    @operation(scope=WRITE, status=204, summary="Unlink a member from an issuer", tags=TAGS)
    def delete(self, call: Call) -> None:
        identity = external_identities.identity(call.path["identity"], trusted_issuer=named(call))
        external_identities.unlink(actor=call.caller, identity=identity)


class MyIdentities(CallsOut):
    @operation(
        body=ExternalIdentityBody,
        answer=ExternalIdentityShape,
        status=201,
        subject_types=PEOPLE,
        summary="Link yourself to an identity that you prove by its ID token",
        tags=("Me",),
    )
    def post(self, call: Call) -> dict[str, Any]:
        tenant = selectors.by_id(call.caller.tenant_id)
        if tenant is None:
            raise NotFound
        try:
            issuer, claims = outside_grant.verified(tenant, call.body["subject_token"])
        except OAuthError as error:
            raise ValidationFailed(error.detail) from None
        with scope.tenant(tenant.id):  # also while an organization is active
            made = external_identities.link(actor=call.caller, issuer=issuer, claims=claims)
            return call.shape(ExternalIdentityShape, made)

    @operation(
        answer=ExternalIdentityShape,
        many=True,
        query=ListQuery,
        subject_types=PEOPLE,
        summary="List the identities that you are linked to",
        tags=("Me",),
    )
    def get(self, call: Call) -> Answer:
        with scope.tenant(call.caller.tenant_id):
            rows = external_identities.identities(member_id=call.caller.member_id)
            return paginate(call, rows, ExternalIdentityShape)


class MyIdentity(CallsOut):
    ids_in_path = {"identity": ExternalIdentity.PREFIX}

    @operation(status=204, subject_types=PEOPLE, summary="Unlink yourself from an identity", tags=("Me",))
    def delete(self, call: Call) -> None:
        with scope.tenant(call.caller.tenant_id):
            mine = external_identities.identity(call.path["identity"], member_id=call.caller.member_id)
            external_identities.unlink(actor=call.caller, identity=mine)


def named(call: Call) -> TrustedIssuer:
    """Return the issuer of the path; those of an organization's caller are none (hidden rows)."""
    return trusted_issuers.issuer(call.path["issuer"])


def shown(call: Call, row: TrustedIssuer) -> Answer:
    return Answer(call.shape(TrustedIssuerShape, row), etag=etag(row))
