"""A test client that maps `/t/{slug}` as production does and follows redirects by origin."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client
from django.test.client import ClientHandler, conditional_content_removal
from django.utils import translation
from django.utils.http import urlencode

from core import machines
from core.machine_http import MachineRequest
from core.postgres.base import give_back
from core.urls import map_tenant


class Handler(ClientHandler):
    """Sends programs' requests the way that config.wsgi sends them, and no signals, for which nothing here listens."""

    def __call__(self, environ: Any) -> Any:
        if self._middleware_chain is None:
            self.load_middleware()
        request = WSGIRequest(environ)
        request._dont_enforce_csrf_checks = not self.enforce_csrf_checks
        response = self.get_response(request)
        conditional_content_removal(request, response)
        response.wsgi_request = request
        if not response.streaming:  # what streams is read, and closed, by the test
            for close in response._resource_closers:
                close()
        return response

    def get_response(self, request: Any) -> Any:
        try:
            if machines.takes(request.path_info, request.method):
                return machines.respond(MachineRequest(as_received(request.environ)))
            return super().get_response(request)
        finally:
            translation.deactivate()  # as PageHandler
            give_back()  # or threads of a race would keep the pool's connections


def as_received(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the environment as a server hands it over; Django's request has decoded the path in its own."""
    return {**environ, "PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}


_handlers: dict[bool, Any] = {}


class Browser(Client):
    """Django's client behind the tenant prefix; `enforce_csrf_checks` is on, as in production."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("enforce_csrf_checks", True)
        options.setdefault("raise_request_exception", False)
        super().__init__(**options)
        # Middleware is loaded once: WhiteNoise alone looks up every static file each time.
        checks = options["enforce_csrf_checks"]
        self.handler = _handlers.setdefault(checks, Handler(enforce_csrf_checks=checks))
        self.defaults["HTTP_HOST"] = urlsplit(settings.ORIGIN).netloc

    def request(self, **request: Any) -> Any:
        environ = self._base_environ(**request)
        requested_path = environ["PATH_INFO"]
        map_tenant(environ)
        response = self.handler(environ)
        response.request = request
        response.requested_path = requested_path
        response.json = partial(self._parse_json, response)
        if response.cookies:
            self.cookies.update(response.cookies)
        return response

    def submit(self, page: Any, data: dict[str, Any] | None = None, *, to: str = "", **extra: Any) -> Any:
        """Post a form of `page` with its CSRF token and hidden fields; `to` defaults to the form's action."""
        html = page.content.decode()
        fields = hidden_fields(html) | {"csrfmiddlewaretoken": csrf_of(page)} | (data or {})
        address = to or form_action(html) or page.requested_path
        return self.send_form(path_of(address), fields, **extra)

    def send_form(self, path: str, fields: dict[str, Any], **extra: Any) -> Any:
        """Post fields as a form does: in parts only where there is a file, else in one line, which is less work."""
        if any(hasattr(value, "read") for value in fields.values()):
            return self.post(path, fields, **extra)
        line = urlencode(fields, doseq=True)
        return self.post(path, line, content_type="application/x-www-form-urlencoded", **extra)

    def follow(self, response: Any, limit: int = 10) -> Any:
        """Follow redirects on our own origin; a redirect elsewhere is returned as it is."""
        for _ in range(limit):
            if response.status_code not in (301, 302, 303, 307):
                return response
            parts = urlsplit(response.headers["Location"])
            if parts.netloc and parts.netloc != urlsplit(settings.ORIGIN).netloc:
                return response
            response = self.get(path_of(response.headers["Location"]))
        raise AssertionError("too many redirects")

    def api(self, method: str, path: str, token: str = "", body: Any = None, **headers: str) -> Any:
        """Call the JSON API with a bearer token; extra headers by name, as in `Idempotency_Key="…"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        return self.generic(
            method.upper(),
            path,
            data=b"" if body is None else _json(body),
            content_type="application/json",
            headers=named,
        )


def _json(body: Any) -> bytes:
    import json

    return body if isinstance(body, bytes) else json.dumps(body).encode()


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def csrf_of(page: Any) -> str:
    match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert match, "the page has no form with a CSRF token"
    return match[1]


def hidden_fields(html: str) -> dict[str, str]:
    import html as entities

    found = {}
    for tag in re.findall(r"<input\b[^>]*>", html):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden" and "name" in attributes:
            found[attributes["name"]] = entities.unescape(attributes.get("value", ""))
    return found


def form_action(html: str) -> str:
    import html as entities

    match = re.search(r'<form\b[^>]*method="post"[^>]*>', html, re.I)
    action = re.search(r'action="([^"]*)"', match[0]) if match else None
    return entities.unescape(action[1]) if action else ""
