"""Several members at once from the dashboard's list, and the list as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from core import scope
from events.models import Event
from roles import authority
from roles import selectors as roles
from tenants.models import Member
from tests.factories import Browser, Cast, Person, csrf_of, make_cast, make_member
from tests.tenants.test_admin_pages import at_work


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> Browser:
    return at_work(make_member(cast.acme, roles=["admin"]))


def post(browser: Browser, cast: Cast, act: str, people: list[str], **more: str) -> Any:
    base = f"/dashboard/{cast.acme.slug}/members"
    token = csrf_of(browser.get(base))
    data = {"csrfmiddlewaretoken": token, "act": act, "member": people, **more}
    return browser.post(f"{base}/bulk", data)


def status(person: Person) -> str:
    with scope.tenant(person.tenant.id):
        return Member.objects.get(subject=person.subject).status


def test_the_number_is_named_before_anything_happens(cast: Cast, admin: Browser) -> None:
    people = [make_member(cast.acme) for _ in range(3)]
    asked = post(admin, cast, "suspend", [person.subject for person in people])
    assert asked.status_code == 200
    assert "3 members are chosen" in asked.content.decode()
    assert {status(person) for person in people} == {"active"}
    done = post(admin, cast, "suspend", [person.subject for person in people], confirmed="1", reason="left")
    assert done.status_code == 303
    assert {status(person) for person in people} == {"suspended"}
    assert "Done for 3 members" in admin.get(done.headers["Location"]).content.decode()
    post(admin, cast, "reactivate", [people[0].subject], confirmed="1", reason="back")
    assert [status(person) for person in people] == ["active", "suspended", "suspended"]


def test_one_refusal_stops_nobody_else(cast: Cast, admin: Browser) -> None:
    person = make_member(cast.acme)
    done = post(admin, cast, "suspend", [cast.owner.subject, person.subject], confirmed="1", reason="sweep")
    told = admin.get(done.headers["Location"]).content.decode()
    assert "Done for 1 member." in told
    assert cast.owner.email in told
    assert status(cast.owner) == "active"
    assert status(person) == "suspended"


def test_a_role_is_given_to_several_and_never_beyond_ones_own(cast: Cast, admin: Browser) -> None:
    people = [make_member(cast.acme) for _ in range(2)]
    with scope.tenant(cast.acme.id):
        viewer, owner = roles.built_in("viewer").public_id, roles.built_in("owner").public_id
    for value in (viewer, owner, "role_nonsense"):
        subjects = [person.subject for person in people]
        post(admin, cast, "role", subjects, confirmed="1", reason="x", value=value)
    with scope.tenant(cast.acme.id):
        assert {authority.roles_of(person.member.id) for person in people} == {("viewer",)}


def test_A1_members_of_another_tenant_cannot_be_chosen(cast: Cast, admin: Browser) -> None:
    done = post(admin, cast, "suspend", [cast.other_member.subject], confirmed="1", reason="x")
    assert "Tick the members first" in admin.get(done.headers["Location"]).content.decode()
    assert status(cast.other_member) == "active"


def test_A6_a_viewer_is_offered_nothing_and_refused(cast: Cast) -> None:
    browser = at_work(make_member(cast.acme, roles=["viewer"]))
    person = make_member(cast.acme)
    page = browser.get(f"/dashboard/{cast.acme.slug}/members").content.decode()
    assert 'name="member"' not in page
    refused = post(browser, cast, "suspend", [person.subject], confirmed="1", reason="x")
    assert refused.status_code == 403
    assert status(person) == "active"


def test_an_unknown_act_and_a_get_do_nothing(cast: Cast, admin: Browser) -> None:
    assert post(admin, cast, "delete", [cast.member.subject]).status_code == 404
    assert admin.get(f"/dashboard/{cast.acme.slug}/members/bulk").status_code == 405


def test_the_list_is_exported_as_it_is_narrowed_and_recorded(cast: Cast, admin: Browser) -> None:
    named = make_member(cast.acme, name="=HYPERLINK(1)")
    base = f"/dashboard/{cast.acme.slug}/members"
    token = csrf_of(admin.get(base))
    answer = admin.post(f"{base}/export?q={named.email}", {"csrfmiddlewaretoken": token})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "no-store" in answer.headers["Cache-Control"]
    [row] = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert (row["subject"], row["email"]) == (named.subject, named.email)
    assert row["name"] == "'=HYPERLINK(1)"
    whole = admin.post(f"{base}/export", {"csrfmiddlewaretoken": token}).content.decode()
    assert cast.member.email in whole
    assert cast.other_member.email not in whole
    with scope.tenant(cast.acme.id):
        assert Event.objects.filter(type="user.list.exported").count() == 2
