"""Words and tones for values on pages: states, times, initials. No markup here."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop, ngettext

# One tone per state, whichever object is in it. What is not listed is neutral.
TONES = {
    "ok": "active enabled live verified succeeded success delivered accepted approved healthy"
    " completed paid ok allowed connected published current",
    "warn": "pending invited expiring retrying unverified degraded scheduled queued paused warning"
    " challenge rotating required past_due draft stale",
    "bad": "suspended failed revoked denied disabled blocked expired deleted error refused locked"
    " exhausted removed frozen rejected failing",
    "note": "new running processing sandbox info upcoming",
}
# The states that people see of their own affairs, for the catalogues.
_STATES = (
    gettext_noop("Active"),
    gettext_noop("Suspended"),
    gettext_noop("Pending"),
    gettext_noop("Removed"),
    gettext_noop("Verified"),
    gettext_noop("Current"),
)
_TONE_OF = {state: tone for tone, states in TONES.items() for state in states.split()}

_UNITS = (("minute", 60, 3600), ("hour", 3600, 86400), ("day", 86400, 2592000), ("month", 2592000, 31536000))


def tone_of(state: object) -> str:
    """Return `ok`, `warn`, `bad`, `note` or `` (neutral) for a state such as `past_due`."""
    return _TONE_OF.get(str(state).lower(), "")


def humanize(state: object) -> str:
    """Return a state's own word as a label: `past_due` reads `Past due`."""
    return gettext(str(state).replace("_", " ").replace("-", " ").strip().capitalize())


def initials(name: object) -> str:
    """Return one or two capitals for an avatar; an address gives the first letter of its local part."""
    words = str(name or "").split("@")[0].replace(".", " ").replace("_", " ").split()
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def exact(moment: datetime) -> str:
    """Return the moment in UTC to the second, in the reader's date format."""
    utc = moment.astimezone(UTC)
    return f"{date_format(utc, 'DATE_FORMAT')}, {utc:%H:%M:%S} UTC"


def relative(moment: datetime, now: datetime | None = None) -> str:
    """Return the distance in the largest whole unit: `3 hours ago`, `in 2 days`, `just now`."""
    seconds = ((now or timezone.now()) - moment).total_seconds()
    if abs(seconds) < 60:
        return gettext("just now")
    unit, size = next(((u, s) for u, s, limit in _UNITS if abs(seconds) < limit), ("year", 31536000))
    count = int(abs(seconds) // size)
    return _ago(unit, count) if seconds > 0 else _ahead(unit, count)


def _ago(unit: str, n: int) -> str:
    return {
        "minute": ngettext("%(n)d minute ago", "%(n)d minutes ago", n),
        "hour": ngettext("%(n)d hour ago", "%(n)d hours ago", n),
        "day": ngettext("%(n)d day ago", "%(n)d days ago", n),
        "month": ngettext("%(n)d month ago", "%(n)d months ago", n),
        "year": ngettext("%(n)d year ago", "%(n)d years ago", n),
    }[unit] % {"n": n}


def _ahead(unit: str, n: int) -> str:
    return {
        "minute": ngettext("in %(n)d minute", "in %(n)d minutes", n),
        "hour": ngettext("in %(n)d hour", "in %(n)d hours", n),
        "day": ngettext("in %(n)d day", "in %(n)d days", n),
        "month": ngettext("in %(n)d month", "in %(n)d months", n),
        "year": ngettext("in %(n)d year", "in %(n)d years", n),
    }[unit] % {"n": n}
