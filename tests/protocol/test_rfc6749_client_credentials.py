"""RFC 6749: client authentication (§2.3), client credentials (§4.4), errors (§5.2)."""

from __future__ import annotations

import pytest

from core import jose, scope
from oauth import applications, client_secrets
from tenants import keys
from tests.factories import Browser, make_cast, make_principal
from tests.factories.policies import change_policy
from tests.oauth.helpers import basic, claims, form, register, token

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def test_service_token_is_an_rfc9068_access_token(cast):
    """RFC 9068 §2.1, §2.2; OAU-08."""
    app = register(cast.acme, "machine")
    answer = token(cast.acme, GRANT, app=app)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["scope"] == "members:read audit:read"
    assert jose.unverified_header(body["access_token"])["typ"] == "at+jwt"
    verified = jose.verify(body["access_token"], keys.verification_keys(cast.acme.id), typ="at+jwt")
    assert verified["iss"] == cast.acme.issuer
    assert verified["aud"] == f"{cast.acme.issuer}/v1"
    assert verified["sub"] == verified["client_id"] == app.application.client_id
    assert verified["subject_type"] == "service"
    assert verified["exp"] - verified["iat"] == body["expires_in"]
    assert verified["tenant_id"] == cast.acme.public_id
    assert "refresh_token" not in body


def test_scope_narrows(cast):
    """§3.3."""
    app = register(cast.acme, "machine")
    body = token(cast.acme, {**GRANT, "scope": "members:read"}, app=app).json()
    assert body["scope"] == "members:read" == claims(body["access_token"])["scope"]


@pytest.mark.parametrize(
    "asked", ["members:write", "openid", "no-such-scope", "a  b", 'a"b', "members:read x\\y"]
)
def test_O5_scope_beyond_the_client_is_refused(cast, asked):
    """§5.2 invalid_scope; OAU-27."""
    app = register(cast.acme, "machine")
    answer = token(cast.acme, {**GRANT, "scope": asked}, app=app)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_unknown_resource_is_invalid_target(cast):
    """RFC 8707 §2."""
    app = register(cast.acme, "machine")
    answer = token(cast.acme, {**GRANT, "resource": "https://elsewhere.example"}, app=app)
    assert answer.json()["error"] == "invalid_target"


def test_secret_in_the_body_only_for_clients_registered_so(cast):
    """§2.3.1; OAU-09: registered method only."""
    posting = register(cast.acme, "machine", auth_method="client_secret_post")
    assert token(cast.acme, GRANT, app=posting).status_code == 200
    wrong = token(cast.acme, GRANT, Authorization=basic(posting.application.client_id, posting.secret))
    assert wrong.status_code == 401
    heading = register(cast.acme, "machine")
    body = {**GRANT, "client_id": heading.application.client_id, "client_secret": heading.secret}
    assert token(cast.acme, body).json()["error"] == "invalid_client"


def test_O8_two_methods_at_once_are_refused(cast):
    """§2.3: the client MUST NOT use more than one authentication method."""
    app = register(cast.acme, "machine")
    answer = token(cast.acme, {**GRANT, "client_secret": app.secret}, app=app)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic YQ==", "Basic " + "A" * 9000])
