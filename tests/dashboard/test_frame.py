"""The dashboard's frame: who gets in, how far they see, and what a stranger is told."""

from __future__ import annotations

import re

import pytest

from core import scope
from roles.models import Role
from roles.services import assign_role_as_system
from tenants import members, selectors
from tests.factories import (
    Browser,
    Cast,
    Person,
    make_member,
    make_organization,
    make_principal,
    unique,
)
from tests.factories.factors import enrol_app
from tests.factories.hosted import at_home


def signed_in(person: Person) -> Browser:
    """Return a browser with a session of the account's own."""
    return at_home(person)


def test_an_administrator_sees_the_tenant_and_its_sections(cast: Cast) -> None:
    page = signed_in(cast.owner).get(f"/dashboard/{cast.acme.slug}/")
    assert page.status_code == 200
    html = page.content.decode()
    for section in ("members", "applications", "api-keys", "webhooks", "audit", "settings"):
        assert f"/dashboard/{cast.acme.slug}/{section}" in html


def test_somebody_not_signed_in_is_sent_to_sign_in_and_back(cast: Cast) -> None:
    answer = Browser().get(f"/dashboard/{cast.acme.slug}/members?status=active")
    assert answer.status_code == 302
    assert (
        answer.headers["Location"]
        == f"/sign-in?next=%2Fdashboard%2F{cast.acme.slug}%2Fmembers%3Fstatus%3Dactive"
    )


@pytest.mark.parametrize("who", ["stranger", "member", "other_owner"])
def test_A1_who_has_no_role_here_is_told_what_a_missing_tenant_tells(cast: Cast, who: str) -> None:
    browser = signed_in(getattr(cast, who))
    hidden = browser.get(f"/dashboard/{cast.acme.slug}/")
    missing = browser.get(f"/dashboard/{unique('nowhere')}/")
    assert hidden.status_code == missing.status_code == 404
    assert without_request_id(hidden) == without_request_id(missing)


def without_request_id(page: object) -> str:
    return re.sub(r"req_\w+|csrf\w*", "", page.content.decode())  # type: ignore[attr-defined]


def test_a_suspended_administrator_is_refused(cast: Cast) -> None:
    admin = make_member(cast.acme, roles=["admin"])
    browser = signed_in(admin)
    assert browser.get(f"/dashboard/{cast.acme.slug}/").status_code == 200
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=make_principal(cast.acme), member=admin.member)
    assert browser.get(f"/dashboard/{cast.acme.slug}/").status_code == 403


def test_SES05_force_logout_asks_for_a_fresh_sign_in_here_and_nowhere_else(cast: Cast) -> None:
    admin = make_member(cast.acme, roles=["admin"])
    browser = signed_in(admin)
    with scope.tenant(cast.acme.id):
        members.force_logout(actor=make_principal(cast.acme), member=selectors.member(admin.member.id))
    assert browser.get(f"/dashboard/{cast.acme.slug}/").headers["Location"].startswith("/sign-in")
    assert browser.get("/account/").status_code == 200


def test_a_viewer_reads_and_is_refused_where_writing_begins(cast: Cast) -> None:
    browser = signed_in(make_member(cast.acme, roles=["viewer"]))
    base = f"/dashboard/{cast.acme.slug}"
    assert browser.get(f"{base}/members").status_code == 200
    assert browser.get(f"{base}/members/new").status_code == 403
    assert browser.get(f"{base}/audit").status_code == 403
    assert f"{base}/audit" not in browser.get(f"{base}/").content.decode()


def test_TEN05_an_organizations_administrator_sees_their_organization_only(cast: Cast) -> None:
    admin = make_member(cast.acme)
    mine = make_organization(cast.acme, "Mine Ltd", people=[admin])
    make_organization(cast.acme, "Theirs Ltd", people=[cast.member])
    with scope.tenant(cast.acme.id):
        role = Role.objects.get(name="admin", organization=None)
        assign_role_as_system(member=admin.member, role=role, organization=mine)
    browser = signed_in(admin)
    listed = browser.get(f"/dashboard/{cast.acme.slug}/organizations").content.decode()
    assert "Mine Ltd" in listed
    assert "Theirs Ltd" not in listed
    people = browser.get(f"/dashboard/{cast.acme.slug}/members").content.decode()
    assert admin.email in people
    assert cast.owner.email not in people
    assert browser.get(f"/dashboard/{cast.acme.slug}/webhooks").status_code == 403


def test_TEN01_a_person_creates_a_tenant_and_owns_it(cast: Cast) -> None:
    browser, slug = signed_in(cast.stranger), unique("fresh")
    page = browser.get("/dashboard/new")
    form = {"name": "Fresh Co", "slug": slug, "mode": "test", "support_email": "help@fresh.example"}
    made = browser.submit(page, form, to="/dashboard/new")
    assert (made.status_code, made.headers["Location"]) == (302, f"/dashboard/{slug}/")
    page = browser.follow(browser.get(f"/dashboard/{slug}/"))  # its administrators need a second factor
    assert "Protect your account" in page.content.decode()
    assert enrol_app(browser).status_code == 200
    overview = browser.get(f"/dashboard/{slug}/")
    assert "Fresh Co" in overview.content.decode()
    assert "Have two administrators" in overview.content.decode()


@pytest.mark.parametrize("slug", ["Bad Slug", "a", "admin", "x--y", "-lead"])
def test_TEN01_a_bad_slug_is_explained_beside_its_field(cast: Cast, slug: str) -> None:
    browser = signed_in(cast.stranger)
    refused = browser.submit(
        browser.get("/dashboard/new"), {"name": "X", "slug": slug, "mode": "test"}, to="/dashboard/new"
    )
    assert refused.status_code == 422
    assert 'id="id_slug_error"' in refused.content.decode() or "aria-invalid" in refused.content.decode()


def test_TEN01_a_taken_slug_is_refused(cast: Cast) -> None:
    browser = signed_in(cast.stranger)
    form = {"name": "X", "slug": cast.acme.slug, "mode": "test"}
    assert browser.submit(browser.get("/dashboard/new"), form, to="/dashboard/new").status_code == 422


def test_search_finds_people_and_pages_of_this_tenant_only(cast: Cast) -> None:
    browser = signed_in(cast.owner)
    found = browser.get(f"/dashboard/{cast.acme.slug}/search.json?q={cast.member.email[:12]}").json()
    assert cast.member.email in str(found)
    other = browser.get(f"/dashboard/{cast.acme.slug}/search.json?q={cast.other_member.email[:12]}").json()
    assert cast.other_member.email not in str(other)
    for address in ("search.json", "search"):
        assert browser.get(f"/dashboard/{cast.acme.slug}/{address}?q=%00").status_code == 200
    assert "api-keys" in str(browser.get(f"/dashboard/{cast.acme.slug}/search.json?q=api").json())


def test_B1_a_change_without_the_token_is_refused(cast: Cast) -> None:
    browser = signed_in(cast.stranger)
    assert (
        browser.post("/dashboard/new", {"name": "X", "slug": unique("x"), "mode": "test"}).status_code == 403
    )


def test_B2_B4_every_page_forbids_framing_caching_and_referrers(cast: Cast) -> None:
    answer = signed_in(cast.owner).get(f"/dashboard/{cast.acme.slug}/members")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
