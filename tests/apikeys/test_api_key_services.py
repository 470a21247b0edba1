"""Making, rotating, revoking: who may, how much, for how long (KEY-02, 08, 13, 14; A6, K2, D5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apikeys import lifetimes, live, services
from apikeys.admission import principal_of
from core import scope
from core.errors import (
    Conflict,
    InsufficientRole,
    NotFound,
    OrgMismatch,
    PolicyDenied,
    SubjectTypeNotAllowed,
    ValidationFailed,
)
from core.principal import Principal, SubjectType
from roles import selectors as roles
from roles.errors import GrantExceedsOwn
from tenants.policy import TenantPolicy
from tests import factories
from tests.apikeys.world import World, code, events, make_world
from tests.factories import admin_principal

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def as_caller(issued: Any) -> Principal:
    key = live.authenticate(issued.secret)
    return principal_of(live.check(key), key)


def issue_as(world: World, actor: Principal, scopes: list[str], **options: Any) -> services.IssuedKey:
    with scope.principal(actor):
        resource = options.pop("resource", None) or roles.api_resources().get(is_control_plane=True)
        return services.issue_key(actor=actor, name="Made", scopes=scopes, resource=resource, **options)


def rotate(world: World, issued: services.IssuedKey, **options: Any) -> services.IssuedKey:
    with scope.tenant(world.acme.id):
        actor = options.pop("actor", None) or admin_principal(world.acme, world.cast.owner)
        return services.rotate_key(actor=actor, key=issued.key, **options)


def revoke(world: World, issued: services.IssuedKey, reason: str = "") -> None:
    with scope.tenant(world.acme.id):
        services.revoke_key(
            actor=admin_principal(world.acme, world.cast.owner), key=issued.key, reason=reason
        )


def test_a_new_key_is_active_for_90_days_and_audited(world: World) -> None:
    issued = world.issue(["members:read"])
    assert issued.key.status == "active"
    assert abs(issued.key.expires_at - timezone.now() - 90 * DAY) < timedelta(minutes=1)
    (told,) = events(world.acme, "api_key.created", issued.key.public_id)
    assert told["data"]["actor"]["id"] == world.cast.owner.subject
    assert told["data"]["object"]["scopes"] == ["members:read"]
    assert issued.secret not in str(told)


def test_never_is_a_choice(world: World) -> None:
    assert world.issue(expires_at=None).key.expires_at is None


def test_a_wildcard_means_the_scopes_that_exist_now(world: World) -> None:
    assert world.issue(["members:*"]).key.scopes == ["members:read", "members:write"]
    assert world.issue(["orders:*"], resource=world.orders).key.scopes == ["orders:read", "orders:write"]


@pytest.mark.parametrize(
    "scopes", [[], ["*"], ["members:delete"], ["orders:read"], ["members"], ["nobody:*"]]
)
def test_unknown_scopes_are_refused(world: World, scopes: list[str]) -> None:
    with pytest.raises(ValidationFailed):
        world.issue(scopes)


def test_a_key_of_another_api_gets_none_of_our_scopes(world: World) -> None:
    with pytest.raises(ValidationFailed):
        world.issue(["members:read"], resource=world.orders)


def test_A6_nobody_gives_what_they_lack(world: World) -> None:
    with pytest.raises(GrantExceedsOwn):
        world.issue(["members:write"], maker=world.developer)
    assert world.issue(["webhooks:write"], maker=world.developer).key.scopes == ["webhooks:write"]


def test_A6_a_plain_member_makes_no_key(world: World) -> None:
    with pytest.raises(InsufficientRole):
        issue_as(world, replace(world.actor(world.cast.member), is_admin_page=True), ["members:read"])


def test_A6_a_key_makes_no_stronger_key(world: World) -> None:
    caller = as_caller(world.issue(["api-keys:write", "members:read"]))
    with pytest.raises(GrantExceedsOwn):
        issue_as(world, caller, ["members:write"])
    made = issue_as(world, caller, ["members:read"])
    assert made.key.maker_id == world.cast.owner.member.id
    assert made.key.maker_key_id == caller.key_id


@pytest.mark.parametrize("kind", [SubjectType.AGENT, SubjectType.DELEGATED, SubjectType.GUEST])
def test_D5_agents_guests_and_delegates_make_no_keys(world: World, kind: SubjectType) -> None:
    actor = replace(world.actor(world.cast.owner), subject_type=kind)
    with pytest.raises(SubjectTypeNotAllowed):
        issue_as(world, actor, ["members:read"])


def test_an_application_without_a_person_makes_no_keys(world: World) -> None:
    with pytest.raises(SubjectTypeNotAllowed):
        issue_as(world, factories.make_principal(world.acme), ["members:read"])


def test_KEY_17_an_organizations_administrator_makes_its_keys_only(world: World) -> None:
    actor = world.actor(world.org_admin, world.one)
    made = issue_as(world, actor, ["api-keys:read"])
    assert made.key.organization_id == world.one.id
    with pytest.raises(OrgMismatch):
        issue_as(world, actor, ["api-keys:read"], organization=world.two)


def test_KEY_17_an_organizations_key_never_reaches_beyond_it(world: World) -> None:
    with pytest.raises(ValidationFailed):
        world.issue(["tenant:read"], organization=world.one)


def test_the_policy_caps_the_life_of_keys() -> None:
    world = make_world(policy={"key_max_lifetime": 30 * 86_400, "key_never_allowed": False})
    assert abs(world.issue().key.expires_at - timezone.now() - 30 * DAY) < timedelta(minutes=1)
    for wanted in (None, timezone.now() + 31 * DAY):
        with pytest.raises(PolicyDenied):
            world.issue(expires_at=wanted)
    assert world.issue(expires_at=timezone.now() + 29 * DAY)


def test_presets_follow_the_policy() -> None:
    assert lifetimes.allowed_presets(TenantPolicy()) == ["7d", "30d", "90d", "1y", "never"]
    strict = TenantPolicy(key_max_lifetime=30 * 86_400)
    assert lifetimes.allowed_presets(strict) == ["7d", "30d"]


def test_an_expiry_in_the_past_is_refused(world: World) -> None:
    with pytest.raises(ValidationFailed):
        world.issue(expires_at=timezone.now() - DAY)


def test_the_prefix_follows_the_tenants_mode() -> None:
    assert make_world(mode="live").issue().secret.startswith("sk_live_")


def test_another_tenants_key_is_not_found(world: World) -> None:
    issued = world.issue()
    stranger = admin_principal(world.cast.globex, world.cast.other_owner)
    with scope.tenant(world.cast.globex.id), pytest.raises(NotFound):
        services.revoke_key(actor=stranger, key=issued.key)
    assert world.row(issued.key).status == "active"


# --- rotation ------------------------------------------------------------------------------------------


def test_KEY_08_rotation_clones_the_scopes_and_both_work(world: World) -> None:
    old = world.issue(["api-keys:read"])
    new = rotate(world, old, overlap=3600)
    assert new.key.scopes == old.key.scopes
    assert world.bearer(old.secret).status_code == world.bearer(new.secret).status_code == 200
    row = world.row(old.key)
    assert row.status == "rotating"
    assert row.rotated_to_id == new.key.id
    (told,) = events(world.acme, "api_key.rotated", old.key.public_id)
    assert told["data"]["object"]["rotated_to"] == new.key.public_id
    revoke(world, old)
    assert code(world.bearer(old.secret)) == (401, "token_revoked")
    assert world.bearer(new.secret).status_code == 200


def test_rotation_without_overlap_ends_the_old_key_at_once(world: World) -> None:
    old = world.issue(["api-keys:read"])
    new = rotate(world, old, overlap=0)
    assert code(world.bearer(old.secret)) == (401, "token_revoked")
    assert world.bearer(new.secret).status_code == 200


def test_a_key_is_replaced_once(world: World) -> None:
    old = world.issue()
    rotate(world, old)
    with pytest.raises(Conflict):
        rotate(world, old)


def test_a_revoked_key_is_not_rotated(world: World) -> None:
    old = world.issue()
    revoke(world, old)
    with pytest.raises(Conflict):
        rotate(world, old)


def test_rotation_keeps_the_length_of_life(world: World) -> None:
    week = world.issue(expires_at=timezone.now() + 7 * DAY)
    assert abs(rotate(world, week).key.expires_at - timezone.now() - 7 * DAY) < timedelta(minutes=1)
    assert rotate(world, world.issue(expires_at=None)).key.expires_at is None


@pytest.mark.parametrize("overlap", [-1, 31 * 86_400])
def test_the_overlap_is_bounded(world: World, overlap: int) -> None:
    with pytest.raises(ValidationFailed):
        rotate(world, world.issue(), overlap=overlap)


def test_A6_rotation_gives_nobody_scopes_that_they_lack(world: World) -> None:
    strong = world.issue(["members:write"])
    with pytest.raises(GrantExceedsOwn):
        rotate(world, strong, actor=world.actor(world.developer))


def test_rotation_takes_over_from_a_maker_who_left(world: World) -> None:
    from tenants import members

    maker = factories.make_member(world.acme, roles=["developer"])
    old = world.issue(["api-keys:read"], maker=maker)
    with scope.tenant(world.acme.id):
        members.remove_member(actor=admin_principal(world.acme, world.cast.owner), member=maker.member)
    assert code(world.bearer(old.secret)) == (403, "subject_suspended")
    assert world.bearer(rotate(world, old).secret).status_code == 200


# --- revocation ----------------------------------------------------------------------------------------


def test_revoking_tells_who_and_why_once(world: World) -> None:
    issued = world.issue()
    revoke(world, issued, "found in a repository")
    revoke(world, issued, "again")
    (told,) = events(world.acme, "api_key.revoked", issued.key.public_id)
    assert told["data"]["object"]["revoke_reason"] == "found in a repository"
    assert told["data"]["previous"] == {"status": "active"}


def test_K2_revoking_a_key_revokes_the_keys_that_it_made(world: World) -> None:
    parent = world.issue(["api-keys:read", "api-keys:write"])
    child = issue_as(world, as_caller(parent), ["api-keys:read", "api-keys:write"])
    grandchild = issue_as(world, as_caller(child), ["api-keys:read"])
    revoke(world, parent)
    for issued in (parent, child, grandchild):
        assert code(world.bearer(issued.secret)) == (401, "token_revoked")


def test_what_a_rotated_key_made_goes_on_when_the_old_one_is_revoked(world: World) -> None:
    parent = world.issue(["api-keys:read", "api-keys:write"])
    child = issue_as(world, as_caller(parent), ["api-keys:read"])
    renewed = rotate(world, parent)
    revoke(world, parent)
    assert world.bearer(child.secret).status_code == 200
    revoke(world, renewed)
    assert code(world.bearer(child.secret)) == (401, "token_revoked")
