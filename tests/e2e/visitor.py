"""Somebody with a browser: walks through pages, and looks closely at each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    ViewportSize,
)

from tests.e2e.walker import Walker

NARROW, WIDE = WIDTHS = (390, 1280)
HEIGHT = 900
# Dark pages have the same content as light ones: only what depends on colours is judged again.
RULES: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}
# Without preloading: it would fetch imported style sheets from the wrong addresses.
AXE = """(options) => axe.run({resultTypes: ["violations"], preload: false, ...options}).then((found) =>
  found.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) =>
    `${one.id} (${one.help}) at ${one.nodes.slice(0, 4).map((node) => node.target).join("; ")}`))"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Visitor(Walker):
    """A browser context of its own. `problems` collects console errors and failing answers.

    Pictures are taken where `screenshots` names a directory for them.
    """

    def __init__(self, context: BrowserContext, screenshots: Path | None) -> None:
        self.context = context
        self.screenshots = screenshots
        self.problems: list[str] = []
        self.examining = False  # the instruments themselves make the browser complain
        self.may_refuse = False  # scripts of this page ask for what they are not given
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._answered)

    @classmethod
    @contextmanager
    def arriving(
        cls, browser: Browser, screenshots: Path | None, *, scripts: bool = True, locale: str = "en-GB"
    ) -> Iterator[Self]:
        context = browser.new_context(
            viewport={"width": WIDE, "height": HEIGHT},
            locale=locale,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        try:
            yield cls(context, screenshots)
        finally:
            context.close()

    @property
    def address(self) -> str:
        return self.page.url

    def go(self, address: str) -> None:
        self.page.goto(address)

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(value)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Press the button of this name and wait for the page that follows."""
        (within or self.page).get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state()

    def follow(self, name: str, *, exact: bool = True) -> None:
        self.page.get_by_role("link", name=name, exact=exact).first.click()
        self.page.wait_for_load_state()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def heading(self, text: str) -> None:
        """Expect the page with this heading."""
        self.page.get_by_role("heading", name=text).first.wait_for()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text().strip()

    def look(self, name: str) -> None:
        """Examine the page in light and dark, narrow and wide, and take its picture in each."""
        self.examining = True
        # To and fro between the widths, since each change lays the page out anew.
        for scheme, widths in (("light", (WIDE, NARROW)), ("dark", (NARROW, WIDE))):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in widths:
                self._measure(f"{name}-{scheme}", width)
                if width == WIDE:
                    self._examine(f"{name}-{scheme}", RULES[scheme])
        self.page.emulate_media(color_scheme="light")
        self.page.evaluate(TWO_FRAMES)  # complaints about the instruments arrive late
        self.examining = False

    def fit(self, name: str) -> None:
        """Look whether the page fits the window, narrow and wide."""
        for width in WIDTHS:
            self._measure(name, width)

    def _measure(self, name: str, width: int) -> None:
        if self.page.viewport_size != (window := ViewportSize(width=width, height=HEIGHT)):
            self.page.set_viewport_size(window)
        overflow = self.page.evaluate(OVERFLOW)
        if overflow > 0:
            self.problems.append(f"{name}-{width}: wider than the window by {overflow} px")
        if self.screenshots:
            self.screenshots.mkdir(parents=True, exist_ok=True)
            picture = self.screenshots / f"{name}-{width}.png"
            self.page.screenshot(path=picture, full_page=True, animations="disabled")

    def _examine(self, name: str, rules: dict[str, Any]) -> None:
        # Let transitions end, so that colours are measured as they stay.
        self.page.evaluate(
            "() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => 0)))"
        )
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe_script())
        self.problems += [f"{name}: {finding}" for finding in self.page.evaluate(AXE, rules)]

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium complains about every 4xx; pages may answer so, and what they load is judged below.
        refused = message.text.startswith("Failed to load resource")
        if message.type == "error" and not self.examining and not refused:
            self.problems.append(f"{self.page.url}: {message.text} ({message.location.get('url', '')})")

    def _answered(self, response: Response) -> None:
        is_page = response.request.resource_type == "document"
        if response.status >= 500 or (response.status >= 400 and not is_page and not self.may_refuse):
            self.problems.append(f"{response.status} {response.url}")


@cache
def axe_script() -> str:
    return Axe().axe_script
