"""The browser's side of identity: the session cookie. Doors of every app read it here."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from psycopg_pool import PoolTimeout

from identity import sessions
from identity.sessions import Opened, SessionRef

_KNOWN = "_identity_session"
BACKGROUND = "Background-Request"  # a header of our own scripts: nobody has asked for this


def cookie_name() -> str:
    return f"{settings.COOKIE_PREFIX}session"


def current_session(request: HttpRequest) -> SessionRef | None:
    """Return the live identity session of this browser, asked once per request."""
    if not hasattr(request, _KNOWN):
        setattr(request, _KNOWN, sessions.find(request.COOKIES.get(cookie_name(), "")))
    found: SessionRef | None = getattr(request, _KNOWN)
    return found


def account_session(request: HttpRequest) -> SessionRef | None:
    """Return the session if the person's own pages may use it: opened by the account, not idle.

    Asking is activity of the person, unless the page says that it asks by itself (SES-03).
    """
    found = quiet_session(request)
    if found is not None and request.headers.get(BACKGROUND) != "1":
        sessions.touch(found)
    return found


def session_in(request: HttpRequest, tenant_id: uuid.UUID) -> SessionRef | None:
    """As `account_session` for pages of one tenant, where its own connections vouch too (threat F7)."""
    found = unattended_session(request)
    if found is None or not found.is_good_in(tenant_id):
        return None
    if request.headers.get(BACKGROUND) != "1":
        sessions.touch(found)
    return found


def quiet_session(request: HttpRequest) -> SessionRef | None:
    """As `account_session` for what runs in the background: it is no activity."""
    found = unattended_session(request)
    return found if found is not None and found.is_own else None


def unattended_session(request: HttpRequest) -> SessionRef | None:
    """Return the session of this browser, whoever's word opened it, unless it is idle; asking is no activity."""
    found = current_session(request)
    return None if found is None or found.is_idle(int(sessions.IDLE.total_seconds())) else found


def language(request: HttpRequest) -> str:
    """Return the language that whoever is signed in here has set for themselves, empty for none."""
    if cookie_name() not in request.COOKIES:
        return ""
    try:
        found = current_session(request)
    except (OperationalError, InterfaceError, PoolTimeout):  # the page itself will say so
        return ""
    return found.locale if found else ""


def remember(request: HttpRequest, response: HttpResponse, opened: Opened, *, persistent: bool) -> None:
    """Give the browser the new value; without `persistent` it forgets when it closes."""
    set_cookie(response, cookie_name(), opened.value, expires=opened.expires_at if persistent else None)
    forget_known(request)


def forget(request: HttpRequest, response: HttpResponse) -> None:
    delete_cookie(response, cookie_name())
    forget_known(request)


def forget_known(request: HttpRequest) -> None:
    if hasattr(request, _KNOWN):
        delattr(request, _KNOWN)


def set_cookie(response: HttpResponse, name: str, value: str, *, expires: datetime | None = None) -> None:
    """`__Host-` on https: Secure, path /, no domain, so that no sibling host can plant it (threat B4)."""
    seconds = max(0, int((expires - timezone.now()).total_seconds())) if expires else None
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=settings.SECURE, httponly=True, samesite="Lax"
    )


def delete_cookie(response: HttpResponse, name: str) -> None:
    response.set_cookie(name, "", max_age=0, path="/", secure=settings.SECURE, httponly=True, samesite="Lax")
