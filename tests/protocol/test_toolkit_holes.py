"""What django-oauth-toolkit as shipped would let through, and we do not (the rest is in the RFCs' own files)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from oauth2_provider.settings import oauth2_settings

from core import scope
from oauth.models import ClientSecret
from tests.factories import Browser
from tests.oauth.helpers import flow, query_of, register

HERE = Path(__file__).parent
# What the shipped code lets through, and the test that it would fail.
HOLES = {
    "code reuse": "rfc6749_authorization_code.test_O2_replayed_code_ends_what_it_issued",
    "code at rest": "rfc6749_authorization_code.test_T5_code_is_stored_as_a_digest",
    "client secret": "toolkit_holes.test_T5_client_secret_is_one_keyed_digest",
    "algorithms": "token_algorithms.*",
    "keys": "rfc8414_metadata.test_jwks_holds_public_keys_of_this_tenant_only",
    "iss on errors": "rfc6749_authorization_code.test_O6_errors_after_the_redirect_is_certain_carry_state_and_iss",
    "prompt=none": "toolkit_holes.test_silent_request_without_a_session_is_an_answer_not_a_failure",
    "max_age, auth_time": "oidc_basic_plan.test_oidcc_max_age_1",
    "acr_values": "oidc_basic_plan.test_oidcc_ensure_request_with_acr_values_succeeds",
    "claims": "oidc_basic_plan.test_oidcc_claims_essential",
    "consent": "toolkit_holes.test_O9_client_cannot_talk_its_way_past_consent",
    "device, twice": "rfc8628_device.test_O11_a_code_is_redeemed_once",
    "device, another client": "rfc8628_device.test_O11_another_client_cannot_redeem",
    "device, after expiry": "rfc8628_device.test_R20_an_approved_code_that_ran_out_is_worth_nothing",
    "device, missing code": "rfc8628_device.test_a_missing_or_unknown_code_is_a_refusal",
    "device, slow_down": "rfc8628_device.test_section_3_5_slow_down_adds_five_seconds_and_is_remembered",
    "introspection": "rfc7662_introspection.test_O13_other_client_sees_only_that_it_is_inactive",
    "registration": "rfc7591_registration.*",
    "management": "rfc7592_management.*",
    "token exchange": "rfc8693_token_exchange.*",
    "PAR": "rfc9126_par.*",
    "DPoP": "rfc9449_dpop.*",
    "private_key_jwt": "rfc7523_private_key_jwt.*",
    "back-channel logout": "oidc_backchannel_logout.*",
}


@pytest.mark.parametrize("hole", HOLES)
def test_every_hole_has_its_test(hole):
    file, _, test = HOLES[hole].partition(".")
    text = (HERE / f"test_{file}.py").read_text(encoding="utf-8")
    assert re.search(r"^def test_" if test == "*" else rf"^def {test}\(", text, re.M)


@pytest.mark.parametrize("word", ["auto", "force", "auto_skip"])
def test_O9_client_cannot_talk_its_way_past_consent(cast, word):
    """The toolkit reads `approval_prompt` from the request."""
    assert flow(cast.member).start(approval_prompt=word).status_code == 200


def test_every_gate_of_rfc9700_is_shut():
    gates = [name for name in oauth2_settings.defaults if name.startswith("COMPLIANT_BCP_RFC9700_")]
    assert len(gates) >= 10
    assert all(getattr(oauth2_settings, name) for name in gates)


def test_its_models_are_ours():
    for name in ("Application", "AccessToken", "RefreshToken", "Grant", "IDToken", "DeviceGrant"):
        assert apps.get_model("oauth2_provider", name)._meta.swapped == f"oauth.{name}"


@pytest.mark.parametrize("path", ["/o/token/", "/o/device/", "/oauth/applications/"])
def test_none_of_its_own_addresses_answers(cast, path):
    assert Browser().get(f"/t/{cast.acme.slug}{path}").status_code == 404


def test_silent_request_without_a_session_is_an_answer_not_a_failure(cast):
    """Shipped: HTTP 500 on prompt=none."""
    run = flow(cast.member)
    run.browser.cookies.clear()
    answer = run.start(prompt="none")
    assert (answer.status_code, query_of(answer.headers["Location"])["error"]) == (302, "login_required")


def test_T5_client_secret_is_one_keyed_digest(cast):
    """Shipped: PBKDF2 with a million rounds at each call, 0.25 s; here one HMAC over 256 random bits."""
    made = register(cast.acme)
    with scope.tenant(cast.acme.id):
        stored = ClientSecret.objects.get(application=made.application).digest
    assert made.secret not in stored
    assert not re.search(r"pbkdf2|argon2|scrypt|bcrypt", stored)
    with scope.tenant(cast.globex.id):
        assert not ClientSecret.objects.filter(application=made.application).exists()
