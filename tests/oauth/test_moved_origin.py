"""An installation that moves to another origin: issuers follow it, and so does the audience of our own API."""

from __future__ import annotations

import pytest
from django.test import override_settings

from core import jose, scope
from oauth import catalogue
from roles import resources
from tenants.tokens import control_plane_audience
from tests.factories import Browser, access_token, make_cast


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def test_our_own_audience_follows_the_issuer_and_others_stay(cast):
    before = set(catalogue.resources_of(cast.acme))
    catalogue._resources.clear()
    with override_settings(ORIGIN="http://moved.example"):
        after = catalogue.resources_of(cast.acme)
        own = control_plane_audience(cast.acme)
        assert own.startswith("http://moved.example/")
        assert next(iter(after)) == own
        assert len(after) == len(before)
    catalogue._resources.clear()


def test_a_key_is_exchanged_for_the_audience_of_this_moment(cast):
    with scope.tenant(cast.acme.id):
        row = resources.control_plane()
        row.audience = "http://former.example/t/x/v1"
        row.save()
    try:
        made = Browser().api(
            "POST", f"/t/{cast.acme.slug}/v1/api-keys", access_token(cast.owner),
            {"name": "k", "scopes": ["members:read"]},
        ).json()  # fmt: skip
        body = {"grant_type": "api_key", "api_key": made["secret"]}
        token = Browser().api("POST", "/v1/auth/token", "", body).json()["access_token"]
        assert jose.unverified_claims(token)["aud"] == control_plane_audience(cast.acme)
        assert Browser().api("GET", f"/t/{cast.acme.slug}/v1/members", token).status_code == 200
        assert Browser().api("GET", f"/t/{cast.globex.slug}/v1/members", token).status_code == 403
    finally:
        with scope.tenant(cast.acme.id):
            row.audience = control_plane_audience(cast.acme)
            row.save()
