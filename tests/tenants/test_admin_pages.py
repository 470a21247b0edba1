"""The dashboard's pages of members, organizations, roles, invitations and settings, behind the real frame."""

from __future__ import annotations

import pytest

from core import scope
from invitations.models import Invitation
from organizations.models import Membership, Organization
from roles import authority, selectors
from roles.models import ApiResource, Role
from tenants import members
from tenants.models import Member, Tenant
from tests.factories import (
    Browser,
    Cast,
    Person,
    csrf_of,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    unique,
)
from tests.factories.hosted import at_home
from tests.factories.people import give_role


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def at_work(person: Person) -> Browser:
    return at_home(person)


@pytest.fixture(scope="module")
def admin(cast: Cast) -> Browser:
    return at_work(make_member(cast.acme, roles=["admin"]))


@pytest.fixture(scope="module")
def owner(cast: Cast) -> Browser:
    return at_work(cast.owner)


def url(cast: Cast, path: str) -> str:
    return f"/dashboard/{cast.acme.slug}/{path}"


def send(browser: Browser, cast: Cast, page: str, path: str, data: dict[str, object] | None = None):
    """Post to `path` with the CSRF token of `page`."""
    shown = browser.get(url(cast, page))
    assert shown.status_code == 200, shown.content.decode()[:2000]
    return browser.post(url(cast, path), {"csrfmiddlewaretoken": csrf_of(shown), **(data or {})})


PAGES = [
    "members",
    "members/new",
    "members/{member}",
    "members/{member}/sessions",
    "members/{member}/claims",
    "members/{member}/roles",
    "members/{member}/organizations",
    "organizations",
    "organizations/new",
    "organizations/{organization}",
    "organizations/{organization}/sign-in",
    "organizations/{organization}/branding",
    "organizations/{organization}/members",
    "invitations",
    "invitations/new",
    "roles",
    "roles/matrix",
    "roles/new",
    "roles/{role}",
    "api-resources",
    "api-resources/new",
    "api-resources/{resource}",
    "api-resources/{resource}/settings",
    "api-resources/{resource}/claims",
    "settings/signing-keys",
    "settings",
    "settings/policy",
    "settings/protection",
]


def fill(cast: Cast, path: str) -> str:
    with scope.tenant(cast.acme.id):
        organization = Organization.objects.first()
        if organization is None:
            organization = Organization.objects.create(name="One", name_search="one", slug=unique("one"))
            Membership.objects.create(organization=organization, member=cast.member.member)
        return path.format(
            member=cast.member.subject,
            organization=organization.public_id,
            role=selectors.built_in("viewer").public_id,
            resource=ApiResource.objects.first().public_id,
        )


@pytest.mark.parametrize("path", PAGES)
def test_each_page_renders(cast: Cast, admin: Browser, path: str):
    answer = admin.get(url(cast, fill(cast, path)))
    assert answer.status_code == 200, answer.content.decode()[:3000]
    assert "<h1" in answer.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_A1_each_page_hides_from_those_who_do_not_administer(
    cast: Cast, path: str, strangers: dict[str, Browser]
):
    for who, browser in strangers.items():
        answer = browser.get(url(cast, fill(cast, path)))
        assert answer.status_code in ((302,) if who == "anonymous" else (404,)), who


@pytest.fixture(scope="module")
def strangers(cast: Cast) -> dict[str, Browser]:
    people = {"stranger": cast.stranger, "other tenant": cast.other_owner, "plain member": cast.member}
    return {"anonymous": Browser()} | {name: at_work(person) for name, person in people.items()}


def test_a_viewer_reads_but_gets_no_page_that_changes(cast: Cast):
    browser = at_work(make_member(cast.acme, roles=["viewer"]))
    assert browser.get(url(cast, "members")).status_code == 200
    for path in ("members/new", "organizations/new", "invitations/new", "roles/new"):
        assert browser.get(url(cast, path)).status_code == 403
    page = browser.get(url(cast, f"members/{cast.member.subject}")).content.decode()
    assert "Danger zone" not in page
    refused = send(browser, cast, "members", f"members/{cast.member.subject}/suspension", {"reason": "x"})
    assert refused.status_code == 403


