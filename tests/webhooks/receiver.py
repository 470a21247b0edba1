"""A webhook receiver on loopback: keeps what it got and answers by a script; and helpers around it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from core import scope
from core.principal import Actor
from events.sealing import seal_pending
from events.services import emit
from tests.factories import make_principal
from webhooks import pump, services
from webhooks.models import Delivery, Endpoint
from webhooks.services import CreatedEndpoint

Answer = tuple[int, dict[str, str]]
ADMIN = Actor(type="admin", id="sub_admin")


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answer` gets what was received and returns (status, headers); it may sleep."""

    url: str = ""
    answer: Callable[[Received], Answer] = lambda _: (200, {})
    received: list[Received] = field(default_factory=list)
    body: bytes = b"thanks"

    def ids(self) -> list[str]:
        return [one.id for one in self.received]


@contextmanager
def receiving(
    answer: Callable[[Received], Answer] | int = 200, *, allowed: bool = True
) -> Iterator[Receiver]:
    """Run a receiver; unless `allowed` is off, the operator's list names its host and port."""
    receiver = Receiver()
    if isinstance(answer, int):
        receiver.answer = lambda _: (answer, {})
    else:
        receiver.answer = answer

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            got = Received({name.lower(): value for name, value in self.headers.items()}, body, time.time())
            receiver.received.append(got)
            status, headers = receiver.answer(got)
            self.send_response(status)
            for name, value in {"content-length": str(len(receiver.body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(receiver.body)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        request_queue_size = 200
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    receiver.url = f"http://127.0.0.1:{port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    more = [f"127.0.0.1:{port}"] if allowed else []
    try:
        with override_settings(OUTBOUND_ALLOW=[*settings.OUTBOUND_ALLOW, *more]):
            yield receiver
    finally:
        server.shutdown()
        server.server_close()


def register(
    tenant: Any, url: str, events: Sequence[str] = ("organization.*",), **options: Any
) -> CreatedEndpoint:
    principal = make_principal(tenant)
    with scope.tenant(tenant.id):
        return services.create_endpoint(actor=principal, url=url, events=events, **options)


def happen(tenant: Any, count: int = 1, type: str = "organization.created", **options: Any) -> list[str]:
    """Emit and seal events of a tenant; returns their ids."""
    with scope.tenant(tenant.id):
        made = [_emit(type, number, **options).public_id for number in range(count)]
    seal_pending()
    return made


def _emit(type: str, number: int, **options: Any) -> Any:
    shown = {"id": f"org_{uuid.uuid4().hex[:12]}{number}", "object": "organization", "name": f"No {number}"}
    return emit(type, actor=ADMIN, object=shown, **options)


def deliveries(tenant: Any, endpoint: Endpoint | None = None) -> list[Delivery]:
    with scope.tenant(tenant.id):
        rows = Delivery.objects.order_by("id")
        return list(rows.filter(endpoint=endpoint) if endpoint else rows)


def fresh(tenant: Any, endpoint: Endpoint) -> Endpoint:
    with scope.tenant(tenant.id):
        return Endpoint.objects.get(id=endpoint.id)


def make_due(tenant: Any, *, probe: bool = True) -> None:
    """Let the waiting time of a tenant's deliveries and breakers pass."""
    past = timezone.now() - timedelta(seconds=1)
    with scope.tenant(tenant.id):
        Delivery.objects.filter(status="pending").update(due_at=past)
        if probe:
            Endpoint.objects.filter(probe_at__isnull=False).update(probe_at=past)


def run_until_done(tenant: Any, rounds: int = 30) -> None:
    """Deliver, let the waits pass, deliver again, until nothing of the tenant is pending."""
    for _ in range(rounds):
        pump.deliver_due()
        if not any(row.status == "pending" for row in deliveries(tenant)):
            return
        make_due(tenant)
