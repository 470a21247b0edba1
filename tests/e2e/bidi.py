"""A thin WebDriver BiDi client (W3C, webdriver-bidi), enough to walk through pages in an unmodified Firefox.

Neither geckodriver nor a patched Firefox is needed: the browser speaks the protocol itself, at the address that
it prints at its start.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

STARTS_WITHIN, ANSWERS_WITHIN = 60.0, 60.0
# A first start of Firefox would otherwise greet, look for updates and report home.
PREFERENCES = {
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en-GB, en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "signon.rememberSignons": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class BidiError(Exception):
    """What the browser answered in place of a result."""


class Session:
    """One connection to one browser; `heard` collects its events of the subscribed kinds."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.numbers = itertools.count(1)
        self.heard: list[dict[str, Any]] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.responseCompleted"])

    def send(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; raises BidiError, TimeoutError."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(ANSWERS_WITHIN))
            if message.get("id") == number:
                break
            if message["type"] == "event":
                self.heard.append(message)
        if message["type"] == "error":
            raise BidiError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]


class Tab:
    """A window in a container of its own: no cookie of another one is in it."""

    def __init__(self, session: Session, width: int, height: int) -> None:
        self.session = session
        self.container = session.send("browser.createUserContext")["userContext"]
        made = session.send("browsingContext.create", type="tab", userContext=self.container)
        self.id = made["context"]
        viewport = {"width": width, "height": height}
        session.send("browsingContext.setViewport", context=self.id, viewport=viewport)

    def close(self) -> None:
        self.session.send("browser.removeUserContext", userContext=self.container)

    def go(self, address: str) -> None:
        self.session.send("browsingContext.navigate", context=self.id, url=address, wait="complete")

    def ask(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function in the page; returns a plain value, or a reference to an element."""
        answer = self.session.send(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[_argument(one) for one in arguments],
            target={"context": self.id},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise BidiError(answer["exceptionDetails"]["text"])
        result = answer["result"]
        return result if result["type"] == "node" else result.get("value")

    def click(self, element: dict[str, Any]) -> None:
        """Press the mouse on an element, as a hand would."""
        self.ask("(element) => element.scrollIntoView({block: 'center', behavior: 'instant'})", element)
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": moves})

    def type(self, text: str) -> None:
        """Type at whatever has the focus."""
        strokes = [{"type": kind, "value": sign} for sign in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def picture(self) -> str:
        """Return the whole page as a PNG file in base64."""
        made: str = self.session.send(
            "browsingContext.captureScreenshot", context=self.id, origin="document"
        )["data"]
        return made

    def _act(self, source: dict[str, Any]) -> None:
        self.session.send("input.performActions", context=self.id, actions=[source])


def _argument(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"sharedId": value["sharedId"]}
    return {"type": "string", "value": value}


@contextmanager
def firefox(program: str, home: Path) -> Iterator[Session]:
    """Start Firefox without a window, with a profile in `home`; raises RuntimeError when it does not speak."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (home / "user.js").write_text("\n".join(lines), encoding="utf-8")
    output = home / "output.log"
    command = [program, "--headless", "--no-remote", "--profile", str(home), "--remote-debugging-port", "0"]
    with output.open("wb") as log:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        address = f"{_address(running, output)}/session"
        with connect(address, max_size=None, open_timeout=STARTS_WITHIN) as socket:
            yield Session(socket)
    finally:
        running.terminate()
        running.wait(30)


def _address(running: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and running.poll() is None:
        said = output.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", said):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"Firefox did not offer WebDriver BiDi:\n{output.read_text(errors='replace')[-2000:]}")
