"""The application pages of the dashboard, called as the frame calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory

from core import scope
from core.errors import MethodNotAllowed, NotFound
from oauth import applications, pages
from roles import permissions
from tenants import selectors
from tests.factories import make_principal
from tests.oauth.helpers import register


@dataclass
class FakeViewer:
    principal: Any
    tenant: Any
    section: str = "applications"

    def url(self, *parts: str) -> str:
        return "/".join([f"/dashboard/{self.tenant.slug}", *parts])

    def may(self, permission: str) -> bool:
        return self.principal.may(permission)


def call(tenant, view, *, data=None, query="", granted=permissions.ALL, **arguments):
    """Call a page in the tenant's scope and return the rendered answer."""
    factory = RequestFactory()
    path = f"/dashboard/{tenant.slug}/applications"
    request = factory.get(path + query) if data is None else factory.post(path, data)
    request._dont_enforce_csrf_checks = True
    request._messages = CookieStorage(request)
    principal = make_principal(tenant, granted, is_admin_page=True)
    with scope.principal(principal):
        return view(request, FakeViewer(principal, selectors.tenant()), **arguments)


def text_of(answer):
    return answer.content.decode()


def test_empty_list_says_what_applications_are_for(cast):
    from tests.factories import make_tenant

    text = text_of(call(make_tenant(), pages.application_list))
    assert "No applications yet" in text
    assert "applications/new" in text


def test_list_shows_this_tenants_applications_only(cast):
    mine = register(cast.acme, name="Mine <i>").application
    theirs = register(cast.globex, name="Theirs").application
    text = text_of(call(cast.acme, pages.application_list))
    assert mine.client_id in text
    assert "Mine &lt;i&gt;" in text
    assert theirs.client_id not in text
    narrowed = text_of(call(cast.acme, pages.application_list, query="?type=native&q=Mine"))
    assert "No application matches" in narrowed


def test_wizard_asks_the_type_first(cast):
    text = text_of(call(cast.acme, pages.application_create))
    assert text.count('name="type"') == 5


@pytest.mark.parametrize("kind", ["web", "spa", "native", "machine", "device"])
def test_wizard_asks_only_what_the_type_has(cast, kind):
    text = text_of(call(cast.acme, pages.application_create, query=f"?type={kind}"))
    assert ('name="redirect_uris"' in text) is (kind in ("web", "spa", "native"))
    assert ('name="origins"' in text) is (kind in ("web", "spa"))
    assert ('value="openid"' in text) is (kind != "machine")


def test_registering_shows_client_id_and_secret_once(cast):
    """APP-01, APP-03."""
    data = {
        "type": "web",
        "name": "From the page",
        "redirect_uris": "https://app.example/one\r\nhttps://app.example/two",
        "scopes": ["openid", "email"],
    }
    answer = call(cast.acme, pages.application_create, data=data)
    text = text_of(answer)
    assert answer.status_code == 200, text
    with scope.tenant(cast.acme.id):
        row = applications.applications().get(name="From the page")
        assert row.redirect_uris.split() == ["https://app.example/one", "https://app.example/two"]
    assert row.client_id in text
    assert 'id="secret" translate="no">cs_' in text
    detail = text_of(call(cast.acme, pages.application_detail, application_id=row.public_id))
    assert "cs_" not in detail
    assert cast.acme.issuer in detail
    assert cast.acme.public_id in detail
    assert "Store issuer and sub" in detail


def test_public_application_goes_straight_to_its_page(cast):
    data = {"type": "spa", "name": "Spa", "redirect_uris": "https://app.example/one", "scopes": ["openid"]}
    answer = call(cast.acme, pages.application_create, data=data)
    assert answer.status_code == 303


def test_refusals_stand_at_their_field_and_name_the_line(cast):
    data = {"type": "web", "name": "Bad", "redirect_uris": "https://app.example/a\nhttp://app.example/b"}
    answer = call(cast.acme, pages.application_create, data=data)
    assert answer.status_code == 422
    assert "http://app.example/b: Plain http is only for loopback addresses." in text_of(answer)
    with scope.tenant(cast.acme.id):
        assert not applications.applications().filter(name="Bad").exists()


