"""RFC 8693, OAuth 2.0 Token Exchange of our own access tokens (OAU-10, OAU-30, threats D3, D4, O16)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core import jose, scope
from core.principal import Actor, SubjectType
from events.models import Event
from oauth import applications, consents
from oauth.models import Consent
from roles import resources
from tenants import keys, members, sessions
from tenants.models import TenantSession
from tests.factories import access_token, make_cast, make_member, make_principal, unique
from tests.oauth.helpers import bearer_get, claims, flow, form, register, service_token, token
from tests.oauth.proofs import proof

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
READS = "members:read"


def machine(
    tenant: Any, *scopes: str, grants: tuple[str, ...] = ("client_credentials", GRANT), **settings: Any
) -> Any:
    return register(
        tenant, "machine", scopes=list(scopes) or [READS, "members:write"], grants=list(grants), **settings
    )


def exchange(tenant: Any, app: Any, subject: str, *, actor: str = "", **changes: Any) -> Any:
    parameters = {"grant_type": GRANT, "subject_token": subject, "subject_token_type": ACCESS}
    if actor:
        parameters |= {"actor_token": actor, "actor_token_type": ACCESS}
    given = {name: value for name, value in {**parameters, **changes}.items() if value is not None}
    return token(tenant, given, app=app)


def exchanged(*arguments: Any, **changes: Any) -> dict[str, Any]:
    answer = exchange(*arguments, **changes)
    assert answer.status_code == 200, answer.content
    return claims(answer.json()["access_token"])


def refused(answer: Any, error: str = "invalid_request") -> str:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.content
    return str(answer.json()["error_description"])


@pytest.fixture(scope="module")
def world():
    return make_cast()


@pytest.fixture
def person(world):
    return make_member(world.acme, roles=["admin"])


@pytest.fixture
def run(person):
    return flow(person)


@pytest.fixture
def tokens(run):
    return run.tokens(scope="openid email offline_access members:read members:write")


@pytest.fixture
def reader(world, run):
    """A service that may exchange tokens of the application which the person uses."""
    return machine(world.acme, exchange_clients=[run.app.application.client_id], name="Reader")


# --- the answer (§2.2) -----------------------------------------------------------------------------------


def test_section_2_2_a_service_swaps_a_persons_token_for_less(world, tokens, reader, person):
    answer = exchange(world.acme, reader, tokens["access_token"], scope=READS)
    body = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["issued_token_type"], body["token_type"], body["scope"]) == (ACCESS, "Bearer", READS)
    found = claims(body["access_token"])
    original = claims(tokens["access_token"])
    client_id = reader.application.client_id
    assert (found["sub"], found["client_id"], found["act"]) == (person.subject, client_id, {"sub": client_id})
    assert found["subject_type"] == "delegated"
    assert {name: found[name] for name in ("iss", "aud", "sid", "auth_time", "acr", "amr", "av")} == {
        name: original[name] for name in ("iss", "aud", "sid", "auth_time", "acr", "amr", "av")
    }
    assert found["exp"] <= original["exp"]
    with scope.tenant(world.acme.id):
        event = Event.objects.filter(type="token.exchanged").latest("id")
    assert (event.actor_type, event.actor_id, event.on_behalf_of) == ("service", client_id, person.subject)


def test_discovery_names_the_grant(world):
    from tests.factories import Browser

    document = Browser().get(f"/t/{world.acme.slug}/.well-known/openid-configuration").json()
    assert GRANT in document["grant_types_supported"]


def test_without_scope_all_that_fits_is_given_and_never_offline_access(world, tokens, reader):
    assert exchanged(world.acme, reader, tokens["access_token"])["scope"] == f"{READS} members:write"


def test_the_same_client_narrows_its_own_token_and_stays_itself(world, person):
    app = register(world.acme, "web", grants=["authorization_code", "refresh_token", GRANT])
    own = flow(person, app=app).tokens()
    found = exchanged(world.acme, app, own["access_token"], scope="openid")
    assert (found["subject_type"], found["scope"], "act" in found) == ("user", "openid", False)
    answer = exchange(world.acme, app, own["access_token"])
    assert "refresh_token" not in answer.json()
    assert (
        bearer_get(world.acme, "/oauth/userinfo", answer.json()["access_token"]).json()["sub"]
        == person.subject
    )


def test_a_machine_narrows_its_own_token(world):
    app = machine(world.acme)
    found = exchanged(world.acme, app, service_token(world.acme, app), scope=READS)
    assert (found["sub"], found["subject_type"], found["scope"]) == (
        app.application.client_id,
        "service",
        READS,
    )


def test_a_machine_acts_for_a_machine(world):
    first = machine(world.acme)
    second = machine(world.acme, exchange_clients=[first.application.client_id])
    answer = exchange(world.acme, second, service_token(world.acme, first), scope=READS)
    found = claims(answer.json()["access_token"])
    assert found["subject_type"] == "delegated"
    assert (found["sub"], found["act"]) == (
        first.application.client_id,
        {"sub": second.application.client_id},
    )
    assert bearer_get(world.acme, "/v1/members", answer.json()["access_token"]).status_code == 200
    with scope.tenant(world.acme.id):
        applications.disable_application(actor=make_principal(world.acme), application=first.application)
    assert bearer_get(world.acme, "/v1/members", answer.json()["access_token"]).status_code == 401


def test_another_audience_that_the_client_may_name(world, person):
    audience = f"https://{unique('api')}.example"
    with scope.tenant(world.acme.id):
        actor = make_principal(world.acme)
        made = resources.create_resource(actor=actor, audience=audience, name="Downstream")
        resources.create_scope(actor=actor, resource=made, value="things:read")
    own = register(
        world.acme,
        "web",
        scopes=["openid", "things:read", READS],
        resources=[f"{world.acme.issuer}/v1", audience],
    )
    subject = flow(person, app=own).tokens(scope="openid things:read")["access_token"]
    assert claims(subject)["aud"] == audience
    service = register(
        world.acme, "web", scopes=["openid", READS], grants=["authorization_code", GRANT],
        exchange_clients=[own.application.client_id], resources=[f"{world.acme.issuer}/v1"],
    )  # fmt: skip
    refused(exchange(world.acme, service, subject), "invalid_target")
    for name in ("resource", "audience"):
        found = exchanged(world.acme, service, subject, **{name: f"{world.acme.issuer}/v1"})
        assert (found["aud"], found["scope"]) == (f"{world.acme.issuer}/v1", "openid")
    refused(
        exchange(world.acme, service, subject, resource=f"{world.acme.issuer}/v1", scope=READS),
        "invalid_scope",
    )


def test_a_resource_server_exchanges_what_was_meant_for_it(world, tokens):
    server = machine(world.acme, READS, introspection_audiences=[f"{world.acme.issuer}/v1"])
    found = exchanged(world.acme, server, tokens["access_token"])
    assert (found["scope"], found["act"]) == (READS, {"sub": server.application.client_id})


# --- requests (§2.1) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token": "x.y.z"}, "invalid_request"),
        ({"subject_token": "x" * 100_000}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"actor_token": "x.y.z"}, "invalid_request"),
        ({"actor_token_type": ACCESS}, "invalid_request"),
        ({"actor_token": "x.y.z", "actor_token_type": ACCESS}, "invalid_request"),
        ({"actor_token": "x.y.z", "actor_token_type": "urn:x"}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
        ({"resource": "https://a.example", "audience": "https://b.example"}, "invalid_target"),
        ({"scope": ["a", "b"]}, "invalid_request"),
        ({"scope": "members:read  x"}, "invalid_scope"),
    ],
)
def test_section_2_1_bad_requests_are_refused(world, tokens, reader, changes, error):
    refused(exchange(world.acme, reader, tokens["access_token"], **changes), error)


def test_section_2_1_an_access_token_can_be_asked_for_by_name(world, tokens, reader):
    assert (
        exchange(world.acme, reader, tokens["access_token"], requested_token_type=ACCESS).status_code == 200
    )


def test_a_client_without_the_grant_is_refused(world, tokens, run):
    plain = machine(world.acme, grants=("client_credentials",))
    refused(exchange(world.acme, plain, tokens["access_token"]), "unauthorized_client")


def test_an_unproven_client_is_refused(world, tokens, reader):
    parameters = {"grant_type": GRANT, "subject_token": tokens["access_token"], "subject_token_type": ACCESS}
    answer = form(world.acme, "/oauth/token", {**parameters, "client_id": reader.application.client_id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_public_client_exchanges_none_of_our_tokens(world, person):
    app = register(world.acme, "spa", grants=["authorization_code", "refresh_token", GRANT])
    own = flow(person, app=app).tokens()
    refused(exchange(world.acme, app, own["access_token"]), "unauthorized_client")


# --- D3: nothing widens ----------------------------------------------------------------------------------


def test_D3_a_stranger_among_the_clients_gets_nothing(world, tokens):
    refused(exchange(world.acme, machine(world.acme), tokens["access_token"]))


def test_D3_scopes_beyond_the_subjects_are_refused(world, run, reader):
    small = run.tokens(scope="openid members:read")["access_token"]
    refused(exchange(world.acme, reader, small, scope="members:write"), "invalid_scope")
    assert exchanged(world.acme, reader, small)["scope"] == READS


def test_D3_scopes_beyond_the_clients_are_refused(world, tokens, run):
    small = machine(world.acme, READS, exchange_clients=[run.app.application.client_id])
    refused(exchange(world.acme, small, tokens["access_token"], scope="members:write"), "invalid_scope")


def test_D3_nothing_in_common_is_refused(world, tokens, run):
    other = machine(world.acme, "audit:read", exchange_clients=[run.app.application.client_id])
    refused(exchange(world.acme, other, tokens["access_token"]), "invalid_scope")


def test_D3_an_actors_token_narrows_further(world, tokens, reader):
    actor = service_token(world.acme, reader, scope=READS)
    assert exchanged(world.acme, reader, tokens["access_token"], actor=actor)["scope"] == READS
    refused(
        exchange(world.acme, reader, tokens["access_token"], actor=actor, scope="members:write"),
        "invalid_scope",
    )


def test_D3_an_exchanged_token_never_grows_back(world, tokens, reader):
    small = exchange(world.acme, reader, tokens["access_token"], scope=READS).json()["access_token"]
    refused(exchange(world.acme, reader, small, scope="members:write"), "invalid_scope")


def test_D3_life_is_what_is_left_of_the_subject(world, person, reader, run):
    with scope.tenant(world.acme.id):
        applications.update_application(
            actor=make_principal(world.acme),
            application=reader.application,
            changes={"access_token_lifetime": 3600},
        )
    subject = run.tokens()["access_token"]
    found = exchanged(world.acme, reader, subject)
    assert found["exp"] <= claims(subject)["exp"]
    refused(exchange(world.acme, reader, sign(world.acme, subject, exp=int(time.time()) - 1)))


def sign(tenant: Any, original: str, alg: str = "ES256", **changes: Any) -> str:
    """The same token with other claims, as only our own key could make it."""
    body = {name: value for name, value in {**claims(original), **changes}.items() if value is not None}
    return jose.sign(body, keys.active_key(tenant.id, alg), "at+jwt")


@pytest.mark.parametrize("which", ["subject", "actor"])
def test_D3_tokens_of_another_tenant_are_refused(world, tokens, reader, which):
    foreign_app = machine(world.globex)
    foreign = service_token(world.globex, foreign_app)
    if which == "subject":
        refused(exchange(world.acme, reader, foreign))
    else:
        refused(exchange(world.acme, reader, tokens["access_token"], actor=foreign))


def test_D3_a_spliced_actor_is_refused(world, tokens, reader, person):
    """The actor token must be the exchanging client's own, for itself."""
    other = machine(world.acme)
    refused(exchange(world.acme, reader, tokens["access_token"], actor=service_token(world.acme, other)))
    refused(exchange(world.acme, reader, tokens["access_token"], actor=access_token(person)))
    delegated = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    refused(exchange(world.acme, reader, tokens["access_token"], actor=delegated))


