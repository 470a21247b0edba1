"""A genuine key that came over plain http is flagged: whoever was on the way has it now (API-10)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from apikeys import live, usage
from apikeys.events import PLAIN_HTTP
from apikeys.live import LiveKey
from apikeys.models import ApiKey
from apikeys.principals import sent_key
from apikeys.services.keys import described
from core import scope
from core.api.parsing import read_json
from core.errors import Problem
from core.exposure import on_exposed
from core.livecache import LiveCache
from core.principal import SYSTEM
from events.services import emit

EXCHANGE = "/v1/auth/token"
_seen: LiveCache[bool] = LiveCache("exposed", ttl=60)


@on_exposed
def flag_exposed_key(request: HttpRequest) -> None:
    """Flag the key in the headers, or in the body of an exchange; one that proves nothing is passed over."""
    try:
        key = live.authenticate(_key_in(request))
    except Problem:
        return
    usage.denied(key, "https_required")
    _seen.get(str(key.id), lambda: _flag(key))


def _key_in(request: HttpRequest) -> str:
    if request.path_info == EXCHANGE and request.method == "POST":
        return str(read_json(request.body).get("api_key", ""))
    return sent_key(request) or ""


def _flag(key: LiveKey) -> bool:
    """Record the first time; one statement decides which request that was."""
    with scope.tenant(key.tenant_id):
        first = ApiKey.objects.filter(id=key.id, exposed_at=None).update(exposed_at=timezone.now())
        if first:
            row = ApiKey.objects.select_related("resource").get(id=key.id)
            told = described(row) | {"source": PLAIN_HTTP}
            emit("api_key.leak_reported", actor=SYSTEM, object=told, organization_id=row.organization_id)
    return True
