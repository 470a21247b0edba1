"""The dashboard's tab of domains, for the tenant's administrators and the organization's own (ORG-04, ORG-05)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core import scope
from events.models import Event
from organizations.models import Organization, OrganizationDomain
from organizations.services import add_member_as_system
from roles.models import Role
from tests.dashboard.test_frame import signed_in
from tests.factories import (
    Browser,
    Cast,
    Person,
    access_token,
    make_cast,
    make_member,
    make_organization,
    unique,
)
from tests.factories.people import give_role
from tests.organizations.answers import Answers, run_jobs, told
from tests.organizations.test_domain_lookup import claim


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _answers() -> Iterator[None]:
    with told():
        yield


def at(cast: Cast, organization: Organization, below: str = "") -> str:
    return f"/dashboard/{cast.acme.slug}/organizations/{organization.public_id}/domains{below}"


def own_administrator(cast: Cast, organization: Organization, role: str = "admin") -> Person:
    person = make_member(cast.acme)
    with scope.tenant(cast.acme.id):
        add_member_as_system(organization=organization, member=person.member)
        give_role(person.member, role, organization)
    return person


def of(cast: Cast, organization: Organization) -> OrganizationDomain:
    with scope.tenant(cast.acme.id):
        return OrganizationDomain.objects.get(organization=organization)


def html(page: Any) -> str:
    assert page.status_code == 200, page.status_code
    return page.content.decode()


@pytest.mark.parametrize("whose", ["the tenant's", "its own"])
def test_ORG04_an_administrator_names_proves_opens_and_removes_a_domain(cast: Cast, whose: str):
    organization = make_organization(cast.acme)
    person = cast.owner if whose == "the tenant's" else own_administrator(cast, organization)
    browser, listed, domain = signed_in(person), at(cast, organization), f"{unique('d')}.example"
    empty = browser.get(listed)
    assert "No domain yet" in html(empty)
    named = browser.follow(browser.submit(empty, {"domain": domain.upper()}, to=listed))
    row = of(cast, organization)
    page, name = at(cast, organization, f"/{row.public_id}"), f"_claviger-challenge.{domain}"
    shown = html(named)
    for text in (
        name,
        f"claviger-domain-verification={row.challenge}",
        "Waiting for proof",
        "Not looked for yet",
    ):
        assert text in shown
    browser.submit(named, to=f"{page}/check")
    run_jobs()
    assert "There is no such record." in html(browser.get(page))
    Answers.records[name] = [f"claviger-domain-verification={row.challenge}"]
    browser.submit(named, to=f"{page}/check")
    run_jobs()
    proved = browser.get(page)
    assert "Proved by the record" in html(proved)
    with scope.tenant(cast.acme.id):
        viewer = Role.objects.get(name="viewer", organization=None)
    opened = {"auto_join": "on", "auto_join_role": viewer.public_id}
    assert browser.submit(proved, opened, to=page).status_code == 303
    row = of(cast, organization)
    assert (row.state, row.auto_join) == ("verified", True)
    assert row.auto_join_role_id == viewer.id
    organizations = f"/dashboard/{cast.acme.slug}/organizations?q={organization.slug}"
    assert f">{domain}</td>" in html(browser.get(organizations))
    assert domain in html(browser.get(f"{listed}?state=verified&q={domain[:4]}"))
    assert "No domain matches" in html(browser.get(f"{listed}?state=failed"))
    unsure = browser.submit(proved, {"confirm": "no", "reason": "x"}, to=f"{page}/removal")
    assert unsure.status_code == 422
    gone = browser.submit(proved, {"confirm": domain, "reason": "sold"}, to=f"{page}/removal")
    assert gone.status_code == 303
    with scope.tenant(cast.acme.id):
        assert not OrganizationDomain.objects.filter(organization=organization).exists()
        last = Event.objects.filter(object_id=row.public_id).order_by("-id").first()
        assert last is not None
        assert last.type == "organization.domain.removed"


def test_S1_what_is_refused_is_explained_at_the_field(cast: Cast):
    organization = make_organization(cast.acme)
    row = claim(organization, f"{unique('d')}.example")
    browser = signed_in(cast.owner)
    page = browser.get(at(cast, organization))
    for domain, said in (("gmail.com", "Everybody can have an address"), ("co.uk", "public suffix")):
        refused = browser.submit(page, {"domain": domain}, to=at(cast, organization))
        assert refused.status_code == 422
        assert said in refused.content.decode()
    twice = browser.submit(page, {"domain": row.domain}, to=at(cast, organization))
    assert "has named this domain already" in twice.content.decode()
    with scope.tenant(cast.acme.id):
        admin = Role.objects.get(name="admin", organization=None).public_id
    path = at(cast, organization, f"/{row.public_id}")
    assert browser.submit(page, {"auto_join_role": admin}, to=path).status_code == 422


def test_A1_who_may_only_look_changes_nothing_and_others_see_nothing(cast: Cast):
    organization, other = make_organization(cast.acme), make_organization(cast.acme)
    row, foreign = (claim(one, f"{unique('d')}.example") for one in (organization, other))
    looker = signed_in(own_administrator(cast, organization, "viewer"))
    path = at(cast, organization, f"/{row.public_id}")
    assert "Nobody joins by this domain" in html(looker.get(path))
    page = looker.get(at(cast, organization))
    assert "Name a domain" not in html(page)
    tries = [
        (at(cast, organization), {"domain": "a.example"}),
        (path, {"auto_join": "on"}),
        (f"{path}/check", {}),
        (f"{path}/removal", {"confirm": row.domain, "reason": "x"}),
    ]
    assert [looker.submit(page, body, to=to).status_code for to, body in tries] == [422, 422, 403, 403]
    assert looker.get(at(cast, organization, f"/{foreign.public_id}")).status_code == 404
    assert signed_in(cast.other_owner).get(path).status_code == 404
    assert Browser().get(path).status_code in (302, 303)
    token = access_token(cast.owner)  # the rows are as they were
    kept = (
        Browser()
        .api("GET", f"/t/{cast.acme.slug}/v1/organizations/{organization.public_id}/domains", token)
        .json()["data"]
    )
    assert [(one["id"], one["auto_join"]) for one in kept] == [(row.public_id, False)]
