"""Somebody with a browser: walks through pages, and looks closely at each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

WIDTHS = (390, 1280)
HEIGHT = 900
# Without preloading: it would fetch imported style sheets from the wrong addresses.
QUICKLY = {"resultTypes": ["violations"], "preload": False}
GRAVE = {"serious", "critical"}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Visitor:
    """A browser context of its own. `problems` collects console errors and failing answers."""

    def __init__(self, context: BrowserContext, screenshots: Path) -> None:
        self.context = context
        self.screenshots = screenshots
        self.problems: list[str] = []
        self.examining = False  # the instruments themselves make the browser complain
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._answered)

    @classmethod
    @contextmanager
    def arriving(cls, browser: Browser, screenshots: Path) -> Iterator[Self]:
        context = browser.new_context(viewport={"width": WIDTHS[-1], "height": HEIGHT}, locale="en-GB")
        try:
            yield cls(context, screenshots)
        finally:
            context.close()

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

    def look(self, name: str) -> None:
        """Take the page's picture in light and dark, narrow and wide, and examine it in each."""
        self.examining = True
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
                self._settle()
                self._photograph(f"{name}-{scheme}-{width}")
            self._examine(f"{name}-{scheme}")
        self.page.emulate_media(color_scheme="light")
        self.page.wait_for_timeout(100)  # complaints about the instruments arrive late
        self.examining = False

    def sign_in(self, person: dict[str, str]) -> None:
        """Go through both steps of the hosted sign-in that stands on the screen."""
        self.fill("E-mail address", person["email"])
        self.press("Continue")
        self.fill("Password", person["password"])
        self.press("Sign in")

    def _settle(self) -> None:
        """Let transitions end, so that colours are measured as they stay."""
        self.page.evaluate(
            "() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => 0)))"
        )

    def _photograph(self, name: str) -> None:
        self.screenshots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True, animations="disabled")
        overflow = self.page.evaluate(OVERFLOW)
        if overflow > 0:
            self.problems.append(f"{name}: wider than the window by {overflow} px")

    def _examine(self, name: str) -> None:
        for finding in Axe().run(self.page, options=QUICKLY).response["violations"]:
            if finding["impact"] in GRAVE:
                places = "; ".join(str(node["target"]) for node in finding["nodes"][:4])
                self.problems.append(f"{name}: {finding['id']} ({finding['help']}) at {places}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not self.examining:
            self.problems.append(f"{self.page.url}: {message.text} ({message.location.get('url', '')})")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status} {response.url}")
