"""Keys to a tenant's own API with a prefix of its choice (KEY-02), and tokens that its API wants bound."""

from __future__ import annotations

import pytest

from core import jose, redaction, scope, secrets
from roles import resources
from tests import logs
from tests.apikeys.world import ORDERS, World, code, make_world
from tests.factories import Browser, access_token, make_principal
from tests.factories.hosted import at_home
from tests.oauth.helpers import token
from tests.oauth.proofs import KEY, proof

PREFIX = "sfk_prod_"
FORM = {
    "name": "Orders", "signing_alg": "ES256", "error_dialect": "problem", "for_people": "access",
    "token_binding": "none",
}  # fmt: skip
FOREIGN = [
    "sk_live_", "sk_test_", "sk_ws_", "clv_account_", "cs_prod_", "sfk", "sfk_", "SFK_prod_", "sfk-prod-", "a_b_",
    "_a_b_",
]  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _plain(world: World):
    yield
    change(world, key_prefix="", token_binding="none")


def change(world: World, **changes: str) -> None:
    with scope.tenant(world.acme.id):
        world.orders.refresh_from_db()
        resources.update_resource(actor=make_principal(world.acme), resource=world.orders, changes=changes)
        world.orders.refresh_from_db()


def patch(world: World, **changes: str):
    path = f"/v1/api-resources/{world.orders.public_id}"
    return Browser().api("PATCH", path, access_token(world.cast.owner), changes)


def test_KEY02_the_prefix_is_registered_by_api_and_page_and_new_keys_have_it(world: World):
    before = world.issue(ORDERS, resource=world.orders)
    answer = patch(world, key_prefix=PREFIX)
    assert (answer.status_code, answer.json()["key_prefix"]) == (200, PREFIX), answer.content
    made = Browser().api(
        "POST", "/v1/api-keys", access_token(world.cast.owner),
        {"name": "Shop", "scopes": ORDERS, "resource_id": world.orders.public_id},
    )  # fmt: skip
    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    assert secret.startswith(PREFIX) and secrets.has_valid_checksum(secret)
    assert before.secret.startswith("sk_test_")
    for one in (secret, before.secret):
        answer = world.exchange(one)
        assert answer.status_code == 200, answer.content
        assert jose.unverified_claims(answer.json()["access_token"])["aud"] == world.orders.audience
    assert world.issue().secret.startswith("sk_test_")
    page = f"/dashboard/{world.acme.slug}/api-resources/{world.orders.public_id}/settings"
    browser = at_home(world.cast.owner)
    assert browser.submit(browser.get(page), {**FORM, "key_prefix": "shop_live_"}, to=page).status_code == 303
    change(world)
    assert world.issue(ORDERS, resource=world.orders).secret.startswith("shop_live_")


@pytest.mark.parametrize("prefix", FOREIGN)
def test_KEY02_prefixes_that_mean_something_else_are_refused(world: World, prefix: str):
    answer = patch(world, key_prefix=prefix)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/key_prefix"


def test_K1_such_a_key_never_opens_our_own_api_nor_another_tenants_address(world: World):
    change(world, key_prefix=PREFIX)
    secret = world.issue(ORDERS, resource=world.orders).secret
    refused = world.bearer(secret)
    assert code(refused) == (401, "token_invalid")
    assert "exchange it" in refused.json()["detail"]
    assert code(world.get("/v1/api-keys", X_API_Key=secret)) == (401, "token_invalid")
    assert code(world.exchange(secret, at=f"/t/{world.cast.globex.slug}")) == (403, "tenant_mismatch")
    assert code(world.exchange("sk_test_" + secret.removeprefix(PREFIX)))[1] == "token_invalid"
    assert code(world.exchange(secret[:-1] + ("a" if secret[-1] != "a" else "b")))[1] == "token_invalid"


def test_U2_T5_such_a_key_is_in_no_row_and_no_log(world: World):
    change(world, key_prefix=PREFIX)
    issued = world.issue(ORDERS, resource=world.orders)
    assert issued.key.hint.startswith(PREFIX)
    assert issued.secret not in str(vars(world.row(issued.key)))
    with logs.heard() as heard:
        world.bearer(issued.secret)
    assert issued.secret not in heard.getvalue()
    assert redaction.redacted(f"key={issued.secret}") == "key=[redacted]"


def test_KEY08_a_key_that_replaces_another_has_the_prefix_of_now(world: World):
    change(world, key_prefix=PREFIX)
    issued = world.issue(ORDERS, resource=world.orders)
    token = access_token(world.cast.owner)
    turned = Browser().api("POST", f"/v1/api-keys/{issued.key.public_id}/rotation", token, {})
    assert turned.status_code == 201, turned.content
    assert turned.json()["secret"].startswith(PREFIX)


def test_T4_an_api_that_wants_bound_tokens_gets_no_bearer_token_for_a_key(world: World):
    change(world, token_binding="dpop")
    secret = world.issue(ORDERS, resource=world.orders).secret
    assert code(world.exchange(secret)) == (400, "token_binding_required")
    asked = {"grant_type": "urn:claviger:params:oauth:grant-type:api_key", "api_key": secret}
    refused = token(world.acme, asked)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    bound = token(world.acme, asked, DPoP=proof(f"{world.acme.issuer}/oauth/token"))
    assert (bound.status_code, bound.json()["token_type"]) == (200, "DPoP"), bound.content
    assert jose.unverified_claims(bound.json()["access_token"])["cnf"] == {"jkt": jose.thumbprint(KEY)}
    assert world.exchange(world.issue().secret).status_code == 200
    change(world, token_binding="certificate")
    asked["api_key"] = world.issue(ORDERS, resource=world.orders).secret
    assert token(world.acme, asked, DPoP=proof(f"{world.acme.issuer}/oauth/token")).status_code == 400
