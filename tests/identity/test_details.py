"""What a person has to give is read at once, and is theirs alone."""

from __future__ import annotations

from core import ids, scope
from identity import details
from identity.models import Account, EmailAddress, PhoneNumber, Picture, Wallet
from tests.factories.people import make_cast, unique


def test_all_of_a_person_is_read_and_nothing_of_others() -> None:
    cast = make_cast()
    mine, stranger = cast.member, cast.stranger
    with scope.account(mine.account_id):
        Account.objects.filter(id=mine.account_id).update(name="O'Neill \\ ✓", zoneinfo="Europe/Dublin")
        for number, is_primary in (("+12025550101", False), ("+12025550102", True)):
            PhoneNumber.objects.create(
                account_id=mine.account_id, number=number, digest=unique("p"), is_primary=is_primary
            )
        EmailAddress.objects.create(
            account_id=mine.account_id, address="second@example.test", digest=unique("e")
        )
        Wallet.objects.create(account_id=mine.account_id, address="0x" + "a" * 40, digest=unique("w"))
        Picture.objects.create(account_id=mine.account_id, media_type="image/png", content=b"\x89PNG")
    has = details.of(mine.account_id)
    assert has.claims["name"] == "O'Neill \\ ✓"
    assert has.claims["zoneinfo"] == "Europe/Dublin"
    assert has.addresses == (mine.email, "second@example.test")
    assert has.phones == ("+12025550102", "+12025550101")
    assert has.wallets == ("0x" + "a" * 40,)
    assert has.has_picture
    assert details.picture_of(mine.account_id) == ("image/png", b"\x89PNG")
    other = details.of(stranger.account_id)
    assert (other.phones, other.wallets, other.has_picture) == ((), (), False)
    assert details.picture_of(stranger.account_id) is None


def test_of_an_account_that_does_not_exist_there_is_nothing() -> None:
    assert details.of(ids.uuid7()) == details.Details()