def test_a_member_is_found_edited_suspended_and_freed(cast: Cast, admin: Browser):
    person = make_member(cast.acme, name=f"{unique('Wanda')} W")
    page = f"members/{person.subject}"
    assert person.subject in admin.get(url(cast, "members?q=wanda")).content.decode()
    assert send(admin, cast, page, page, {"name": "Wanda New", "locale": "de"}).status_code == 303
    assert send(admin, cast, page, f"{page}/suspension", {"reason": "left"}).status_code == 303
    with scope.tenant(cast.acme.id):
        row = Member.objects.get(id=person.member.id)
        assert (row.name, row.locale, row.status, row.suspended_reason) == (
            "Wanda New",
            "de",
            "suspended",
            "left",
        )
    assert send(admin, cast, page, f"{page}/suspension", {"lift": "1"}).status_code == 303
    assert send(admin, cast, page, f"{page}/logout", {"reason": "lost"}).status_code == 303
    wrong = send(admin, cast, page, f"{page}/removal", {"confirm": "no", "reason": "x"})
    assert wrong.status_code == 422
    assert (
        send(admin, cast, page, f"{page}/removal", {"confirm": person.email, "reason": "x"}).status_code
        == 303
    )
    with scope.tenant(cast.acme.id):
        assert Member.objects.get(id=person.member.id).status == "removed"
    assert admin.get(url(cast, page)).status_code == 404


def test_S6_the_page_says_why_the_last_owner_stays(cast: Cast, owner: Browser):
    with scope.tenant(cast.acme.id):
        row = selectors.assignments(cast.owner.member.id).get()
    page = f"members/{cast.owner.subject}/roles"
    send(owner, cast, page, f"{page}/{row.public_id}/removal")
    assert "The last owner must stay" in owner.get(url(cast, page)).content.decode()
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(cast.owner.member.id) == ("owner",)


def test_A6_a_page_gives_no_more_than_its_viewer_has(cast: Cast, admin: Browser):
    person = make_member(cast.acme)
    page = f"members/{person.subject}/roles"
    with scope.tenant(cast.acme.id):
        owner_role, support = selectors.built_in("owner").public_id, selectors.built_in("support").public_id
    refused = send(admin, cast, page, page, {"role": owner_role})
    assert refused.status_code == 422
    assert "Only an owner decides about owners" in refused.content.decode()
    assert send(admin, cast, page, page, {"role": support}).status_code == 303
    with scope.tenant(cast.acme.id):
        assert authority.roles_of(person.member.id) == ("support",)


def test_a_members_claims_are_written_and_taken_away(cast: Cast, admin: Browser):
    person = make_member(cast.acme)
    page = f"members/{person.subject}/claims"
    given = {
        "given_name": "Mia",
        "zoneinfo": "Europe/Zurich",
        "phone_number": "+41445551234",
        "phone_number_verified": "on",
        "address_locality": "Bern",
    }
    assert send(admin, cast, page, page, given).status_code == 303
    with scope.tenant(cast.acme.id):
        person.member.refresh_from_db()
    assert person.member.profile == {
        "given_name": "Mia",
        "zoneinfo": "Europe/Zurich",
        "phone_number": "+41445551234",
        "phone_number_verified": True,
        "address": {"locality": "Bern"},
    }
    for name, wrong in (
        ("zoneinfo", "Mars/Olympus"),
        ("phone_number", "0445"),
        ("picture", "http://x.example"),
    ):
        refused = send(admin, cast, page, page, {**given, name: wrong})
        assert refused.status_code == 422
        assert f'href="#id_{name}"' in refused.content.decode()
    assert send(admin, cast, page, page, {"given_name": "Mia"}).status_code == 303
    with scope.tenant(cast.acme.id):
        person.member.refresh_from_db()
    assert person.member.profile == {"given_name": "Mia"}
    viewer = at_work(make_member(cast.acme, roles=["viewer"]))
    shown = viewer.get(url(cast, page))
    assert "Mia" in shown.content.decode()
    assert "<textarea" not in shown.content.decode()
    viewer.post(
        url(cast, page), {"csrfmiddlewaretoken": csrf_of(viewer.get("/account/")), "given_name": "Eve"}
    )
    assert "Eve" not in viewer.get(url(cast, page)).content.decode()


def test_a_custom_role_is_made_changed_and_deleted(cast: Cast, admin: Browser):
    name = unique("Custom")
    given = {"name": name, "permissions": ["members:read"], "required_factor": "second_factor"}
    made = send(admin, cast, "roles/new", "roles/new", given)
    assert made.status_code == 303
    with scope.tenant(cast.acme.id):
        role = Role.objects.get(name=name)
    page = f"roles/{role.public_id}"
    assert "With a second factor" in admin.get(url(cast, page)).content.decode()
    changed = {**given, "permissions": ["roles:read"], "required_factor": "passkey"}
    assert send(admin, cast, page, page, changed).status_code == 303
    assert send(admin, cast, page, page, {**changed, "required_factor": "retina"}).status_code == 422
    with scope.tenant(cast.acme.id):
        role.refresh_from_db()
    assert (role.permissions, role.required_factor) == (["roles:read"], "passkey")
    assert send(admin, cast, page, f"{page}/deletion", {"confirm": name, "reason": "x"}).status_code == 303
    with scope.tenant(cast.acme.id):
        assert not Role.objects.filter(id=role.id).exists()


