"""Outside ID tokens for ours (ORG-13, RFC 8693): threats F1, F3, F6, T1, A6, W1, O16."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connections

from core import jobs, jose, remote_keys, scope
from core.errors import ValidationFailed
from events.models import Event
from oauth import outside_grant, trusted_issuer_pages, trusted_issuers
from oauth.models import ExternalIdentity
from oauth.trusted_issuer_presets import KNOWN
from organizations.models import Membership
from roles import authority
from roles.errors import GrantExceedsOwn
from roles.models import Role
from tenants import members
from tenants.models import Member
from tests.factories import (
    Browser,
    access_token,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
    unique,
)
from tests.oauth.helpers import bearer_get, claims, form, register, token
from tests.oauth.outside import AUDIENCE, provider
from tests.oauth.test_pages import call, text_of

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
SCOPES = ["openid", "profile", "email", "offline_access", "members:read"]


@pytest.fixture(scope="module")
def app(cast):
    return register(
        cast.acme, "spa", grants=["authorization_code", GRANT], scopes=SCOPES, is_first_party=True
    )


@pytest.fixture
def outside():
    with provider() as running:
        yield running


@pytest.fixture(autouse=True)
def _strangers_to_each_other():
    """Ports come again: what was fetched from one test's provider is not the next one's."""
    remote_keys._fetched.clear()


def trust(tenant: Any, outside: Any, *, actor: Any = None, **settings: Any) -> Any:
    settings.setdefault("create_members", True)
    with scope.tenant(tenant.id):
        return trusted_issuers.create_issuer(
            actor=actor or make_principal(tenant),
            name=settings.pop("name", "Theirs"),
            issuer=settings.pop("issuer", outside.issuer),
            audiences=settings.pop("audiences", [AUDIENCE]),
            **settings,
        )


def exchange(tenant: Any, app: Any, subject: str, **changes: Any) -> Any:
    parameters = {"grant_type": GRANT, "subject_token": subject, "subject_token_type": ID_TOKEN, **changes}
    return token(tenant, parameters, app=app)


def exchanged(tenant: Any, app: Any, subject: str, **changes: Any) -> dict[str, Any]:
    answer = exchange(tenant, app, subject, **changes)
    assert answer.status_code == 200, answer.content
    return claims(answer.json()["access_token"])


def refused(answer: Any, error: str = "invalid_request") -> str:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.content
    return str(answer.json()["error_description"])


def role_of(tenant: Any, name: str) -> Role:
    with scope.tenant(tenant.id):
        return Role.objects.get(name=name, organization=None)


# --- the way through -------------------------------------------------------------------------------------


def test_ORG13_an_outside_id_token_becomes_ours_and_the_person_a_member(cast, app, outside):
    row = trust(cast.acme, outside)
    answer = exchange(cast.acme, app, outside.token(auth_time=int(time.time()) - 100, amr=["pwd", "otp"]))
    body = answer.json()
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["issued_token_type"], body["scope"]) == (ACCESS, "openid profile email members:read")
    found = claims(body["access_token"])
    assert (found["subject_type"], found["iss"], found["amr"]) == ("user", cast.acme.issuer, ["pwd", "otp"])
    assert found["acr"] == outside_grant.ACR
    assert "sid" not in found
    me = bearer_get(cast.acme, "/v1/me", body["access_token"]).json()
    assert (me["id"], me["name"], me["email"], me["email_verified"]) == (
        found["sub"], "Pat Person", "Pat@example.com", False,
    )  # fmt: skip
    with scope.tenant(cast.acme.id):
        member = Member.objects.get(subject=found["sub"])
        assert (member.status, member.account_id) == ("active", None)
        names = list(Event.objects.filter(actor_id=row.public_id).values_list("type", flat=True))
        assert names == ["user.created"]
        assert Event.objects.filter(type="identity.linked", actor_id=member.subject).count() == 1
        assert Event.objects.filter(type="token.exchanged", on_behalf_of=member.subject).count() == 1


@pytest.mark.parametrize("kind", [ID_TOKEN, "urn:ietf:params:oauth:token-type:jwt"])
def test_who_comes_again_is_the_same_member(cast, app, outside, kind):
    trust(cast.acme, outside)
    first = exchanged(cast.acme, app, outside.token())
    second = exchanged(cast.acme, app, outside.token(email="other@example.com"), subject_token_type=kind)
    assert first["sub"] == second["sub"]
    assert exchanged(cast.acme, app, outside.token("person-2"))["sub"] != first["sub"]


def test_parallel_first_visits_make_one_member(cast, app, outside):
    trust(cast.acme, outside)
    subject, found = outside.token(), []

    def run() -> None:
        try:
            found.append(exchanged(cast.acme, app, subject)["sub"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Counter(found).values()) == [8]


def test_two_tenants_trust_one_issuer_and_see_two_people(cast, app, outside):
    other = register(
        cast.globex, "spa", grants=["authorization_code", GRANT], scopes=SCOPES, is_first_party=True
    )
    trust(cast.acme, outside)
    refused(exchange(cast.globex, other, outside.token()))
    trust(cast.globex, outside)
    assert (
        exchanged(cast.acme, app, outside.token())["sub"]
        != exchanged(cast.globex, other, outside.token())["sub"]
    )


def test_life_is_at_most_what_is_left_of_the_id_token(cast, app, outside):
    trust(cast.acme, outside)
    answer = exchange(cast.acme, app, outside.token(exp=int(time.time()) + 30))
    assert answer.json()["expires_in"] <= 30
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "openid offline_access"}, "invalid_scope"),
        ({"scope": "members:write"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"actor_token": "x", "actor_token_type": ACCESS}, "invalid_request"),
        ({"subject_token": "not.a.token"}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request"),
    ],
)
def test_O5_more_than_the_client_may_is_refused(cast, app, outside, changes, error):
    trust(cast.acme, outside)
    given = {"subject_token": outside.token(), **changes}
    refused(exchange(cast.acme, app, given.pop("subject_token"), **given), error)


def test_O5_another_partys_application_gets_what_the_person_allowed(cast, outside):
    from core.principal import Actor
    from oauth import consents

    theirs = register(cast.acme, "spa", grants=["authorization_code", GRANT], scopes=SCOPES)
    own = register(cast.acme, "spa", grants=["authorization_code", GRANT], scopes=SCOPES, is_first_party=True)
    trust(cast.acme, outside)
    subject = exchanged(cast.acme, own, outside.token())["sub"]
    refused(exchange(cast.acme, theirs, outside.token()), "invalid_scope")
    with scope.tenant(cast.acme.id):
        consents.grant(
            actor=Actor("user", subject),
            member_id=Member.objects.get(subject=subject).id,
            application_id=theirs.application.id,
            scopes=["openid"],
        )
    assert exchanged(cast.acme, theirs, outside.token())["scope"] == "openid"
    refused(exchange(cast.acme, theirs, outside.token(), scope="openid email"), "invalid_scope")


# --- F3, T1: what makes a token bad ----------------------------------------------------------------------

NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"aud": []},
        {"aud": [AUDIENCE, "somebody-else"], "azp": AUDIENCE},
        {"azp": "somebody-else"},
        {"azp": 5},
        {"exp": NOW - 10},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 3600},
        {"iat": None},
        {"iat": NOW - 100_000},
        {"nbf": NOW + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": 7},
        {"sub": "a\x00b"},
    ],
)
def test_F3_each_broken_claim_is_refused(cast, app, outside, changes):
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token(**changes)))
    assert exchange(cast.acme, app, outside.token()).status_code == 200


@pytest.mark.parametrize("issuer", ["{0}/", "{0}/x", "HTTP{1}", "{0}?"])
def test_F3_the_issuer_is_compared_as_it_stands(cast, app, outside, issuer):
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token(iss=issuer.format(outside.issuer, outside.issuer[4:]))))


def test_F3_several_audiences_need_azp(cast, app, outside):
    trust(cast.acme, outside, audiences=[AUDIENCE, "second"])
    refused(exchange(cast.acme, app, outside.token(aud=[AUDIENCE, "second"])))
    assert exchange(cast.acme, app, outside.token(aud=[AUDIENCE, "second"], azp="second")).status_code == 200


def test_F3_what_an_issuer_must_say_is_asked(cast, app, outside):
    trust(cast.acme, outside, required_claims={"token_use": "id"})
    refused(exchange(cast.acme, app, outside.token(token_use="access")))
    assert exchange(cast.acme, app, outside.token(token_use="id")).status_code == 200


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_T1_unsigned_and_symmetric_tokens_are_refused(cast, app, outside):
    trust(cast.acme, outside)
    body = encoded(jose.unverified_claims(outside.token()))
    public = jose.public_jwk(outside.key)
    for alg, secret in (
        ("none", None),
        ("HS256", json.dumps(public).encode()),
        ("HS256", public["n"].encode()),
    ):
        head = encoded({"alg": alg, "typ": "JWT", "kid": outside.key.kid})
        mac = encoded(hmac.digest(secret, f"{head}.{body}".encode(), hashlib.sha256)) if secret else ""
        refused(exchange(cast.acme, app, f"{head}.{body}.{mac}"))


def test_T1_only_pinned_algorithms_count(cast, app, outside):
    other = jose.generate_key("ES256")
    outside.keys.append(other)
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token(key=other)))


def test_T1_another_key_even_under_the_same_name_is_refused(cast, app, outside):
    trust(cast.acme, outside)
    stranger = jose.generate_key("RS256")
    forged = jose.SigningKey(outside.key.kid, "RS256", stranger.private)
    refused(exchange(cast.acme, app, outside.token(key=forged)))


def test_T2_other_types_of_token_are_refused(cast, app, outside):
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token(typ="at+jwt")))
    refused(exchange(cast.acme, app, outside.token(typ="logout+jwt")))


def test_F3_the_discovery_document_must_name_the_very_issuer(cast, app, outside):
    outside.document["issuer"] = outside.issuer + "/"
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token()))


@pytest.mark.parametrize(
    "keys", ["http://127.0.0.1:9/keys", "http://169.254.169.254/", "file:///etc/passwd", 5, None]
)
def test_W1_keys_at_an_address_that_may_not_be_called(cast, app, outside, keys):
    outside.document["jwks_uri"] = keys
    trust(cast.acme, outside)
    refused(exchange(cast.acme, app, outside.token()))


def test_keys_are_fetched_once_and_an_unknown_one_at_most_once_a_minute(cast, app, outside, monkeypatch):
    trust(cast.acme, outside)
    assert exchange(cast.acme, app, outside.token()).status_code == 200
    assert exchange(cast.acme, app, outside.token("person-2")).status_code == 200
    assert Counter(outside.hits) == {"/.well-known/openid-configuration": 1, "/keys": 1}
    new, newer = jose.generate_key("RS256"), jose.generate_key("RS256")
    outside.keys.append(new)
    assert exchange(cast.acme, app, outside.token(key=new)).status_code == 200
    outside.keys.append(newer)
    for _ in range(3):
        refused(exchange(cast.acme, app, outside.token(key=newer)))
    assert outside.hits.count("/keys") == 2
    monkeypatch.setattr(remote_keys, "PAUSE", 0)
    assert exchange(cast.acme, app, outside.token(key=newer)).status_code == 200
    assert outside.hits.count("/keys") == 3


# --- F1, F6, O16 -----------------------------------------------------------------------------------------


def test_F1_the_same_address_links_nobody(cast, app, outside):
    person = make_member(cast.acme)
    trust(cast.acme, outside, trust_email=True)
    found = exchanged(cast.acme, app, outside.token(email=person.email, email_verified=True))
    assert found["sub"] != person.subject
    with scope.tenant(cast.acme.id):
        assert Member.objects.get(subject=found["sub"]).email_verified is True
        assert Member.objects.get(subject=person.subject).account_id == person.account_id


def test_F1_a_member_who_waits_for_an_account_is_not_taken_over(cast, app, outside):
    from core.principal import SYSTEM

    email = f"{unique('pat')}@example.com"
    with scope.tenant(cast.acme.id):
        waiting = members.create_member(actor=SYSTEM, email=email)
    trust(cast.acme, outside)
    assert exchanged(cast.acme, app, outside.token(email=email))["sub"] != waiting.subject


def test_F1_an_outside_member_never_comes_to_wait_for_an_account(cast, app, outside):
    """Suspended and reactivated they stay active: pending ones are joined to whoever proves the address."""
    trust(cast.acme, outside)
    subject = exchanged(cast.acme, app, outside.token())["sub"]
    with scope.tenant(cast.acme.id):
        member, actor = Member.objects.get(subject=subject), make_principal(cast.acme)
        members.suspend_member(actor=actor, member=member)
        refused_now = member.status
        members.reactivate_member(actor=actor, member=member)
    assert (refused_now, member.status) == ("suspended", "active")


def test_without_creation_only_who_is_linked_gets_in(cast, app, outside):
    trust(cast.acme, outside, create_members=False)
    assert "not linked" in refused(exchange(cast.acme, app, outside.token()))
    person = make_member(cast.acme)
    answer = Browser().api(
        "POST",
        f"/t/{cast.acme.slug}/v1/me/external-identities",
        access_token(person),
        {"subject_token": outside.token()},
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["member"] == person.subject
    assert exchanged(cast.acme, app, outside.token())["sub"] == person.subject


def test_F1_linking_needs_both_proofs_and_is_done_once(cast, outside):
    trust(cast.acme, outside, create_members=False)
    person, other = make_member(cast.acme), make_member(cast.acme)
    path = f"/t/{cast.acme.slug}/v1/me/external-identities"
    browser = Browser()
    assert browser.api("POST", path, "", {"subject_token": outside.token()}).status_code == 401
    bad = browser.api("POST", path, access_token(person), {"subject_token": outside.token(aud="x")})
    assert (bad.status_code, bad.json()["code"]) == (400, "validation_failed")
    made = browser.api("POST", path, access_token(person), {"subject_token": outside.token()})
    taken = browser.api("POST", path, access_token(other), {"subject_token": outside.token()})
    assert (made.status_code, taken.status_code, taken.json()["code"]) == (201, 409, "conflict")
    mine = browser.api("GET", path, access_token(person)).json()["data"]
    assert [row["id"] for row in mine] == [made.json()["id"]]
    assert browser.api("GET", path, access_token(other)).json()["data"] == []
    foreign = browser.api("DELETE", f"{path}/{made.json()['id']}", access_token(other))
    assert foreign.status_code == 404
    assert browser.api("DELETE", f"{path}/{made.json()['id']}", access_token(person)).status_code == 204


def test_a_delegate_links_nobody(cast, app, outside):
    """Linking is for people (D5)."""
    trust(cast.acme, outside)
    answer = exchange(cast.acme, app, outside.token())
    service = register(
        cast.acme, "machine", scopes=["members:read"], grants=["client_credentials", GRANT],
        exchange_clients=[app.application.client_id],
    )  # fmt: skip
    subject = answer.json()["access_token"]
    delegated = exchange(cast.acme, service, subject, subject_token_type=ACCESS).json()["access_token"]
    path = f"/t/{cast.acme.slug}/v1/me/external-identities"
    refusal = Browser().api("POST", path, delegated, {"subject_token": outside.token("person-9")})
    assert (refusal.status_code, refusal.json()["code"]) == (403, "subject_type_not_allowed")


def _disable(tenant: Any, row: Any, subject: str) -> None:
    trusted_issuers.disable_issuer(actor=make_principal(tenant), issuer=row)


def _delete(tenant: Any, row: Any, subject: str) -> None:
    trusted_issuers.delete_issuer(actor=make_principal(tenant), issuer=row)


def _unlink(tenant: Any, row: Any, subject: str) -> None:
    from oauth import external_identities

    for one in external_identities.identities(trusted_issuer=row):
        external_identities.unlink(actor=make_principal(tenant), identity=one)
    row.create_members = False
    row.save()


def _suspend(tenant: Any, row: Any, subject: str) -> None:
    members.suspend_member(actor=make_principal(tenant), member=Member.objects.get(subject=subject))


def _force_logout(tenant: Any, row: Any, subject: str) -> None:
    members.force_logout(actor=make_principal(tenant), member=Member.objects.get(subject=subject))


@pytest.mark.parametrize(
    "end", [_disable, _delete, _unlink, _suspend, _force_logout], ids=lambda f: f.__name__[1:]
)
def test_F6_O16_what_is_ended_gives_nothing_and_keeps_nothing(cast, app, outside, end):
    row, subject_token = trust(cast.acme, outside), outside.token()
    kept = exchange(cast.acme, app, subject_token).json()["access_token"]
    assert bearer_get(cast.acme, "/v1/me", kept).status_code == 200
    with scope.tenant(cast.acme.id):
        end(cast.acme, row, claims(kept)["sub"])
    refused(exchange(cast.acme, app, subject_token))
    assert bearer_get(cast.acme, "/v1/me", kept).status_code in (401, 403)


def test_F6_a_token_exchanged_onward_ends_with_the_issuer_too(cast, app, outside):
    row = trust(cast.acme, outside)
    service = register(
        cast.acme, "machine", scopes=["members:read"], grants=["client_credentials", GRANT],
        exchange_clients=[app.application.client_id],
    )  # fmt: skip
    first = exchange(cast.acme, app, outside.token()).json()["access_token"]
    child = exchange(cast.acme, service, first, subject_token_type=ACCESS).json()["access_token"]
    asked = {"token": child}
    assert form(cast.acme, "/oauth/introspect", asked, app=service).json()["active"] is True
    with scope.tenant(cast.acme.id):
        trusted_issuers.disable_issuer(actor=make_principal(cast.acme), issuer=row)
    assert form(cast.acme, "/oauth/introspect", asked, app=service).json() == {"active": False}


# --- organization and roles ------------------------------------------------------------------------------


def test_S2_an_organizations_issuer_counts_inside_that_one_only(cast, app, outside):
    organization = make_organization(cast.acme)
    trust(cast.acme, outside, organization=organization)
    found = exchanged(cast.acme, app, outside.token(org="elsewhere"))
    assert found["org_id"] == organization.public_id
    with scope.tenant(cast.acme.id):
        assert Membership.objects.filter(organization=organization, member__subject=found["sub"]).exists()


def test_the_token_may_name_the_organization(cast, app, outside):
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    elsewhere = make_organization(cast.globex)
    with scope.tenant(cast.acme.id):
        second.external_id = unique("crm")
        second.save()
    trust(cast.acme, outside, claims={"subject": "sub", "organization": "org"})
    assert exchanged(cast.acme, app, outside.token(org=first.public_id))["org_id"] == first.public_id
    assert exchanged(cast.acme, app, outside.token(org=second.external_id))["org_id"] == second.public_id
    assert "org_id" not in exchanged(cast.acme, app, outside.token())
    for unknown in (elsewhere.public_id, "nothing", "org_\u0000"):
        answer = exchange(cast.acme, app, outside.token(org=unknown))
        assert answer.status_code in (200, 400)
        assert answer.status_code == 400 or "org_id" not in claims(answer.json()["access_token"])


def test_without_creation_nobody_joins_an_organization(cast, app, outside):
    organization, person = make_organization(cast.acme), make_member(cast.acme)
    row = trust(cast.acme, outside, create_members=False, organization=organization)
    with scope.tenant(cast.acme.id):
        ExternalIdentity.objects.create(trusted_issuer=row, member=person.member, subject="person-1")
    assert "does not belong" in refused(exchange(cast.acme, app, outside.token()))


def test_mapped_roles_follow_the_token_and_leave_others_alone(cast, app, outside):
    from roles.services import assign_role_as_system

    viewer, support, auditor = (role_of(cast.acme, name) for name in ("viewer", "support", "auditor"))
    mapping = {"look": viewer.public_id, "help": support.public_id}
    trust(cast.acme, outside, claims={"subject": "sub", "roles": "groups"}, roles=mapping)
    subject = exchanged(cast.acme, app, outside.token(groups=["look", "owner", 5]))["sub"]
    with scope.tenant(cast.acme.id):
        member = Member.objects.get(subject=subject)
        assert authority.roles_of(member.id) == ("viewer",)
        assign_role_as_system(member=member, role=auditor)
    assert exchanged(cast.acme, app, outside.token(groups="help look"))["roles"] == [
        "auditor",
        "support",
        "viewer",
    ]
    assert exchanged(cast.acme, app, outside.token(groups=["help"]))["roles"] == ["auditor", "support"]
    assert exchanged(cast.acme, app, outside.token())["roles"] == ["auditor"]


def test_A6_nobody_lets_an_issuer_give_what_they_lack(cast, outside):
    admin = role_of(cast.acme, "admin").public_id
    weak = make_principal(cast.acme, ["policies:write", "policies:read"])
    with pytest.raises(GrantExceedsOwn):
        trust(cast.acme, outside, actor=weak, roles={"boss": admin})
    row = trust(cast.acme, outside, roles={"boss": admin})
    with scope.tenant(cast.acme.id):
        for changes in ({"audiences": ["mine"]}, {"jwks_uri": "https://mine.example/keys"}, {"roles": {}}):
            with pytest.raises(GrantExceedsOwn):
                trusted_issuers.update_issuer(
                    actor=weak, issuer=trusted_issuers.issuer(row.id), changes=changes
                )
        trusted_issuers.update_issuer(
            actor=weak, issuer=trusted_issuers.issuer(row.id), changes={"name": "New"}
        )


def test_A6_nobody_takes_over_an_issuer_that_speaks_for_stronger_people(cast, outside):
    row, person = trust(cast.acme, outside), make_member(cast.acme, roles=["admin"])
    weak = make_principal(cast.acme, ["policies:write", "policies:read"])
    with scope.tenant(cast.acme.id):
        ExternalIdentity.objects.create(trusted_issuer=row, member=person.member, subject="boss")
        with pytest.raises(GrantExceedsOwn):
            trusted_issuers.update_issuer(
                actor=weak, issuer=row, changes={"jwks_uri": "https://mine.example/keys"}
            )
        assert trusted_issuers.disable_issuer(actor=weak, issuer=row).status == "disabled"


def test_A6_ownership_is_never_mapped(cast, outside):
    with pytest.raises(ValidationFailed):
        trust(cast.acme, outside, roles={"boss": role_of(cast.acme, "owner").public_id})


# --- setting up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"issuer": "http://login.example.com"}, "/issuer"),
        ({"issuer": "https://10.0.0.1"}, "/issuer"),
        ({"issuer": "https://login.example.com?x=1"}, "/issuer"),
        ({"issuer": "https://login.example.com", "preset": "firebase"}, "/issuer"),
        ({"issuer": "https://x.auth0.com", "preset": "auth0"}, "/issuer"),
        ({"issuer": "https://cognito-idp.eu-west-1.amazonaws.com/", "preset": "cognito"}, "/issuer"),
        ({"audiences": []}, "/audiences"),
        ({"algorithms": ["HS256"]}, "/algorithms"),
        ({"algorithms": ["none"]}, "/algorithms"),
        ({"algorithms": []}, "/algorithms"),
        ({"jwks_uri": "http://169.254.169.254/"}, "/jwks_uri"),
        ({"claims": {"subject": ""}}, "/claims/subject"),
        ({"claims": {"subject": "sub", "password": "x"}}, "/claims/password"),
        ({"roles": {"a": "role_unknown"}}, "/roles/a"),
    ],
    ids=str,
)
def test_bad_settings_are_refused_at_their_place(cast, outside, settings, pointer):
    with pytest.raises(ValidationFailed) as refusal:
        trust(cast.acme, outside, **settings)
    assert pointer in [error.pointer for error in refusal.value.errors]


@pytest.mark.parametrize("preset", ["firebase", "cognito", "auth0"])
def test_presets_fill_in_what_is_known(cast, outside, preset):
    known = KNOWN[preset]
    tenant = make_tenant()
    row = trust(tenant, outside, preset=preset, issuer=known.example)
    assert (row.jwks_uri, row.algorithms, row.required_claims) == (
        known.jwks_uri, list(known.algorithms), dict(known.required),
    )  # fmt: skip


def test_the_api_makes_changes_tests_disables_and_deletes(cast, outside):
    tokens, base = access_token(cast.owner), f"/t/{cast.acme.slug}/v1/trusted-issuers"
    browser = Browser()
    made = browser.api(
        "POST", base, tokens, {"name": "Theirs", "issuer": outside.issuer, "audiences": [AUDIENCE]}
    )
    assert made.status_code == 201, made.content
    path = f"{base}/{made.json()['id']}"
    again = browser.api("POST", base, tokens, {"name": "X", "issuer": outside.issuer, "audiences": ["a"]})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert browser.api("PATCH", path, tokens, {"name": "New"}).json()["name"] == "New"
    assert outside.issuer in [row["issuer"] for row in browser.api("GET", base, tokens).json()["data"]]
    tested = browser.api("POST", f"{path}/tests", tokens, {"subject_token": outside.token()}).json()
    assert (tested["reachable"], tested["keys"][0]["alg"]) == (True, "RS256")
    assert (tested["token"]["accepted"], tested["token"]["subject"]) == (True, "person-1")
    bad = browser.api("POST", f"{path}/tests", tokens, {"subject_token": outside.token(aud="x")}).json()
    assert bad["token"] == {"accepted": False, "reason": "wrong_audience"}
    assert browser.api("PUT", f"{path}/suspension", tokens).json()["status"] == "disabled"
    assert browser.api("DELETE", f"{path}/suspension", tokens).status_code == 204
    assert browser.api("GET", path, tokens).json()["status"] == "active"
    assert browser.api("GET", f"{path}/identities", tokens).json()["data"] == []
    assert browser.api("DELETE", path, tokens).status_code == 204
    assert browser.api("GET", path, tokens).status_code == 404
    with scope.tenant(cast.acme.id):
        found = (
            Event.objects.filter(object_id=made.json()["id"]).order_by("id").values_list("type", flat=True)
        )
        assert [name.partition(".")[2] for name in found] == [
            "created",
            "updated",
            "disabled",
            "enabled",
            "deleted",
        ]


def test_A1_another_tenants_issuer_is_not_there(cast, outside):
    row = trust(cast.acme, outside)
    answer = Browser().api("GET", f"/v1/trusted-issuers/{row.public_id}", access_token(cast.other_owner))
    assert answer.status_code == 404


def test_an_administrator_unlinks_somebody(cast, app, outside):
    row = trust(cast.acme, outside)
    kept = exchange(cast.acme, app, outside.token()).json()["access_token"]
    base = f"/t/{cast.acme.slug}/v1/trusted-issuers/{row.public_id}/identities"
    tokens, browser = access_token(cast.owner), Browser()
    (linked,) = browser.api("GET", base, tokens).json()["data"]
    assert linked["subject"] == "person-1"
    assert browser.api("DELETE", f"{base}/{linked['id']}", tokens).status_code == 204
    assert bearer_get(cast.acme, "/v1/me", kept).status_code == 401


# --- pages -----------------------------------------------------------------------------------------------

FORM = {
    "preset": "oidc", "name": "Their sign-in", "audiences": "one\ntwo", "algorithms": ["RS256", "ES256"],
    "claim_subject": "sub", "claim_email": "email", "claim_roles": "groups", "roles": "look = viewer",
    "create_members": "on",
}  # fmt: skip


def test_pages_make_show_change_check_and_delete(outside):
    tenant, pages = make_tenant(), trusted_issuer_pages
    assert "No trusted issuers yet" in text_of(call(tenant, pages.trusted_issuer_list))
    assert "Firebase" in text_of(call(tenant, pages.trusted_issuer_create))
    assert "my-project" in text_of(call(tenant, pages.trusted_issuer_create, query="?preset=firebase"))
    wrong = call(
        tenant, pages.trusted_issuer_create, data={**FORM, "issuer": "http://10.0.0.1", "roles": "nonsense"}
    )
    assert wrong.status_code == 422
    assert "name of a role" in text_of(wrong)
    made = call(tenant, pages.trusted_issuer_create, data={**FORM, "issuer": outside.issuer})
    assert made.status_code == 303, text_of(made)
    issuer_id = made.headers["Location"].rpartition("/")[2]
    shown = text_of(call(tenant, pages.trusted_issuer_detail, issuer_id=issuer_id))
    assert "look = viewer" in shown
    assert "Not checked yet" in shown
    call(tenant, pages.trusted_issuer_check, data={}, issuer_id=issuer_id)
    while jobs.run_due():
        pass
    assert "Its keys were there" in text_of(call(tenant, pages.trusted_issuer_detail, issuer_id=issuer_id))
    changed = {name: value for name, value in FORM.items() if name != "roles"}
    assert call(tenant, pages.trusted_issuer_detail, data=changed, issuer_id=issuer_id).status_code == 303
    assert "look = viewer" not in text_of(call(tenant, pages.trusted_issuer_detail, issuer_id=issuer_id))
    call(tenant, pages.trusted_issuer_suspend, data={"reason": "x"}, issuer_id=issuer_id)
    assert "Enable again" in text_of(call(tenant, pages.trusted_issuer_detail, issuer_id=issuer_id))
    unsure = call(tenant, pages.trusted_issuer_delete, data={"confirm": "x"}, issuer_id=issuer_id)
    assert unsure.status_code == 422
    sure = {"confirm": "Their sign-in", "reason": "moved"}
    assert call(tenant, pages.trusted_issuer_delete, data=sure, issuer_id=issuer_id).status_code == 303
    assert "No trusted issuers yet" in text_of(call(tenant, pages.trusted_issuer_list))


def test_the_page_tells_of_keys_that_cannot_be_had(outside):
    tenant, pages = make_tenant(), trusted_issuer_pages
    outside.document["issuer"] = "somebody else"
    row = trust(tenant, outside)
    call(tenant, pages.trusted_issuer_check, data={}, issuer_id=row.public_id)
    while jobs.run_due():
        pass
    assert "could not be had" in text_of(call(tenant, pages.trusted_issuer_detail, issuer_id=row.public_id))
