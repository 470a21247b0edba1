"""Every page that links lead to, its forms filled with what nobody means to send: no 5xx (threat P1).

CLAVIGER_SEED=7 ./bin/test tests/pages/test_strange_input.py -n0 fills them with something else, and more often.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings

from tests.api.objects import every_kind
from tests.factories import Browser, Cast, make_cast
from tests.factories.browser import path_of
from tests.factories.hosted import at_home

pytestmark = [pytest.mark.usefixtures("roomy"), pytest.mark.timeout(300)]
SEED = int(os.environ.get("CLAVIGER_SEED", "0"))
TIMES = 5 if SEED else 1
STRANGE = [
    "", "\x00", "a\x00b", "x" * 5000, "\U0001f9d1\u200d\U0001f4bb", "\u202e\u2066", "\u0661\u0662\u0663", "-1",
    "99999999999999999999", "1e999", "NaN", "' OR 1=1--", "<script>alert(1)</script>", "[]", '{"a":', "2026-13-45",
    "9999-12-31T23:59:59Z", "0001-01-01", "http://[::1", "javascript:alert(1)", "//evil.example", "org_" + "z" * 26,
    "sub_" + "0" * 26, "00000000-0000-0000-0000-000000000000", "%00", "a,b,,c\n\n\r", "\ufdfa" * 300, "..", "\\",
    "a@" + "b" * 300 + ".example", "+999999999999999999", "2026-02-30T10:00", "\u0130", "\xdf" * 200,
]  # fmt: skip
ASKED = [
    "q", "cursor", "status", "from", "to", "next", "organization", "before", "after", "interaction", "flow", "id",
    "client_id", "token", "code", "type", "event", "request", "connection", "ticket", "ui_locales",
]  # fmt: skip
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S | re.I)
FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*>")
ID = re.compile(r"[a-z]+_[0-9a-z]{26}")
FIXED = {"hidden", "submit", "button"}


@pytest.fixture(scope="module")
def cast() -> Cast:
    made = make_cast()
    every_kind(made.acme, made.owner)
    return made


def pages(browser: Browser, *starts: str) -> Iterator[tuple[str, str]]:
    """Yield address and text of each page that links lead to; of those that differ by an id only, one."""
    waiting, seen = list(starts), set()
    while waiting:
        path = waiting.pop(0)
        kind = ID.sub("", path.partition("?")[0])
        if kind in seen or "/static/" in path or "sign-out" in path:
            continue
        seen.add(kind)
        answer = browser.get(path)
        assert answer.status_code < 500, path
        if answer.status_code in (301, 302, 303):
            waiting += ours(answer.headers["Location"])
        elif "html" in answer.headers.get("Content-Type", ""):
            text = answer.content.decode()
            waiting += [one for found in re.findall(r'href="([^"]+)"', text) for one in ours(unescape(found))]
            yield path, text


def ours(address: str) -> list[str]:
    parts = urlsplit(address)
    here = parts.netloc in {"", urlsplit(settings.ORIGIN).netloc} and parts.scheme in {"", "http"}
    return [path_of(address)] if here and parts.path.startswith("/") else []


def forms(path: str, text: str) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """Yield method, address and fields of each form."""
    for opening, inside in FORM.findall(text):
        form = attributes(opening)
        fields = [attributes(tag) for tag in FIELD.findall(inside)]
        named = [field for field in fields if "name" in field and field.get("type") != "file"]
        yield form.get("method", "get").lower(), path_of(unescape(form.get("action", "")) or path), named


def attributes(tag: str) -> dict[str, str]:
    return dict(re.findall(r'([\w-]+)="([^"]*)"', tag))


def filled(fields: Sequence[dict[str, str]], chance: random.Random) -> dict[str, str]:
    """Fill in a form: what people type mostly strangely, what the page fixed now and then."""
    data = {}
    for field in fields:
        strange = chance.random() < (0.15 if field.get("type") in FIXED else 0.6)
        is_token = field["name"] == "csrfmiddlewaretoken"
        value = chance.choice(STRANGE) if strange and not is_token else unescape(field.get("value", ""))
        data[field["name"]] = value
    return data


def put_strangely(browser: Browser, starts: Sequence[str]) -> int:
    """Ask each page and fill in each form strangely, some times; returns how many answers were looked at."""
    chance, known, looked_at = random.Random(SEED), set(), 0
    for path, text in pages(browser, *starts):
        asked: list[tuple[str, str, dict[str, str]]] = [
            ("get", path, {chance.choice(ASKED): chance.choice(STRANGE)}) for _ in range(TIMES)
        ]
        for method, address, fields in forms(path, text):
            form = (ID.sub("", address), tuple(sorted({field["name"] for field in fields})))
            if fields and form not in known and "sign-out" not in address:
                known.add(form)
                asked += [(method, address, filled(fields, chance)) for _ in range(TIMES * 2)]
        for method, address, data in asked:
            answer = sent(browser, method, address, data)
            looked_at += 1
            assert answer.status_code < 500, (method, address, data)
    return looked_at


def sent(browser: Browser, method: str, address: str, data: dict[str, str]) -> Any:
    if method == "post":
        return browser.send_form(address, data)
    return browser.get(f"{address.partition('?')[0]}?{urlencode(data)}")


def test_P1_pages_of_an_administrator(cast: Cast) -> None:
    browser = at_home(cast.owner)
    browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in"))
    assert put_strangely(browser, [f"/dashboard/{cast.acme.slug}/"]) > 60


def test_P1_pages_of_a_person(cast: Cast) -> None:
    assert put_strangely(at_home(cast.member), ["/account/"]) > 15


def test_P1_pages_of_nobody_yet(cast: Cast) -> None:
    there = f"/t/{cast.acme.slug}"
    starts = [f"{there}/sign-in", f"{there}/sign-up", f"{there}/recovery", f"{there}/device", "/sign-in", "/"]
    assert put_strangely(Browser(), starts) > 15
