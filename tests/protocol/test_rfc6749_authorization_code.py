"""RFC 6749 §4.1 and RFC 9700: the authorization endpoint and the codes it gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from core import scope, secrets
from oauth import applications
from oauth.models import Grant
from tests.factories import Browser, make_member, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import REDIRECT, Flow, bearer_get, claims, flow, query_of, register


def test_code_flow_gives_tokens_for_the_person(cast):
    """§4.1; RFC 9068 §2.2."""
    run = flow(cast.member)
    page = run.start()
    assert page.status_code == 200
    answer = run.allow(page)
    assert answer.status_code == 303  # RFC 9700 §4.12
    found = query_of(answer.headers["Location"])
    assert (found["state"], found["iss"]) == ("st-1", cast.acme.issuer)
    body = run.redeem(found["code"]).json()
    access = claims(body["access_token"])
    assert access["sub"] == cast.member.subject
    assert access["subject_type"] == "user"
    assert access["scope"] == body["scope"] == "openid profile email members:read"
    assert body["refresh_token"].startswith("rt_")
    assert body["id_token"]


def test_second_time_nothing_is_asked(cast):
    """OAU-06."""
    run = flow(cast.member)
    run.code()
    assert run.start().status_code == 302


def test_nobody_signed_in_goes_to_the_hosted_pages(cast):
    run = Flow(cast.acme, register(cast.acme), Browser())
    answer = run.start()
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"/t/{cast.acme.slug}/sign-in?")
    assert query_of(answer.headers["Location"])["next"].startswith(f"/t/{cast.acme.slug}/oauth/authorize?")


NEAR_MISSES = [
    REDIRECT + "/", REDIRECT + "?", REDIRECT + "#", REDIRECT + "?a=1", REDIRECT.replace("https", "http"),
    REDIRECT.replace("app.", "APP."), REDIRECT.replace("app.", "evil.app."), REDIRECT + ".evil.example",
    REDIRECT.replace("app.example", "app.example:443"), REDIRECT.replace("app.example", "app.example:8443"),
    REDIRECT.replace("app.example", "app.example@evil.example"), REDIRECT.replace("/callback", "/%63allback"),
    REDIRECT.replace("/callback", "/../callback"), REDIRECT.replace("/callback", "\\callback"),
    " " + REDIRECT, REDIRECT + " ", REDIRECT + "%00", REDIRECT.upper(), "//app.example/callback", "/callback",
    "javascript:alert(1)", "https://evil.example/", "", REDIRECT + "\n",
]  # fmt: skip


@pytest.mark.parametrize("uri", NEAR_MISSES)
def test_O1_look_alike_redirect_is_a_page_never_a_redirect(cast, uri):
    """RFC 9700 §2.1: exact string matching; §4.1.2.1: the person is told, not the client."""
    run = flow(cast.member, redirect_uris=[REDIRECT, "https://app.example/second"])
    answer = run.start(redirect_uri=uri)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    broken = run.start(redirect_uri=uri, response_type="token", scope="nonsense")
    assert broken.status_code == 400


def test_AUT20_each_fault_has_a_page_of_its_own_with_the_request_id(cast):
    run = flow(cast.member, redirect_uris=[REDIRECT])
    pages = {
        "The way back to this application is not registered": run.start(redirect_uri=REDIRECT + "/"),
        "This application cannot sign anybody in here": run.start(client_id="app_nobody"),
        "This sign-in request is not right": run.start(client_id=""),
    }
    for title, page in pages.items():
        assert (page.status_code, "Location" in page.headers) == (400, False)
        shown = page.content.decode()
        assert title in shown
        assert page.headers["Request-Id"] in shown


def test_only_redirect_uri_may_be_left_out(cast):
    """§3.1.2.3, §4.1.3: left out there, left out here."""
    run = flow(cast.member)
    answer = run.allow(run.start(redirect_uri=None))
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    code = query_of(answer.headers["Location"])["code"]
    assert run.redeem(code, redirect_uri=None).status_code == 200
    code = run.code()
    assert run.redeem(code, redirect_uri=None).json()["error"] == "invalid_grant"


def test_own_query_of_a_redirect_uri_is_kept(cast):
    """§3.1.2."""
    run = flow(cast.member, redirect_uris=[f"{REDIRECT}?kind=1"])
    location = run.allow(run.start()).headers["Location"]
    assert location.startswith(f"{REDIRECT}?kind=1&code=")


@pytest.mark.parametrize("port", ["", ":1", ":52123"])
def test_native_loopback_may_vary_its_port(cast, port):
    """RFC 8252 §7.3."""
    run = flow(cast.member, "native", redirect_uris=["http://127.0.0.1:8000/cb"])
    answer = run.start(redirect_uri=f"http://127.0.0.1{port}/cb")
    assert answer.status_code == 200
    for other in (
        "http://127.0.0.1:1/other",
        "http://localhost:1/cb",
        "http://127.0.0.1:x/cb",
        "http://127.0.0.2/cb",
    ):
        assert run.start(redirect_uri=other).status_code == 400


def test_O1_port_of_a_web_application_is_fixed(cast):
    run = flow(cast.member, "web", redirect_uris=["http://127.0.0.1:8000/cb"])
    assert run.start().status_code == 200
    assert run.start(redirect_uri="http://127.0.0.1:8001/cb").status_code == 400


@pytest.mark.parametrize("client", ["", "app_nobody", "x" * 3000, "a\x00b"])
def test_unknown_client_is_a_page(cast, client):
    run = flow(cast.member)
    assert run.start(client_id=client).status_code == 400


def test_client_of_another_tenant_is_a_page(cast):
    run = flow(cast.member)
    run.app = register(cast.globex)
    assert run.start().status_code == 400


def test_disabled_application_cannot_start_a_sign_in(cast):
    """APP-04."""
    run = flow(cast.member)
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=run.app.application)
    assert run.start().status_code == 400


def test_machine_application_cannot_open_hosted_pages(cast):
    """OAU-27."""
    run = flow(cast.member, app=register(cast.acme, "machine"))
    run.app.application.redirect_uris = REDIRECT
    assert run.start().status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"resource": ["https://a.example", "https://b.example"]}, "invalid_target"),
        ({"claims": "[]"}, "invalid_request"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"scope": "openid audit:read"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request_object"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
        ({"nonce": "n" * 300}, "invalid_request"),
    ],
)
def test_O6_errors_after_the_redirect_is_certain_carry_state_and_iss(cast, changes, error):
    """§4.1.2.1; RFC 9207 §2: iss also in error responses."""
    answer = flow(cast.member).start(**changes)
    assert answer.status_code == 302
    location = answer.headers["Location"]
    assert location.startswith(f"{REDIRECT}?")
    found = query_of(location)
    assert (found["error"], found["state"], found["iss"]) == (error, "st-1", cast.acme.issuer)
    assert "code" not in found


def test_repeated_essential_parameters_are_a_page(cast):
    """§3.1: parameters MUST NOT be included more than once."""
    run = flow(cast.member)
    assert run.start(redirect_uri=[REDIRECT, REDIRECT]).status_code == 400
    assert run.start(client_id=[run.app.application.client_id] * 2).status_code == 400


def test_post_is_the_same_request(cast):
    """OIDC Core §3.1.2.1: GET and POST."""
    run = flow(cast.member)
    address = run.address()
    path, _, query = address.partition("?")
    answer = run.browser.post(path, query, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert run.browser.follow(answer).status_code == 200


def test_denied_is_access_denied(cast):
    """§4.1.2.1."""
    run = flow(cast.member)
    answer = run.allow(run.start(), "deny")
    found = query_of(answer.headers["Location"])
    assert (found["error"], found["state"], found["iss"]) == ("access_denied", "st-1", cast.acme.issuer)
    assert run.start().status_code == 200


def test_O9_forged_consent_is_refused(cast):
    """RFC 6749 §10.12: without the token of the page nothing is allowed."""
    run = flow(cast.member)
    address = run.address().replace("/oauth/authorize", "/oauth/consent")
    answer = run.browser.post(address, {"decision": "allow"})
    assert answer.status_code == 403
    cross = run.browser.post(address, {"decision": "allow"}, headers={"Origin": "https://evil.example"})
    assert cross.status_code == 403
    assert run.start().status_code == 200


def test_O9_ticket_of_another_request_or_person_is_shown_the_page_again(cast):
    run = flow(cast.member)
    narrow = run.start(scope="openid")
    wide = run.address().replace("/oauth/authorize", "/oauth/consent")
    assert run.browser.submit(narrow, {"decision": "allow"}, to=wide).status_code == 200
    page = run.start()
    fake_bridge.enter(run.browser, make_member(cast.acme))
    assert run.allow(page).status_code == 200


def test_consent_page_names_client_host_and_scopes_in_words(cast):
    """Threat O9; form-action lets the answer reach the client and nobody else."""
    page = flow(cast.member, name="Report <b>Builder</b>").start()
    text = page.content.decode()
    assert "Report &lt;b&gt;Builder&lt;/b&gt;" in text
    assert "app.example" in text
    assert "See members and what they agreed to share" in text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example" in policy
    assert "frame-ancestors 'none'" in policy


def test_added_scope_asks_only_the_new_part(cast):
    """OAU-06."""
    run = flow(cast.member)
    run.code()
    page = run.start(scope="openid profile email members:read members:write")
    text = page.content.decode()
    assert 'data-scope="members:write"' in text
    assert 'data-scope="members:read"' not in text


def test_first_party_application_is_not_asked_about(cast):
    assert flow(cast.member, is_first_party=True).start().status_code == 302


def test_O2_replayed_code_ends_what_it_issued(cast):
    """§4.1.2: MUST NOT be used more than once; SHOULD revoke what it issued (RFC 9700 §4.5)."""
    run = flow(cast.member)
    code = run.code()
    body = run.redeem(code).json()
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code == 200
    assert run.redeem(code).json()["error"] == "invalid_grant"
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code == 401


@pytest.mark.parametrize("round", range(2))
def test_O2_raced_code_is_redeemed_once(cast, round):
    run = flow(cast.member)
    code = run.code()

    def attempt(_):
        try:
            return run.redeem(code).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(attempt, range(50)))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 503}


def test_O3_code_is_bound_to_its_client(cast):
    run = flow(cast.member)
    code = run.code()
    thief = Flow(cast.acme, register(cast.acme), run.browser, run.verifier)
    assert thief.redeem(code).json()["error"] == "invalid_grant"
    assert run.redeem(code).status_code == 200


def test_O3_code_is_bound_to_its_tenant(cast):
    run = flow(cast.member)
    code = run.code()
    elsewhere = Flow(cast.globex, register(cast.globex), Browser(), run.verifier)
    assert elsewhere.redeem(code).json()["error"] == "invalid_grant"


def test_O3_code_is_bound_to_its_redirect_uri(cast):
    run = flow(cast.member, redirect_uris=[REDIRECT, "https://app.example/second"])
    assert (
        run.redeem(run.code(), redirect_uri="https://app.example/second").json()["error"] == "invalid_grant"
    )


def test_O3_code_lives_sixty_seconds(cast):
    """§4.1.2: a maximum of 10 minutes; ours is shorter (C18), decided at use (R20)."""
    run = flow(cast.member)
    code = run.code()
    with scope.tenant(cast.acme.id):
        row = Grant.objects.get(digest=secrets.fingerprint(code, "authorization_code"))
        assert row.expires - timezone.now() <= timedelta(seconds=60)
        Grant.objects.filter(id=row.id).update(expires=timezone.now())
    assert run.redeem(code).json()["error"] == "invalid_grant"


def test_T5_code_is_stored_as_a_digest(cast):
    run = flow(cast.member)
    code = run.code()
    with scope.tenant(cast.acme.id):
        assert not [row for row in Grant.objects.all() if code in row.digest]


def test_O14_two_tenants_see_two_subjects(cast):
    """OAU-21: pairwise."""
    one = claims(flow(cast.member).tokens()["access_token"])["sub"]
    again = claims(flow(cast.member).tokens()["access_token"])["sub"]
    other = claims(flow(cast.other_member).tokens()["access_token"])["sub"]
    assert one == again != other
