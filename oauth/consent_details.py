"""What goes with a consent: the person's phone, wallets and picture, each chosen or left out by itself (TEN-16).

Only what is asked for now and the person has is offered. The tenant's copy is written with the consent; words of the
profile that the tenant has already stay as they are.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from core.principal import Actor
from identity import details as own_details
from identity.details import Details, Image
from identity.services import PROFILE
from oauth.standard_claims import SCOPE_CLAIMS
from tenants import details
from tenants.models import Member

NOTHING = Details()


@dataclass(frozen=True)
class Given:
    """`words` fill what the tenant lacks; `chosen` is written as it is."""

    words: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    picture: Image | None = None


def _asked(words: Collection[str]) -> set[str]:
    """Return the claims that these scopes and single claims come to."""
    return {name for word in words for name in SCOPE_CLAIMS.get(word, (word,))}


def offered(account_id: uuid.UUID, words: Collection[str]) -> Details:
    """Return what of the person's own is asked for; reads it in the person's scope, if anything is."""
    asked = _asked(words)
    if not asked & {"email", "picture", details.PHONE, details.WALLETS, *PROFILE}:
        return NOTHING
    return _only(own_details.of(account_id), asked)


def _only(has: Details, asked: Collection[str]) -> Details:
    return Details(
        {name: value for name, value in has.claims.items() if name in asked},
        has.addresses if "email" in asked else (),
        has.phones if details.PHONE in asked else (),
        has.wallets if details.WALLETS in asked else (),
        has.has_picture and "picture" in asked,
    )


def rows(offer: Details) -> list[dict[str, str]]:
    """Return the parts that the page lets the person leave out, one by one."""
    found = [{"word": "picture", "sentence": _("Your picture")}] if offer.has_picture else []
    return found + [{"word": wallet, "sentence": wallet} for wallet in offer.wallets]


def read(account_id: uuid.UUID, offer: Details, allowed: Collection[str], form: Any) -> Given:
    """Return what the form gives of an offer, held to what was allowed; reads the picture if it is given."""
    offer, withheld = _only(offer, _asked(allowed)), set(form.getlist("withhold"))
    chosen: dict[str, Any] = {}
    if offer.phones:
        number = form.get("give_phone", offer.phones[0])
        chosen[details.PHONE] = number if number in offer.phones else offer.phones[0]
    if offer.wallets:
        kept = [wallet for wallet in offer.wallets if wallet not in withheld]
        chosen[details.WALLETS] = [f"{details.CHAIN}:{wallet}" for wallet in kept] or None
    gives_picture = offer.has_picture and "picture" not in withheld
    return Given(offer.claims, chosen, own_details.picture_of(account_id) if gives_picture else None)


def write(actor: Actor, member: Member, given: Given) -> None:
    """Bring the tenant's copy in line, in the open tenant scope."""
    if given.words:
        details.give(actor=actor, member=member, claims=given.words, only_missing=True)
    if given.chosen:
        details.give(actor=actor, member=member, claims=given.chosen)
    if given.picture is not None:
        media_type, content = given.picture
        details.give_picture(actor=actor, member=member, media_type=media_type, content=content)
