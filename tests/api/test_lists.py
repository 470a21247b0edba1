"""Pages of lists: gapless both ways, and cursors good for nothing but their own list (API-04, threat A5)."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from core import scope
from core.api.fields import timestamp
from organizations.models import Organization
from tests.api.callers import api_key, problem
from tests.api.routes import operations
from tests.factories import Browser, Cast, access_token, make_cast, make_member, make_organization, unique

pytestmark = pytest.mark.usefixtures("roomy")
ROWS = 130


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


@pytest.fixture(scope="module")
def names(people: Cast) -> list[str]:
    """Make the rows, and return their names from the oldest to the newest."""
    made = [f"Branch {number:03}" for number in range(ROWS)]
    with scope.tenant(people.acme.id):
        for name in made:
            Organization.objects.create(name=name, name_search=name.casefold(), slug=unique("org"))
    return made


def get(token: str, query: str = "", path: str = "/v1/organizations") -> Any:
    return Browser().api("GET", f"{path}?{query}", token)


def page(token: str, query: str = "") -> dict[str, Any]:
    answer = get(token, query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def walk(token: str, query: str, member: str = "next_cursor") -> list[dict[str, Any]]:
    pages = [page(token, query)]
    while pages[-1][member]:
        pages.append(page(token, f"{query}&cursor={pages[-1][member]}"))
    return pages


def listed(pages: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for one in pages for row in one["data"]]


@pytest.mark.parametrize("limit", [1, 7, 25, 65, 100])
def test_API04_pages_are_gapless_in_both_orders(limit: int, names: list[str], token: str) -> None:
    # A search that finds ten for pages of one row, and all for the others.
    names, query = (
        (names[120:], "limit=1&q=branch%2012") if limit == 1 else (names, f"limit={limit}&q=branch")
    )
    assert listed(walk(token, query)) == names[::-1]
    assert listed(walk(token, f"{query}&order=asc")) == names


def test_API04_the_way_back_shows_the_same_pages(names: list[str], token: str) -> None:
    forward = walk(token, "limit=30&q=branch")
    back = [forward[-1]]
    while back[-1]["prev_cursor"]:
        back.append(page(token, f"limit=30&q=branch&cursor={back[-1]['prev_cursor']}"))
    assert [one["data"] for one in back] == [one["data"] for one in forward][::-1]
    assert [one["has_more"] for one in forward] == [True, True, True, True, False]


def test_API04_rows_that_come_meanwhile_neither_shift_nor_repeat_a_page(people: Cast) -> None:
    token, made = access_token(people.other_owner), [f"Early {number:02}" for number in range(20)]
    with scope.tenant(people.globex.id):
        for name in made:
            Organization.objects.create(name=name, name_search=name.casefold(), slug=unique("org"))
    seen, cursor = [], ""
    while True:
        one = page(token, "limit=6" + (f"&cursor={cursor}" if cursor else ""))
        seen += [row["name"] for row in one["data"]]
        make_organization(people.globex, unique("Late"))
        cursor = one["next_cursor"]
        if not cursor:
            break
    assert seen == made[::-1]
    rising, cursor = [], ""
    while True:
        one = page(token, "limit=6&order=asc" + (f"&cursor={cursor}" if cursor else ""))
        rising += [row["name"] for row in one["data"]]
        make_organization(people.globex, unique("Later"))
        cursor = one["next_cursor"]
        if not cursor:
            break
    assert rising[:20] == made
    assert len(set(rising)) == len(rising) > 24


def test_API04_the_link_header_leads_to_the_next_page(names: list[str], token: str, people: Cast) -> None:
    for prefix in ("", f"/t/{people.acme.slug}"):
        answer = get(token, "limit=50&order=asc&q=branch", f"{prefix}/v1/organizations")
        address = answer.headers["Link"].partition(">")[0].lstrip("<")
        assert answer.headers["Link"].endswith('>; rel="next"')
        parts = urlsplit(address)
        assert parts.path == f"{prefix}/v1/organizations"
        assert get(token, parts.query, parts.path).json()["data"][0]["name"] == names[50]
    assert "Link" not in get(token, "limit=100&order=asc&created_at[gte]=2099-01-01T00:00:00Z").headers


@pytest.mark.parametrize(
    "change",
    ["order=asc", "status=active", "q=bran", "fields=id", "created_at[gte]=2020-01-01T00:00:00Z"],
)
def test_A5_a_cursor_is_bound_to_filter_and_order(change: str, names: list[str], token: str) -> None:
    cursor = page(token, "limit=10")["next_cursor"]
    problem(get(token, f"limit=10&cursor={cursor}&{change}"), 400, "cursor_mismatch")
    assert page(token, f"limit=20&include_total=true&cursor={cursor}")["data"]


def test_A5_a_cursor_is_bound_to_caller_tenant_and_address(
    names: list[str], people: Cast, token: str
) -> None:
    cursor = page(token, "limit=10")["next_cursor"]
    others = [
        access_token(people.other_owner),
        access_token(make_member(people.acme, roles=["admin"])),
        api_key(people.acme, people.owner),
    ]
    for other in others:
        problem(get(other, f"limit=10&cursor={cursor}"), 400, "cursor_mismatch")
        assert get(other, "limit=10").status_code == 200
    for path in ("/v1/members", "/v1/api-keys", "/v1/events"):
        problem(get(token, f"limit=10&cursor={cursor}", path), 400, "cursor_mismatch")


def test_A5_a_cursor_is_bound_to_the_organization(people: Cast, token: str) -> None:
    first, second = make_organization(people.acme), make_organization(people.acme)
    for _ in range(2):
        api_key(people.acme, people.owner, first)
    cursor = get(token, "limit=1", f"/v1/organizations/{first.public_id}/api-keys").json()["next_cursor"]
    assert cursor
    path = f"/v1/organizations/{second.public_id}/api-keys"
    problem(get(token, f"limit=1&cursor={cursor}", path), 400, "cursor_mismatch")
    key = api_key(people.acme, people.owner, first)
    path = f"/v1/organizations/{first.public_id}/api-keys"
    problem(get(key, f"limit=1&cursor={cursor}", path), 400, "cursor_mismatch")


def test_A5_an_altered_cursor_is_refused_wherever_it_is_altered(names: list[str], token: str) -> None:
    cursor = page(token, "limit=10")["next_cursor"]
    spelt = [
        cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))
    ]
    others = [
        cursor[2:],
        cursor + "A",
        cursor + "==",
        cursor[:-1],
        "c_",
        "x",
        "c_" + cursor,
        cursor + "!",
        "c_é",
    ]
    own = (
        "c_"
        + base64.urlsafe_b64encode(b'["00000000-0000-7000-8000-000000000000","next"]' + b"\0" * 16).decode()
    )
    for text in [*spelt, *others, own]:
        problem(get(token, f"limit=10&cursor={quote(text)}"), 400, "cursor_mismatch")


def test_API04_a_list_searches_or_says_that_it_cannot(people: Cast, token: str) -> None:
    """A search that is not there must not look like one that found everything."""
    api_key(people.acme, people.owner)
    searched = set()
    for case in operations():
        if case.method != "get" or not case.operation.many or case.arguments:
            continue
        answer = get(token, "q=zz-nobody-is-called-that", case.path())
        if answer.status_code == 200:
            searched.add(case.path())
            assert answer.json()["data"] == [], case
        else:
            assert answer.json()["errors"][0]["pointer"] == "/q", case
    assert {"/v1/members", "/v1/api-keys", "/v1/webhook-endpoints", "/v1/service-accounts"} <= searched


def test_API04_limits_have_bounds_and_a_default(names: list[str], token: str) -> None:
    assert len(page(token)["data"]) == 25
    assert len(page(token, "limit=100")["data"]) == 100
    for limit in ("0", "101", "-1", "", "ten"):
        told = problem(get(token, f"limit={limit}"), 400, "validation_failed")
        assert told["errors"][0]["pointer"] == "/limit"


def test_API04_totals_only_when_asked_for(names: list[str], token: str) -> None:
    assert "total" not in page(token)
    asked = page(token, "include_total=true&limit=3&q=branch")
    assert (asked["total"], asked["total_is_exact"]) == (ROWS, True)


def test_API04_fields_narrow_the_answer_and_keep_id_and_object(names: list[str], token: str) -> None:
    assert page(token, "limit=1&fields=name,nonsense")["data"][0].keys() == {"id", "object", "name"}


def test_API04_ranges_of_time_are_exact_at_their_bounds(names: list[str], people: Cast, token: str) -> None:
    with scope.tenant(people.acme.id):
        middle = Organization.objects.get(name=names[60]).created_at
    before, after = timestamp(middle - timedelta(seconds=5)), timestamp(middle + timedelta(seconds=60))
    assert len(page(token, f"created_at[gt]={before}&created_at[lt]={after}&limit=1")["data"]) == 1
    assert page(token, f"created_at[gt]={after}&created_at[lt]={before}")["data"] == []
    offset = quote((middle + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00"))
    exact = listed([page(token, f"created_at[gte]={offset}&created_at[lte]={offset}")])
    assert exact == [names[60]]
    assert exact == listed(
        [page(token, f"created_at[gt]={before}&created_at[gte]={offset}&created_at[lte]={offset}")]
    )


def test_A5_search_finds_nothing_of_the_neighbour(names: list[str], people: Cast) -> None:
    found = page(access_token(people.other_owner), "q=branch&include_total=true")
    assert (found["data"], found["total"]) == ([], 0)