def test_an_organization_is_made_filled_and_ended(cast: Cast, admin: Browser):
    name, person = unique("Org"), make_member(cast.acme)
    made = send(admin, cast, "organizations/new", "organizations/new", {"name": name})
    assert made.status_code == 303, made.content.decode()[:2000]
    with scope.tenant(cast.acme.id):
        organization = Organization.objects.get(name=name)
    page = f"organizations/{organization.public_id}"
    added = send(admin, cast, f"{page}/members", f"{page}/members", {"member": person.email})
    assert added.status_code == 303
    assert person.email in admin.get(url(cast, f"{page}/members")).content.decode()
    assert send(admin, cast, page, f"{page}/suspension", {"reason": "unpaid"}).status_code == 303
    assert send(admin, cast, page, f"{page}/suspension", {"lift": "1"}).status_code == 303
    removed = send(admin, cast, f"{page}/members", f"{page}/members/{person.subject}/removal")
    assert removed.status_code == 303
    assert send(admin, cast, page, f"{page}/deletion", {"confirm": name, "reason": "x"}).status_code == 303
    assert admin.get(url(cast, page)).status_code == 404


def test_TEN05_an_organizations_administrator_sees_that_one_only(cast: Cast):
    person = make_member(cast.acme, name="Only Mine")
    ours, theirs = make_organization(cast.acme, people=[person]), make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        give_role(person.member, "admin", ours)
    browser = at_work(person)
    page = browser.get(url(cast, "organizations")).content.decode()
    assert ours.public_id in page
    assert theirs.public_id not in page
    assert browser.get(url(cast, f"organizations/{theirs.public_id}")).status_code == 404
    assert browser.get(url(cast, f"members/{cast.owner.subject}")).status_code == 404
    assert browser.get(url(cast, "settings")).status_code == 403
    assert browser.get(url(cast, "organizations/new")).status_code in (200, 403)
    refused = send(browser, cast, "organizations/new", "organizations/new", {"name": "Mine"})
    assert refused.status_code == 422
    assert (
        send(
            browser, cast, "invitations/new", "invitations/new", {"email": f"{unique('o')}@example.com"}
        ).status_code
        == 303
    )
    with scope.tenant(cast.acme.id):
        assert Invitation.objects.filter(organization=ours).count() == 1


def test_USR02_an_invitation_is_sent_again_and_revoked(cast: Cast, admin: Browser):
    email = f"{unique('page')}@example.com"
    with scope.tenant(cast.acme.id):
        viewer = selectors.built_in("viewer").public_id
    sent = send(admin, cast, "invitations/new", "invitations/new", {"email": email, "roles": [viewer]})
    assert sent.status_code == 303, sent.content.decode()[:2000]
    with scope.tenant(cast.acme.id):
        invitation = Invitation.objects.get(email=email)
    page = f"invitations/{invitation.public_id}"
    assert admin.get(url(cast, page)).status_code == 200
    assert send(admin, cast, page, f"{page}/delivery").status_code == 303
    assert send(admin, cast, page, f"{page}/revocation").status_code == 303
    with scope.tenant(cast.acme.id):
        again = Invitation.objects.get(id=invitation.id)
    assert (again.state, again.sent_count) == ("revoked", 2)
    assert again.token_fingerprint != invitation.token_fingerprint


def test_an_api_resource_is_made_with_scopes_and_deleted(cast: Cast, admin: Browser):
    name = unique("API")
    body = {"name": name, "audience": f"https://{unique('x')}.example.com"}
    assert send(admin, cast, "api-resources/new", "api-resources/new", body).status_code == 303
    with scope.tenant(cast.acme.id):
        resource = ApiResource.objects.get(name=name)
    page = f"api-resources/{resource.public_id}"
    assert send(admin, cast, page, page, {"value": "read:things"}).status_code == 303
    assert send(admin, cast, page, page, {"value": "two words"}).status_code == 422
    with scope.tenant(cast.acme.id):
        scope_id = selectors.scopes_of(resource).get().public_id
    assert send(admin, cast, page, f"{page}/scopes/{scope_id}/deletion").status_code == 303
    assert send(admin, cast, page, f"{page}/deletion", {"confirm": name, "reason": "x"}).status_code == 303
    assert admin.get(url(cast, page)).status_code == 404


