"""`/v1/api-resources` and their scopes."""

from __future__ import annotations

from typing import Any

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.lists import paginate
from roles import imports, resources, selectors
from roles.models import ApiResource, Scope
from roles.serializers import (
    ResourceBody,
    ResourcePatch,
    ResourceQuery,
    ResourceShape,
    ScopeBody,
    ScopeImportBody,
    ScopeImportShape,
    ScopePatch,
    ScopeQuery,
    ScopeShape,
)
from tenants.selectors import begins

TAGS = ("api resources",)


class Resources(Endpoint):
    @operation(
        scope="roles:read",
        query=ResourceQuery,
        answer=ResourceShape,
        many=True,
        summary="List API resources",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.api_resources()
        if call.query.get("q"):
            by_name = begins("name", call.query["q"], folded=False)
            rows = rows.filter(by_name | begins("audience", call.query["q"], folded=False))
        return paginate(call, rows, ResourceShape)

    @operation(
        scope="roles:write",
        body=ResourceBody,
        answer=ResourceShape,
        status=201,
        summary="Create an API resource",
        tags=TAGS,
    )
    def post(self, call: Call) -> Answer:
        resource = resources.create_resource(actor=call.caller, **call.body)
        return Answer(call.shape(ResourceShape, resource), etag=etag(resource))


class OneResource(Endpoint):
    ids_in_path = {"resource": ApiResource.PREFIX}

    @operation(scope="roles:read", answer=ResourceShape, summary="Read an API resource", tags=TAGS)
    def get(self, call: Call) -> Answer:
        resource = selectors.api_resource(call.path["resource"])
        return Answer(call.shape(ResourceShape, resource), etag=etag(resource))

    @operation(
        scope="roles:write",
        body=ResourcePatch,
        answer=ResourceShape,
        summary="Change an API resource",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        resource = selectors.api_resource(call.path["resource"])
        call.check_match(etag(resource))
        resource = resources.update_resource(
            actor=call.caller, resource=resource, changes=call.changes(resource)
        )
        return Answer(call.shape(ResourceShape, resource), etag=etag(resource))

    @operation(scope="roles:write", status=204, summary="Delete an API resource", tags=TAGS)
    def delete(self, call: Call) -> None:
        resource = selectors.api_resource(call.path["resource"])
        call.check_match(etag(resource))
        resources.delete_resource(actor=call.caller, resource=resource)


class Scopes(Endpoint):
    ids_in_path = {"resource": ApiResource.PREFIX}

    @operation(
        scope="roles:read",
        query=ScopeQuery,
        answer=ScopeShape,
        many=True,
        summary="List the scopes of an API resource",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = selectors.scopes_of(selectors.api_resource(call.path["resource"]))
        if call.query.get("q"):
            rows = rows.filter(begins("value", call.query["q"], folded=False))
        return paginate(call, rows, ScopeShape)

    @operation(
        scope="roles:write", body=ScopeBody, answer=ScopeShape, status=201, summary="Add a scope", tags=TAGS
    )
    def post(self, call: Call) -> Answer:
        resource = selectors.api_resource(call.path["resource"])
        scope = resources.create_scope(actor=call.caller, resource=resource, **call.body)
        return Answer(call.shape(ScopeShape, scope), etag=etag(scope))


class OneScope(Endpoint):
    ids_in_path = {"resource": ApiResource.PREFIX, "scope": Scope.PREFIX}

    def read(self, call: Call) -> tuple[ApiResource, Scope]:
        resource = selectors.api_resource(call.path["resource"])
        return resource, selectors.scope_of(resource, call.path["scope"])

    @operation(scope="roles:read", answer=ScopeShape, summary="Read a scope", tags=TAGS)
    def get(self, call: Call) -> Answer:
        _resource, scope = self.read(call)
        return Answer(call.shape(ScopeShape, scope), etag=etag(scope))

    @operation(
        scope="roles:write",
        body=ScopePatch,
        answer=ScopeShape,
        summary="Change what is said of a scope",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        resource, scope = self.read(call)
        call.check_match(etag(scope))
        scope = resources.update_scope(
            actor=call.caller, resource=resource, scope=scope, changes=call.changes(scope)
        )
        return Answer(call.shape(ScopeShape, scope), etag=etag(scope))

    @operation(scope="roles:write", status=204, summary="Delete a scope", tags=TAGS)
    def delete(self, call: Call) -> None:
        resource, scope = self.read(call)
        call.check_match(etag(scope))
        resources.delete_scope(actor=call.caller, resource=resource, scope=scope)


class ScopeImports(Endpoint):
    ids_in_path = {"resource": ApiResource.PREFIX}

    @operation(
        scope="roles:write",
        body=ScopeImportBody,
        answer=ScopeImportShape,
        idempotency="required",
        summary="Import a catalogue of scopes from a file",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        resource = selectors.api_resource(call.path["resource"])
        done = imports.import_scopes(actor=call.caller, resource=resource, **call.body)
        return {"object": "scope_import", **{name: _plain(value) for name, value in vars(done).items()}}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
