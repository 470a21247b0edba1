"""The dashboard's key pages, called as the dashboard calls them: inside the scope, with a viewer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory

from apikeys import account_pages, pages, selectors
from core import ids, scope
from core.errors import NotFound
from core.principal import Principal
from tenants import selectors as tenants
from tenants.models import Tenant
from tests.apikeys.world import World, code, make_world
from tests.factories import admin_principal, make_organization


@dataclass
class Viewer:
    principal: Principal
    tenant: Tenant

    def url(self, *parts: str) -> str:
        return "/".join([f"/dashboard/{self.tenant.slug}", *parts])

    def may(self, permission: str) -> bool:
        return self.principal.may(permission)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def show(
    world: World, page: Any, data: Any = None, *, query: str = "", actor: Principal | None = None, **ids_: str
) -> Any:
    """Answer a page to acme's owner, or to `actor`; `data` makes it a POST."""
    factory = RequestFactory()
    request = factory.get(f"/{query}") if data is None else factory.post(f"/{query}", data)
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    principal = actor or admin_principal(world.acme, world.cast.owner)
    with scope.principal(principal):
        return page(request, Viewer(principal, tenants.tenant()), **ids_)


def text(response: Any) -> str:
    return str(response.content.decode())


def control(world: World) -> str:
    with scope.tenant(world.acme.id):
        return pages.roles.api_resources().get(is_control_plane=True).public_id


def test_the_list_shows_keys_and_their_state_never_their_text(world: World) -> None:
    issued = world.issue(["members:read"])
    html = text(show(world, pages.key_list))
    assert issued.key.hint in html
    assert issued.secret not in html
    assert "Generate New Key" in html


def test_the_list_narrows(world: World) -> None:
    issued = world.issue()
    assert issued.key.public_id in text(show(world, pages.key_list, query=f"?q={issued.key.hint}"))
    assert issued.key.public_id in text(show(world, pages.key_list, query="?status=active"))
    assert issued.key.public_id not in text(show(world, pages.key_list, query="?status=revoked"))
    assert "No key matches" in text(show(world, pages.key_list, query="?service_account=sa_nonsense"))


def test_a_new_key_starts_with_its_resource(world: World) -> None:
    html = text(show(world, pages.key_create))
    assert "Orders" in html
    assert 'name="scopes"' not in html


def test_choosing_the_resource_keeps_the_service_account(world: World) -> None:
    html = text(show(world, pages.key_create, query="?service_account=sa_x"))
    assert '<input type="hidden" name="service_account" value="sa_x">' in html


def test_no_scope_is_ticked_and_90_days_are_recommended(world: World) -> None:
    html = text(show(world, pages.key_create, query=f"?resource={control(world)}"))
    boxes = re.findall(r'<input type="checkbox"[^>]*name="scopes"[^>]*>|<input[^>]*name="scopes"[^>]*>', html)
    assert boxes
    assert not any("checked" in box for box in boxes)
    (chosen,) = [tag for tag in re.findall(r"<input[^>]*name=\"lifetime\"[^>]*>", html) if "checked" in tag]
    assert 'value="90d"' in chosen
    assert "recommended" in html
    assert "Warning: a leaked key without expiry" in html


def test_a_key_is_shown_once_and_works(world: World) -> None:
    data = {"resource": control(world), "name": "From a page", "scopes": ["api-keys:read"], "lifetime": "30d"}
    html = text(show(world, pages.key_create, data))
    (secret,) = re.findall(r"sk_test_[0-9A-Za-z]{61}", html)
    assert "will not be shown again" in html
    assert world.bearer(secret).status_code == 200
    assert secret not in text(show(world, pages.key_list))


def test_a_form_without_scopes_or_date_says_what_is_missing(world: World) -> None:
    response = show(world, pages.key_create, {"resource": control(world), "name": "x", "lifetime": "date"})
    assert response.status_code == 422
    assert "Tick at least one scope." in text(response)
    assert "Choose a date." in text(response)


def test_A6_a_forged_form_gives_no_more_than_the_viewer_has(world: World) -> None:
    actor = world.actor(world.developer)
    data = {"resource": control(world), "name": "x", "scopes": ["members:write"], "lifetime": "30d"}
    response = show(world, pages.key_create, data, actor=actor)
    assert response.status_code == 422
    assert "sk_test_" not in text(response)


def test_an_organizations_administrator_makes_keys_of_it(world: World) -> None:
    actor = world.actor(world.org_admin, world.one)
    form = text(show(world, pages.key_create, query=f"?resource={control(world)}", actor=actor))
    assert 'name="organization"' not in form
    assert "tenant:write" not in form
    data = {"resource": control(world), "name": "Ours", "scopes": ["api-keys:read"], "lifetime": "30d"}
    html = text(show(world, pages.key_create, data, actor=actor))
    (secret,) = re.findall(r"sk_test_[0-9A-Za-z]{61}", html)
    assert world.exchange(secret).json()["organization_id"] == ids.encode("org", world.one.id)


