"""Many invitations from one table: tried first, each row judged by itself, nobody given what the inviter lacks."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import scope
from core.models import Job
from events.models import Event
from invitations.models import Invitation
from tenants.selectors import TenantRef
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, make_cast, make_member, make_organization, unique
from tests.factories.hosted import mails_to


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def table(*rows: str, head: str = "email,organization,roles") -> str:
    return "\r\n".join([head, *rows])


def send(browser: Browser, cast: Cast, rows: str = "", *, act: str = "check", **more: Any) -> Any:
    path = f"/dashboard/{cast.acme.slug}/invitations/many"
    return browser.submit(browser.get(path), {"rows": rows, act: "1", **more}, to=path)


def invited(tenant: TenantRef) -> list[str]:
    with scope.tenant(tenant.id):
        return sorted(Invitation.objects.values_list("email", flat=True))


def addresses(count: int) -> list[str]:
    return sorted(f"{unique('many')}@example.com" for _ in range(count))


def test_a_trial_says_what_becomes_of_each_row_and_leaves_nothing(cast: Cast) -> None:
    new, twice = addresses(2)
    rows = table(
        new, twice, twice, cast.member.email, "no address", f"{new[:-4]}.org,nowhere", f"x{new},,king"
    )
    with scope.tenant(cast.acme.id):
        before = Event.objects.count(), Job.objects.count()
    shown = send(signed_in(cast.owner), cast, rows)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert text.count("Can be sent") == 2
    assert "Send 2 invitations" in text
    assert "No organization is called so." in text and "No role is called so." in text
    assert invited(cast.acme) == []
    with scope.tenant(cast.acme.id):
        assert (Event.objects.count(), Job.objects.count()) == before
    assert mails_to(new) == []


def test_they_are_sent_with_organization_and_roles(cast: Cast) -> None:
    organization = make_organization(cast.acme)
    first, second = addresses(2)
    rows = table(f"{first},,viewer|support", f"{second},{organization.slug},admin")
    browser = signed_in(cast.owner)
    done = send(browser, cast, rows, act="send")
    assert done.status_code == 303
    assert "2 invitations are on their way." in browser.follow(done).content.decode()
    assert invited(cast.acme) == [first, second]
    with scope.tenant(cast.acme.id):
        one, other = (Invitation.objects.get(email=email) for email in (first, second))
        assert (len(one.roles), one.organization_id, other.organization_id) == (2, None, organization.id)
    assert len(mails_to(first)) == len(mails_to(second)) == 1
    assert invited(cast.globex) == []


def test_a_file_takes_the_place_of_the_rows_and_one_bad_row_stops_no_other(cast: Cast) -> None:
    good = addresses(1)[0]
    text = "\ufeff" + table("nobody;;", f";;{good}", head="organization;roles;email")
    file = SimpleUploadedFile("people.csv", text.encode(), content_type="text/csv")
    browser = signed_in(cast.owner)
    page = browser.follow(send(browser, cast, "", act="send", file=file))
    assert "1 invitation is on its way." in page.content.decode()
    assert invited(cast.acme) == [good]


def test_the_same_file_again_invites_nobody_twice(cast: Cast) -> None:
    emails, browser = addresses(2), signed_in(cast.owner)
    for _ in range(2):
        send(browser, cast, table(*emails), act="send")
    assert invited(cast.acme) == emails
    assert "Send " not in send(browser, cast, table(*emails)).content.decode().split("<form")[-1]


@pytest.mark.parametrize(
    "rows",
    ["", "name\nx", "email,password\na@example.com,x", "email\n", "\x00", table(*["a@example.com"] * 201)],
)
def test_what_is_no_such_table_is_refused_at_its_field(cast: Cast, rows: str) -> None:
    refused = send(signed_in(cast.owner), cast, rows, act="send")
    assert refused.status_code == 422
    assert invited(cast.acme) == []


def test_A6_nobody_gives_in_bulk_what_they_lack(cast: Cast) -> None:
    helper = make_member(cast.acme, roles=["support"])
    plain, strong, own = addresses(3)
    browser = signed_in(helper)
    send(browser, cast, table(plain, f"{strong},,admin", f"{own},,owner"), act="send")
    assert invited(cast.acme) == [plain]


def test_A1_the_other_tenants_organization_is_unknown_and_strangers_have_no_page(cast: Cast) -> None:
    theirs = make_organization(cast.globex)
    shown = send(signed_in(cast.owner), cast, table(f"{addresses(1)[0]},{theirs.public_id}"))
    assert "No organization is called so." in shown.content.decode()
    path = f"/dashboard/{cast.acme.slug}/invitations/many"
    assert signed_in(cast.stranger).get(path).status_code == 404
    assert Browser().get(path).status_code in (302, 303)
    assert signed_in(make_member(cast.acme, roles=["viewer"])).get(path).status_code == 403
