"""Activity, "this was not me", a copy of one's data, and the end of the account (USR-14)."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core import jobs, scope
from events import selectors as events
from identity import selectors as people
from identity.emails import parse
from portal import deletions
from portal.models import DataExport, Deletion
from tenants.models import Member
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, make_cast
from tests.factories.hosted import mails_to
from tests.portal.test_applications import allow

DATA = "/account/data"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def run_jobs() -> None:
    while jobs.run_due():
        pass


def copy_of(browser: Browser, account_id: Any) -> str:
    """Ask for a copy and return the address of its file."""
    browser.submit(browser.get(DATA), to=f"{DATA}/exports")
    run_jobs()
    with scope.account(account_id):
        return f"{DATA}/exports/{DataExport.objects.get(account_id=account_id).public_id}/file"


def plan(browser: Browser) -> Any:
    return browser.submit(browser.get(f"{DATA}/deletion"), to=f"{DATA}/deletion")


def after_the_hold(account_id: Any) -> None:
    """Do what the job does when it is due: the database's own clock cannot be moved."""
    with scope.account(account_id):
        row = Deletion.objects.filter(account_id=account_id).first()
    payload = {"account": str(account_id), "deletion": str(row.id if row else uuid.uuid4())}
    deletions.carry_out(payload)
    with time_machine.travel(timezone.now() + deletions.HOLD + timedelta(minutes=1)):
        deletions.carry_out(payload)
        deletions.carry_out(payload)


def test_USR14_a_copy_holds_the_account_and_each_service(cast: Cast) -> None:
    browser = signed_in(cast.member)
    answer = browser.get(copy_of(browser, cast.member.account_id))
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        account = json.loads(archive.read("account.json"))
        service = json.loads(archive.read(f"services/{cast.acme.slug}.json"))
        names = archive.namelist()
    assert account["addresses"][0]["address"] == cast.member.email
    assert service["subject"] == cast.member.member.subject
    assert f"services/{cast.globex.slug}.json" not in names
    assert b"argon2" not in answer.content
    assert browser.get(DATA).content.decode().count("/file") == 1


def test_A1_nobody_else_gets_a_copy(cast: Cast) -> None:
    file = copy_of(signed_in(cast.member), cast.member.account_id)
    for who in (cast.stranger, cast.owner, cast.other_member):
        assert signed_in(who).get(file).status_code == 404
    assert Browser().get(file).status_code == 303


def test_a_copy_runs_out_and_can_be_removed(cast: Cast) -> None:
    browser = signed_in(cast.member)
    file = copy_of(browser, cast.member.account_id)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert signed_in(cast.member).get(file).status_code == 404
    assert browser.submit(browser.get(DATA), to=file.replace("/file", "/removal")).status_code == 303
    assert browser.get(file).status_code == 404


def test_L8_copy_and_deletion_want_a_fresh_sign_in(cast: Cast) -> None:
    browser = signed_in(cast.member)
    file = copy_of(browser, cast.member.account_id)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        for page in (file, f"{DATA}/deletion", f"{DATA}/exports"):
            assert "prompt=login" in browser.get(page).headers["Location"]


def test_USR14_the_account_goes_after_the_hold_and_services_keep_a_pseudonym(cast: Cast) -> None:
    allow(cast, cast.member, cast.owner)
    email, browser = cast.member.email, signed_in(cast.member)
    assert plan(browser).status_code == 303
    assert any("/account/data" in link for link in mails_to(email)[0]["links"])
    after_the_hold(cast.member.account_id)
    assert people.account_id_by_address(parse(email)) is None
    with scope.tenant(cast.acme.id):
        gone = Member.objects.get(subject=cast.member.member.subject)
        assert (gone.status, gone.email, gone.account_id) == ("removed", "", None)
        told = events.described(events.stream().filter(object_id=gone.subject))
        assert email not in json.dumps([events.envelope(row) for row in told])
    with scope.account(cast.member.account_id):
        record = events.described(events.stream())
        assert email not in json.dumps([events.envelope(row) for row in record])
    assert browser.get("/account/").headers["Location"].startswith("/sign-in")
    assert "deleted" in mails_to(email)[0]["subject"]


def test_a_planned_end_is_taken_back(cast: Cast) -> None:
    browser = signed_in(cast.member)
    plan(browser)
    assert browser.submit(browser.get(DATA), to=f"{DATA}/deletion/cancellation").status_code == 303
    after_the_hold(cast.member.account_id)
    assert people.account_id_by_address(parse(cast.member.email)) == cast.member.account_id


def test_the_last_owner_of_a_tenant_stays(cast: Cast) -> None:
    refused = plan(signed_in(cast.owner))
    assert refused.status_code == 409
    with scope.account(cast.owner.account_id):
        assert not Deletion.objects.exists()


def test_nobody_plans_or_takes_back_the_end_of_anothers_account(cast: Cast) -> None:
    plan(signed_in(cast.member))
    stranger = signed_in(cast.stranger)
    stranger.submit(stranger.get(DATA), to=f"{DATA}/deletion/cancellation")
    with scope.account(cast.member.account_id):
        assert Deletion.objects.filter(account_id=cast.member.account_id).exists()


def test_the_activity_page_shows_ones_own_acts_only(cast: Cast) -> None:
    allow(cast, cast.member, cast.owner)
    page = signed_in(cast.member).get("/account/activity").content.decode()
    assert "You allowed an application" in page
    assert (
        "You allowed an application" not in signed_in(cast.stranger).get("/account/activity").content.decode()
    )


def test_this_was_not_me_ends_everything_else_and_asks_for_a_new_password(cast: Cast) -> None:
    mine, theirs = signed_in(cast.member), signed_in(cast.member)
    theirs.follow(theirs.get(f"/t/{cast.acme.slug}/sign-in"))
    answer = mine.submit(mine.get("/account/activity"), to="/account/activity/takeover")
    assert answer.headers["Location"] == "/account/password"
    assert theirs.get("/account/").headers["Location"].startswith("/sign-in")
    assert mine.get("/account/password").status_code == 200
    with scope.account(cast.member.account_id):
        assert events.stream().filter(type="account.takeover.reported").count() == 1


def test_somebody_not_signed_in_is_asked_to_sign_in() -> None:
    for page in (DATA, "/account/activity", f"{DATA}/deletion"):
        assert Browser().get(page).headers["Location"].startswith("/sign-in")
