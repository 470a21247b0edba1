"""A real installation with its sample applications, and Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, sync_playwright

from embedded.installation import Installation, free_port
from tests.e2e.mailbox import Mailbox
from tests.e2e.receiver import Receiver
from tests.e2e.visitor import Visitor

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("E2E_SCREENSHOTS") or ROOT / ".test" / "screenshots")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")

SECONDS = 600  # of patience with one walk on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def installation(receiver: Receiver) -> Iterator[Installation]:
    with TemporaryDirectory(prefix="cv-e2e-") as home:
        variables = {"OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}", "EXAMPLES_PORT": str(free_port())}
        made = Installation(Path(home), arguments=("--examples",), variables=variables)
        with made:
            yield made
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made.log, SCREENSHOTS / "supervisor.log")


@pytest.fixture(scope="session")
def mailbox(installation: Installation) -> Mailbox:
    return Mailbox(installation.demo["mailbox"])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.fail("The browser tests need a Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Somebody new, whose pages must all come without errors."""
    with Visitor.arriving(chromium, SCREENSHOTS) as somebody:
        yield somebody
        assert not somebody.problems, "\n".join(somebody.problems)