def test_settings_are_saved_and_unticked_boxes_count(cast):
    row = register(cast.acme, is_first_party=True).application
    data = {"name": "Renamed", "redirect_uris": row.redirect_uris, "scopes": ["openid"]}
    answer = call(cast.acme, pages.application_detail, data=data, application_id=row.public_id)
    assert answer.status_code == 303
    row = fresh(cast.acme, row)
    assert (row.name, row.scopes, row.is_first_party) == ("Renamed", ["openid"], False)


def test_TEN16_scopes_that_cannot_be_left_out_are_chosen_among_its_own(cast):
    row = register(cast.acme).application
    data = {"name": "Strict", "redirect_uris": row.redirect_uris, "scopes": ["openid", "email"]}
    chosen = {**data, "required_scopes": ["email"]}
    answer = call(cast.acme, pages.application_detail, data=chosen, application_id=row.public_id)
    assert answer.status_code == 303
    assert fresh(cast.acme, row).required_scopes == ["email"]
    foreign = {**data, "required_scopes": ["profile"]}
    refused = call(cast.acme, pages.application_detail, data=foreign, application_id=row.public_id)
    assert refused.status_code == 422
    assert "profile: This is not among its scopes." in text_of(refused)
    assert fresh(cast.acme, row).required_scopes == ["email"]


def fresh(tenant, row):
    with scope.tenant(tenant.id):
        return applications.application(row.id)


def test_secret_is_rotated_disabled_enabled_deleted(cast):
    row = register(cast.acme, name="Doomed").application
    named = {"application_id": row.public_id}
    rotated = call(cast.acme, pages.application_rotate, data={"overlap": "3600"}, **named)
    assert "cs_" in text_of(rotated)
    assert call(cast.acme, pages.application_suspend, data={"reason": "x"}, **named).status_code == 303
    assert fresh(cast.acme, row).status == "disabled"
    assert "Enable again" in text_of(call(cast.acme, pages.application_detail, **named))
    call(cast.acme, pages.application_suspend, data={"enable": "1"}, **named)
    assert fresh(cast.acme, row).status == "active"
    wrong = call(cast.acme, pages.application_delete, data={"confirm": "doomed", "reason": "x"}, **named)
    assert wrong.status_code == 422
    done = call(cast.acme, pages.application_delete, data={"confirm": "Doomed", "reason": "x"}, **named)
    assert done.status_code == 303
    with pytest.raises(NotFound):
        fresh(cast.acme, row)


@pytest.mark.parametrize(
    "view", [pages.application_rotate, pages.application_suspend, pages.application_delete]
)
def test_changes_are_posts(cast, view):
    row = register(cast.acme).application
    with pytest.raises(MethodNotAllowed) as refused:
        call(cast.acme, view, application_id=row.public_id)
    assert refused.value.headers == {"Allow": "POST"}


def test_A1_other_tenants_application_is_missing(cast):
    theirs = register(cast.globex).application
    for name in (theirs.public_id, "app_nonsense", "x"):
        with pytest.raises(NotFound):
            call(cast.acme, pages.application_detail, application_id=name)


def test_reader_sees_no_forms_and_changes_nothing(cast):
    row = register(cast.acme).application
    text = text_of(
        call(cast.acme, pages.application_detail, granted=["applications:read"], application_id=row.public_id)
    )
    assert "Danger zone" not in text
    assert row.client_id in text
    data = {"name": "Taken", "redirect_uris": row.redirect_uris}
    call(
        cast.acme, pages.application_suspend, data=data, granted=["applications:read"],
        application_id=row.public_id,
    )  # fmt: skip
    assert fresh(cast.acme, row).status == "active"


def test_no_keys_are_shown_as_nothing(cast):
    row = register(cast.acme).application
    text = text_of(call(cast.acme, pages.application_detail, application_id=row.public_id))
    assert ">\nnull</textarea>" not in text
    assert "null</textarea>" not in text
