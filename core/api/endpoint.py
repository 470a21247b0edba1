"""The door of the API: one class per address, one declared operation per method.

    class Keys(Endpoint):
        @operation(scope="api-keys:read", query=KeyQuery, answer=KeyShape, many=True)
        def get(self, call): return paginate(call, selectors.keys(), KeyShape)

        @operation(scope="api-keys:write", body=KeyBody, answer=IssuedKeyShape, status=201)
        def post(self, call): ...

The wrapper does, in this order: credential → tenant → organization → subject type → scope → quota →
input → idempotency → scope of the database → service → serialise → commit → answer. The first failure
is the one reported (AZ-07).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from core import context, ids, ports
from core.api import cross_origin, denials, idempotency, quota
from core.api.fields import Body, merged_pairs, represent
from core.api.parsing import JsonParser, MergePatchParser
from core.api.problems import from_drf, problem_response
from core.api.rendering import JsonRenderer
from core.errors import (
    FieldError,
    InsufficientRole,
    InsufficientScope,
    OrgMismatch,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    StepUpRequired,
    SubjectTypeNotAllowed,
    TenantMismatch,
    ValidationFailed,
)
from core.lookups import id_or_missing
from core.machine_http import JSON, json_response, put_header
from core.principal import Principal, SubjectType
from core.urls import tenant_slug

ANYTHING = "*/*"
READING = frozenset({"GET", "HEAD"})
RENDERER = JsonRenderer()
PEOPLE = frozenset({SubjectType.USER, SubjectType.GUEST})
EVERYONE = frozenset(SubjectType)


@dataclass(frozen=True)
class Operation:
    """What an operation declares; the OpenAPI document and the sweeps are made from it."""

    scope: str = ""  # the scope (= permission) that the caller needs; "" = any authenticated caller
    body: type[Serializer] | None = None
    query: type[Serializer] | None = None
    answer: type[Serializer] | None = None
    many: bool = False
    status: int = 200
    rate: str = ""  # class of api-conventions §6; derived from the method when empty
    idempotency: str = "optional"  # "optional" or "required"; ignored on GET
    subject_types: frozenset[SubjectType] = EVERYONE
    if_match: str = ""  # "" accepts it, "required" demands it
    summary: str = ""
    secrets: tuple[str, ...] = ()  # members of the answer that are shown once
    public: bool = False  # needs no credential (on the list of AZ-13)
    account: bool = False  # takes a person's own token at the bare origin, and no tenant's credential
    tags: tuple[str, ...] = ()
    rows: bool = True  # False: what the credential itself says is enough, and no transaction is opened


@dataclass
class Call:
    """What an operation gets: the caller, the validated input, the ids of the path."""

    request: Request
    operation: Operation
    caller: Principal
    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def check_match(self, current_etag: str) -> None:
        """Raise PreconditionFailed or PreconditionRequired by If-Match (RFC 9110 §13.1.1)."""
        sent = self.request.headers.get("If-Match")
        if sent is None:
            if self.operation.if_match == "required":
                raise PreconditionRequired
            return
        tags = [tag.strip().removeprefix("W/") for tag in sent.split(",")]
        if "*" not in tags and current_etag not in tags:
            raise PreconditionFailed

    def changes(self, row: Any) -> dict[str, Any]:
        """Return the body of a patch of `row`, its metadata merged (RFC 7396). Raises ValidationFailed."""
        if "metadata" not in self.body:
            return self.body
        return {**self.body, "metadata": merged_pairs(row.metadata, self.body["metadata"])}

    def shape(self, answer: type[Serializer], instance: Any, **extra: Any) -> dict[str, Any]:
        return represent(answer, instance, {"mode": self.caller.mode, "call": self, **extra})


@dataclass
class Answer:
    """An operation's result when it needs more than a body: status, headers, the object for the ETag."""

    body: Any = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""


def etag(instance: Any) -> str:
    """Return a strong entity tag of a row by its key and last change."""
    seed = f"{instance.pk}:{instance.updated_at.timestamp():.6f}"
    return f'"{hashlib.sha256(seed.encode()).hexdigest()[:24]}"'


