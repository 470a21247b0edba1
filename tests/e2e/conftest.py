"""A real installation with its sample applications, and Chromium and Firefox in front of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from embedded.installation import Installation, free_port
from tests.e2e import bidi, scene
from tests.e2e.fox import FoxVisitor
from tests.e2e.holder import Holder
from tests.e2e.mailbox import Mailbox
from tests.e2e.receiver import Receiver
from tests.e2e.relying_party import RelyingParty
from tests.e2e.visitor import Visitor
from tests.e2e.walker import Walker

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / ".test" / "screenshots"
# Pictures cost a third of the time, so they are taken where somebody wants to look at them.
SCREENSHOTS = Path(os.environ["E2E_SCREENSHOTS"]) if os.environ.get("E2E_SCREENSHOTS") else None
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Without a shell of its own, a Chromium without a window still draws its tool bars, which costs as much as the pages.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FIREFOXES = ("firefox-esr", "firefox")

SECONDS = 600  # of patience with one walk on a busy machine
# Tours of many pages take the longest, so they begin first.
TOURS = ("test_every_page.py", "test_administration.py", "test_hosted_pages.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        item.add_marker(pytest.mark.timeout(SECONDS))
    if len(own) == len(items):
        items.sort(key=lambda item: item.path.name not in TOURS)
        items[:] = items[0::2] + items[1::2]  # each of two workers begins with a half


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def installation(receiver: Receiver) -> Iterator[Installation]:
    with home_of_the_installation() as home:
        variables = {"OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}", "EXAMPLES_PORT": str(free_port())}
        made = Installation(Path(home), arguments=("--examples",), variables=variables)
        with made:
            yield made
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made.log, ARTIFACTS / f"supervisor{worker()}.log")


def worker() -> str:
    """What tells workers that run at once apart, empty for one alone."""
    name = os.environ.get("PYTEST_XDIST_WORKER")
    return f"-{name}" if name else ""


def home_of_the_installation() -> AbstractContextManager[str]:
    """A new directory; with E2E_HOME that one, which stays, so that a later run need not migrate and seed."""
    kept = os.environ.get("E2E_HOME")
    return nullcontext(f"{kept}{worker()}") if kept else TemporaryDirectory(prefix="cv-e2e-")


@pytest.fixture(scope="session")
def mailbox(installation: Installation) -> Mailbox:
    return Mailbox(installation.demo["mailbox"])


@pytest.fixture(scope="session")
def application() -> Iterator[RelyingParty]:
    with RelyingParty() as running:
        yield running


class Scene:
    """The tenants of `tests.e2e.scene`, and their people, each of whom is somebody once."""

    def __init__(self, tenants: dict[str, Any]) -> None:
        self.open: dict[str, Any] = tenants["open"]
        self.strict: dict[str, Any] = tenants["strict"]
        self.wary: dict[str, Any] = tenants["wary"]

    def somebody(self, kind: str = "plain", *, strict: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = (self.strict if strict else self.open)["people"][kind].pop()
        return found


@pytest.fixture(scope="session")
def people(installation: Installation, application: RelyingParty) -> Scene:
    code = f"from tests.e2e import scene; scene.main({application.callback!r})"
    made = installation.manage("shell", "--no-imports", "-c", code)
    answers = [line for line in made.stdout.splitlines() if line.startswith(scene.MARK)]
    assert answers, made.stdout + made.stderr
    return Scene(json.loads(answers[-1].removeprefix(scene.MARK)))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        pytest.fail("The browser tests need a Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def firefox() -> Iterator[bidi.Session]:
    program = next(filter(None, map(shutil.which, FIREFOXES)), None)
    if program is None:
        pytest.skip("NOT TESTED IN FIREFOX: there is none here. apt-get install firefox-esr")
    with TemporaryDirectory(prefix="cv-fox-") as home, bidi.firefox(program, Path(home)) as session:
        yield session


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Somebody new, whose pages must all come without errors."""
    with Visitor.arriving(chromium, SCREENSHOTS) as somebody:
        yield somebody
        assert not somebody.problems, "\n".join(somebody.problems)


@pytest.fixture
def plain_visitor(chromium: Browser) -> Iterator[Visitor]:
    """The same with scripts switched off."""
    with Visitor.arriving(chromium, SCREENSHOTS, scripts=False) as somebody:
        yield somebody
        assert not somebody.problems, "\n".join(somebody.problems)


@pytest.fixture
def holder(visitor: Visitor) -> Holder:
    """The same with an authenticator that keeps passkeys."""
    return Holder(visitor)


@pytest.fixture
def fox(firefox: bidi.Session) -> Iterator[FoxVisitor]:
    """The same in Firefox."""
    with FoxVisitor.arriving(firefox) as somebody:
        yield somebody
        assert not somebody.problems, "\n".join(somebody.problems)


@pytest.fixture(params=["visitor", "plain_visitor"], ids=["chromium", "without-scripts"])
def walker(request: pytest.FixtureRequest) -> Walker:
    """Somebody in Chromium, with scripts and without."""
    found: Walker = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["visitor", "plain_visitor", "fox"], ids=["chromium", "without-scripts", "firefox"])
def anybody(request: pytest.FixtureRequest) -> Walker:
    """Somebody in each browser, for the main doors."""
    found: Walker = request.getfixturevalue(request.param)
    return found
