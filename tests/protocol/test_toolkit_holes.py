"""What django-oauth-toolkit as shipped would let through, and we do not (the rest is in the RFCs' own files)."""

from __future__ import annotations

import pytest
from django.apps import apps
from oauth2_provider.settings import oauth2_settings

from tests.factories import Browser
from tests.oauth.helpers import flow, query_of


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


@pytest.mark.parametrize("path", ["/o/token/", "/o/device/", "/oauth/applications/", "/oauth/register"])
def test_none_of_its_own_addresses_answers(cast, path):
    assert Browser().get(f"/t/{cast.acme.slug}{path}").status_code == 404


def test_silent_request_without_a_session_is_an_answer_not_a_failure(cast):
    """Shipped: HTTP 500 on prompt=none."""
    run = flow(cast.member)
    run.browser.cookies.clear()
    answer = run.start(prompt="none")
    assert (answer.status_code, query_of(answer.headers["Location"])["error"]) == (302, "login_required")
