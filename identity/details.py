"""What a person has to give: their own words, proved addresses, phones and wallets, a picture."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from core import scope
from core.postgres.prepared import Prepared
from identity import pictures
from identity.services import PROFILE

Image = tuple[str, bytes]  # media type, content
# One statement for a page that shows all of it. Arrays come as JSON, which needs no reader of its own.
_READ = Prepared(f"""
SELECT to_jsonb(ARRAY(SELECT address FROM identity_emailaddress
                       WHERE account_id = a.id ORDER BY is_primary DESC, id)),
       to_jsonb(ARRAY(SELECT number FROM identity_phonenumber WHERE account_id = a.id ORDER BY is_primary DESC, id)),
       to_jsonb(ARRAY(SELECT address FROM identity_wallet WHERE account_id = a.id ORDER BY id)),
       EXISTS (SELECT FROM identity_picture WHERE account_id = a.id),
       {", ".join(f"a.{name}" for name in PROFILE)}
  FROM identity_account a WHERE a.id = %(account)s
""")  # noqa: S608 — constants


@dataclass(frozen=True)
class Details:
    """`claims` are the words by their claim's name; the primary address and phone are in front."""

    claims: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    wallets: tuple[str, ...] = ()
    has_picture: bool = False


def of(account_id: uuid.UUID) -> Details:
    """Read them, in the person's own scope for this one statement; no scope may be open."""
    with scope.one_statement_of_account(account_id):
        row = _READ.first({"account": account_id})
    if row is None:
        return Details()
    *lists, has_picture = row[:4]
    addresses, phones, wallets = (tuple(json.loads(text)) for text in lists)
    claims = {name: value for name, value in zip(PROFILE, row[4:], strict=True) if value}
    return Details(claims, addresses, phones, wallets, has_picture)


def picture_of(account_id: uuid.UUID) -> Image | None:
    """Read the picture itself; opens the account's scope for a moment."""
    with scope.account(account_id):
        picture = pictures.of(account_id)
    return (picture.media_type, bytes(picture.content)) if picture else None