@pytest.mark.parametrize(
    "may_act", [{"sub": "somebody-else"}, {"client_id": "somebody-else"}, {}, "x", {"sub": 5}]
)
def test_D3_may_act_that_names_another_is_obeyed(world, tokens, reader, may_act):
    refused(exchange(world.acme, reader, sign(world.acme, tokens["access_token"], may_act=may_act)))


def test_D3_may_act_that_names_the_actor_is_kept(world, tokens, reader):
    may_act = {"sub": reader.application.client_id}
    found = exchanged(world.acme, reader, sign(world.acme, tokens["access_token"], may_act=may_act))
    assert found["may_act"] == may_act


def test_D3_a_bound_token_without_its_proof_is_refused(world, tokens, reader):
    assert "bound" in refused(
        exchange(world.acme, reader, sign(world.acme, tokens["access_token"], cnf={"jkt": "x" * 43}))
    )


def test_D3_a_bound_token_with_its_proof_gives_a_bound_token(world):
    """RFC 9449 §5: the proof at the token endpoint is by the key that the subject token is bound to."""
    app, key, other = machine(world.acme), jose.generate_key(), jose.generate_key()
    address = f"{world.acme.issuer}/oauth/token"
    subject = token(
        world.acme, {"grant_type": "client_credentials"}, app=app, DPoP=proof(address, key=key)
    ).json()["access_token"]
    assert "bound" in refused(exchange(world.acme, app, subject))
    request = {"grant_type": GRANT, "subject_token": subject, "subject_token_type": ACCESS, "scope": READS}
    assert "bound" in refused(token(world.acme, request, app=app, DPoP=proof(address, key=other)))
    body = token(world.acme, request, app=app, DPoP=proof(address, key=key)).json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == claims(subject)["cnf"]


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_T2_other_kinds_of_token_are_refused(world, tokens, reader, kind):
    refused(exchange(world.acme, reader, tokens[kind]))


