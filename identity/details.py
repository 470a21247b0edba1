"""What a person has to give: their own words, proved phones and wallets, a picture."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from identity import contacts, pictures, selectors
from identity.services import PROFILE

Image = tuple[str, bytes]  # media type, content


@dataclass(frozen=True)
class Details:
    """`claims` are the words by their claim's name; the primary phone is in front."""

    claims: Mapping[str, str] = field(default_factory=dict)
    phones: tuple[str, ...] = ()
    wallets: tuple[str, ...] = ()
    picture: Image | None = None


def of(account_id: uuid.UUID) -> Details:
    """Read them in the open account scope."""
    account, picture = selectors.account(account_id), pictures.of(account_id)
    return Details(
        {name: value for name in PROFILE if (value := getattr(account, name, ""))},
        tuple(contacts.phones(account_id).values_list("number", flat=True)),
        tuple(contacts.wallets(account_id).values_list("address", flat=True)),
        (picture.media_type, bytes(picture.content)) if picture else None,
    )
