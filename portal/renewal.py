"""Silent renewal (SES-03): open pages of dashboard and portal say when the person last did something.

Sessions that a connection opened too: this tells how long one lasts, and nothing of the account. A page that
nobody attends renews nothing and times out; once the session is over its script goes to sign-in with a message
and the way back.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.errors import NotFound
from core.pages import READ_WRITE
from core.urls import tenant_slug
from identity import sessions
from identity.browser import unattended_session

LONGEST = 86_400


@require_http_methods(READ_WRITE)
def renewal(request: HttpRequest) -> HttpResponse:
    """Answer `{"ends_in": seconds}`, or 401 once the session is over.

    POST takes `idle`: how many seconds ago the person last touched the page. GET only asks.
    """
    if tenant_slug(request):
        raise NotFound
    session = unattended_session(request)
    if session is None:
        return JsonResponse({"error": "session_ended"}, status=401)
    ends = sessions.ends_at(session)
    idle = request.POST.get("idle", "")
    if idle.isascii() and idle.isdigit():
        ends = sessions.renew(session, idle_seconds=min(int(idle[:9]), LONGEST))
    return JsonResponse({"ends_in": int((ends - timezone.now()).total_seconds())})