def test_T1_an_unsigned_or_foreign_signature_is_refused(world, tokens, reader):
    head, body, signature = tokens["access_token"].split(".")
    refused(exchange(world.acme, reader, f"{head}.{body}."))
    refused(exchange(world.acme, reader, f"{head}.{body}.{signature[::-1]}"))
    forged = jose.sign(claims(tokens["access_token"]), jose.generate_key("ES256"), "at+jwt")
    refused(exchange(world.acme, reader, forged))


# --- D4: chains ------------------------------------------------------------------------------------------


def hop(tenant: Any, before: Any, subject: str) -> tuple[Any, Any]:
    app = machine(tenant, READS, exchange_clients=[before.application.client_id])
    return app, exchange(tenant, app, subject)


def test_D4_the_chain_is_kept_and_ends_at_four(world, tokens, reader):
    subject = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    apps = [reader]
    for _ in range(3):
        app, answer = hop(world.acme, apps[-1], subject)
        apps.append(app)
        subject = answer.json()["access_token"]
    act, found = claims(subject)["act"], []
    while act:
        found.append(act["sub"])
        act = act.get("act")
    assert found == [app.application.client_id for app in reversed(apps)]
    _, answer = hop(world.acme, apps[-1], subject)
    assert "at most 4" in refused(answer)


