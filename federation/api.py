"""`/v1/sso-connections`: providers that sign people of an organization, or of the whole tenant, in (ORG-06, ORG-07).

Those of the whole tenant take the permissions of policies besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from core import ports, scope
from core.api import quota
from core.api.endpoint import PEOPLE, Answer, Call, Endpoint, Operation, etag, operation, query_of, validated
from core.api.fields import Body
from core.api.lists import ListQuery, paginate
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import Principal
from core.urls import issuer
from federation import attempts, checking, links, selectors, services, testing
from federation.models import Connection, Exemption, UpstreamIdentity
from federation.shapes import (
    AttemptQuery,
    AttemptShape,
    ConnectionBody,
    ConnectionPatch,
    ConnectionQuery,
    ConnectionShape,
    DiscoveryShape,
    ExemptionBody,
    ExemptionShape,
    SwitchBody,
    TestSignInShape,
    UpstreamIdentityShape,
)
from organizations import selectors as organizations
from roles import selectors as roles
from roles.models import Role
from roles.permissions import Permission
from tenants import selectors as tenants
from tenants.models import Member

READ, WRITE = Permission.ORGANIZATIONS_READ, Permission.ORGANIZATIONS_WRITE
TAGS = ("Single sign-on",)


class Connections(Endpoint):
    @operation(
        scope=READ,
        query=ConnectionQuery,
        answer=ConnectionShape,
        many=True,
        summary="List single sign-on connections",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.visible(call.caller), ConnectionShape, **place(call))

    @operation(
        scope=WRITE,
        body=ConnectionBody,
        answer=ConnectionShape,
        status=201,
        summary="Set a single sign-on connection up, as a draft",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        settings = with_role(call.body)
        named = settings.pop("organization", None)
        organization = organizations.organization(named) if named else None
        return shown(
            call, services.create_connection(actor=call.caller, organization=organization, **settings)
        )


class AtConnection(Endpoint):
    """Base of addresses beneath one connection."""

    ids_in_path = {"connection": Connection.PREFIX}

    def connection(self, call: Call) -> Connection:
        return selectors.of_caller(call.caller, call.path["connection"])


class OneConnection(AtConnection):
    @operation(scope=READ, answer=ConnectionShape, summary="Read a single sign-on connection", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return shown(call, self.connection(call))

    @operation(
        scope=WRITE,
        body=ConnectionPatch,
        answer=ConnectionShape,
        summary="Change a single sign-on connection",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        row = self.connection(call)
        call.check_match(etag(row))
        changes = dict(call.changes(row))
        secret = changes.pop("client_secret", "") or ""
        changed = services.update_connection(
            actor=call.caller, connection=row, changes=with_role(changes), client_secret=secret
        )
        return shown(call, changed)

    @operation(
        scope=WRITE, status=204, summary="Delete a single sign-on connection and what it opened", tags=TAGS
    )
    def delete(self, call: Call) -> None:
        row = self.connection(call)
        call.check_match(etag(row))
        services.delete_connection(actor=call.caller, connection=row)


class Activation(AtConnection):
    @operation(scope=WRITE, answer=ConnectionShape, summary="Switch a tested connection on", tags=TAGS)
    def put(self, call: Call) -> Answer:
        return shown(call, services.activate(actor=call.caller, connection=self.connection(call)))

    @operation(scope=WRITE, status=204, summary="Switch a connection off; what it opened ends", tags=TAGS)
    def delete(self, call: Call) -> None:
        services.deactivate(actor=call.caller, connection=self.connection(call))


class Enforcement(AtConnection):
    @operation(
        scope=WRITE,
        body=SwitchBody,
        answer=ConnectionShape,
        summary="Refuse own methods to those the connection is for",
        tags=TAGS,
    )
    def put(self, call: Call) -> Answer:
        reason = call.body.get("reason", "")
        row = services.set_enforced(
            actor=call.caller, connection=self.connection(call), enforced=True, reason=reason
        )
        return shown(call, row)

    @operation(scope=WRITE, status=204, summary="Allow own methods again", tags=TAGS)
    def delete(self, call: Call) -> None:
        services.set_enforced(actor=call.caller, connection=self.connection(call), enforced=False)


class Attempts(AtConnection):
    @operation(
        scope=READ,
        query=AttemptQuery,
        answer=AttemptShape,
        many=True,
        summary="List the last sign-ins by a connection, with the check that failed",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = attempts.of(self.connection(call)).select_related("connection")
        return paginate(call, rows, AttemptShape)


class Identities(AtConnection):
    @operation(
        scope=READ,
        query=ListQuery,
        answer=UpstreamIdentityShape,
        many=True,
        summary="List the members linked by a connection",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.identities(connection=self.connection(call)), UpstreamIdentityShape)


class OneIdentity(AtConnection):
    ids_in_path = {**AtConnection.ids_in_path, "linked": UpstreamIdentity.PREFIX}

    @operation(scope=WRITE, status=204, summary="Undo a link; what it opened ends", tags=TAGS)
    def delete(self, call: Call) -> None:
        linked = selectors.identity(call.path["linked"], connection=self.connection(call))
        links.unlink(actor=call.caller, identity=linked)


class Exemptions(AtConnection):
    @operation(
        scope=READ,
        query=ListQuery,
        answer=ExemptionShape,
        many=True,
        summary="List who may use own methods although the connection is enforced",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.exemptions(self.connection(call)).select_related("connection", "member")
        return paginate(call, rows, ExemptionShape)

    @operation(
        scope=WRITE,
        body=ExemptionBody,
        answer=ExemptionShape,
        status=201,
        summary="Exempt a member from enforcement",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        row = services.exempt(
            actor=call.caller,
            connection=self.connection(call),
            member=member_named(call.body["member"]),
            reason=call.body["reason"],
        )
        return call.shape(ExemptionShape, row)


class OneExemption(AtConnection):
    ids_in_path = {**AtConnection.ids_in_path, "exemption": Exemption.PREFIX}

    @operation(scope=WRITE, status=204, summary="Take an exemption back", tags=TAGS)
    def delete(self, call: Call) -> None:
        row = selectors.exemption(self.connection(call), call.path["exemption"])
        services.end_exemption(actor=call.caller, exemption=row)


class TestSignIns(AtConnection):
    """A test needs the browser of whoever asks for it."""

    @operation(
        scope=WRITE,
        answer=TestSignInShape,
        status=201,
        subject_types=PEOPLE,
        summary="Get the address at which you make a test sign-in",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        row = self.connection(call)
        ports.authority.require(call.caller, services.needed(row), row)
        if call.caller.member_id is None:
            raise Conflict("Only a person can make a test sign-in.")
        account_id = tenants.member(call.caller.member_id).account_id
        if account_id is None:
            raise Conflict("Only a person with an account can make a test sign-in.")
        path = testing.address(call.caller.tenant_slug, testing.Ticket(row.id, account_id))
        return {
            "object": "sso_test_sign_in",
            "url": f"{settings.ORIGIN}{path}",
            "expires_in": testing.LIFETIME,
        }


class Discovery(AtConnection):
    """Its work calls the provider: it runs with no scope open and opens a short one itself."""

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

    @operation(
        scope=WRITE,
        answer=DiscoveryShape,
        rate="bulk",
        summary="Read the issuer's discovery document anew",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        with scope.principal(call.caller):
            row = self.connection(call)
            ports.authority.require(call.caller, services.needed(row), row)
        return checking.look(row.issuer)


def with_role(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the role's row in place of its id. Raises ValidationFailed."""
    found = dict(body)
    if found.get("default_role"):
        found["default_role"] = role_named(found["default_role"])
    return found


def role_named(role_id: Any) -> Role:
    role = roles.roles().filter(id=role_id).first()
    if role is None:
        error = FieldError("/default_role", "unknown", "There is no such role here.")
        raise ValidationFailed(errors=[error])
    return role


def member_named(subject: str) -> Member:
    """Return a member by subject. Raises ValidationFailed."""
    found = tenants.members().filter(subject=subject).first()
    if found is None:
        raise ValidationFailed(errors=[FieldError("/member", "unknown", "There is no such member here.")])
    return found


def place(call: Call) -> dict[str, str]:
    return {"redirect_uri": f"{issuer(call.caller.tenant_slug)}/sso/callback"}


def shown(call: Call, row: Connection) -> Answer:
    return Answer(call.shape(ConnectionShape, row, **place(call)), etag=etag(row))
