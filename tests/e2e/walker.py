"""What every visitor can do, whatever their browser: the steps that the doors' tests are written in."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Walker(ABC):
    """Walks by what a person reads: labels of fields, names of buttons and links, headings."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the visitor is."""

    @abstractmethod
    def go(self, address: str) -> None: ...

    @abstractmethod
    def fill(self, label: str, value: str) -> None: ...

    @abstractmethod
    def press(self, name: str) -> None:
        """Press the button of this name."""

    @abstractmethod
    def follow(self, name: str) -> None:
        """Follow the link of this name."""

    @abstractmethod
    def heading(self, text: str) -> None:
        """Expect the page with this heading."""

    @abstractmethod
    def sees(self, text: str) -> None: ...

    @abstractmethod
    def text(self, selector: str) -> str:
        """Return the text of the first element that a CSS selector finds."""

    def sign_in(self, person: dict[str, str]) -> None:
        """Go through both steps of the hosted sign-in that stands on the screen."""
        self.fill("E-mail address", person["email"])
        self.press("Continue")
        self.fill("Password", person["password"])
        self.press("Sign in")
