"""`/v1/applications`: clients of the tenant. Secrets are in the answer that makes them, and nowhere else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Answer, Call, Endpoint, etag, operation
from core.api.fields import Body, Flag, Integer, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words, paginate
from core.errors import NotFound
from oauth import applications, client_secrets
from oauth.models import Application, ApplicationType, AuthMethod, InitialAccessToken, Profile
from roles.permissions import Permission

READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE
TAGS = ("Applications",)


def texts(longest: int = 1000, **options: Any) -> serializers.ListField:
    return serializers.ListField(child=Text(longest), max_length=100, required=False, **options)


class ApplicationPatch(Body):
    """Everything about an application but its type and client id."""

    name = Text(120)
    auth_method = serializers.ChoiceField(AuthMethod.choices, required=False)
    grants = texts(100)
    scopes = texts(120)
    resources = texts(300)
    introspection_audiences = texts(300)
    exchange_clients = texts(255)
    redirect_uris = texts()
    post_logout_redirect_uris = texts()
    origins = texts(300)
    backchannel_logout_uri = Text(1000, required=False, allow_blank=True)
    backchannel_logout_session_required = Flag(required=False)
    jwks = serializers.DictField(required=False, allow_null=True)
    jwks_uri = Text(1000, required=False, allow_blank=True)
    token_endpoint_auth_signing_alg = Text(8, required=False, allow_blank=True)
    client_uri = Text(1000, required=False, allow_blank=True)
    logo_uri = Text(1000, required=False, allow_blank=True)
    tos_uri = Text(1000, required=False, allow_blank=True)
    policy_uri = Text(1000, required=False, allow_blank=True)
    contacts = texts(254)
    initiate_login_uri = Text(1000, required=False, allow_blank=True)
    default_max_age = Integer(required=False, allow_null=True)
    require_auth_time = Flag(required=False)
    tls_client_auth = serializers.DictField(child=Text(500), required=False)
    tls_client_certificate_bound_access_tokens = Flag(required=False)
    dpop_bound_access_tokens = Flag(required=False)
    dpop_nonce_required = Flag(required=False)
    profile = serializers.ChoiceField(Profile.choices, required=False)
    access_token_lifetime = Integer(required=False, allow_null=True)
    id_token_lifetime = Integer(required=False, allow_null=True)
    refresh_lifetime = Integer(required=False, allow_null=True)
    rotate_refresh_tokens = Flag(required=False)
    refresh_ends_with_session = Flag(required=False)
    is_first_party = Flag(required=False)
    claim_mapping = serializers.ListField(child=serializers.DictField(), max_length=20, required=False)
    id_token_signed_response_alg = Text(8, required=False, allow_blank=True)
    userinfo_signed_response_alg = Text(8, required=False, allow_blank=True)
    introspection_signed_response_alg = Text(8, required=False, allow_blank=True)
    require_pushed_authorization_requests = Flag(required=False)
    required_scopes = texts(120)
    assigned_organizations = texts(60)
    assigned_roles = texts(60)
    metadata = Metadata(required=False)


class ApplicationBody(ApplicationPatch):
    type = serializers.ChoiceField(ApplicationType.choices)


class ClientSecretRotationBody(Body):
    """`overlap_seconds`: how long the secret before goes on, 0 to 7 days."""

    overlap_seconds = Integer(
        required=False, default=86_400, min_value=0, max_value=client_secrets.OVERLAP_MOST
    )


class ApplicationShape(Shape):
    object_name = "application"

    name = serializers.CharField()
    type = serializers.ChoiceField(ApplicationType.choices)
    client_id = serializers.CharField()
    status = serializers.CharField()
    auth_method = serializers.ChoiceField(AuthMethod.choices)
    grants = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    resources = serializers.ListField(child=serializers.CharField())
    introspection_audiences = serializers.ListField(child=serializers.CharField())
    exchange_clients = serializers.ListField(child=serializers.CharField())
    redirect_uris = serializers.SerializerMethodField()
    post_logout_redirect_uris = serializers.SerializerMethodField()
    origins = serializers.SerializerMethodField()
    backchannel_logout_uri = serializers.CharField()
    backchannel_logout_session_required = serializers.BooleanField()
    jwks = serializers.DictField(allow_null=True)
    jwks_uri = serializers.CharField()
    token_endpoint_auth_signing_alg = serializers.CharField()
    client_uri = serializers.CharField()
    logo_uri = serializers.CharField()
    tos_uri = serializers.CharField()
    policy_uri = serializers.CharField()
    contacts = serializers.ListField(child=serializers.CharField())
    initiate_login_uri = serializers.CharField()
    default_max_age = serializers.IntegerField(allow_null=True)
    require_auth_time = serializers.BooleanField()
    is_vetted = serializers.BooleanField()
    registration_source = serializers.ChoiceField(Application.RegistrationSource.choices)
    initial_access_token_id = PublicId(InitialAccessToken.PREFIX, allow_null=True)
    tls_client_auth = serializers.DictField(child=serializers.CharField())
    tls_client_certificate_bound_access_tokens = serializers.BooleanField()
    dpop_bound_access_tokens = serializers.BooleanField()
    dpop_nonce_required = serializers.BooleanField()
    profile = serializers.ChoiceField(Profile.choices)
    access_token_lifetime = serializers.IntegerField(allow_null=True)
    id_token_lifetime = serializers.IntegerField(allow_null=True)
    refresh_lifetime = serializers.IntegerField(allow_null=True)
    rotate_refresh_tokens = serializers.BooleanField()
    refresh_ends_with_session = serializers.BooleanField()
    is_first_party = serializers.BooleanField()
    claim_mapping = serializers.ListField(child=serializers.DictField())
    id_token_signed_response_alg = serializers.CharField()
    userinfo_signed_response_alg = serializers.CharField()
    introspection_signed_response_alg = serializers.CharField()
    require_pushed_authorization_requests = serializers.BooleanField()
    required_scopes = serializers.ListField(child=serializers.CharField())
    assigned_organizations = serializers.ListField(child=serializers.CharField())
    assigned_roles = serializers.ListField(child=serializers.CharField())
    last_used_at = Timestamp()

    def get_redirect_uris(self, row: Application) -> list[str]:
        return list(row.redirect_uris.split())

    def get_post_logout_redirect_uris(self, row: Application) -> list[str]:
        return list(row.post_logout_redirect_uris.split())

    def get_origins(self, row: Application) -> list[str]:
        return list(row.allowed_origins.split())


class RegisteredShape(ApplicationShape):
    """An application with its new secret, null for one that has none."""

    client_secret = serializers.SerializerMethodField()

    def get_client_secret(self, row: Application) -> str | None:
        return self.context.get("secret") or None


class SecretShape(Shape):
    object_name = "client_secret"

    client_secret = serializers.SerializerMethodField()
    hint = serializers.CharField()

    def get_client_secret(self, row: Any) -> str:
        return str(self.context["secret"])


class ApplicationQuery(SearchQuery):
    filters = {
        "type": "type__in",
        "registration_source": "registration_source__in",
        "client_id": "client_id",
        "q": "name__istartswith",
    }

    type = Words(ApplicationType.values)
    registration_source = Words(Application.RegistrationSource.values)
    client_id = Text(255, required=False)


class Applications(Endpoint):
    @operation(
        scope=READ,
        query=ApplicationQuery,
        answer=ApplicationShape,
        many=True,
        summary="List applications",
        tags=TAGS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, applications.applications(), ApplicationShape)

    @operation(
        scope=WRITE,
        body=ApplicationBody,
        answer=RegisteredShape,
        status=201,
        secrets=("client_secret",),
        summary="Register an application; its secret is in this answer only",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        made = applications.create_application(actor=call.caller, **call.body)
        return call.shape(RegisteredShape, made.application, secret=made.secret)


class OneApplication(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(scope=READ, answer=ApplicationShape, summary="Read an application", tags=TAGS)
    def get(self, call: Call) -> Answer:
        return shown(call, named(call))

    @operation(
        scope=WRITE,
        body=ApplicationPatch,
        answer=ApplicationShape,
        summary="Change an application",
        tags=TAGS,
    )
    def patch(self, call: Call) -> Answer:
        row = named(call)
        call.check_match(etag(row))
        changes = call.changes(row)
        return shown(
            call, applications.update_application(actor=call.caller, application=row, changes=changes)
        )

    @operation(scope=WRITE, summary="Delete an application and everything it was granted", tags=TAGS)
    def delete(self, call: Call) -> None:
        row = named(call)
        call.check_match(etag(row))
        applications.delete_application(actor=call.caller, application=row)


class SecretRotation(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(
        scope=WRITE,
        body=ClientSecretRotationBody,
        answer=SecretShape,
        status=201,
        secrets=("client_secret",),
        summary="Rotate the client secret; the one before goes on for the overlap",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        overlap = call.body.get("overlap_seconds", 86_400)
        issued = client_secrets.rotate_secret(actor=call.caller, application=named(call), overlap=overlap)
        return call.shape(SecretShape, issued.row, secret=issued.secret)


class Suspension(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(scope=WRITE, answer=ApplicationShape, summary="Disable an application", tags=TAGS)
    def put(self, call: Call) -> Answer:
        return shown(call, applications.disable_application(actor=call.caller, application=named(call)))

    @operation(scope=WRITE, status=204, summary="Enable an application again", tags=TAGS)
    def delete(self, call: Call) -> None:
        applications.enable_application(actor=call.caller, application=named(call))


def named(call: Call) -> Application:
    """Return the application of the path; those of an organization's caller are none (hidden rows)."""
    if call.caller.organization_id is not None:
        raise NotFound
    return applications.application(call.path["application"])


def shown(call: Call, row: Application) -> Answer:
    return Answer(call.shape(ApplicationShape, row), etag=etag(row))
