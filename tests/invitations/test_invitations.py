"""Inviting people: bound to an address, measured against who sent it, used once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from django.db import connections
from django.utils import timezone

from apikeys import services as key_services
from core import scope
from core.errors import Problem
from invitations import services
from invitations.errors import InvitationGone, WrongAddress
from invitations.models import Invitation
from organizations.models import Membership, Organization
from roles import authority, resources
from roles import selectors as role_selectors
from roles import services as role_services
from roles.models import RoleAssignment
from roles.permissions import ORGANIZATION
from tenants import members, selectors
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    admin_principal,
    make_account,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
    principal_of,
    unique,
)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> str:
    return access_token(make_member(cast.acme, roles=["admin"]))


def call(cast: Cast, method: str, path: str, token: str, body: object = None, **headers: str):
    if method == "POST":
        headers.setdefault("Idempotency_Key", unique("key"))
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/{path}", token, body, **headers)


class Outbox:
    """What was promised to the mail port, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, template: str, to: str, **options: Any) -> None:
        self.sent.append((template, to, dict(options["context"])))

    @property
    def token(self) -> str:
        found = re.search(r"token=([\w-]+)", self.sent[-1][2]["link"])
        assert found
        return found[1]


@pytest.fixture
def outbox():
    box = Outbox()
    with mock.patch("core.ports.mail.send", box):
        yield box


def invite(
    cast: Cast, sender: Person, email: str, *roles: str, organization: Organization | None = None
) -> Invitation:
    with scope.tenant(cast.acme.id):
        named = [role_selectors.built_in(name) for name in roles]
        actor = principal_of(sender, authority.permissions_of(sender.member.id))
        return services.invite(actor=actor, email=email, roles=named, organization=organization)


def accept(cast: Cast, person: Person, token: str, *owned: str) -> Invitation:
    with scope.tenant(cast.acme.id):
        return services.accept(
            account_id=person.account_id,
            emails_verified=set(owned or (person.email,)),
            token=token,
            name="Nia New",
        )


def state(cast: Cast, invitation: Invitation) -> str:
    with scope.tenant(cast.acme.id):
        return Invitation.objects.get(id=invitation.id).effective_state


# --- the lawful way --------------------------------------------------------------------------------------


def test_USR02_an_invited_person_joins_with_the_roles_offered(cast: Cast, outbox: Outbox):
    person = make_account()
    organization = make_organization(cast.acme)
    invitation = invite(cast, cast.owner, person.email.upper(), "admin", organization=organization)
    template, to, context = outbox.sent[-1]
    assert (template, to.casefold()) == ("invitation", person.email)
    assert context["link"].startswith(f"http://localhost:8000/t/{cast.acme.slug}/invitation?token=")
    accepted = accept(cast, person, outbox.token)
    assert (accepted.id, accepted.state) == (invitation.id, "accepted")
    with scope.tenant(cast.acme.id):
        member = selectors.member_by_account(person.account_id)
        assert member.status == "active"
        assert member.email_verified
        assert Membership.objects.filter(member=member, organization=organization).exists()
        assert authority.permissions_of(member.id, organization.id) == ORGANIZATION
        assert authority.permissions_of(member.id) == frozenset()


def test_USR02_a_member_who_exists_joins_the_organization(cast: Cast, outbox: Outbox):
    person, organization = make_member(cast.acme), make_organization(cast.acme)
    invite(cast, cast.owner, person.email, organization=organization)
    accept(cast, person, outbox.token)
    with scope.tenant(cast.acme.id):
        assert Membership.objects.filter(member=person.member, organization=organization).exists()


def test_a_pre_provisioned_member_keeps_its_subject(cast: Cast, outbox: Outbox):
    person = make_account()
    with scope.tenant(cast.acme.id):
        waiting = members.create_member(actor=make_principal(cast.acme).actor, email=person.email)
    invite(cast, cast.owner, person.email)
    accept(cast, person, outbox.token)
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_account(person.account_id).subject == waiting.subject


# --- S3 --------------------------------------------------------------------------------------------------


