"""Generated authorization requests: no redirect to an unregistered address, and never a failure of ours.

Threats O1 and O6; issue "Must hold": redirect matching and scope parsing.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oauth import catalogue, redirects
from oauth.errors import InvalidScope
from tests.factories import make_cast
from tests.oauth.helpers import REDIRECT, flow, form, pkce

LOOPBACK = "http://127.0.0.1:8000/cb"
PRIVATE = "com.example.app:/callback"
REGISTERED = (REDIRECT, "https://app.example/second?kind=1", LOOPBACK, "http://[::1]/cb", PRIVATE)
SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
text = st.text(max_size=60)


@st.composite
def near_misses(draw) -> str:
    """A registered address with something put in, taken out or changed."""
    uri = draw(st.sampled_from(REGISTERED))
    at = draw(st.integers(0, len(uri)))
    until = draw(st.integers(at, min(len(uri), at + 3)))
    middle = draw(
        st.one_of(
            text, st.sampled_from(["@evil.example", "\\", "/..", "%2f", "#", "?", ".", ":", "\t", "\r\n"])
        )
    )
    return uri[:at] + middle + uri[until:]


@pytest.fixture(scope="module")
def run():
    cast = make_cast()
    run = flow(cast.member, "native", redirect_uris=list(REGISTERED), is_first_party=True)
    assert run.start().status_code == 302
    return run


def is_lawful(address: str) -> bool:
    """Whether an answer leads to a registered address, only a loopback port apart."""
    if any(address.startswith(uri) for uri in REGISTERED):
        return True
    parts = urlsplit(address)
    return parts.hostname in ("127.0.0.1", "::1") and parts.path == "/cb" and parts.scheme == "http"


@SLOW
@given(near_misses())
@example(REDIRECT + "/")
@example("http://127.0.0.1:8000@evil.example/cb")
@example("http://127.0.0.1:99999/cb")
@example("http://[::1]:1/cb")
def test_O1_no_generated_address_is_led_to_unless_registered(run, uri):
    answer = run.start(redirect_uri=uri)
    assert answer.status_code in (302, 400)
    if answer.status_code == 302:
        assert is_lawful(answer.headers["Location"])
        assert redirects.is_registered(_client(run), uri)


def _client(run):
    from oauth import clients

    return clients.find(run.tenant, run.app.application.client_id)


@given(near_misses())
def test_O1_rule_itself_lets_only_loopback_ports_vary(run, uri):
    if redirects.is_registered(_client(run), uri) and uri not in REGISTERED:
        parts = urlsplit(uri)
        assert parts.hostname in ("127.0.0.1", "::1")
        assert (parts.scheme, parts.path, parts.query, parts.username) == ("http", "/cb", "", None)


NAMES = [
    "scope", "state", "nonce", "prompt", "max_age", "claims", "acr_values", "ui_locales", "login_hint",
    "id_token_hint", "response_mode", "response_type", "resource", "code_challenge", "code_challenge_method",
    "request", "request_uri", "dpop_jkt", "organization", "display", "registration", "asked", "client_id",
]  # fmt: skip
VALUES = st.one_of(
    text,
    st.integers().map(str),
    st.recursive(
        st.none() | st.booleans() | st.integers() | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=8,
    ).map(json.dumps),
    st.sampled_from(
        ["none", "login", "form_post", "fragment", "openid", "openid openid", " ", "a.b.c", "\x00"]
    ),
)


@SLOW
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
def test_O6_any_parameters_get_a_page_or_an_answer_at_the_registered_address(run, changes):
    answer = run.start(redirect_uri=REDIRECT, **changes)
    assert answer.status_code in (200, 302, 400, 403)
    if answer.status_code == 302:
        location = answer.headers["Location"]
        assert location.startswith((f"{REDIRECT}?", f"/t/{run.tenant.slug}/sign-in?"))
        assert location.isascii()


@SLOW
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
def test_O7_any_pushed_parameters_are_stored_or_refused(run, changes):
    changes.pop("client_id", None)
    parameters = {
        "response_type": "code", "redirect_uri": REDIRECT, "scope": "openid", "code_challenge": pkce()[1],
        "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    answer = form(run.tenant, "/oauth/par", parameters, app=run.app)
    assert answer.status_code in (201, 400), answer.content
    if answer.status_code == 400:
        assert answer.json()["error"]


@given(st.text(max_size=200))
def test_scope_parsing_keeps_words_or_refuses(value):
    """RFC 6749 §3.3: NQCHAR words, one space between them."""
    try:
        words = catalogue.parse_scope(value)
    except InvalidScope:
        return
    assert len(set(words)) == len(words)
    assert set(words) <= set(value.split(" "))
    assert all(
        0x21 <= ord(character) <= 0x7E and character not in '"\\' for word in words for character in word
    )


@SLOW
@given(st.text(max_size=120))
def test_O5_no_generated_scope_grants_what_was_not_registered(run, value):
    answer = run.start(scope=value)
    if answer.status_code == 302 and "code=" in answer.headers["Location"]:
        assert set(value.split(" ")) <= set(run.app.application.scopes)
    assert answer.status_code in (302, 400)
