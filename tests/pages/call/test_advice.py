"""An agent asks a colleague for advice about a call between browsers: who hears whom, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.call.board_ear import FLOWS
from tests.pages.call.centre import Centre
from tests.pages.call.desk_screen import CALL, CONNECTED_CALL, POLL_MS, CallScreen
from tests.pages.call.sides import Customer, Side
from tests.pages.screen import PATIENCE_MS, _expect

if TYPE_CHECKING:
    from tests.pages.call.conftest import Somebody

ADVICE = "anna asks for advice · sales"


@pytest.fixture
def desks(somebody: Somebody, centre: Centre) -> Iterator[tuple[CallScreen, CallScreen]]:
    """Anna is ready, Boris is there; in the end neither page has done anything that it must not."""
    anna = CallScreen(somebody(), centre).open().begin("anna")
    boris = CallScreen(somebody(), centre).open().sign_in("boris")
    yield anna, boris
    for each in (anna, boris):
        each.check()
    for row in centre.ask("GET", "/v1/interactions")["interactions"]:
        if not row["parent"]:  # what is asked about it ends with it
            centre.ask("POST", f"/v1/interactions/{row['id']}/end", {"by": "system"})
    for agent in ("anna", "boris"):
        if centre.ask("GET", f"/v1/agents/{agent}")["presence"] != "signed-out":
            centre.ask("POST", f"/v1/agents/{agent}/sign-out")


@pytest.fixture
def asked(customer: Customer, desks: tuple[CallScreen, CallScreen]) -> tuple[Customer, CallScreen, CallScreen]:
    """Anna talks with the customer, and Boris with Anna about it."""
    anna, boris = desks
    customer.calls()
    anna.talks()
    customer.hears(again=False)
    boris.button("Ready").click()
    boris.is_pressed("Ready")
    anna.hand("Ask a colleague", "boris – Ready", "Ask")
    customer.is_told("held", held=True)
    anna.call_is("On hold")
    boris.accepts()
    boris.call_is(CONNECTED_CALL)
    hears(anna, 1, of=2)
    hears(boris, 0, of=1)
    return customer, anna, boris


Asked = tuple[Customer, CallScreen, CallScreen]

ENERGY = f"async () => (await ({FLOWS})(window.connections)).map((each) => each.energy)"
SILENCE = 1e-4
"""What a decoder makes of silence; a tone is some hundred times as much."""

OF_CUSTOMER = f"async () => (await ({FLOWS})([call.connection.pc]))[0].energy"


def energies(desk: CallScreen) -> list[float]:
    """What has come in by each connection of a page, the oldest first."""
    return list(desk.page.evaluate(ENERGY))


def hears(desk: CallScreen, index: int, of: int) -> None:
    """By this one of so many connections sound comes in, from now on."""
    before: list[float] = []

    def more() -> bool:
        nonlocal before
        now = energies(desk)
        if len(before) != len(now):
            before = now
        return len(now) == of and now[index] > before[index]

    desk_until(desk, more)


def desk_until(desk: CallScreen, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_MS / 1_000
    while not holds():
        assert time.monotonic() < deadline, (energies(desk), desk.noted)
        desk.page.wait_for_timeout(POLL_MS)


def hears_nobody(customer: Side, desk: CallScreen) -> None:
    """While an agent hears the other, nothing but silence comes in."""
    before = customer.do(OF_CUSTOMER)
    hears(desk, 0, of=1)
    hears(desk, 0, of=1)
    assert customer.do(OF_CUSTOMER) - before < SILENCE
    assert customer.do("() => call.audio.muted") is True


def test_two_agents_hear_each_other_while_the_customer_waits_and_then_nobody_waits(asked: Asked) -> None:
    customer, anna, boris = asked
    boris.shows(ADVICE, "Talking")
    boris.call_buttons("Mute", "Hang up")
    anna.says("boris: talking to you")
    hears_nobody(customer, boris)
    assert customer.do("() => call.peers.all.size") == 0, "the customer has no connection with who advises"
    customer.forget()
    anna.button("Back to the customer").click()
    customer.is_told("held", held=False)
    boris.has_no_call()
    anna.call_is(CONNECTED_CALL)
    hears(anna, 0, of=1)
    customer.hears()


def test_the_customer_is_handed_over(asked: Asked) -> None:
    customer, anna, boris = asked
    anna.button("Hand the customer over").click()
    anna.has_no_call()
    boris.shows(CALL, "Talking")
    boris.call_is(CONNECTED_CALL)
    hears(boris, 0, of=1)
    customer.is_told("held", held=False)
    customer.hears()
    boris.call_buttons("Mute", "Camera", "Share screen", "Hang up")
    boris.call_button("Hang up").click()
    customer.is_in("over")


def test_pages_are_loaded_anew_meanwhile(asked: Asked) -> None:
    customer, anna, boris = asked
    anna.page.reload()
    anna.call_is("On hold")
    hears(anna, 1, of=2)
    hears(boris, 0, of=1)
    boris.page.reload()
    boris.call_is(CONNECTED_CALL)
    hears(boris, 0, of=1)
    hears(anna, 1, of=2)
    hears_nobody(customer, boris)
    customer.page.reload()
    customer.until("() => window.ready")
    assert customer.do("() => call.resume()") is True
    customer.is_told("held", held=True)
    customer.until("() => call.connection?.pc?.connectionState === 'connected'")
    hears_nobody(customer, boris)


def test_who_asks_may_hold_and_mute_besides(asked: Asked) -> None:
    customer, anna, boris = asked
    anna.control("Hold").click()
    anna.page.locator("#resume").click()
    anna.says("boris: talking to you")
    hears_nobody(customer, boris)
    anna.call_button("Mute").click()
    tracks = """() => window.connections.filter((pc) => pc.connectionState !== "closed")
                 .map((pc) => pc.getSenders()[0].track.enabled)"""
    assert anna.page.evaluate(tracks) == [False, False]
    anna.call_button("Mute").click()
    assert anna.page.evaluate(tracks) == [False, True]


def test_who_advises_hangs_up_or_is_lost(asked: Asked) -> None:
    customer, anna, boris = asked
    customer.forget()
    boris.call_button("Hang up").click()
    customer.is_told("held", held=False)
    anna.call_is(CONNECTED_CALL)
    customer.hears()
    boris.button("Ready").click()
    anna.hand("Ask a colleague", "boris – Ready", "Ask")
    boris.accepts()
    boris.call_is(CONNECTED_CALL)
    hears(anna, 1, of=2)
    customer.forget()
    boris.page.goto(f"{boris.centre.address}/readyz")
    customer.is_told("held", held=False)
    customer.hears()
    _expect(anna.page.locator("#consults > li")).to_have_count(0, timeout=PATIENCE_MS)
    boris.open()
