"""A receiver for the demo's own webhook, so that its deliveries have somewhere to go. Not in production."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)
