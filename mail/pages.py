"""The mailbox page of a local installation; elsewhere there is nothing at these addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from core.errors import NotFound
from core.urls import tenant_slug
from mail import mailbox

View = Callable[..., HttpResponse]


def local_only(view: View) -> View:
    """404 in production and under a tenant's address: outgoing mail holds live links."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
        if settings.PRODUCTION or tenant_slug(request):
            raise NotFound
        return view(request, **arguments)

    return guarded


@require_safe
@local_only
def mailbox_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("to", "").strip().casefold()
    mails = [
        _shown(mail) for mail in mailbox.every() if not wanted or wanted in " ".join(mail["to"]).casefold()
    ]
    return render(request, "mail/mailbox.html", {"mails": mails, "wanted": wanted})


@require_safe
@local_only
def mailbox_detail(request: HttpRequest, mail_id: str) -> HttpResponse:
    mail = mailbox.one(mail_id)
    if mail is None:
        raise NotFound
    return render(request, "mail/message.html", {"mail": _shown(mail)})


@require_safe
@local_only
def mailbox_json(request: HttpRequest) -> HttpResponse:
    """All mails, newest first: to, from, subject, text, html, links, sent_at, id."""
    return JsonResponse(mailbox.every(), safe=False)


def _shown(mail: dict[str, Any]) -> dict[str, Any]:
    return {**mail, "at": parse_datetime(mail["sent_at"]), "recipients": ", ".join(mail["to"])}
