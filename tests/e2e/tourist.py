"""A visitor who goes by the names of fields, in any language, and examines every page on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser

from tests.e2e.visitor import Visitor

UNCHECKED = "document.querySelectorAll('form').forEach((form) => (form.noValidate = true))"
SPOKEN = "document.documentElement.lang"


class Tourist(Visitor):
    language = "en"

    @classmethod
    @contextmanager
    def speaking(cls, browser: Browser, screenshots: Path | None, locale: str) -> Iterator[Self]:
        with cls.arriving(browser, screenshots, locale=locale) as somebody:
            somebody.language = locale[:2]
            yield somebody

    def examine(self, name: str) -> None:
        """Look at the page, which has to speak the visitor's language.

        In another language than the first it is the same page with longer words: it has to fit.
        """
        self.page.locator("h1").first.wait_for()
        assert self.page.evaluate(SPOKEN) == self.language, f"{name} at {self.address}"
        look = self.look if self.language == Tourist.language or self.screenshots else self.fit
        look(f"{self.language}-{name}")

    def enter(self, **fields: str) -> None:
        """Fill in fields by their names and send their form, or the first one of the page."""
        self.page.evaluate(UNCHECKED)  # what the server says is looked at, not the browser's own words
        main = self.page.locator("main")
        for name, value in fields.items():
            main.locator(f"[name={name}]:visible").first.fill(value)
        form = main.locator("form", has=self.page.locator(f"[name={next(iter(fields))}]")) if fields else main
        with self.page.expect_navigation():
            form.locator("button[type=submit].button--primary:visible").first.click()

    def choose(self, selector: str) -> None:
        """Follow a link or press a button, and wait for the page behind it."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()

    def sign_in_as(self, person: dict[str, str]) -> None:
        self.enter(email=person["email"])
        self.enter(password=person["password"])
