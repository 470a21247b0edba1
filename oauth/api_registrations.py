"""`/v1/initial-access-tokens` and the vetting of clients that nobody of the tenant registered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.fields import Body, Integer, Metadata, Shape, Text, Timestamp
from core.api.lists import ListQuery, SearchQuery, Words, paginate
from core.errors import NotFound
from oauth import applications, client_secrets
from oauth import initial_access_tokens as tokens
from oauth.api import ApplicationShape, ClientSecretRotationBody, SecretShape, named, shown, texts
from oauth.models import Application, ClientSecret, InitialAccessToken
from roles.permissions import Permission

READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE
TAGS = ("Initial access tokens",)
STATES = ("active", "used_up", "expired", "revoked")


class InitialAccessTokenBody(Body):
    """`expires_in` in seconds; `redirect_uris` are beginnings: an exact origin and a path prefix."""

    name = Text(120)
    expires_in = Integer(required=False, min_value=60, max_value=tokens.LONGEST)
    max_uses = Integer(required=False, min_value=1, max_value=tokens.MOST_USES)
    redirect_uris = texts()
    grants = texts(100)
    scopes = texts(120)
    metadata = Metadata(required=False)


class InitialAccessTokenShape(Shape):
    object_name = "initial_access_token"

    name = serializers.CharField()
    status = serializers.CharField()
    hint = serializers.CharField()
    redirect_uris = serializers.ListField(child=serializers.CharField())
    grants = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    uses = serializers.IntegerField()
    max_uses = serializers.IntegerField()
    expires_at = Timestamp()
    last_used_at = Timestamp()
    created_by = serializers.CharField()


class IssuedInitialAccessTokenShape(InitialAccessTokenShape):
    token = serializers.SerializerMethodField()

    def get_token(self, row: Any) -> str:
        return str(self.context["secret"])


class InitialAccessTokenQuery(SearchQuery):
    filters = {"q": "name__istartswith"}

    status = Words(STATES)


class InitialAccessTokens(Endpoint):
    @operation(
        scope=READ,
        query=InitialAccessTokenQuery,
        answer=InitialAccessTokenShape,
        many=True,
        summary="List initial access tokens",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        rows = tokens.with_status(tokens.initial_access_tokens(), call.query.get("status", []))
        return paginate(call, rows, InitialAccessTokenShape)

    @operation(
        scope=WRITE,
        body=InitialAccessTokenBody,
        answer=IssuedInitialAccessTokenShape,
        status=201,
        secrets=("token",),
        summary="Let programs register clients, within limits; the token is in this answer only",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        issued = tokens.create_initial_access_token(actor=call.caller, **call.body)
        return call.shape(IssuedInitialAccessTokenShape, issued.row, secret=issued.secret)


class OneInitialAccessToken(Endpoint):
    ids_in_path = {"token": InitialAccessToken.PREFIX}

    @operation(scope=READ, answer=InitialAccessTokenShape, summary="Read an initial access token", tags=TAGS)
    def get(self, call: Call) -> Answer:
        row = _token(call)
        return Answer(call.shape(InitialAccessTokenShape, row), etag=etag(row))

    @operation(scope=WRITE, status=204, summary="Revoke an initial access token, at once", tags=TAGS)
    def delete(self, call: Call) -> None:
        row = _token(call)
        call.check_match(etag(row))
        tokens.revoke_initial_access_token(actor=call.caller, token=row)


def _token(call: Call) -> InitialAccessToken:
    if call.caller.organization_id is not None:
        raise NotFound
    return tokens.initial_access_token(call.path["token"])


class ClientSecretShape(Shape):
    object_name = "client_secret"

    hint = serializers.CharField()
    expires_at = Timestamp()


class ClientSecrets(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(
        scope=READ,
        query=ListQuery,
        answer=ClientSecretShape,
        many=True,
        summary="List the live secrets of an application, never their text",
        tags=("Applications",),
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, client_secrets.secrets_of(named(call)), ClientSecretShape)

    @operation(
        scope=WRITE,
        body=ClientSecretRotationBody,
        answer=SecretShape,
        status=201,
        secrets=("client_secret",),
        summary="Add a secret; the one before goes on for the overlap, at most two live",
        tags=("Applications",),
    )
    def post(self, call: Call) -> dict[str, Any]:
        overlap = call.body.get("overlap_seconds", 86_400)
        issued = client_secrets.rotate_secret(actor=call.caller, application=named(call), overlap=overlap)
        return call.shape(SecretShape, issued.row, secret=issued.secret)


class OneClientSecret(Endpoint):
    ids_in_path = {"application": Application.PREFIX, "secret": ClientSecret.PREFIX}

    @operation(scope=WRITE, status=204, summary="Revoke one of two live secrets", tags=("Applications",))
    def delete(self, call: Call) -> None:
        row = named(call)
        secret = client_secrets.secret_of(row, call.path["secret"])
        client_secrets.revoke_secret(actor=call.caller, application=row, secret=secret)


class Vetting(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(
        scope=WRITE,
        answer=ApplicationShape,
        summary="Vouch for a client that registered itself",
        tags=("Applications",),
    )
    def put(self, call: Call) -> Answer:
        row = applications.vet_application(actor=call.caller, application=named(call), vetted=True)
        return shown(call, row)

    @operation(
        scope=WRITE,
        status=204,
        summary="Take a client's vetting back: consent is asked each time",
        tags=("Applications",),
    )
    def delete(self, call: Call) -> None:
        applications.vet_application(actor=call.caller, application=named(call), vetted=False)
