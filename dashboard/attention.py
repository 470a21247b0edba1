"""What wants an administrator's attention now: each with where to look, and gone once it is dealt with (ADM-07)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import ngettext

from apikeys.models import ApiKey
from dashboard.frame import Viewer
from events.models import Event
from webhooks.models import Endpoint, EndpointStatus

SOON = timedelta(days=14)
LATELY = timedelta(days=7)
ICONS = {"bad": "close-circle", "warn": "warning", "note": "info"}
Finding = dict[str, Any]


def findings(viewer: Viewer) -> list[Finding]:
    """Return what the viewer may see of it, the gravest first."""
    found: list[Finding] = []
    if viewer.may("audit:read"):
        found += _attacks(viewer)
    if viewer.may("api-keys:read"):
        found += _keys(viewer)
    if viewer.may("webhooks:read"):
        found += _endpoints(viewer)
    return found


def _attacks(viewer: Viewer) -> Iterator[Finding]:
    since = timezone.now() - LATELY
    seen = Event.objects.filter(type__startswith="attack.", created_at__gte=since).count()
    if seen:
        words = ngettext(
            "%(count)s attack on sign-in in the last 7 days",
            "%(count)s attacks on sign-in in the last 7 days",
            seen,
        )
        yield _finding("bad", words % {"count": seen}, viewer.url("audit") + "?action=attack.*")


def _keys(viewer: Viewer) -> Iterator[Finding]:
    now, url = timezone.now(), viewer.url("api-keys")
    live = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    exposed = live.exclude(exposed_at=None).count()
    ending = live.filter(expires_at__lte=now + SOON, rotated_to=None).count()
    endless = live.filter(expires_at=None, rotated_to=None).count()
    if exposed:
        words = ngettext(
            "%(count)s API key was sent in clear", "%(count)s API keys were sent in clear", exposed
        )
        yield _finding("bad", words % {"count": exposed}, url)
    if ending:
        words = ngettext(
            "%(count)s API key expires within 14 days", "%(count)s API keys expire within 14 days", ending
        )
        yield _finding("warn", words % {"count": ending}, url)
    if endless:
        words = ngettext("%(count)s API key never expires", "%(count)s API keys never expire", endless)
        yield _finding("note", words % {"count": endless}, url)


def _endpoints(viewer: Viewer) -> Iterator[Finding]:
    ill = Q(status=EndpointStatus.DISABLED) | Q(status=EndpointStatus.ACTIVE, probe_at__isnull=False)
    count = Endpoint.objects.filter(ill).count()
    if count:
        words = ngettext(
            "%(count)s webhook endpoint gets no events", "%(count)s webhook endpoints get no events", count
        )
        yield _finding("bad", words % {"count": count}, viewer.url("webhooks"))


def _finding(tone: str, text: str, url: str) -> Finding:
    return {"tone": tone, "icon": ICONS[tone], "text": text, "url": url}
