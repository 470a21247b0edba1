"""`/v1/organizations/{id}/domains`: naming, proving, losing, giving up (ORG-04, threat S1)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import sleep
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from core import outbound, ratelimit, scope
from core.models import Job
from core.outbound import request as called
from events.models import Event
from organizations import domain_checks, domain_proofs, domain_services
from organizations.domains import organization_of
from organizations.models import Finding, Organization, OrganizationDomain
from tests.factories import (
    Browser,
    Cast,
    access_token,
    make_cast,
    make_member,
    make_organization,
    unique,
)
from tests.factories.hosted import mails_to
from tests.organizations.answers import FAILURE, TIMEOUT, Answers, publish, run_jobs, told, withdraw
from tests.organizations.test_organizations_api import make_admin

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> str:
    return access_token(make_member(cast.acme, roles=["admin"]))


@pytest.fixture(autouse=True)
def answers() -> Iterator[type[Answers]]:
    with told() as made:
        yield made


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave room in the limits, which are a quarter while a busy machine's Valkey is slow (R6)."""
    if "counted" not in request.node.name:
        for limit in ("CHECKS", "CHECKS_OF_TENANT"):
            monkeypatch.setattr(domain_services, limit, ratelimit.Limit(limit.lower(), quota=1000))


def call(
    cast: Cast,
    token: str,
    method: str,
    organization: Organization,
    below: str = "",
    body: Any = None,
    **h: str,
) -> Any:
    path = f"/t/{cast.acme.slug}/v1/organizations/{organization.public_id}/domains{below}"
    return Browser().api(method, path, token, body, **h)


def name(cast: Cast, token: str, organization: Organization, domain: str = "", **body: Any) -> dict[str, Any]:
    domain = domain or f"{unique('d')}.example"
    made = call(cast, token, "POST", organization, "", {"domain": domain, **body})
    assert made.status_code == 201, made.content
    shown: dict[str, Any] = made.json()
    return shown


def verify(cast: Cast, token: str, organization: Organization, domain: dict[str, Any]) -> dict[str, Any]:
    asked = call(cast, token, "POST", organization, f"/{domain['id']}/verify")
    assert asked.status_code == 202, asked.content
    run_jobs()
    return read(cast, token, organization, domain)


