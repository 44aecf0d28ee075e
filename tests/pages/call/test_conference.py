"""Two agents and a customer in one call between browsers: all hear each other, one leaves, and nobody is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages.call.desk_screen import CALL, CONNECTED_CALL, CallScreen
from tests.pages.call.sides import Customer
from tests.pages.call.test_advice import Asked, asked, desk_until, desks, energies, hears
from tests.pages.screen import PATIENCE_MS, _expect

if TYPE_CHECKING:
    from tests.pages.call.centre import Centre

__all__ = ["asked", "desks"]

TOGETHER = "Talking, together: anna, boris"
BESIDE = (
    "() => [...call.peers.all.values()].filter((each) => each.connection.pc?.connectionState === 'connected').length"
)


@pytest.fixture
def together(asked: Asked) -> Asked:
    """All three hear each other."""
    customer, anna, boris = asked
    anna.button("Talk together").click()
    for desk in (anna, boris):
        desk.shows(CALL, TOGETHER)
        desk.call_is(CONNECTED_CALL)
    all_hear_each_other(customer, anna, boris)
    return customer, anna, boris


def all_hear_each_other(customer: Customer, *desks: CallScreen) -> None:
    """By two connections each, sound comes in from now on."""
    customer.hears()
    customer_hears_beside(customer)
    for desk in desks:
        for index in (0, 1):
            hears(desk, index, of=2)


def customer_hears_beside(customer: Customer) -> None:
    energy = """async () => {
      const [peer] = call.peers.all.values();
      if (!peer || peer.audio.muted || !peer.connection.pc) return 0;
      const report = [...(await peer.connection.pc.getStats()).values()];
      return report.find((each) => each.type === "inbound-rtp" && each.kind === "audio")?.totalAudioEnergy ?? 0;
    }"""
    before = customer.do(energy)
    customer.until(f"async (before) => (await ({energy})()) > before", before)


def test_all_three_hear_each_other_and_the_first_leaves(together: Asked) -> None:
    customer, anna, boris = together
    assert customer.do(BESIDE) == 1
    anna.control("Leave").click()
    anna.has_no_call()
    boris.shows(CALL, "Talking")
    boris.call_is(CONNECTED_CALL)
    hears(boris, 0, of=1)
    customer.hears()
    assert customer.do("() => call.peers.all.size") == 0
    boris.call_button("Hang up").click()
    customer.is_in("over")


def test_the_second_leaves_and_the_talk_is_not_touched(together: Asked) -> None:
    customer, anna, boris = together
    talk = customer.do("() => call.talk.id")
    boris.control("Leave").click()
    boris.has_no_call()
    anna.shows(CALL, "Talking")
    hears(anna, 0, of=1)
    customer.hears()
    assert customer.do("() => call.talk.id") == talk


def test_hold_is_everybodys_own(together: Asked) -> None:
    customer, anna, boris = together
    boris.control("Hold").click()
    boris.call_is("On hold")
    customer.until("() => [...call.peers.all.values()].every((each) => each.audio.muted && !each.told.speaks)")
    hears(anna, 0, of=2)
    customer.hears()
    boris.page.locator("#resume").click()
    boris.call_is(CONNECTED_CALL)
    all_hear_each_other(customer, anna, boris)


def test_pages_are_loaded_anew_and_one_is_lost(together: Asked, centre: Centre) -> None:
    customer, anna, boris = together
    boris.page.reload()
    boris.call_is(CONNECTED_CALL)
    all_hear_each_other(customer, boris)
    anna.page.reload()
    anna.call_is(CONNECTED_CALL)
    all_hear_each_other(customer, anna, boris)
    boris.page.goto(f"{boris.centre.address}/readyz")
    anna.shows(CALL, "Talking")
    desk_until(anna, lambda: len(energies(anna)) == 1)
    customer.hears()
    assert "boris" not in str(centre.ask("GET", "/v1/interactions")["interactions"][0]["participants"])
    boris.open()


def test_the_customer_hangs_up(together: Asked) -> None:
    customer, anna, boris = together
    customer.do("() => call.hangUp()")
    for desk in (anna, boris):
        desk.has_no_call()
    customer.is_in("over")


def test_the_engine_dies_and_they_go_on(together: Asked, centre: Centre) -> None:
    customer, anna, boris = together
    centre.begin_anew()
    for desk in (anna, boris):
        _expect(desk.token).to_be_visible(timeout=PATIENCE_MS)
    customer.hears()
    anna.sign_in("anna")
    boris.sign_in("boris")
    for desk in (anna, boris):
        desk.call_is(CONNECTED_CALL)
    all_hear_each_other(customer, anna, boris)
    anna.control("Leave").click()
    anna.has_no_call()
    hears(boris, 0, of=1)
    customer.hears()