def test_D4_no_cycles(world, tokens, reader):
    first = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    other, answer = hop(world.acme, reader, first)
    with scope.tenant(world.acme.id):
        applications.update_application(
            actor=make_principal(world.acme),
            application=reader.application,
            changes={"exchange_clients": [other.application.client_id]},
        )
    assert "already" in refused(exchange(world.acme, reader, answer.json()["access_token"]))


def test_D4_nobody_acts_for_themselves(world):
    app = machine(world.acme)
    own = service_token(world.acme, app)
    refused(exchange(world.acme, app, own, actor=own))


def test_D4_a_line_of_exchanges_ends(world):
    app = machine(world.acme)
    answer, subject = None, service_token(world.acme, app)
    for _ in range(8):
        answer = exchange(world.acme, app, subject)
        subject = answer.json()["access_token"]
    assert "too often" in refused(exchange(world.acme, app, subject))


def test_D4_ending_one_token_ends_all_that_descend_from_it(world, tokens, reader, run):
    child = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    _, answer = hop(world.acme, reader, child)
    grandchild = answer.json()["access_token"]
    assert bearer_get(world.acme, "/v1/members", grandchild).status_code == 200
    assert (
        form(world.acme, "/oauth/revoke", {"token": tokens["access_token"]}, app=run.app).status_code == 200
    )
    for dead in (child, grandchild):
        assert bearer_get(world.acme, "/v1/members", dead).status_code == 401


def test_D4_disabling_a_link_ends_all_below_it(world, tokens, reader):
    child = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    last, answer = hop(world.acme, reader, child)
    with scope.tenant(world.acme.id):
        applications.disable_application(actor=make_principal(world.acme), application=reader.application)
    assert bearer_get(world.acme, "/v1/members", answer.json()["access_token"]).status_code == 401
    refused(exchange(world.acme, last, answer.json()["access_token"]))


