"""A person at the hosted pages, without a browser: signs in, consents, and comes back with a code."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from bench.client import Request

SCOPES = "openid profile email offline_access"


class Person:
    """One person with cookies of their own, at one tenant, signing in to its `web` application."""

    def __init__(self, tenant: dict[str, Any], account: dict[str, str]) -> None:
        self.tenant = tenant
        self.account = account
        self.application = tenant["applications"]["web"]
        self.http = httpx.Client(follow_redirects=False, timeout=30)

    def sign_in(self) -> None:
        """Go through the hosted sign-in."""
        self.give_password(self.password_page())

    def password_page(self) -> httpx.Response:
        """Give the address; returns the page that asks for the password."""
        page = self._follow(self.http.get(f"{self.tenant['issuer']}/sign-in"))
        return self._follow(self._submit(page, {"email": self.account["email"]}))

    def give_password(self, page: httpx.Response) -> None:
        """Raises RuntimeError when it is refused."""
        answer = self._submit(page, {"password": self.account["password"]})
        if answer.status_code not in (302, 303):
            raise RuntimeError(f"sign-in was refused: {answer.status_code}")

    def in_another_tab(self) -> Person:
        """Return the person in the same browser, signed out: it stays known, the session is gone."""
        other = Person(self.tenant, self.account)
        for cookie in self.http.cookies.jar:
            if not cookie.name.endswith("session"):
                other.http.cookies.jar.set_cookie(cookie)
        return other

    def consent_page(self) -> httpx.Response:
        """Return the page that asks for consent again."""
        question = {**self.question(secrets.token_urlsafe(48)), "prompt": "consent"}
        return self._follow(self.http.get(f"{self.tenant['issuer']}/oauth/authorize", params=question))

    def again(self, page: httpx.Response) -> Request:
        """Return the request of a page, with this person's cookies."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        return Request("GET", page.url.raw_path.decode(), {"Cookie": cookies})

    def code(self) -> tuple[str, str]:
        """Return an authorization code and its PKCE verifier; consents where asked."""
        verifier = secrets.token_urlsafe(48)
        answer = self.http.get(f"{self.tenant['issuer']}/oauth/authorize", params=self.question(verifier))
        answer = self._follow(answer)
        if answer.status_code == 200:
            answer = self._follow(self._submit(answer, {"decision": "allow"}))
        found = parse_qs(urlsplit(answer.headers["Location"]).query)
        return found["code"][0], verifier

    def question(self, verifier: str) -> dict[str, str]:
        digest = hashlib.sha256(verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.application["client_id"],
            "redirect_uri": self.application["redirect_uris"][0],
            "scope": SCOPES,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }

    def redeem(self, code: str, verifier: str) -> dict[str, Any]:
        """Return the tokens of a code."""
        return self.token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": self.application["redirect_uris"][0],
            }
        )

    def token(self, fields: dict[str, str]) -> dict[str, Any]:
        """Post to the token endpoint as the application; raises httpx.HTTPStatusError."""
        identity = (self.application["client_id"], self.application["client_secret"])
        answer = self.http.post(f"{self.tenant['issuer']}/oauth/token", data=fields, auth=identity)
        tokens: dict[str, Any] = answer.raise_for_status().json()
        return tokens

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        """Follow redirects within the issuer; one that leads to the application is returned."""
        while answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["Location"])
            if target.startswith(self.application["redirect_uris"][0]):
                return answer
            answer = self.http.get(target)
        return answer

    def _submit(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        hidden = {}
        for tag in re.findall(r"<input\b[^>]*>", page.text):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if attributes.get("type") == "hidden" and "name" in attributes:
                hidden[attributes["name"]] = html.unescape(attributes.get("value", ""))
        form = re.search(r'<form\b[^>]*method="post"[^>]*>', page.text)
        action = re.search(r'action="([^"]*)"', form[0]) if form else None
        target = urljoin(str(page.url), html.unescape(action[1])) if action else str(page.url)
        return self.http.post(target, data={**hidden, **fields})