def test_settings_and_policy_are_changed_with_a_reason(cast: Cast, admin: Browser):
    body = {"name": "Acme New", "support_email": "help@example.com"}
    assert send(admin, cast, "settings", "settings", body).status_code == 303
    policy = {
        "sign_up": "domain",
        "sign_up_domains": "Example.com\nexample.org",
        "sign_in_methods": ["password", "passkey"],
        "password_min_length": 16,
        "session_idle": 30,
        "session_idle_cap": 120,
        "session_absolute": 24,
        "session_remember": 14,
        "client_documents": "auto",
        "access_token_lifetime": 10,
        "access_token_lifetime_max": 60,
        "id_token_lifetime": 60,
        "id_token_lifetime_max": 60,
        "refresh_lifetime": 30,
        "refresh_lifetime_max": 90,
        "key_token_lifetime": 60,
        "key_max_lifetime": 0,
        "signing_key_days": 30,
        "member_factor": "any",
        "trusted_browser_days": "30",
    }
    assert send(admin, cast, "settings/policy", "settings/policy", policy).status_code == 422
    changed = send(admin, cast, "settings/policy", "settings/policy", {**policy, "reason": "audit finding 7"})
    assert changed.status_code == 303, changed.content.decode()[:2000]
    for wrong in ({"session_idle": 121}, {"id_token_lifetime_max": 59}, {"signing_key_days": -1}):
        given = {**policy, **wrong, "reason": "wrong"}
        refused = send(admin, cast, "settings/policy", "settings/policy", given)
        assert refused.status_code == 422
        assert f'href="#id_{next(iter(wrong))}' in refused.content.decode()
    with scope.tenant(cast.acme.id):
        row = Tenant.objects.get(id=cast.acme.id)
    assert (row.policy["signing_key_days"], row.policy["session_remember"]) == (30, 14 * 86_400)
    assert (row.policy["session_idle_cap"], row.policy["key_max_lifetime"]) == (7200, 0)
    assert row.support_email == "help@example.com"
    assert row.policy["sign_up_domains"] == ["example.com", "example.org"]
    assert (row.policy["session_idle"], row.policy["access_token_lifetime"]) == (1800, 600)


def test_B1_a_form_without_its_token_is_refused(cast: Cast, admin: Browser):
    answer = admin.post(url(cast, f"members/{cast.member.subject}/suspension"), {"reason": "x"})
    assert answer.status_code == 403
    assert admin.get(url(cast, f"members/{cast.member.subject}/suspension")).status_code == 405


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
def test_B3_names_are_shown_as_text(cast: Cast, admin: Browser, name: str):
    person = make_member(cast.acme, name=name)
    for path in ("members", f"members/{person.subject}", f"members/{person.subject}/roles"):
        page = admin.get(url(cast, path)).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize("section", ["members", "organizations", "roles", "invitations"])
@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ED%A0%80", "after=x&before=%00", "status=%00&role=%00", "q=" + "x" * 3000]
)
def test_P1_hostile_filters_do_no_harm(cast: Cast, admin: Browser, section: str, query: str):
    assert admin.get(url(cast, f"{section}?{query}")).status_code == 200


def test_lists_are_narrowed_by_organization_name_and_status(cast: Cast, admin: Browser):
    ann, bob = (make_member(cast.acme, name=name) for name in ("Ann Alpha", "Bob Beta"))
    ours, empty = make_organization(cast.acme, people=[ann, bob]), make_organization(cast.acme)
    name = unique("Ours")
    with scope.tenant(cast.acme.id):
        Role.objects.create(name=name, organization=ours, permissions=["members:read"])
        members.suspend_member(actor=make_principal(cast.acme), member=bob.member)
    people = f"organizations/{ours.public_id}/members"
    for query, shown, hidden in (("?q=ann", ann, bob), ("?status=suspended", bob, ann)):
        page = admin.get(url(cast, people + query)).content.decode()
        assert shown.email in page
        assert hidden.email not in page
    assert "No member matches" in admin.get(url(cast, f"{people}?q=zzz")).content.decode()
    none = admin.get(url(cast, f"organizations/{empty.public_id}/members")).content.decode()
    assert "Nobody belongs to it yet" in none
    invited = f"{unique('guest')}@example.com"
    given = {"email": invited, "organization": ours.public_id}
    assert send(admin, cast, "invitations/new", "invitations/new", given).status_code == 303
    for place, seen in ((ours.public_id, True), (empty.public_id, False), ("org_nonsense", False)):
        roles_page = admin.get(url(cast, f"roles?organization={place}")).content.decode()
        sent = admin.get(url(cast, f"invitations?organization={place}")).content.decode()
        assert ((name in roles_page), (invited in sent)) == (seen, seen)
    assert name not in admin.get(url(cast, "roles?organization=tenant")).content.decode()