def operation(**declared: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a method of an Endpoint; see Operation for the words."""
    spec = Operation(**declared)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def door(view: Endpoint, request: Request, **path: Any) -> HttpResponse:
            return view.perform(spec, function, request, path)

        door.operation = spec  # type: ignore[attr-defined]
        return door

    return decorate


class Endpoint(APIView):
    """Base of every `/v1` address. `ids_in_path` maps a path argument to its id prefix."""

    parser_classes = [JsonParser, MergePatchParser]
    ids_in_path: Mapping[str, str] = {}
    organization_in_path = ""  # the path argument that names an organization
    limits: Mapping[str, str] = {}  # headers, once the call was counted
    caller: Principal | None = None  # once it is known

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer what needs no rows without REST framework's own request and response around it."""
        handler: Any = getattr(self, request.method.lower(), None) if request.method in READING else None
        spec = getattr(handler, "operation", None)
        if spec is None or spec.rows or not takes_json(request):
            usual: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
            return usual
        try:
            response: HttpResponse = handler(request, **kwargs)
        except Exception as error:  # noqa: BLE001 — as REST framework: every exception becomes one problem document
            response = problem_response(request, from_drf(error), self.caller)
        return self.stamp(request, response)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Settle the form of the answer; who calls and whether they may is `perform`'s question."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        if takes_json(request):
            return RENDERER, JSON
        return super().perform_content_negotiation(request, force)

    def perform(
        self, spec: Operation, function: Callable[..., Any], request: Request, path: dict[str, Any]
    ) -> HttpResponse:
        self.spec = spec
        check_version(request)
        self.caller = caller = ports.principals.resolve(request._request)
        try:
            return self.admit(spec, function, caller, request, path)
        except Problem as problem:
            denials.report(caller, problem)
            raise

    def admit(
        self,
        spec: Operation,
        function: Callable[..., Any],
        caller: Principal,
        request: Request,
        path: dict[str, Any],
    ) -> HttpResponse:
        self.authorize(spec, caller, request, path)
        self.limits = quota.spend(spec, caller, request)
        call = Call(request, spec, caller, self.read_path(path))
        call.query = read_query(spec, request)
        call.body = self.read_body(spec, request)
        if not spec.rows:
            return self.answer(spec, self.work(function, call), call)
        refined = {"idempotency_key": request.headers.get("Idempotency-Key", "")[:255]}
        with context.refine(**refined):
            return self.answer(spec, idempotency.run(call, lambda: self.work(function, call)), call)

    def work(self, function: Callable[..., Any], call: Call) -> Answer:
        """Run the operation inside the open scope and serialise before the commit."""
        result = function(self, call)
        answer = result if isinstance(result, Answer) else Answer(body=result)
        answer.status = answer.status or (204 if answer.body is None else call.operation.status)
        return answer

    def authorize(
        self, spec: Operation, caller: Principal, request: Request, path: Mapping[str, Any]
    ) -> None:
        slug = tenant_slug(request._request)
        if slug is not None and slug != caller.tenant_slug:
            raise TenantMismatch
        named = path.get(self.organization_in_path) if self.organization_in_path else None
        if named and caller.organization_id and named != ids.encode("org", caller.organization_id):
            raise OrgMismatch
        if caller.subject_type not in spec.subject_types:
            raise SubjectTypeNotAllowed(required={"subject_types": sorted(spec.subject_types)})
        if spec.scope and spec.scope not in caller.scopes:
            raise InsufficientScope(f"{spec.scope} is needed.", required={"scopes": [spec.scope]})
        if spec.scope and not caller.may(spec.scope):
            raise InsufficientRole(f"{spec.scope} is needed.", required={"permissions": [spec.scope]})
        if caller.owes:
            raise StepUpRequired(**caller.owes)

    def read_path(self, path: Mapping[str, Any]) -> dict[str, Any]:
        """Decode ids of the path; a malformed one is answered as a missing one."""
        read = dict(path)
        for name, prefix in self.ids_in_path.items():
            if name in read:
                read[name] = id_or_missing(prefix, read[name])
        return read

    @staticmethod
    def read_body(spec: Operation, request: Request) -> dict[str, Any]:
        if request.method in {"GET", "HEAD"}:
            return {}
        data = request.data
        if spec.body is None:
            if data:
                raise ValidationFailed("This operation takes no body.")
            return {}
        return validated(spec.body, data, partial=request.method == "PATCH")

    def answer(self, spec: Operation, answer: Answer, call: Call) -> HttpResponse:
        if not spec.rows:
            return json_response(answer.body, status=answer.status, headers=answer.headers)
        headers = dict(answer.headers)
        response = Response(answer.body, answer.status, content_type=headers.pop("Content-Type", None))
        for name, value in headers.items():
            response.headers[name] = value
        if answer.etag:
            response.headers["ETag"] = answer.etag
        if spec.secrets:
            response.headers["Cache-Control"] = "no-store"
        return response

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Say which methods are taken, and nothing else: whoever asks has shown no credential."""
        return Response(status=204)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        return self.stamp(request._request, super().finalize_response(request, response, *args, **kwargs))

    def stamp(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Write the headers of every answer of the API."""
        cross_origin.show(request, response, self.caller)
        put_header(response, "Api-Version", settings.API_VERSION)
        for name, value in self.limits.items():
            put_header(response, name, value)
        return response


def takes_json(request: HttpRequest | Request) -> bool:
    """Whether JSON is wanted, as the few spellings say that nearly every client sends."""
    return request.META.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON)


def check_version(request: Request) -> None:
    """Raise ValidationFailed for a dated shape that does not exist (api-conventions §7)."""
    asked = request.headers.get("Api-Version", settings.API_VERSION)
    if asked != settings.API_VERSION:
        known = f"This version does not exist. Send {settings.API_VERSION}, or no Api-Version header."
        raise ValidationFailed(errors=[FieldError("Api-Version", "unknown_version", known)])


def read_query(spec: Operation, request: Request) -> dict[str, Any]:
    if spec.query is None and not request.META.get("QUERY_STRING"):
        return {}
    return validated(spec.query or Body, query_of(request))


def query_of(request: Request) -> dict[str, Any]:
    """Return the query as single values; a parameter given twice is an error of its own."""
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise ValidationFailed(f"{repeated[0]} is given twice. Use one comma-separated value.")
    return dict(request.query_params.items())


def validated(serializer: type[Serializer], data: Any, *, partial: bool = False) -> dict[str, Any]:
    checked = serializer(data=data, partial=partial)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
