"""A real Chromium without windows, before a real `acd serve`; every page notes what it must not do.

Tests that use it are no coroutines: the driver has an event loop of its own, for as long as the module takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from acd_asterisk.lab import LabUnavailable
from bench.provision import Program, chromium_program
from tests.missing import missing_tool
from tests.pages.centre import QUEUES, Centre, begun
from tests.pages.screen import PATIENCE_MS, Screen
from tests.pages.work_screen import WorkScreen
from tests.pages.writing import Customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

NOTING: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@pytest.fixture(scope="session")
def program() -> Program:
    """Without it a test skips; under CI it fails."""
    if find_spec("playwright") is None:
        missing_tool("playwright, which drives Chromium; pip install '.[dev]'")
    try:
        return chromium_program()
    except LabUnavailable as reason:
        missing_tool(f"a Chromium: {reason}")


@pytest.fixture(scope="module")
def chromium(program: Program) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - `program` says so where it is missing

    executable = program.folder / "chromium-headless-shell"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, env=dict(program.environment()))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with begun(tmp_path_factory.mktemp("centre")) as found:
        yield found


Somebody = Callable[[], "BrowserContext"]


@pytest.fixture
def somebody(chromium: Browser) -> Iterator[Somebody]:
    """Browsers of different people, who share no cookie and read English."""
    with ExitStack() as stack:

        def another() -> BrowserContext:
            context = chromium.new_context(locale="en-GB", timezone_id="UTC")
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(NOTING)
            return context

        yield another


@pytest.fixture
def screen(somebody: Somebody, centre: Centre) -> Iterator[Screen]:
    """The page, just opened; in the end it has done nothing that it must not."""
    screen = Screen(somebody().new_page(), centre).open()
    yield screen
    screen.check()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Centre]:
    """A centre of its own for every test: what is in hand stays so from one to the next."""
    with begun(tmp_path, QUEUES, "parallel") as found:
        yield found


@pytest.fixture
def anna(somebody: Somebody, busy: Centre) -> Iterator[WorkScreen]:
    """Ready; in the end her page has done nothing that it must not."""
    screen = WorkScreen(somebody().new_page(), busy).open().begin("anna", "Anna Example")
    yield screen
    screen.check()


@pytest.fixture
def customer(busy: Centre) -> Iterator[Customer]:
    """Whoever writes to `busy`; connected."""
    found = Customer(busy)
    found.connect()
    yield found
    found.close()
