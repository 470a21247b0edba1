"""The profile: what a person says of themselves, their picture, their phones (POR-01)."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core import scope
from events import selectors as events
from identity import contacts, selectors
from identity.models import Account, PhoneNumber, Picture
from tests.factories import Browser, Person, make_account
from tests.factories.hosted import at_home

CHOOSE, REMOVE, PICTURE = "/account/picture/choice", "/account/picture/removal", "/account/picture"


@pytest.fixture
def person() -> Person:
    return make_account()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*more: bytes, width: int = 1) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + b"\x7f" * width))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*more: bytes) -> bytes:
    frame = segment(0xC0, b"\x08" + struct.pack(">HH", 1, 1) + b"\x01\x01\x11\x00")
    return b"\xff\xd8" + b"".join(more) + frame + segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\x34\xff\xd9"


def upload(browser: Browser, content: bytes, name: str = "me.png") -> Any:
    return browser.submit(browser.get("/account/"), {"picture": SimpleUploadedFile(name, content)}, to=CHOOSE)


def stored(person: Person) -> bytes:
    with scope.account(person.account_id):
        return bytes(Picture.objects.get(account_id=person.account_id).content)


def test_POR01_the_profile_is_changed_and_recorded_without_its_values(person: Person) -> None:
    browser = at_home(person)
    wanted = {
        "name": "Ada L",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "nickname": "A",
        "locale": "de",
    }
    answer = browser.submit(browser.get("/account/"), wanted | {"zoneinfo": "Europe/Zurich"}, to="/account/")
    assert answer.status_code == 303
    with scope.account(person.account_id):
        account = Account.objects.get()
        assert (account.given_name, account.family_name, account.zoneinfo) == (
            "Ada",
            "Lovelace",
            "Europe/Zurich",
        )
        (event,) = events.stream().filter(type="account.profile.updated")
        assert b"Lovelace" not in bytes(event.canonical)


def test_a_time_zone_that_does_not_exist_is_refused(person: Person) -> None:
    browser = at_home(person)
    wanted = {"name": "Ada", "locale": "de", "zoneinfo": "Mars/Olympus"}
    assert browser.submit(browser.get("/account/"), wanted, to="/account/").status_code == 400


def test_POR01_a_picture_is_kept_without_what_the_camera_wrote(person: Person) -> None:
    browser = at_home(person)
    assert upload(browser, png(chunk(b"eXIf", b"GPS 47.37"), chunk(b"tEXt", b"at home"))).status_code == 303
    assert stored(person) == png()
    with_place = jpeg(segment(0xE0, b"JFIF\0"), segment(0xE1, b"Exif\0\0GPS"), segment(0xFE, b"at home"))
    assert upload(browser, with_place, "me.jpg").status_code == 303
    assert stored(person) == jpeg(segment(0xE0, b"JFIF\0"))
    shown = browser.get(PICTURE)
    assert (shown.headers["Content-Type"], shown.content) == ("image/jpeg", stored(person))
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert PICTURE in browser.get("/account/security").content.decode()


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a",
        png()[:-4],
        png(width=2001),
        png(chunk(b"tEXt", b"x" * 200_000)),
        b"\xff\xd8\xff\xd9",
        b"",
    ],
    ids=["svg", "gif", "cut off", "too wide", "too large", "empty jpeg", "nothing"],
)
def test_what_is_no_small_picture_is_refused(person: Person, content: bytes) -> None:
    browser = at_home(person)
    answer = upload(browser, content)
    assert answer.status_code == 400
    assert browser.get(PICTURE).status_code == 404


def test_a_picture_is_removed(person: Person) -> None:
    browser = at_home(person)
    upload(browser, png())
    assert browser.submit(browser.get("/account/"), to=REMOVE).status_code == 303
    assert browser.get(PICTURE).status_code == 404


def test_A1_nobody_else_sees_the_picture(person: Person) -> None:
    upload(at_home(person), png())
    assert at_home(make_account()).get(PICTURE).status_code == 404
    assert Browser().get(PICTURE).status_code == 303


def numbers(person: Person) -> list[PhoneNumber]:
    import secrets

    with scope.account(person.account_id):
        return [
            contacts.link_phone(account_id=person.account_id, address=contacts.number(text))
            for text in (f"+4930{secrets.randbelow(9_000_000) + 1_000_000}" for _ in range(2))
        ]


def test_POR01_one_phone_is_primary_and_another_takes_its_place(person: Person) -> None:
    first, second = numbers(person)
    browser = at_home(person)
    where = f"/account/contacts/phones/{second.public_id}/primary"
    assert browser.submit(browser.get("/account/contacts"), to=where).status_code == 303
    with scope.account(person.account_id):
        assert [row.id for row in contacts.phones(person.account_id)] == [second.id, first.id]
    unlink = f"/account/contacts/phones/{second.public_id}/unlink"
    browser.submit(browser.get("/account/contacts"), to=unlink)
    with scope.account(person.account_id):
        assert PhoneNumber.objects.get(account_id=person.account_id).is_primary
        assert selectors.account(person.account_id) is not None


def test_A1_nobody_chooses_for_another(person: Person) -> None:
    first, second = numbers(person)
    intruder = at_home(make_account())
    where = f"/account/contacts/phones/{second.public_id}/primary"
    assert intruder.submit(intruder.get("/account/contacts"), to=where).status_code == 404
    with scope.account(person.account_id):
        assert contacts.phones(person.account_id)[0].id == first.id