def test_S3_another_account_cannot_use_it(cast: Cast, outbox: Outbox):
    invitation = invite(cast, cast.owner, f"{unique('invited')}@example.com", "viewer")
    with pytest.raises(WrongAddress):
        accept(cast, cast.stranger, outbox.token)
    with scope.tenant(cast.acme.id):
        assert selectors.member_by_account(cast.stranger.account_id) is None
    assert state(cast, invitation) == "pending"


def test_S3_a_link_works_once(cast: Cast, outbox: Outbox):
    person = make_account()
    invite(cast, cast.owner, person.email, "viewer")
    token = outbox.token
    accept(cast, person, token)
    with pytest.raises(InvitationGone):
        accept(cast, person, token)


def test_S3_a_link_works_in_its_tenant_only(cast: Cast, outbox: Outbox):
    person = make_account()
    invite(cast, cast.owner, person.email, "viewer")
    with scope.tenant(cast.globex.id), pytest.raises(InvitationGone):
        services.accept(account_id=person.account_id, emails_verified={person.email}, token=outbox.token)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../../etc", "\x00"])
def test_S3_made_up_links_find_nothing(cast: Cast, token: str):
    with pytest.raises(InvitationGone):
        accept(cast, cast.stranger, token)


def test_L4_sending_again_kills_the_earlier_link(cast: Cast, outbox: Outbox):
    person = make_account()
    invitation, old = invite(cast, cast.owner, person.email, "viewer"), outbox.token
    with scope.tenant(cast.acme.id):
        services.resend(actor=principal_of(cast.owner), invitation=invitation)
    assert outbox.token != old
    with pytest.raises(InvitationGone):
        accept(cast, person, old)
    accept(cast, person, outbox.token)


def test_S3_a_revoked_or_declined_link_is_dead(cast: Cast, outbox: Outbox):
    person = make_account()
    invitation = invite(cast, cast.owner, person.email, "viewer")
    with scope.tenant(cast.acme.id):
        services.revoke(actor=principal_of(cast.owner), invitation=invitation)
    with pytest.raises(InvitationGone):
        accept(cast, person, outbox.token)
    assert state(cast, invitation) == "revoked"
    second = invite(cast, cast.owner, person.email, "viewer")
    with scope.tenant(cast.acme.id):
        services.decline(token=outbox.token)
    with pytest.raises(InvitationGone):
        accept(cast, person, outbox.token)
    assert state(cast, second) == "declined"


def test_R20_an_expired_link_is_dead_though_no_job_ran(cast: Cast, outbox: Outbox):
    person = make_account()
    invitation = invite(cast, cast.owner, person.email, "viewer")
    with scope.tenant(cast.acme.id):
        Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert state(cast, invitation) == "expired"
    with pytest.raises(InvitationGone):
        accept(cast, person, outbox.token)
    again = invite(cast, cast.owner, person.email, "viewer")
    assert again.id != invitation.id


def test_S3_the_inviters_right_is_asked_again(cast: Cast, outbox: Outbox):
    """Demoted, suspended or removed after inviting: the invitation is worth what its sender is."""
    for undo in ("role", "suspend", "remove"):
        sender, person = make_member(cast.acme, roles=["admin"]), make_account()
        invite(cast, sender, person.email, "developer")
        with scope.tenant(cast.acme.id):
            owner = principal_of(cast.owner)
            if undo == "role":
                role_services.unassign_role(
                    actor=owner, assignment=role_selectors.assignments(sender.member.id).get()
                )
            elif undo == "suspend":
                members.suspend_member(actor=owner, member=sender.member)
            else:
                members.remove_member(actor=owner, member=sender.member)
        with pytest.raises(InvitationGone):
            accept(cast, person, outbox.token)
        with scope.tenant(cast.acme.id):
            assert selectors.member_by_account(person.account_id) is None


def test_S3_a_lesser_inviter_gives_no_more_than_they_have_left(cast: Cast, outbox: Outbox):
    sender, person = make_member(cast.acme, roles=["admin", "support"]), make_account()
    invite(cast, sender, person.email, "developer")
    with scope.tenant(cast.acme.id):
        row = role_selectors.assignments(sender.member.id).get(role__name="admin")
        role_services.unassign_role(actor=principal_of(cast.owner), assignment=row)
    with pytest.raises(InvitationGone):
        accept(cast, person, outbox.token)


