"""The card "Protection of tokens" of an application's page: DPoP, certificates and the FAPI profile."""

from __future__ import annotations

import pytest

from core import jose, scope
from core.errors import MethodNotAllowed, NotFound
from events.models import Event
from oauth import applications, pages
from tests.factories import make_cast
from tests.oauth.helpers import register
from tests.oauth.test_pages import call, text_of


@pytest.fixture(scope="module")
def cast():
    return make_cast()


def protect(tenant, row, **data):
    return call(tenant, pages.application_protect, data=data, application_id=row.public_id)


def now(tenant, row):
    with scope.tenant(tenant.id):
        return applications.application(row.id)


def test_tokens_can_be_bound_and_unbound_and_the_audit_log_has_it(cast):
    row = register(cast.acme, "spa").application
    saved = protect(cast.acme, row, dpop_bound_access_tokens="on", dpop_nonce_required="on")
    assert saved.status_code == 303
    changed = now(cast.acme, row)
    assert changed.dpop_bound_access_tokens
    assert changed.dpop_nonce_required
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="application.updated").order_by("-id").first()
    assert b'"dpop_bound_access_tokens":true' in bytes(event.canonical)
    assert protect(cast.acme, row).status_code == 303
    assert not now(cast.acme, row).dpop_bound_access_tokens


def test_profile_is_refused_with_a_reason_where_the_client_has_a_secret(cast):
    row = register(cast.acme).application
    answer = protect(cast.acme, row, profile="fapi2")
    assert answer.status_code == 422
    assert "private_key_jwt" in text_of(answer)
    assert now(cast.acme, row).profile == ""


def test_profile_is_taken_where_the_client_has_a_key(cast):
    jwks = {"keys": [jose.public_jwk(jose.generate_key())]}
    row = register(cast.acme, auth_method="private_key_jwt", jwks=jwks).application
    assert protect(cast.acme, row, profile="fapi2").status_code == 303
    changed = now(cast.acme, row)
    assert (changed.profile, changed.dpop_bound_access_tokens) == ("fapi2", True)


def test_only_what_fits_is_asked(cast, settings):
    spa = register(cast.acme, "spa").application
    text = text_of(call(cast.acme, pages.application_detail, application_id=spa.public_id))
    assert 'name="dpop_bound_access_tokens"' in text
    assert 'name="profile"' not in text
    assert "certificate_bound" not in text
    settings.CLIENT_CERTIFICATE_HEADER, settings.CLIENT_CERTIFICATE_PROXIES = "Client-Cert", ["127.0.0.1"]
    text = text_of(call(cast.acme, pages.application_detail, application_id=spa.public_id))
    assert 'name="tls_client_certificate_bound_access_tokens"' in text


def test_foreign_application_is_not_found_and_get_is_not_taken(cast):
    theirs = register(cast.globex).application
    with pytest.raises(NotFound):
        protect(cast.acme, theirs, dpop_bound_access_tokens="on")
    mine = register(cast.acme).application
    with pytest.raises(MethodNotAllowed):
        call(cast.acme, pages.application_protect, application_id=mine.public_id)