def test_D4_ending_the_actors_token_ends_what_it_helped_to_make(world, tokens, reader):
    actor = service_token(world.acme, reader)
    child = exchange(world.acme, reader, tokens["access_token"], actor=actor).json()["access_token"]
    form(world.acme, "/oauth/revoke", {"token": actor}, app=reader)
    assert bearer_get(world.acme, "/v1/members", child).status_code == 401


# --- O16: each dead subject ------------------------------------------------------------------------------


def _withdraw(person: Any, reader: Any, run: Any) -> None:
    consents.withdraw(actor=Actor("user", person.subject), consent=Consent.objects.get(member=person.member))


def _suspend(person: Any, reader: Any, run: Any) -> None:
    members.suspend_member(actor=make_principal(person.tenant), member=person.member)


def _force_logout(person: Any, reader: Any, run: Any) -> None:
    members.force_logout(actor=make_principal(person.tenant), member=person.member)


def _sign_out(person: Any, reader: Any, run: Any) -> None:
    for session in TenantSession.objects.filter(member=person.member, ended_at=None).select_related("member"):
        sessions.end_session(session, "signed_out")


def _disable(person: Any, reader: Any, run: Any) -> None:
    applications.disable_application(actor=make_principal(person.tenant), application=run.app.application)


@pytest.mark.parametrize(
    "end", [_withdraw, _suspend, _force_logout, _sign_out, _disable], ids=lambda f: f.__name__[1:]
)
def test_O16_a_dead_subject_gives_nothing_and_keeps_nothing(world, person, run, tokens, reader, end):
    child = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    assert bearer_get(world.acme, "/v1/members", child).status_code == 200
    with scope.tenant(world.acme.id):
        end(person, reader, run)
    refused(exchange(world.acme, reader, tokens["access_token"]))
    assert bearer_get(world.acme, "/v1/members", child).status_code in (401, 403)
    asked = form(world.acme, "/oauth/introspect", {"token": child}, app=reader)
    assert asked.json() == {"active": False}


# --- OAU-30 ----------------------------------------------------------------------------------------------


def test_OAU30_a_delegate_is_never_taken_for_a_person(world, tokens, reader, person):
    child = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    answer = bearer_get(world.acme, "/v1/me", child)
    assert (answer.status_code, answer.json()["code"]) == (403, "subject_type_not_allowed")
    assert bearer_get(world.acme, "/v1/me", tokens["access_token"]).status_code == 200
    asked = form(world.acme, "/oauth/introspect", {"token": child}, app=reader).json()
    assert (asked["active"], asked["subject_type"], asked["act"]["sub"]) == (
        True, "delegated", reader.application.client_id,
    )  # fmt: skip


def test_OAU30_a_delegate_may_what_person_and_actor_both_may_now(world, person, tokens, reader):
    child = exchange(world.acme, reader, tokens["access_token"]).json()["access_token"]
    assert bearer_get(world.acme, "/v1/members", child).status_code == 200
    with scope.tenant(world.acme.id):
        applications.update_application(
            actor=make_principal(world.acme),
            application=reader.application,
            changes={"scopes": ["audit:read"]},
        )
    answer = bearer_get(world.acme, "/v1/members", child)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_OAU30_a_delegated_claim_without_an_actor_is_no_credential(world, tokens):
    forged = sign(world.acme, tokens["access_token"], subject_type=SubjectType.DELEGATED.value)
    assert bearer_get(world.acme, "/v1/members", forged).status_code == 401


def test_the_stranger_has_no_token_to_exchange(world, reader):
    refused(exchange(world.acme, reader, world.stranger.email))


# --- registration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"exchange_clients": ["app_unknown"]}, {"grants": ("client_credentials",)}]
)
def test_exchange_clients_are_checked(world, run, changes):
    from core.errors import ValidationFailed

    with pytest.raises(ValidationFailed):
        machine(world.acme, **{"exchange_clients": [run.app.application.client_id], **changes})


def test_exchange_clients_of_another_tenant_are_unknown(world):
    from core.errors import ValidationFailed

    foreign = machine(world.globex)
    with pytest.raises(ValidationFailed):
        machine(world.acme, exchange_clients=[foreign.application.client_id])
