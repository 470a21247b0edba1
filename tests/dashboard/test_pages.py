"""Every page of the dashboard, for its administrator, the other tenant's, and hostile names (A1, B3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLPattern

from dashboard.urls import urlpatterns
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, make_cast, make_organization

PAYLOAD = "<img src=x onerror=alert(1)>"
SIMPLE = [
    str(pattern.pattern)
    for pattern in urlpatterns
    if isinstance(pattern, URLPattern) and str(pattern.pattern).count("<") == 1
]
POSTED = {
    f"dashboard/<slug:slug>/{path}"
    for path in ("audit/export", "members/bulk", "members/export", "settings/signing-keys/rotation")
}


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def owner(people: Cast) -> Browser:
    return signed_in(people.owner)


@pytest.fixture(scope="module")
def other(people: Cast) -> Browser:
    return signed_in(people.other_owner)


@pytest.mark.parametrize("route", sorted(set(SIMPLE) - POSTED))
def test_A1_a_page_opens_for_its_administrator_and_for_no_other_tenants(
    route: str, people: Cast, owner: Browser, other: Browser
) -> None:
    path = "/" + route.replace("<slug:slug>", people.acme.slug)
    assert owner.get(path).status_code == 200
    assert other.get(path).status_code == 404


def test_B3_hostile_names_are_inert_wherever_they_show(people: Cast, owner: Browser) -> None:
    make_organization(people.acme, PAYLOAD)
    for section in ("organizations", "search?q=<img", "members?q=" + PAYLOAD):
        html = owner.get(f"/dashboard/{people.acme.slug}/{section}").content.decode()
        assert PAYLOAD not in html
    shown: Any = owner.get(f"/dashboard/{people.acme.slug}/organizations").content.decode()
    assert "&lt;img src=x" in shown
