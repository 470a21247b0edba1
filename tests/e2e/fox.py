"""A visitor whose browser is Firefox: the same steps as in tests.e2e.visitor, over WebDriver BiDi."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.e2e.bidi import BidiError, Session, Tab
from tests.e2e.walker import Walker

PATIENCE, PAUSE = 30.0, 0.05
WORDS = "const words = (one) => (one.textContent ?? '').replace(/\\s+/g, ' ').trim();"
SHOWN = "const shown = (one) => one.checkVisibility({visibilityProperty: true});"


class FoxVisitor(Walker):
    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    @classmethod
    @contextmanager
    def arriving(cls, session: Session) -> Iterator[Self]:
        tab = Tab(session, 1280, 900)
        session.heard.clear()
        try:
            yield cls(tab)
        finally:
            tab.close()

    @property
    def address(self) -> str:
        return str(self.tab.ask("() => location.href"))

    @property
    def problems(self) -> list[str]:
        """Errors of the pages' scripts and policies, and answers that are the server's fault."""
        found = []
        for event in self.tab.session.heard:
            told = event["params"]
            if event["method"] == "log.entryAdded" and told["level"] == "error":
                found.append(f"{self.address}: {told['text']}")
            elif event["method"] == "network.responseCompleted" and told["response"]["status"] >= 500:
                found.append(f"{told['response']['status']} {told['response']['url']}")
        return found

    def go(self, address: str) -> None:
        self.tab.go(address)

    def fill(self, label: str, value: str) -> None:
        field = self._wait(
            f"(label) => {{ {WORDS} {SHOWN} return [...document.querySelectorAll('label')]"
            ".filter((one) => words(one) === label && one.control && shown(one.control))[0]?.control }",
            label,
        )
        self.tab.click(field)
        self.tab.ask("(field) => field.select()", field)
        self.tab.type(value)

    def press(self, name: str) -> None:
        self._follow_click("button", name)

    def follow(self, name: str) -> None:
        self._follow_click("a[href]", name)

    def text(self, selector: str) -> str:
        return str(self._wait("(selector) => document.querySelector(selector)?.textContent.trim()", selector))

    def heading(self, text: str) -> None:
        self._wait(
            f"(text) => {{ {WORDS} return document.readyState === 'complete' && "
            "[...document.querySelectorAll('h1, h2')].some((one) => words(one).includes(text)) || undefined }",
            text,
        )

    def sees(self, text: str) -> None:
        self._wait("(text) => document.body.innerText.includes(text) || undefined", text)

    def _follow_click(self, selector: str, name: str) -> None:
        self.tab.click(
            self._wait(
                f"(selector, name) => {{ {WORDS} {SHOWN} return [...document.querySelectorAll(selector)]"
                ".filter((one) => words(one) === name && shown(one))[0] }",
                selector,
                name,
            )
        )

    def _wait(self, function: str, *arguments: str) -> Any:
        """Return what the function finds, once it finds something; pages may change under it meanwhile."""
        deadline = time.monotonic() + PATIENCE
        trouble = ""
        while time.monotonic() < deadline:
            try:
                found = self.tab.ask(function, *arguments)
            except BidiError as problem:
                found, trouble = None, str(problem)
            if found is not None:
                return found
            time.sleep(PAUSE)
        raise AssertionError(f"{arguments} not found on {self.address} {trouble}")
