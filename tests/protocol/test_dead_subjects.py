"""Threat O16: whatever ends a subject, each grant that speaks of it is refused at once, and so are its tokens.

Devices and token exchange have the same table beside their own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apikeys import services as apikeys
from core import scope
from core.principal import Actor
from oauth import applications, consents
from oauth.models import Consent
from roles.models import ApiResource
from tenants import members, sessions
from tests.factories import make_cast, make_member, make_principal, principal_of
from tests.oauth.helpers import bearer_get, claims, flow, form, query_of, token

OFFLINE = "openid offline_access members:read"
KEY_GRANT = "urn:claviger:params:oauth:grant-type:api_key"


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def suspend(run: Any, person: Any) -> None:
    members.suspend_member(actor=make_principal(run.tenant), member=person.member)


def remove(run: Any, person: Any) -> None:
    members.remove_member(actor=make_principal(run.tenant), member=person.member)


def force_logout(run: Any, person: Any) -> None:
    members.force_logout(actor=make_principal(run.tenant), member=person.member)


def disable_application(run: Any, person: Any) -> None:
    applications.disable_application(actor=make_principal(run.tenant), application=run.app.application)


def withdraw_consent(run: Any, person: Any) -> None:
    given = Consent.objects.get(member_id=person.member.id, application=run.app.application)
    consents.withdraw(actor=Actor("user", person.subject), consent=given)


def end_sessions(run: Any, person: Any) -> None:
    sessions.end_member_sessions(person.member, "signed_out")


ENDS: list[Callable[[Any, Any], None]] = [
    suspend, remove, force_logout, disable_application, withdraw_consent, end_sessions,
]  # fmt: skip


def refused(answer: Any) -> bool:
    return answer.status_code in (400, 401) and answer.json()["error"] in ("invalid_grant", "invalid_client")


@pytest.mark.parametrize("end", ENDS)
def test_O16_code_refresh_and_access_end_together(cast, end):
    person = make_member(cast.acme, roles=["viewer"])
    run = flow(person)
    body, code = run.tokens(), run.code()
    assert bearer_get(cast.acme, "/v1/members", body["access_token"]).status_code == 200
    with scope.tenant(cast.acme.id):
        end(run, person)
    assert refused(run.redeem(code))
    assert refused(run.refresh(body["refresh_token"]))
    for path in ("/v1/members", "/oauth/userinfo"):
        assert bearer_get(cast.acme, path, body["access_token"]).status_code in (401, 403)
    asked = form(cast.acme, "/oauth/introspect", {"token": body["access_token"]}, app=run.app)
    assert asked.status_code == 401 or asked.json() == {"active": False}


@pytest.mark.parametrize("end", [one for one in ENDS if one is not end_sessions])
def test_O16_offline_access_ends_too(cast, end):
    person = make_member(cast.acme, roles=["viewer"])
    run = flow(person)
    body = run.tokens(scope=OFFLINE)
    with scope.tenant(cast.acme.id):
        end(run, person)
    assert refused(run.refresh(body["refresh_token"]))


@pytest.mark.parametrize("end", [suspend, remove, force_logout, end_sessions])
def test_O16_single_sign_on_ends_too(cast, end):
    person = make_member(cast.acme)
    run = flow(person)
    run.tokens()
    with scope.tenant(cast.acme.id):
        end(run, person)
    silent = query_of(run.start(prompt="none").headers["Location"])
    assert silent["error"] == "login_required"


@pytest.mark.parametrize("end", [suspend, remove])
def test_O16_keys_of_a_dead_maker_give_no_tokens(cast, end):
    person = make_member(cast.acme, roles=["admin"])
    with scope.tenant(cast.acme.id):
        resource = ApiResource.objects.get(is_control_plane=True)
        issued = apikeys.issue_key(
            actor=principal_of(person), name="K", scopes=["members:read"], resource=resource
        )
    parameters = {"grant_type": KEY_GRANT, "api_key": issued.secret}
    exchanged = token(cast.acme, parameters).json()["access_token"]
    with scope.tenant(cast.acme.id):
        end(flow(cast.member), person)
    assert token(cast.acme, parameters).status_code in (400, 401, 403)
    assert bearer_get(cast.acme, "/v1/members", exchanged).status_code in (401, 403)


def test_O16_another_persons_session_and_tenant_go_on(cast):
    """The lawful twin."""
    person, other = make_member(cast.acme), make_member(cast.acme)
    run, theirs, foreign = flow(person), flow(other), flow(cast.other_member)
    bodies = [theirs.tokens(), foreign.tokens()]
    with scope.tenant(cast.acme.id):
        suspend(run, person)
    for one, body in zip((theirs, foreign), bodies, strict=True):
        assert one.refresh(body["refresh_token"]).status_code == 200


def test_O16_user_access_tokens_live_ten_minutes_by_default(cast):
    found = claims(flow(make_member(cast.acme)).tokens()["access_token"])
    assert found["exp"] - found["iat"] == 600
