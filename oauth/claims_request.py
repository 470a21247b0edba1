"""The `claims` parameter (OIDC Core §5.5): single claims about the person, and demands on the sign-in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oauth.clients import Client
from oauth.errors import InvalidRequest
from oauth.standard_claims import SCOPE_CLAIMS

LONGEST = 4000  # characters
MOST_VALUES = 20
# Which scope stands for a claim (OIDC Core §5.4): whoever may ask for the scope may ask for one of it.
SCOPES: Mapping[str, str] = {name: scope for scope, names in SCOPE_CLAIMS.items() for name in names}
WORDS: Mapping[str, str | Promise] = {
    "name": _("See your name"),
    "family_name": _("See your family name"),
    "given_name": _("See your given name"),
    "nickname": _("See your nickname"),
    "picture": _("See your picture"),
    "birthdate": _("See your date of birth"),
    "zoneinfo": _("See your time zone"),
    "locale": _("See your language"),
    "updated_at": _("See when your details last changed"),
    "email": _("See your e-mail address"),
    "email_verified": _("See whether your e-mail address is confirmed"),
    "address": _("See your postal address"),
    "phone_number": _("See your phone number"),
    "phone_number_verified": _("See whether your phone number is confirmed"),
    "wallets": _("See the wallets that you have linked"),
    "linked_subjects": _("See who you are in other services that you have linked with this one"),
}


@dataclass(frozen=True)
class ClaimsRequest:
    """Claims asked for in each place, and what the sign-in must be.

    `essential_acr` must be reached, `acr` should be; `subject` is the person meant, empty for anybody.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    subject: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.id_token, *self.userinfo)))

    def granted(self, scopes: Iterable[str], claims: Iterable[str]) -> dict[str, list[str]]:
        """Return by place what may be given: claims of the scopes granted, and those allowed singly."""
        scopes, claims = set(scopes), set(claims)
        places = {"id_token": self.id_token, "userinfo": self.userinfo}
        given = {
            place: [name for name in names if name in claims or SCOPES[name] in scopes]
            for place, names in places.items()
        }
        return {place: names for place, names in given.items() if names}


NOTHING = ClaimsRequest()


def read(text: str, client: Client) -> ClaimsRequest:
    """Return what the client may ask for; unknown members are ignored (§5.5). Raises InvalidRequest."""
    if not text:
        return NOTHING
    wanted = _load(text)
    id_token, userinfo = _member(wanted, "id_token"), _member(wanted, "userinfo")
    acr = id_token.get("acr") or {}
    values = tuple(_values(acr))
    return ClaimsRequest(
        id_token=_allowed(id_token, client),
        userinfo=_allowed(userinfo, client),
        essential_acr=values if acr.get("essential") is True else (),
        acr=values,
        subject=_subject(id_token) or _subject(userinfo),
    )


def describe(claim: str) -> str:
    return str(WORDS.get(claim, claim))


def _load(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise InvalidRequest(f"claims is longer than {LONGEST} characters.")
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise InvalidRequest("claims is not a JSON object.")
    return wanted


def _member(wanted: Mapping[str, Any], place: str) -> dict[str, dict[str, Any]]:
    members = wanted.get(place, {})
    if not isinstance(members, dict) or not all(
        one is None or isinstance(one, dict) for one in members.values()
    ):
        raise InvalidRequest(f"claims.{place} must hold null or an object for each claim.")
    return {name: one or {} for name, one in members.items()}


def _allowed(members: Iterable[str], client: Client) -> tuple[str, ...]:
    return tuple(name for name in members if SCOPES.get(name) in client.scopes)


def _values(member: Mapping[str, Any]) -> list[str]:
    values = member.get("values", [member["value"]] if "value" in member else [])
    if (
        not isinstance(values, list)
        or len(values) > MOST_VALUES
        or not all(isinstance(one, str) for one in values)
    ):
        raise InvalidRequest("The values of a claim must be a short list of texts.")
    return values


def _subject(members: Mapping[str, Mapping[str, Any]]) -> str:
    value = members.get("sub", {}).get("value", "")
    if not isinstance(value, str):
        raise InvalidRequest("The value of sub must be a text.")
    return value
