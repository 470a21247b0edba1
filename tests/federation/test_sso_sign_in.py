"""Signing in by a connection: who comes back is the right person, in the right place, once (F1, F2, F3, F7, S2)."""

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
from django.db import connections as database

from core import jose, remote_keys, scope
from core.principal import SYSTEM
from events.models import Event
from federation import selectors, services
from federation.models import Attempt, UpstreamIdentity
from identity.models import Account, EmailAddress
from organizations import services as organizations
from organizations.models import Membership
from tenants.models import Member, TenantSession
from tests.factories import Browser, make_member, make_principal
from tests.factories.hosted import at_home, elsewhere, prefix
from tests.factories.hosted import sign_in as by_password
from tests.factories.people import give_role
from tests.federation.upstream import CLIENT, key
from tests.federation.world import (
    connect,
    customer,
    inside,
    leave,
    member_named,
    newest,
    sign_in,
    start,
)

FAILED = "did not work"


def text(page: Any) -> str:
    return page.content.decode()


# --- the way through -------------------------------------------------------------------------------------


def test_ORG06_a_person_of_the_organization_comes_in_and_is_made_a_member(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    browser, left = leave(cast.acme, f"Pat@{domain}")
    address = left.headers["Location"]
    assert address.startswith(f"{upstream.issuer}/authorize?")
    email = f"Pat@{domain}"
    answer = browser.get(
        upstream.answer(address, email=email, email_verified=True, name="Pat Person", given_name="Pat")
    )
    assert (upstream.asked["login_hint"], upstream.asked["scope"]) == (email, "openid email profile")
    assert answer.status_code == 303, text(answer)
    assert inside(cast.acme, browser)
    member = member_named(cast.acme, email)
    assert (member.name, member.email_verified, member.profile["given_name"]) == ("Pat Person", True, "Pat")
    with scope.tenant(cast.acme.id):
        assert Membership.objects.filter(organization=organization, member=member).exists()
        session = TenantSession.objects.get(member=member, ended_at=None)
        assert (session.connection_id, session.organization_id) == (row.id, organization.id)
        assert (session.amr, session.acr) == (["fed"], "urn:claviger:acr:pwd")
        told = set(Event.objects.filter(actor_id=row.public_id).values_list("type", flat=True))
        assert {"user.created", "identity.linked", "organization.member.added"} <= told
    assert member.account_id is not None
    with scope.account(member.account_id):
        account = Account.objects.get(id=member.account_id)
        assert (account.has_usable_password(), account.name) == (False, "")
        assert not EmailAddress.objects.filter(account=account).exists()
    kept = newest(cast.acme, row)
    assert (kept.failed, kept.member, kept.claims) == ("", member.subject, {})


def test_who_comes_again_is_the_same_member_and_keeps_up_with_the_provider(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    email = f"kim@{domain}"
    sign_in(cast.acme, upstream, row, email=email, email_verified=True, name="Kim")
    browser, _ = sign_in(cast.acme, upstream, row, email=f"other@{domain}", name="Kim Married")
    assert inside(cast.acme, browser)
    assert member_named(cast.acme, email).name == "Kim Married"
    with scope.tenant(cast.acme.id):
        assert UpstreamIdentity.objects.filter(connection=row).count() == 1


def test_parallel_first_visits_make_one_member(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    ways = [start(cast.acme, row) for _ in range(4)]
    paths = [upstream.answer(address, email=f"p@{domain}", email_verified=True) for _, address in ways]
    found: list[int] = []

    def run(browser: Browser, path: str) -> None:
        try:
            found.append(browser.get(path).status_code)
        finally:
            database.close_all()

    threads = [
        threading.Thread(target=run, args=(browser, path))
        for (browser, _), path in zip(ways, paths, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == {303: 4}
    with scope.tenant(cast.acme.id):
        assert UpstreamIdentity.objects.filter(connection=row).count() == 1
        assert Member.objects.filter(email=f"p@{domain}").count() == 1


def test_AUT09_a_tenant_wide_connection_is_a_button_and_brings_anybody(cast, upstream):
    row = connect(cast.globex, upstream, name="Company login")
    page = elsewhere().get(f"{prefix(cast.globex)}/sign-in")
    assert "Continue with Company login" in text(page)
    assert "Company login" not in text(elsewhere().get(f"{prefix(cast.acme)}/sign-in"))
    browser, _ = sign_in(cast.globex, upstream, row, email="any@where.example", email_verified=True)
    assert inside(cast.globex, browser)


@pytest.mark.parametrize("way", ["client_secret_post", "private_key_jwt", "none"])
def test_each_way_to_authenticate_at_the_provider_works(cast, upstream, way):
    secret = {} if way == "client_secret_post" else {"client_secret": ""}
    row = connect(cast.acme, upstream, client_auth=way, **secret)
    browser, answer = sign_in(cast.acme, upstream, row, f"person-{way}")
    assert answer.status_code == 303, text(answer)
    assert inside(cast.acme, browser)


def test_manual_endpoints_need_no_discovery_and_userinfo_fills_gaps(cast, upstream):
    upstream.userinfo = {"sub": "person-m", "email": "m@where.example", "email_verified": True, "name": "M"}
    named = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
    manual = {name: upstream.document[name] for name in named}
    row = connect(cast.acme, upstream, endpoints=manual, algorithms=["ES256"])
    browser, _ = sign_in(cast.acme, upstream, row, "person-m")
    assert inside(cast.acme, browser)
    assert member_named(cast.acme, "m@where.example").name == "M"
    assert "/.well-known/openid-configuration" not in upstream.hits


def test_keys_are_rotated_by_publishing_them(cast, upstream, monkeypatch):
    row = connect(cast.acme, upstream)
    sign_in(cast.acme, upstream, row, "person-k")
    fresh = jose.generate_key("ES256")
    upstream.keys, upstream.sign_with = [fresh], fresh
    monkeypatch.setattr(remote_keys, "PAUSE", 0)
    browser, _ = sign_in(cast.acme, upstream, row, "person-k")
    assert inside(cast.acme, browser)


# --- F3, T1: what the provider says must be right in everything ------------------------------------------


def _unsigned(token: str) -> str:
    _, payload, _ = token.split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{payload}."


def _symmetric(token: str) -> str:
    """Signed with HMAC under the public key, which a confused verifier takes for a secret (T1)."""
    _, payload, _ = token.split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    secret = json.dumps(jose.public_jwk(key("ES256"))).encode()
    mac = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


NOW = int(time.time())
BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("issuer", {"iss": "https://evil.example"}),
    ("issuer", {"iss": None}),
    ("audience", {"aud": "somebody-else"}),
    ("audience", {"aud": [CLIENT, "somebody-else"], "azp": CLIENT}),
    ("audience", {"aud": []}),
    ("audience", {"azp": "somebody-else"}),
    ("nonce", {"nonce": "of another sign-in"}),
    ("nonce", {"nonce": None}),
    ("clock", {"exp": NOW - 5}),
    ("clock", {"exp": None}),
    ("clock", {"iat": NOW + 3600}),
    ("clock", {"iat": NOW - 7200}),
    ("clock", {"nbf": NOW + 3600}),
    ("attributes", {"sub": ""}),
    ("attributes", {"sub": 7}),
    ("attributes", {"sub": "x" * 300}),
]


def test_F3_a_token_that_is_wrong_in_anything_lets_nobody_in_and_says_why_to_administrators(cast, upstream):
    row = connect(cast.acme, upstream)
    for check, changes in BROKEN:
        upstream.spoil = lambda claims, changes=changes: {**claims, **changes}
        browser, page = sign_in(cast.acme, upstream, row)
        assert (page.status_code, newest(cast.acme, row).failed) == (400, check), changes
        assert FAILED in text(page)
        assert "Request id" in text(page)
        assert not inside(cast.acme, browser)
    upstream.spoil = lambda claims: claims
    assert inside(cast.acme, sign_in(cast.acme, upstream, row)[0])
    with scope.tenant(cast.acme.id):
        kept = [one.public_id for one in Attempt.objects.filter(connection=row).exclude(failed="")]
        told = Event.objects.filter(type="sso.assertion.rejected", object_id__in=kept)
        assert told.count() == len(BROKEN)


def test_F3_T1_a_signature_that_is_not_the_providers_is_refused(cast, upstream):
    row = connect(cast.acme, upstream, algorithms=["ES256"])
    stranger = jose.generate_key("ES256")
    for forge, sign_with in [
        (_unsigned, None),
        (_symmetric, None),
        (lambda token: token[:-4] + "AAAA", None),
        (lambda token: "not a token", None),
        (lambda token: token, stranger),
        (lambda token: token, key("RS256")),  # published, but not pinned
    ]:
        upstream.forge, upstream.sign_with = forge, sign_with or key("ES256")
        _, page = sign_in(cast.acme, upstream, row)
        assert (page.status_code, newest(cast.acme, row).failed) == (400, "signature")


def test_F3_userinfo_about_somebody_else_is_refused(cast, upstream):
    row = connect(cast.acme, upstream)
    upstream.userinfo = {"sub": "somebody-else", "email": "boss@where.example"}
    _, page = sign_in(cast.acme, upstream, row, "person-u")
    assert (page.status_code, newest(cast.acme, row).failed) == (400, "userinfo")


def test_O6_an_answer_that_names_another_issuer_is_refused_and_one_that_should_name_it_must(cast, upstream):
    row = connect(cast.acme, upstream)
    for announced, iss in [(False, "https://evil.example"), (True, ""), (True, "https://evil.example")]:
        upstream.document["authorization_response_iss_parameter_supported"] = announced
        from federation import discovery

        discovery._known.clear()
        browser, address = start(cast.acme, row)
        path = upstream.answer(address) + (f"&iss={iss}" if iss else "")
        assert browser.get(path).status_code == 400
        assert newest(cast.acme, row).failed == "issuer"
    browser, address = start(cast.acme, row)
    assert browser.get(f"{upstream.answer(address)}&iss={upstream.issuer}").status_code == 303


def test_AUT20_what_the_provider_refuses_or_cannot_do_has_a_page_with_the_request_id(cast, upstream):
    row = connect(cast.acme, upstream)
    browser, address = start(cast.acme, row)
    upstream.answer(address)
    page = browser.get(upstream.back(error="access_denied", error_description="<b>no</b>"))
    assert (page.status_code, newest(cast.acme, row).failed) == (400, "provider")
    assert "<b>no</b>" not in text(page)
    assert page.headers["Request-Id"] in text(page)
    assert newest(cast.acme, row).request_id == page.headers["Request-Id"]
    browser, address = start(cast.acme, row)
    upstream.answer(address)
    assert browser.get(upstream.back(code="of-nobody")).status_code == 400
    assert newest(cast.acme, row).failed == "token"
    upstream.registered["uri"] = "https://elsewhere.example/cb"
    assert sign_in(cast.acme, upstream, row)[1].status_code == 400
    assert newest(cast.acme, row).failed == "redirect"


# --- F2: state, nonce, browser, connection, once ---------------------------------------------------------


def test_F2_an_answer_works_once_in_its_own_browser_with_its_own_state(cast, upstream):
    row, other = connect(cast.acme, upstream), connect(cast.acme, upstream, name="Another")
    browser, address = start(cast.acme, row)
    path = upstream.answer(address, "person-f2")
    stolen = elsewhere()
    stolen.get(f"{prefix(cast.acme)}/sign-in")
    assert stolen.get(path).status_code == 403
    assert newest(cast.acme, row).failed == "state"
    assert browser.get(path.replace("state=flow_", "state=flow_0")).status_code in (400, 410)
    forged = path.partition("state=")[0] + f"state={upstream.asked['state'][:-4]}AAAA&code=x"
    assert browser.get(forged).status_code == 400
    assert browser.get(path.replace(f"/{cast.acme.slug}/", f"/{cast.globex.slug}/")).status_code == 410
    assert browser.get(path).status_code == 303
    assert browser.get(path).status_code == 410
    # The code of one connection in the flow of another: its verifier, nonce and client do not fit.
    _, first = start(cast.acme, row, browser)
    _, second = start(cast.acme, other, browser)
    code = upstream.answer(first, "person-f2").partition("code=")[2]
    upstream.answer(second)
    assert browser.get(upstream.back(code=code)).status_code == 400
    assert newest(cast.acme, other).failed == "token"


# --- F1, S2: who it is ------------------------------------------------------------------------------------


def test_ORG10_mapped_groups_follow_each_sign_in(cast, upstream):
    from roles import services as groups
    from roles.models import GroupMember

    organization, domain, row = customer(
        cast.acme, upstream, attributes={"email": "email", "name": "name", "groups": "teams"}
    )
    with scope.tenant(cast.acme.id):
        for name in ("Sales", "Support"):
            groups.create_group(actor=make_principal(cast.acme), name=name, organization=organization)
    email = f"team@{domain}"
    for teams, expected in [(["sales", "unknown"], {"Sales"}), (["Support"], {"Support"}), ([], set())]:
        sign_in(cast.acme, upstream, row, "team", email=email, email_verified=True, teams=teams)
        with scope.tenant(cast.acme.id):
            found = GroupMember.objects.filter(member__email=email).values_list("group__name", flat=True)
            assert set(found) == expected


def test_F1_the_address_of_somebody_here_links_nobody_until_both_sides_are_proved(cast, upstream):
    row = connect(cast.acme, upstream)
    person = make_member(cast.acme)
    claims = {"email": person.email.upper(), "email_verified": True}
    browser, answer = sign_in(cast.acme, upstream, row, "person-f1", **claims)
    page = browser.follow(answer)
    assert "Link your sign-in" in text(page)
    assert not inside(cast.acme, browser)
    link = answer.headers["Location"]
    # Without the proof, with somebody else's, and with one that is older: nothing is linked.
    for session in (browser, None, cast.owner):
        attacker = browser if session is browser else elsewhere()
        if session is cast.owner:
            attacker = at_home(cast.owner)
        refused = attacker.submit(page, {}, to=link) if attacker is browser else attacker.get(link)
        assert refused.status_code in (403, 410), text(refused)
    with scope.tenant(cast.acme.id):
        assert not UpstreamIdentity.objects.filter(connection=row).exists()
    signed = by_password(browser, None, person.email, query=f"?next={link.replace('?', '%3F')}&prompt=login")
    confirm = browser.follow(signed)
    assert "You have proved" in text(confirm)
    assert browser.submit(confirm, {}).status_code == 303
    assert inside(cast.acme, browser)
    with scope.tenant(cast.acme.id):
        linked = UpstreamIdentity.objects.get(connection=row)
        assert (linked.member_id, linked.made_member) == (person.member.id, False)
    again, _ = sign_in(cast.acme, upstream, row, "person-f1", **claims)
    assert inside(cast.acme, again)


def test_F1_another_connection_of_the_same_people_makes_members_of_its_own(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    claims = {"email": f"moved@{domain}", "email_verified": True}
    sign_in(cast.acme, upstream, row, "moved", **claims)
    other = connect(cast.acme, upstream, organization, name="Their new provider")
    browser, _ = sign_in(cast.acme, upstream, other, "moved", **claims)
    assert inside(cast.acme, browser)
    with scope.tenant(cast.acme.id):
        assert Member.objects.filter(email=claims["email"]).count() == 2


def test_F1_an_account_elsewhere_with_the_address_is_neither_linked_nor_told(cast, upstream):
    row = connect(cast.acme, upstream)
    browser, _ = sign_in(cast.acme, upstream, row, "person-s", email=cast.stranger.email, email_verified=True)
    assert inside(cast.acme, browser)
    assert member_named(cast.acme, cast.stranger.email).account_id != cast.stranger.account_id


def test_S2_an_organizations_provider_speaks_of_its_own_domain_only(cast, upstream):
    _, domain, row = customer(cast.acme, upstream)
    for check, claims in [
        ("domain", {"email": "ceo@else.example", "email_verified": True}),
        ("domain", {"email": f"x@sub.{domain}", "email_verified": True}),
        ("domain", {"email": cast.owner.email, "email_verified": True}),
        ("attributes", {"email": f"x@{domain}"}),
        ("attributes", {"email": f"x@{domain}", "email_verified": "true"}),
        ("attributes", {"email": f"x@{domain}@else.example", "email_verified": True}),
        ("attributes", {}),
    ]:
        upstream.userinfo = {"sub": "person-s2"}
        browser, page = sign_in(cast.acme, upstream, row, "person-s2", **claims)
        assert (page.status_code, newest(cast.acme, row).failed) == (400, check), claims
        assert not inside(cast.acme, browser)


def test_a_connection_that_creates_nobody_lets_linked_people_in_only(cast, upstream):
    row = connect(cast.acme, upstream, create_members=False)
    _, page = sign_in(cast.acme, upstream, row, "person-n", email="n@where.example", email_verified=True)
    assert (page.status_code, newest(cast.acme, row).failed) == (400, "no_member")


def test_O16_a_suspended_removed_or_departed_member_stays_out(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    claims = {"email": f"gone@{domain}", "email_verified": True}
    sign_in(cast.acme, upstream, row, "person-o", **claims)
    member = member_named(cast.acme, claims["email"])
    for status in ("suspended", "removed", "active"):
        with scope.tenant(cast.acme.id):
            Member.objects.filter(id=member.id).update(status=status)
            if status == "active":
                Membership.objects.filter(member=member, organization=organization).delete()
        _, page = sign_in(cast.acme, upstream, row, "person-o", **claims)
        assert (page.status_code, newest(cast.acme, row).failed) == (400, "member"), status


def test_O16_whoever_was_removed_from_the_organization_does_not_come_back_by_linking(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    person = make_member(cast.acme, email=f"left@{domain}")
    with scope.tenant(cast.acme.id):
        joined = organizations.add_member_as_system(
            organization=organization, member=person.member, actor=SYSTEM
        )
        organizations.remove_member(actor=make_principal(cast.acme), membership=joined)
    browser, answer = sign_in(cast.acme, upstream, row, "left", email=person.email, email_verified=True)
    link = answer.headers["Location"]
    signed = by_password(browser, None, person.email, query=f"?next={link.replace('?', '%3F')}&prompt=login")
    page = browser.submit(browser.follow(signed), {})
    assert (page.status_code, newest(cast.acme, row).failed) == (400, "member")
    with scope.tenant(cast.acme.id):
        assert not Membership.objects.filter(member=person.member).exists()


# --- F7: where the session is good ------------------------------------------------------------------------


def test_F7_it_is_good_in_this_tenant_and_this_organization_only(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    other = customer(cast.acme, upstream)[0]
    email = f"seven@{domain}"
    browser, _ = sign_in(cast.acme, upstream, row, "person-7", email=email, email_verified=True)
    assert inside(cast.acme, browser)
    for path in ("/account/", "/account/security", f"{prefix(cast.globex)}/sign-in/continue"):
        answer = browser.get(path)
        assert answer.status_code == 303, path
        assert "/sign-in?" in answer.headers["Location"], path
    with scope.tenant(cast.acme.id):
        member = Member.objects.get(email=email)
        Membership.objects.create(organization=other, member=member)
    asked = browser.get(f"{prefix(cast.acme)}/sign-in/continue?organization={other.public_id}")
    assert "/sign-in?" in asked.headers["Location"]
    page = browser.get(f"{prefix(cast.acme)}/organization")
    for wanted in (other.public_id, ""):
        switched = browser.submit(page, {"organization": wanted})
        assert "/sign-in?" in switched.headers["Location"], wanted
    assert "You are signed in" in text(browser.submit(page, {"organization": organization.public_id}))
    done = browser.get(f"{prefix(cast.acme)}/sign-in/continue")
    assert "You are signed in" in text(done)


def test_F7_the_dashboard_of_its_own_tenant_or_organization_opens_and_no_other(cast, upstream):
    organization, domain, row = customer(cast.acme, upstream)
    email = f"boss@{domain}"
    browser, _ = sign_in(cast.acme, upstream, row, "boss", email=email, email_verified=True)
    assert inside(cast.acme, browser)
    member, whole = member_named(cast.acme, email), f"/dashboard/{cast.acme.slug}/"
    assert browser.get(whole).status_code == 404  # no role
    with scope.tenant(cast.acme.id):
        give_role(member, "owner", organization)
        give_role(member, "owner")
    page = browser.get(f"{whole}organizations")
    assert page.status_code == 200, text(page)
    assert organization.public_id in text(page)
    assert "invitations/many" not in text(page)
    assert browser.get(f"{whole}settings").status_code in (
        403,
        404,
    )  # the tenant is beyond the organization's word
    assert browser.get(f"/dashboard/{cast.globex.slug}/").status_code in (302, 404)
    with scope.tenant(cast.acme.id):
        services.deactivate(actor=make_principal(cast.acme), connection=selectors.connection(row.id))
    assert "/sign-in?" in browser.get(f"{whole}organizations").headers["Location"]


# --- L2: routing ------------------------------------------------------------------------------------------


def test_L2_the_domain_alone_decides_where_an_address_leads(cast, upstream):
    _, domain, _ = customer(cast.acme, upstream)
    known = make_member(cast.acme, email=f"known@{domain}")
    for email in (known.email, f"nobody@{domain}", f"NOBODY@{domain.upper()}"):
        _, left = leave(cast.acme, email)
        assert left.headers["Location"].startswith(f"{upstream.issuer}/authorize?"), email
    for email in (cast.member.email, "nobody@else.example", f"x@sub.{domain}"):
        _, left = leave(cast.acme, email)
        assert "/sign-in/password?" in left.headers["Location"], email
    _, left = leave(cast.globex, known.email)  # another tenant knows nothing of the domain
    assert "/sign-in/password?" in left.headers["Location"]


def test_AUT13_hints_of_the_application_are_honoured_and_ones_own_methods_stay_reachable(cast, upstream):
    from signin import bridge

    organization, domain, row = customer(cast.acme, upstream, name="Corp login")
    hint = bridge.begin(None, cast.acme, next_url="/account/", login_hint=f"x@{domain}").headers["Location"]
    browser = elsewhere()
    assert browser.get(hint).headers["Location"].startswith(f"{upstream.issuer}/authorize?")
    assert browser.get(f"{hint}&own=1").status_code == 200
    into = bridge.begin(None, cast.acme, next_url="/account/", organization=organization.id)
    assert "Continue with Corp login" in text(browser.get(into.headers["Location"]))
    own = browser.get(f"{prefix(cast.acme)}/sign-in?own=1")
    left = browser.submit(own, {"email": f"x@{domain}"})
    assert "/sign-in/password?" in left.headers["Location"]
    fresh = bridge.begin(None, cast.acme, next_url="/", login_hint=f"x@{domain}", prompt="login")
    address = browser.get(fresh.headers["Location"]).headers["Location"]
    page = browser.get(upstream.answer(address, "person-13", email=f"x@{domain}", email_verified=True))
    assert (upstream.asked["prompt"], upstream.asked["max_age"]) == ("login", "0")
    assert (page.status_code, newest(cast.acme, row).failed) == (400, "freshness")
    address = browser.get(fresh.headers["Location"]).headers["Location"]
    claims = {"email": f"x@{domain}", "email_verified": True, "auth_time": int(time.time())}
    assert browser.get(upstream.answer(address, "person-13", **claims)).status_code == 303