def test_the_detail_shows_state_scopes_and_use(world: World) -> None:
    issued = world.issue(["members:read"])
    html = text(show(world, pages.key_detail, key_id=issued.key.public_id))
    assert "members:read" in html
    assert "Rotate key" in html
    assert issued.secret not in html


def test_rotation_shows_the_new_key_once(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    html = text(show(world, pages.key_rotate, {"overlap": "3600"}, key_id=issued.key.public_id))
    (secret,) = re.findall(r"sk_test_[0-9A-Za-z]{61}", html)
    assert world.bearer(secret).status_code == world.bearer(issued.secret).status_code == 200
    again = show(world, pages.key_rotate, {"overlap": "3600"}, key_id=issued.key.public_id)
    assert again.status_code == 422
    assert "being replaced" in text(show(world, pages.key_detail, key_id=issued.key.public_id))


def test_revoking_needs_the_typed_name_and_a_reason(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    for data in ({"confirm": "Tess", "reason": "leaked"}, {"confirm": "Test", "reason": " "}, {}):
        refused = show(world, pages.key_revoke, data, key_id=issued.key.public_id)
        assert refused.status_code == 422
    assert world.bearer(issued.secret).status_code == 200
    done = show(world, pages.key_revoke, {"confirm": "Test", "reason": "leaked"}, key_id=issued.key.public_id)
    assert done.status_code == 303
    assert code(world.bearer(issued.secret)) == (401, "token_revoked")
    assert "leaked" in text(show(world, pages.key_detail, key_id=issued.key.public_id))


def test_A1_another_tenants_key_is_missing(world: World) -> None:
    theirs = make_world().issue()
    for key_id in (theirs.key.public_id, "ak_nonsense"):
        with pytest.raises(NotFound):
            show(world, pages.key_detail, key_id=key_id)


def test_A6_a_viewer_without_the_permission_revokes_nothing(world: World) -> None:
    issued = world.issue(["api-keys:read"])
    actor = world.actor(world.cast.member)
    data = {"confirm": "Test", "reason": "x"}
    refused = show(world, pages.key_revoke, data, actor=admin(actor), key_id=issued.key.public_id)
    assert refused.headers["Location"].endswith(issued.key.public_id)
    assert world.row(issued.key).status == "active"


def admin(principal: Principal) -> Principal:
    from dataclasses import replace

    return replace(principal, is_admin_page=True)


def test_a_service_account_is_made_disabled_enabled_and_deleted(world: World) -> None:
    made = show(world, account_pages.account_create, {"name": "Importer", "scopes": ["members:read"]})
    assert made.status_code == 303
    account_id = made.headers["Location"].rsplit("/", 1)[-1]
    with scope.tenant(world.acme.id):
        account = selectors.service_account(ids.decode("sa", account_id))
    issued = world.issue(["members:read"], service_account=account)
    assert issued.key.hint in text(show(world, account_pages.account_detail, account_id=account_id))
    show(world, account_pages.account_suspend, {"reason": "paused"}, account_id=account_id)
    assert code(world.bearer(issued.secret)) == (403, "subject_suspended")
    show(world, account_pages.account_suspend, {"enable": "1"}, account_id=account_id)
    assert code(world.bearer(issued.secret)) == (403, "insufficient_scope")
    unsure = show(world, account_pages.account_delete, {"confirm": "?", "reason": "x"}, account_id=account_id)
    assert unsure.status_code == 422
    show(
        world, account_pages.account_delete, {"confirm": "Importer", "reason": "gone"}, account_id=account_id
    )
    assert code(world.bearer(issued.secret)) == (401, "token_revoked")
    assert account_id not in text(show(world, account_pages.account_list))


def test_a_service_accounts_settings_are_changed(world: World) -> None:
    made = show(world, account_pages.account_create, {"name": "Old name"})
    account_id = made.headers["Location"].rsplit("/", 1)[-1]
    assert (
        show(world, account_pages.account_detail, {"name": "New name"}, account_id=account_id).status_code
        == 303
    )
    assert "New name" in text(show(world, account_pages.account_detail, account_id=account_id))
    assert show(world, account_pages.account_detail, {"name": ""}, account_id=account_id).status_code == 422


def test_KEY17_the_organization_is_chosen_from_the_tenants_own(world: World) -> None:
    page = text(show(world, pages.key_create, query=f"?resource={control(world)}"))
    ours, theirs = world.one.public_id, make_organization(world.cast.globex).public_id
    assert f'<option value="{ours}">' in page
    assert theirs not in page
    opened = text(show(world, pages.key_create, query=f"?resource={control(world)}&organization={ours}"))
    assert f'<option value="{ours}" selected>' in opened
    form = {"resource": control(world), "name": "k", "scopes": ["members:read"], "lifetime": "90d"}
    made = show(world, pages.key_create, form | {"organization": ours})
    assert "sk_test_" in text(made)
    refused = show(world, pages.key_create, form | {"organization": theirs})
    assert refused.status_code == 422
    assert "sk_test_" not in text(refused)