def test_K2_a_keys_invitation_dies_with_the_key(cast: Cast, outbox: Outbox):
    """An invitation by an API key is worth what the key can still do: its own life and its maker's roles."""
    for kill in (False, True):
        person = make_account()
        with scope.tenant(cast.acme.id):
            maker = admin_principal(cast.acme, cast.owner)
            issued = key_services.issue_key(
                actor=maker, name="inviter", scopes=["invitations:write"], resource=resources.control_plane()
            )
        made = call(cast, "POST", "invitations", issued.secret, {"email": person.email})
        assert made.status_code == 201, made.content
        assert made.json()["invited_by"] == issued.key.public_id
        if not kill:
            assert accept(cast, person, outbox.token).state == "accepted"
            continue
        with scope.tenant(cast.acme.id):
            key_services.revoke_key(actor=maker, key=issued.key, reason="test")
        with pytest.raises(InvitationGone):
            accept(cast, person, outbox.token)


def test_A6_nobody_invites_above_themselves(cast: Cast, outbox: Outbox):
    sender = make_member(cast.acme, roles=["support"])
    for role in ("admin", "owner", "auditor"):
        with pytest.raises(Problem) as refused:
            invite(cast, sender, f"{unique('x')}@example.com", role)
        assert refused.value.status == 403
    assert outbox.sent == []


def test_S3_one_invitation_is_accepted_once_under_a_race(cast: Cast, outbox: Outbox):
    person = make_account()
    invite(cast, cast.owner, person.email, "viewer")
    token, start = outbox.token, Barrier(6)

    def run(_: int) -> bool:
        try:
            start.wait()
            accept(cast, person, token)
        except Problem:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(run, range(6))) == 1
    with scope.tenant(cast.acme.id):
        member = selectors.member_by_account(person.account_id)
        assert RoleAssignment.objects.filter(member=member).count() == 1


def test_T5_the_link_is_not_in_the_row(cast: Cast, outbox: Outbox):
    invitation = invite(cast, cast.owner, make_account().email, "viewer")
    with scope.tenant(cast.acme.id):
        row = Invitation.objects.filter(id=invitation.id).values().get()
    assert outbox.token not in str(row)


# --- the API ---------------------------------------------------------------------------------------------


def test_USR02_invitations_over_the_api(cast: Cast, admin: str, outbox: Outbox):
    with scope.tenant(cast.acme.id):
        viewer = role_selectors.built_in("viewer").public_id
    email = f"{unique('api')}@example.com"
    made = call(cast, "POST", "invitations", admin, {"email": email, "roles": [viewer], "expires_in": 3600})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["object"], body["state"], body["roles"]) == ("invitation", "pending", [viewer])
    assert outbox.token not in made.content.decode()
    assert call(cast, "POST", "invitations", admin, {"email": email}).json()["code"] == "invitation_pending"
    path = f"invitations/{body['id']}"
    assert call(cast, "GET", path, admin).json()["email"] == email
    rows = call(cast, "GET", f"invitations?state=pending&q={email[:14]}", admin).json()["data"]
    assert [row["id"] for row in rows] == [body["id"]]
    assert call(cast, "GET", f"invitations?state=expired&q={email[:14]}", admin).json()["data"] == []
    assert call(cast, "POST", f"{path}/delivery", admin).status_code == 200
    assert len(outbox.sent) == 2
    assert call(cast, "DELETE", path, admin).status_code == 204
    assert call(cast, "GET", path, admin).json()["state"] == "revoked"
    assert call(cast, "POST", f"{path}/delivery", admin).status_code == 410


def test_R5_an_invitation_needs_its_key_and_is_sent_once(cast: Cast, admin: str, outbox: Outbox):
    body = {"email": f"{unique('once')}@example.com"}
    path = f"/t/{cast.acme.slug}/v1/invitations"
    assert Browser().api("POST", path, admin, body).json()["code"] == "idempotency_key_missing"
    key = unique("key")
    first, second = (call(cast, "POST", "invitations", admin, body, Idempotency_Key=key) for _ in range(2))
    assert first.json() == second.json()
    assert len(outbox.sent) == 1