def read(cast: Cast, token: str, organization: Organization, domain: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = call(cast, token, "GET", organization, f"/{domain['id']}").json()
    return shown


# --- proving -----------------------------------------------------------------------------------------------


def test_ORG04_a_record_proves_a_domain_which_is_then_the_organizations(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization, "Bücher-" + unique("x") + ".example", metadata={"a": "b"})
    assert domain["domain"].startswith("xn--")
    assert (domain["object"], domain["state"], domain["method"]) == ("organization_domain", "pending", None)
    assert domain["dns_record"] == {
        "type": "TXT",
        "name": f"_claviger-challenge.{domain['domain']}",
        "value": domain["http_file"]["content"],
    }
    assert domain["http_file"]["url"] == f"https://{domain['domain']}/.well-known/claviger-challenge.txt"
    unproved = verify(cast, admin, organization, domain)
    assert (unproved["state"], unproved["dns_finding"]) == ("pending", "missing")
    publish(domain)
    proved = verify(cast, admin, organization, domain)
    assert (proved["state"], proved["method"], proved["dns_finding"]) == ("verified", "dns", "found")
    assert proved["expires_at"] is None
    assert proved["verified_at"] == proved["checked_at"] < proved["next_check_at"]
    with scope.tenant(cast.acme.id):
        assert organization_of(domain["domain"]) == organization.id
    assert types_of(cast, domain) == ["organization.domain.added", "organization.domain.verified"]
    assert call(cast, admin, "DELETE", organization, f"/{domain['id']}").status_code == 204
    assert call(cast, admin, "GET", organization, f"/{domain['id']}").status_code == 404
    with scope.tenant(cast.acme.id):
        assert organization_of(domain["domain"]) is None


def test_ORG04_a_file_on_the_web_server_proves_it_too(cast: Cast, admin: str, answers: type[Answers]):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    url, said = domain["http_file"].values()
    for content, finding in (("404", "missing"), ("<html>", "other_value"), (f"{said}x", "other_value")):
        answers.files[url] = content
        assert verify(cast, admin, organization, domain)["http_finding"] == finding
    answers.files[url] = f"{said}\n"
    proved = verify(cast, admin, organization, domain)
    assert (proved["state"], proved["method"], proved["http_finding"]) == ("verified", "http", "found")


def test_ORG04_what_was_found_is_said(cast: Cast, admin: str, answers: type[Answers]):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    other = ["claviger-domain-verification=" + "0" * 40]
    for said, finding in ((TIMEOUT, "timeout"), (FAILURE, "unreachable"), (other, "other_value")):
        answers.records[domain["dns_record"]["name"]] = said
        shown = verify(cast, admin, organization, domain)
        assert (shown["state"], shown["dns_finding"], shown["http_finding"]) == (
            "pending",
            finding,
            "unreachable",
        )


def test_W1_W3_no_private_address_is_called_and_why_is_not_told(monkeypatch: pytest.MonkeyPatch):
    """A connection to it would fail this test (tests.network)."""
    monkeypatch.setattr(outbound, "request", called)
    for private in ("10.0.0.1", "169.254.169.254", "::1"):
        monkeypatch.setattr("core.outbound.resolver._addresses", lambda *_, private=private: [private])
        assert domain_proofs.http_finding("intranet.example", "x") == Finding.UNREACHABLE


def test_ORG04_the_sweep_looks_in_growing_pauses_until_it_expires(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    began, pauses = timezone.now(), []
    with time_machine.travel(began, tick=False) as clock:
        for hours in (0.1, 1, 10, 30, 100):
            clock.move_to(began + timedelta(hours=hours))
            look(cast, domain, Finding.MISSING)
            row = row_of(cast, domain)
            pauses.append(row.next_check_at - row.checked_at)
        assert pauses == sorted(pauses)
        assert timedelta(minutes=1) <= pauses[0] < timedelta(minutes=3)
        assert pauses[-1] == timedelta(hours=6)
        clock.move_to(began + 7 * DAY + timedelta(seconds=5))
        assert row_of(cast, domain).effective_state == "expired"
        look(cast, domain, Finding.MISSING)
    row = row_of(cast, domain)
    assert (row.state, row.next_check_at) == ("expired", None)
    assert types_of(cast, domain)[-1] == "organization.domain.failed"
    # Whoever asks again gets the same proof to publish and seven more days.
    again = call(cast, admin, "POST", organization, f"/{domain['id']}/verify").json()
    assert (again["state"], again["dns_record"]) == ("pending", domain["dns_record"])


def test_ORG04_R18_the_sweep_has_all_that_is_due_looked_at_side_by_side(
    cast: Cast, admin: str, monkeypatch: pytest.MonkeyPatch
):
    organization = make_organization(cast.acme)
    monkeypatch.setattr(domain_checks, "TOGETHER", 2)
    claims = [name(cast, admin, organization) for _ in range(5)]
    for one in claims:
        publish(one)
    with scope.tenant(cast.acme.id):
        rows = OrganizationDomain.objects.filter(organization=organization)
        rows.update(next_check_at=timezone.now() - timedelta(seconds=1))
    domain_checks.promise_looks()
    domain_checks.promise_looks()
    with scope.tenant(cast.acme.id):
        assert Job.objects.filter(name=domain_services.JOB).count() <= 2  # one of each minute
    run_jobs()
    with scope.tenant(cast.acme.id):
        assert set(rows.values_list("state", flat=True)) == {"verified"}


def test_S1_a_look_that_breaks_proves_nothing_and_stops_no_other(cast: Cast, admin: str, monkeypatch: Any):
    organization = make_organization(cast.acme)
    broken, right = name(cast, admin, organization), name(cast, admin, organization)
    publish(right)
    texts = Answers().texts

    def odd(_: Answers, asked: str) -> list[str]:
        if asked == broken["dns_record"]["name"]:
            raise IndexError
        return texts(asked)

    monkeypatch.setattr(Answers, "texts", odd)
    for one in (broken, right):
        call(cast, admin, "POST", organization, f"/{one['id']}/verify")
    run_jobs()
    assert read(cast, admin, organization, right)["state"] == "verified"
    assert read(cast, admin, organization, broken)["dns_finding"] == "unreachable"


def test_R18_slow_name_servers_hold_a_worker_for_a_bounded_time(cast: Cast, admin: str, monkeypatch: Any):
    organization = make_organization(cast.acme)
    for _ in range(3):
        name(cast, admin, organization)
    with scope.tenant(cast.acme.id):
        rows = OrganizationDomain.objects.filter(organization=organization)
        rows.update(next_check_at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr(domain_checks, "TOGETHER", 1)
    monkeypatch.setattr(domain_checks, "SECONDS", 0.05)
    monkeypatch.setattr(Answers, "texts", lambda *_: sleep(0.1) or [])
    domain_checks.check_due({"_tenant_id": cast.acme.id})
    with scope.tenant(cast.acme.id):
        assert rows.exclude(checked_at=None).count() == 1
        assert rows.filter(next_check_at__lte=timezone.now()).count() == 2


def test_S1_a_proof_that_is_gone_for_days_is_no_proof_any_more(cast: Cast):
    organization, person, own = make_admin(cast)
    domain = name(cast, own, organization)
    publish(domain)
    verify(cast, own, organization, domain)
    withdraw(domain)
    began = timezone.now() - 5 * DAY  # the mail must be due by the database's clock
    with time_machine.travel(began, tick=False) as clock:
        for day, state in ((1, "verified"), (2, "verified"), (3, "verified"), (4, "failed")):
            clock.move_to(began + day * DAY)
            look(cast, domain, Finding.MISSING)
            assert row_of(cast, domain).state == state, day
        with scope.tenant(cast.acme.id):
            assert organization_of(domain["domain"]) is None
    assert types_of(cast, domain)[-1] == "organization.domain.failed"
    [mail] = mails_to(person.email)
    assert domain["domain"] in mail["subject"]
    assert f"/organizations/{organization.public_id}/domains/{domain['id']}" in mail["links"][0]


def test_S1_one_day_without_an_answer_or_many_checks_at_once_lose_nothing(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    publish(domain)
    verify(cast, admin, organization, domain)
    for _ in range(5):
        look(cast, domain, Finding.TIMEOUT)
    assert row_of(cast, domain).state == "verified"
    look(cast, domain, Finding.FOUND)
    row = row_of(cast, domain)
    assert (row.state, row.failures, row.failing_since) == ("verified", 0, None)


# --- whose it is -------------------------------------------------------------------------------------------


def test_S1_the_second_claim_is_refused_and_tells_no_other_organization_s_name(cast: Cast, admin: str):
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    domain = f"{unique('d')}.example"
    one, two = name(cast, admin, first, domain), name(cast, admin, second, domain)
    assert one["dns_record"]["value"] != two["dns_record"]["value"]
    publish(one)
    assert verify(cast, admin, first, one)["state"] == "verified"
    assert verify(cast, admin, second, two)["dns_finding"] == "other_value"
    Answers.records[one["dns_record"]["name"]].append(two["dns_record"]["value"])  # type: ignore[union-attr]
    late = verify(cast, admin, second, two)
    assert (late["state"], late["dns_finding"]) == ("pending", "taken")
    with scope.tenant(cast.acme.id):
        assert organization_of(domain) == first.id
    # Another tenant is another world.
    theirs = make_organization(cast.globex)
    path = f"/t/{cast.globex.slug}/v1/organizations/{theirs.public_id}/domains"
    made = Browser().api("POST", path, access_token(cast.other_owner), {"domain": domain}).json()
    publish(made)
    Browser().api("POST", f"{path}/{made['id']}/verify", access_token(cast.other_owner))
    run_jobs()
    with scope.tenant(cast.globex.id):
        assert organization_of(domain) == theirs.id
    assert call(cast, admin, "DELETE", first, f"/{one['id']}").status_code == 204
    publish(two)
    assert verify(cast, admin, second, two)["state"] == "verified"


def test_S1_of_proofs_at_the_same_moment_one_wins(cast: Cast, admin: str):
    domain = f"{unique('d')}.example"
    claims = [name(cast, admin, make_organization(cast.acme), domain) for _ in range(6)]
    together = Barrier(len(claims))

    def prove(claim: dict[str, Any]) -> None:
        together.wait()
        try:
            look(cast, claim, Finding.FOUND)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(claims)) as threads:
        list(threads.map(prove, claims))
    rows = [row_of(cast, claim) for claim in claims]
    assert sorted(row.state for row in rows) == ["pending"] * 5 + ["verified"]
    assert sorted(row.dns_finding for row in rows) == ["found"] + ["taken"] * 5


def test_S1_what_is_no_organizations_own_is_refused_at_the_door(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    for domain, code in (("gmail.com", "public_mail"), ("co.uk", "public_suffix"), ("no domain", "invalid")):
        refused = call(cast, admin, "POST", organization, "", {"domain": domain})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, code)
    once = name(cast, admin, organization)
    twice = call(cast, admin, "POST", organization, "", {"domain": once["domain"].upper()})
    assert (twice.status_code, twice.json()["code"]) == (409, "domain_listed")


def test_ORG04_checks_by_hand_are_counted(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    answered = [call(cast, admin, "POST", organization, f"/{domain['id']}/verify") for _ in range(7)]
    states = [one.status_code for one in answered]
    assert states == sorted(states)
    assert 1 <= states.count(202) <= 6  # fewer while Valkey is slow
    assert int(answered[-1].headers["Retry-After"]) > 0


# --- who may -----------------------------------------------------------------------------------------------


def test_A1_an_organizations_own_administrator_manages_its_domains_and_sees_no_others(cast: Cast, admin: str):
    organization, _, own = make_admin(cast)
    other = make_organization(cast.acme)
    theirs = name(cast, admin, other)
    mine = name(cast, own, organization)
    publish(mine)
    assert verify(cast, own, organization, mine)["state"] == "verified"
    assert [row["id"] for row in call(cast, own, "GET", organization).json()["data"]] == [mine["id"]]
    refused = [
        call(cast, own, "GET", other).status_code,
        call(cast, own, "GET", organization, f"/{theirs['id']}").status_code,
        call(cast, own, "DELETE", organization, f"/{theirs['id']}").status_code,
        call(cast, own, "POST", organization, f"/{theirs['id']}/verify").status_code,
    ]
    assert refused == [403, 404, 404, 404]
    viewer = make_admin(cast, role="viewer")
    assert call(cast, viewer[2], "POST", viewer[0], "", {"domain": "x.example"}).status_code == 403
    assert call(cast, viewer[2], "GET", viewer[0]).status_code == 200
    stranger = Browser().api(
        "GET",
        f"/t/{cast.acme.slug}/v1/organizations/{other.public_id}/domains",
        access_token(cast.other_owner),
    )
    assert stranger.status_code == 403


def test_lists_by_state_and_beginning(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    first, second = (name(cast, admin, organization, f"{word}.{unique('d')}.example") for word in "ab")
    publish(second)
    verify(cast, admin, organization, second)
    for query, found in (
        ("?state=verified", [second]),
        ("?state=pending,failed", [first]),
        ("?q=A.", [first]),
        ("?q=zzz", []),
    ):
        rows = call(cast, admin, "GET", organization, query).json()["data"]
        assert [row["id"] for row in rows] == [one["id"] for one in found], query


def test_an_organization_that_ends_frees_its_domains(cast: Cast, admin: str):
    organization = make_organization(cast.acme)
    domain = name(cast, admin, organization)
    Browser().api("DELETE", f"/t/{cast.acme.slug}/v1/organizations/{organization.public_id}", admin)
    assert types_of(cast, domain) == ["organization.domain.added", "organization.domain.removed"]
    with scope.tenant(cast.acme.id):
        assert not OrganizationDomain.objects.filter(organization=organization).exists()


# --- helpers that look at rows -------------------------------------------------------------------------------


def row_of_id(domain: dict[str, Any]) -> Any:
    return OrganizationDomain.read_id(domain["id"])


def row_of(cast: Cast, domain: dict[str, Any]) -> OrganizationDomain:
    with scope.tenant(cast.acme.id):
        return OrganizationDomain.objects.get(id=row_of_id(domain))


def look(cast: Cast, domain: dict[str, Any], finding: Finding) -> None:
    """Write down what a look of the worker found."""
    with scope.tenant(cast.acme.id):
        domain_checks.record(row_of_id(domain), domain_proofs.Findings(finding))


def types_of(cast: Cast, domain: dict[str, Any]) -> list[str]:
    with scope.tenant(cast.acme.id):
        told_of = Event.objects.filter(object_id=domain["id"]).order_by("id")
        return list(told_of.values_list("type", flat=True))
