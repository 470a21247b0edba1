"""A person with a browser at the hosted pages, over HTTP: cookies, redirects, forms, no scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.factories.people import Person

LONGEST = 25  # redirects and forms between an application's link and the way back to it


@dataclass
class Form:
    """A form as a browser would send it: `fields` are the values that stand in it."""

    action: str
    method: str
    fields: dict[str, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._open)
        elif tag in ("input", "button", "select", "textarea") and self._open and given.get("name"):
            self._control(self._open, tag, given, {name for name, _ in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _control(self, form: Form, tag: str, given: dict[str, str], flags: set[str]) -> None:
        name, kind = given["name"], given.get("type", "text")
        form.names.add(name)
        if tag != "input" or kind in ("submit", "button", "image") or "disabled" in flags:
            return
        if kind in ("checkbox", "radio"):
            if "checked" in flags:
                form.fields.setdefault(name, []).append(given.get("value", "on"))
        else:
            form.fields[name] = given.get("value", "")


@dataclass(frozen=True)
class Callback:
    """What came to the client's redirect URI, and how."""

    parameters: dict[str, str]
    method: str
    address: str


class HostedPages:
    """Goes from an application's link through the hosted pages and back; `seen` names what it met."""

    def __init__(self, person: Person, redirect_uri: str) -> None:
        self.person, self.redirect_uri = person, redirect_uri
        # No idle connections: a test that ends leaves no socket behind.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(follow_redirects=False, timeout=30, limits=limits)
        self.goal = redirect_uri
        self.seen: list[str] = []
        self.pages: list[httpx.Response] = []

    def go(self, address: str, *, method: str = "GET", decision: str = "allow", until: str = "") -> Callback:
        """Follow a link as this person, filling in what is asked, until the way leads to the client.

        `until` is another address of the client than its redirect URI. Raises Stopped at a page that asks for
        nothing this person can answer.
        """
        self.seen, self.goal = [], (until or self.redirect_uri).split("?")[0]
        parts = urlsplit(address)
        if method == "POST":
            body = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = self.http.post(address.partition("?")[0], data=body)
        else:
            answer = self.http.get(address)
        for _ in range(LONGEST):
            if callback := self._arrived(answer):
                return callback
            answer = self._onwards(answer, decision)
        raise Stopped("the way never ends", answer)

    def reach(self, address: str, field: str) -> None:
        """Go to a page of ours that has this field, signing in on the way; it is then the last of `pages`."""
        answer = self.visit(address)
        for _ in range(LONGEST):
            if any(field in form.names for form in Forms(answer.text).found):
                self.pages.append(answer)
                return
            answer = self._onwards(answer, "allow")
            while answer.is_redirect:
                answer = self.http.get(urljoin(str(answer.url), answer.headers["Location"]))
        raise Stopped(f"no page with {field}", answer)

    def visit(self, address: str) -> httpx.Response:
        """Open a page, following redirects."""
        return self.http.get(address, follow_redirects=True)

    def submit(self, page: httpx.Response, filled: dict[str, Any]) -> httpx.Response:
        """Send the form that has these fields, with all that stands in it already."""
        fitting = [form for form in Forms(page.text).found if filled.keys() <= form.names]
        if not fitting:
            raise Stopped(f"no form with {sorted(filled)}", page)
        form = fitting[0]
        target = urljoin(str(page.url), form.action)
        headers = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(str(page.url)))}
        return self.http.request(form.method.upper(), target, data={**form.fields, **filled}, headers=headers)

    def _arrived(self, answer: httpx.Response) -> Callback | None:
        if answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["Location"])
            if target.split("?")[0].split("#")[0] == self.goal:
                return Callback(_single(urlsplit(target).query), "GET", target)
        elif answer.status_code == 200:
            for form in Forms(answer.text).found:
                if form.action.split("?")[0] == self.goal:
                    return Callback(dict(form.fields), "POST", form.action)
        return None

    def _onwards(self, answer: httpx.Response, decision: str) -> httpx.Response:
        if answer.is_redirect:
            return self.http.get(urljoin(str(answer.url), answer.headers["Location"]))
        self.pages.append(answer)
        if answer.status_code != 200:
            raise Stopped(f"status {answer.status_code}", answer)
        names = set().union(*(form.names for form in Forms(answer.text).found if form.method == "post"))
        if "password" in names:
            self.seen.append("password")
            return self.submit(answer, {"password": self.person.password})
        if "email" in names:
            self.seen.append("email")
            return self.submit(answer, {"email": self.person.email})
        if "decision" in names:
            self.seen.append("consent")
            return self.submit(answer, {"decision": decision})
        raise Stopped(f"a page with the fields {sorted(names)}", answer)


class Stopped(AssertionError):
    """The way did not lead to the client; `page` is where it stopped."""

    def __init__(self, reason: str, page: httpx.Response) -> None:
        super().__init__(f"{reason} at {page.url}: {page.text[:1500]}")
        self.page = page


def _single(query: str) -> dict[str, str]:
    found = parse_qs(query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values()), f"a parameter came twice: {query}"
    return {name: values[0] for name, values in found.items()}