@pytest.mark.parametrize(
    "extra",
    [
        {"state": "accepted"},
        {"inviter": "sub_x"},
        {"token": "x"},
        {"roles": ["owner"]},
        {"expires_in": 5},
        {"email": "no"},
    ],
)
def test_S3_what_is_not_offered_cannot_be_written(
    cast: Cast, admin: str, outbox: Outbox, extra: dict[str, object]
):
    body = {"email": f"{unique('x')}@example.com", **extra}
    assert call(cast, "POST", "invitations", admin, body).status_code == 400
    assert outbox.sent == []


def test_existing_members_are_not_invited_again(cast: Cast, admin: str, outbox: Outbox):
    assert (
        call(cast, "POST", "invitations", admin, {"email": cast.member.email}).json()["code"]
        == "already_member"
    )


def test_TEN05_an_organization_invites_into_itself_and_sees_only_that(cast: Cast, admin: str, outbox: Outbox):
    person = make_member(cast.acme)
    ours, theirs = make_organization(cast.acme, people=[person]), make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        role_services.assign_role_as_system(
            member=person.member, role=role_selectors.built_in("admin"), organization=ours
        )
    token = access_token(person, organization=ours)
    hidden = call(cast, "POST", "invitations", admin, {"email": f"{unique('t')}@example.com"}).json()["id"]
    made = call(cast, "POST", "invitations", token, {"email": f"{unique('o')}@example.com"})
    assert made.status_code == 201, made.content
    assert made.json()["organization"] == ours.public_id
    assert [row["id"] for row in call(cast, "GET", "invitations", token).json()["data"]] == [
        made.json()["id"]
    ]
    assert call(cast, "GET", f"invitations/{hidden}", token).status_code == 404
    body = {"email": f"{unique('o')}@example.com", "organization": theirs.public_id}
    assert call(cast, "POST", "invitations", token, body).status_code in (403, 404)
    with scope.tenant(cast.acme.id):
        owner = role_selectors.built_in("owner").public_id
    body = {"email": f"{unique('o')}@example.com", "roles": [owner]}
    assert call(cast, "POST", "invitations", token, body).json()["code"] == "owner_required"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "invitations"),
        ("POST", "invitations"),
        ("GET", "invitations/{id}"),
        ("DELETE", "invitations/{id}"),
        ("POST", "invitations/{id}/delivery"),
    ],
)
def test_each_operation_refuses_who_may_not(cast: Cast, outbox: Outbox, method: str, path: str):
    invitation = invite(cast, cast.owner, f"{unique('x')}@example.com")
    address = path.format(id=invitation.public_id)
    body = {"email": f"{unique('y')}@example.com"} if path == "invitations" and method == "POST" else None
    answers = {
        "token_missing": "",
        "insufficient_scope": access_token(cast.owner, ["members:read"]),
        "tenant_mismatch": access_token(cast.other_owner),
        "insufficient_role": access_token(cast.member),
    }
    for code, token in answers.items():
        assert call(cast, method, address, token, body).json()["code"] == code
    if "{id}" in path:
        own = Browser().api(
            method,
            f"/t/{cast.globex.slug}/v1/{address}",
            access_token(cast.other_owner),
            body,
            Idempotency_Key="k",
        )
        assert own.json()["code"] == "not_found"
    assert state(cast, invitation) == "pending"


def test_an_admin_page_invites_by_the_same_rules(cast: Cast, outbox: Outbox):
    with scope.tenant(cast.acme.id):
        services.invite(actor=admin_principal(cast.acme, cast.owner), email=f"{unique('page')}@example.com")
    assert len(outbox.sent) == 1


def test_an_invitation_of_a_tenant_that_is_gone_is_gone(outbox: Outbox):
    tenant = make_tenant()
    assert Browser().get(f"/t/{tenant.slug}/invitation?token=x").status_code == 410
    assert Browser().get("/t/nowhere-at-all/invitation?token=x").status_code == 404
    assert Browser().get("/invitation?token=x").status_code == 404
