"""A real Chromium with a microphone and a camera that are none, before a real `acd serve`.

Tests that use it are no coroutines: the driver has an event loop of its own, for as long as the module takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from acd_asterisk.lab import LabUnavailable
from bench.provision import Program, chromium_program
from tests.missing import missing_tool
from tests.pages.call.centre import Centre, begun, shop
from tests.pages.call.sides import PATIENCE_MS, Agent, Customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

ARGUMENTS: Final = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    # Pages that a test itself answers for have no address, so Chromium lets them reach none of this machine.
    "--disable-features=LocalNetworkAccessChecks",
)


@pytest.fixture(scope="session")
def program() -> Program:
    """Without it a test skips; under CI it fails."""
    try:
        return chromium_program()
    except LabUnavailable as reason:
        missing_tool(f"a Chromium: {reason}")


@pytest.fixture(scope="module")
def chromium(program: Program) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is missing, tests say so

    executable = program.folder / "chromium-headless-shell"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, env=dict(program.environment()), args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop_address() -> Iterator[str]:
    with shop() as address:
        yield address


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, shop_address: str) -> Iterator[Centre]:
    with begun(tmp_path_factory.mktemp("centre"), shop_address) as found:
        yield found


Somebody = Callable[[], "BrowserContext"]


@pytest.fixture
def somebody(chromium: Browser) -> Iterator[Somebody]:
    """Browsers of different people, who share no cookie."""
    with ExitStack() as stack:

        def another() -> BrowserContext:
            context = chromium.new_context(locale="en-GB", timezone_id="UTC")
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            return context

        yield another


@pytest.fixture
def customer(somebody: Somebody, centre: Centre) -> Customer:
    """Before the shop's page."""
    return Customer(somebody(), centre).open()


@pytest.fixture
def anna(somebody: Somebody, centre: Centre) -> Iterator[Agent]:
    """Signed in and ready, until the test is over."""
    agent = Agent(somebody(), centre).open("anna").is_ready()
    yield agent
    for each in centre.ask("GET", "/v1/interactions")["interactions"]:
        centre.ask("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
    centre.ask("POST", "/v1/agents/anna/sign-out")


@pytest.fixture
def talking(customer: Customer, anna: Agent) -> tuple[Customer, Agent, str]:
    """The two hear each other, in this interaction."""
    customer.calls()
    interaction = anna.answers()
    customer.hears(again=False)
    anna.hears(again=False)
    return customer, anna, interaction
