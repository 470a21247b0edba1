"""The web side: a WSGI application with four pages and sessions in memory."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import requests
from authlib.common.errors import AuthlibBaseError
from joserfc.errors import JoseError

from examples.webapp.client import Pending, Provider, SignInFailed, Tokens

StartResponse = Callable[..., Any]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{title}</title><link rel="icon" href="data:,"><style>
body{{font:1rem/1.5 system-ui;max-inline-size:44rem;margin:3rem auto;padding:0 1rem}}
pre{{overflow:auto;padding:1rem;border:1px solid #8886;border-radius:.5rem}}
form{{display:inline}}button,a.button{{font:inherit;padding:.4rem .9rem}}
</style><h1>{title}</h1>{body}</html>"""


@dataclass
class Visit:
    """One browser's session."""

    pending: Pending | None = None
    tokens: Tokens | None = None
    form_token: str = ""
    notice: str = ""


class WebApp:
    def __init__(self, name: str, provider: Provider) -> None:
        self.name, self.provider = name, provider
        self.visits: dict[str, Visit] = {}
        self.cookie = f"sample-{provider.settings.origin.rsplit(':', 1)[-1]}"
        self.routes: dict[tuple[str, str], Callable[[dict[str, Any], Visit], Answer]] = {
            ("GET", "/"): self.home,
            ("GET", "/sign-in"): self.sign_in,
            ("GET", "/callback"): self.callback,
            ("POST", "/refresh"): self.refresh,
            ("POST", "/sign-out"): self.sign_out,
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        key, visit = self.visit(environ)
        answer = self.answer(environ, visit)
        cookie = f"{self.cookie}={key}; Path=/; HttpOnly; SameSite=Lax"
        headers = [*answer.headers, ("Set-Cookie", cookie), ("Cache-Control", "no-store")]
        start_response(answer.status, headers)
        return [answer.body.encode()]

    def answer(self, environ: dict[str, Any], visit: Visit) -> Answer:
        route = self.routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if route is None:
            return self.page("Not found", "<p>There is no such page.</p>", "404 Not Found")
        if environ["REQUEST_METHOD"] == "POST" and not _is_own_form(environ, visit):
            return self.page("Refused", "<p>This form is not ours.</p>", "403 Forbidden")
        try:
            return route(environ, visit)
        except (SignInFailed, AuthlibBaseError, JoseError, requests.RequestException) as error:
            visit.pending = visit.tokens = None
            sorry = f"<p>{html.escape(str(error))}</p><p><a href='/'>Back</a></p>"
            return self.page("That did not work", sorry, "400 Bad Request")

    def visit(self, environ: dict[str, Any]) -> tuple[str, Visit]:
        sent = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self.cookie)
        if sent is not None and sent.value in self.visits:
            return sent.value, self.visits[sent.value]
        key = secrets.token_urlsafe(32)
        return key, self.visits.setdefault(key, Visit(form_token=secrets.token_urlsafe(16)))

    def page(self, title: str, body: str, status: str = "200 OK") -> Answer:
        whole = PAGE.format(title=html.escape(f"{title} · {self.name}"), body=body)
        return Answer(status, whole, [("Content-Type", "text/html; charset=utf-8")])

    def home(self, environ: dict[str, Any], visit: Visit) -> Answer:
        if visit.tokens is None:
            return self.page("Welcome", "<p><a class='button' href='/sign-in'>Sign in</a></p>")
        me = self.provider.call("/v1/me", visit.tokens)
        who = html.escape(str(visit.tokens.claims.get("email") or visit.tokens.claims["sub"]))
        parts = [
            f"<p>Signed in as <strong id='who'>{who}</strong></p>",
            f"<p>Subject here: <code id='sub'>{html.escape(str(visit.tokens.claims['sub']))}</code></p>",
            f"<p id='notice' role='status'>{html.escape(visit.notice)}</p>",
            _form("/refresh", "Refresh the tokens", visit),
            _form("/sign-out", "Sign out", visit),
            f"<h2>GET /v1/me</h2><pre id='me'>{_json(me)}</pre>",
            f"<h2>ID token</h2><pre id='claims'>{_json(visit.tokens.claims)}</pre>",
        ]
        visit.notice = ""
        return self.page("Hello", "".join(parts))

    def sign_in(self, environ: dict[str, Any], visit: Visit) -> Answer:
        address, visit.pending = self.provider.begin()
        return redirect(address)

    def callback(self, environ: dict[str, Any], visit: Visit) -> Answer:
        pending, visit.pending = visit.pending, None
        if pending is None:
            raise SignInFailed("No sign-in was begun in this browser.")
        settings = self.provider.settings
        visit.tokens = self.provider.finish(f"{settings.redirect_uri}?{environ['QUERY_STRING']}", pending)
        return redirect("/")

    def refresh(self, environ: dict[str, Any], visit: Visit) -> Answer:
        if visit.tokens is not None:
            visit.tokens = self.provider.refresh(visit.tokens)
            visit.notice = "The tokens were refreshed."
        return redirect("/")

    def sign_out(self, environ: dict[str, Any], visit: Visit) -> Answer:
        tokens, visit.tokens = visit.tokens, None
        return redirect(self.provider.end_session(tokens, secrets.token_urlsafe(8)) if tokens else "/")


@dataclass
class Answer:
    status: str
    body: str
    headers: list[tuple[str, str]]


def redirect(address: str) -> Answer:
    return Answer("303 See Other", "", [("Location", address)])


def _is_own_form(environ: dict[str, Any], visit: Visit) -> bool:
    size = min(int(environ.get("CONTENT_LENGTH") or 0), 10_000)
    sent = parse_qs(environ["wsgi.input"].read(size).decode("utf-8", "replace")).get("form_token", [""])[0]
    return secrets.compare_digest(sent.encode(), visit.form_token.encode())


def _form(action: str, label: str, visit: Visit) -> str:
    token = f"<input type='hidden' name='form_token' value='{visit.form_token}'>"
    return f"<form method='post' action='{action}'>{token}<button>{label}</button></form> "


def _json(value: Any) -> str:
    return html.escape(json.dumps(value, indent=2, ensure_ascii=False))