def test_malformed_basic_is_invalid_client_with_a_challenge(cast, header):
    """§5.2: 401 with WWW-Authenticate when the client used the Authorization header."""
    answer = token(cast.acme, GRANT, Authorization=header)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_wrong_secret_and_unknown_client_answer_alike(cast):
    app = register(cast.acme, "machine")
    wrong = token(cast.acme, GRANT, Authorization=basic(app.application.client_id, "cs_wrong"))
    unknown = token(cast.acme, GRANT, Authorization=basic("app_nobody", "cs_wrong"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content


def test_client_of_another_tenant_is_unknown(cast):
    app = register(cast.globex, "machine")
    assert token(cast.acme, GRANT, app=app).json()["error"] == "invalid_client"
    assert token(cast.globex, GRANT, app=app).status_code == 200


def test_grant_not_registered_is_unauthorized_client(cast):
    """OAU-27."""
    app = register(cast.acme, "web")
    answer = token(cast.acme, GRANT, app=app)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_public_client_gets_no_service_token(cast):
    """§4.4: MUST only be used by confidential clients."""
    app = register(cast.acme, "spa")
    assert token(cast.acme, GRANT, app=app).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:nobody", "x" * 5000])
def test_unsupported_grants(cast, grant):
    """RFC 9700 §2.4: no password grant."""
    app = register(cast.acme, "machine")
    assert token(cast.acme, {"grant_type": grant}, app=app).json()["error"] == "unsupported_grant_type"


def test_missing_and_repeated_parameters_are_invalid_request(cast):
    """§3.2: parameters MUST NOT be included more than once; without a value they count as omitted."""
    app = register(cast.acme, "machine")
    for parameters in ({}, {"grant_type": ""}, {**GRANT, "scope": ["members:read", "audit:read"]}):
        answer = token(cast.acme, parameters, app=app)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_only_post_of_a_form(cast):
    """§3.2: the client MUST use POST."""
    path = f"/t/{cast.acme.slug}/oauth/token"
    assert Browser().get(path + "?grant_type=client_credentials").json()["error"] == "invalid_request"
    answer = Browser().post(path, {"grant_type": "client_credentials"}, content_type="application/json")
    assert answer.json()["error"] == "invalid_request"


def test_secret_in_the_address_is_not_read(cast):
    app = register(cast.acme, "machine", auth_method="client_secret_post")
    query = f"?client_id={app.application.client_id}&client_secret={app.secret}"
    assert form(cast.acme, f"/oauth/token{query}", GRANT).json()["error"] == "invalid_client"


def test_O16_disabled_client_is_refused_at_once_and_so_are_its_tokens(cast):
    app = register(cast.acme, "machine")
    assert token(cast.acme, GRANT, app=app).status_code == 200
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=app.application)
    assert token(cast.acme, GRANT, app=app).json()["error"] == "invalid_client"
    with scope.tenant(cast.acme.id):
        applications.enable_application(actor=make_principal(cast.acme), application=app.application)
    assert token(cast.acme, GRANT, app=app).status_code == 200


def test_rotated_secret_overlaps_and_an_older_one_dies(cast):
    """APP-02: two live for a time."""
    app = register(cast.acme, "machine")
    with scope.tenant(cast.acme.id):
        actor = make_principal(cast.acme)
        second = client_secrets.rotate_secret(actor=actor, application=app.application)
        third = client_secrets.rotate_secret(actor=actor, application=app.application)
    statuses = [
        token(cast.acme, GRANT, Authorization=basic(app.application.client_id, secret)).status_code
        for secret in (app.secret, second.secret, third.secret)
    ]
    assert statuses == [401, 200, 200]


def test_T5_no_secret_is_stored(cast):
    app = register(cast.acme, "machine")
    with scope.tenant(cast.acme.id):
        stored = [row.digest for row in client_secrets.secrets_of(app.application)]
    assert len(stored) == 1
    assert app.secret not in stored[0]


def test_R19_issued_token_leaves_an_audit_row(cast):
    from events.models import Event

    app = register(cast.acme, "machine")
    body = token(cast.acme, GRANT, app=app).json()
    with scope.tenant(cast.acme.id):
        event = Event.objects.get(type="token.issued", object_id=claims(body["access_token"])["jti"])
    assert (event.actor_type, event.actor_id) == ("service", app.application.client_id)
    assert body["access_token"] not in str(bytes(event.canonical))


def test_older_path_is_the_same_view(cast):
    """OAU-31."""
    app = register(cast.acme, "machine")
    assert form(cast.acme, "/oauth2/token", GRANT, app=app).status_code == 200


def test_a_tenant_switches_the_older_paths_off(cast):
    """OAU-31."""
    change_policy(cast.globex, legacy_oauth_paths=False)
    app = register(cast.globex, "machine")
    assert form(cast.globex, "/oauth/token", GRANT, app=app).status_code == 200
    for path in ("token", "userInfo", "revoke"):
        assert form(cast.globex, f"/oauth2/{path}", GRANT, app=app).status_code == 404
    assert Browser().get(f"/t/{cast.globex.slug}/oauth2/authorize?client_id=x").status_code == 404
    assert form(cast.acme, "/oauth2/revoke", GRANT, app=register(cast.acme, "machine")).status_code == 400
