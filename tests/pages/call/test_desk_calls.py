"""Customers' calls from a web page on the agents' desk: accepted, heard, muted, held, again after a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.call.centre import Centre
from tests.pages.call.desk_screen import CALL, CONNECTED_CALL, POLL_MS, CallScreen
from tests.pages.call.sides import Customer
from tests.pages.checker import Checker
from tests.pages.screen import CONNECTED, PATIENCE_MS, _expect

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.pages.call.conftest import Somebody

Talking = tuple[Customer, CallScreen]

DENIED = """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"));"""
SILENT = "() => [call.audio.muted, call.own.audio.enabled]"


MUTE = """
const { play } = HTMLMediaElement.prototype;
HTMLMediaElement.prototype.play = function () {
  return window.touched ? play.call(this) : Promise.reject(new DOMException("", "NotAllowedError"));
};
"""
FRAMES = """async () => [...(await call.connection.pc.getStats()).values()].some((each) =>
              each.type === "inbound-rtp" && each.kind === "video" && each.framesReceived > 0)"""


@pytest.fixture
def desk(somebody: Somebody, centre: Centre) -> Iterator[CallScreen]:
    """Ready; in the end the page has done nothing that it must not."""
    screen = CallScreen(somebody(), centre).open().begin("anna")
    yield screen
    screen.check()
    for each in centre.ask("GET", "/v1/interactions")["interactions"]:
        centre.ask("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
    if centre.ask("GET", "/v1/agents/anna")["presence"] != "signed-out":
        centre.ask("POST", "/v1/agents/anna/sign-out")


@pytest.fixture
def talk(customer: Customer, desk: CallScreen) -> Talking:
    """The two hear each other."""
    customer.calls()
    desk.talks()
    customer.hears(again=False)
    return customer, desk


def state_of(centre: Centre) -> list[str]:
    return [each["state"] for each in centre.ask("GET", "/v1/agents/anna")["work"]]


def test_accept_talk_mute_hold_and_hang_up(talk: Talking, centre: Centre) -> None:
    customer, desk = talk
    desk.shows(CALL, "Talking")
    desk.call_buttons("Mute", "Camera", "Share screen", "Hang up")
    assert desk.focused() == "front-title"
    desk.press("Alt+Shift+KeyM")
    desk.call_is("Connected · You are muted")
    customer.is_told("muted", kind="audio", muted=True)
    desk.call_button("Mute").click()
    desk.call_is(CONNECTED_CALL)
    customer.is_told("muted", kind="audio", muted=False)
    customer.do("() => call.mute(true)")
    desk.call_is("Connected · The customer is muted")
    customer.do("() => call.mute(false)")
    desk.call_is(CONNECTED_CALL)
    # One truth: the desk's Hold is the call's, and what is held elsewhere is held here.
    desk.control("Hold").click()
    desk.call_is("On hold")
    customer.is_told("held", held=True)
    customer.until(f"{SILENT.replace('() => ', '() => (')}).join() === 'true,false'")
    assert state_of(centre) == ["held"]
    desk.control("Resume").click()
    desk.call_is(CONNECTED_CALL)
    customer.is_told("held", held=False)
    customer.hears()
    desk.hears()
    desk.call_button("Hang up").click()
    customer.is_in("over")
    desk.has_no_call()
    assert desk.page.evaluate("connections.every((each) => each.connectionState === 'closed')")
    assert customer.noted == []


def test_after_a_reload_it_is_heard_again_and_as_muted_as_before(talk: Talking) -> None:
    customer, desk = talk
    desk.call_button("Mute").click()
    customer.is_told("muted", kind="audio", muted=True)
    customer.forget()
    desk.page.reload()
    desk.call_is("Connected · You are muted")
    desk.hears()
    customer.is_told("muted", kind="audio", muted=True)
    assert desk.page.evaluate("connections.at(-1).getSenders()[0].track.enabled") is False
    desk.call_button("Mute").click()
    customer.is_told("muted", kind="audio", muted=False)
    customer.hears()
    desk.control("Hold").click()
    customer.is_told("held", held=True)
    customer.forget()
    desk.page.reload()
    desk.call_is("On hold")
    customer.until("() => call.held && call.media !== 'none' && call.own.audio.enabled === false")
    desk.control("Resume").click()
    customer.hears()
    desk.hears()


def test_one_tab_has_it_and_another_takes_it(talk: Talking, centre: Centre) -> None:
    customer, desk = talk
    other = CallScreen(desk.context, centre).open()
    other.call_is("Not heard in this tab")
    other.call_buttons("Talk here", "Hang up")
    other.call_button("Talk here").click()
    other.call_is(CONNECTED_CALL)
    other.hears()
    customer.hears()
    desk.call_is("Not heard in this tab")
    desk.call_warns("The call goes on in another tab.")
    # Whoever has given it away does not take it back by a reload.
    desk.page.reload()
    desk.call_is("Not heard in this tab")
    other.hears()
    other.page.close()
    desk.call_button("Talk here").click()
    desk.call_is(CONNECTED_CALL)
    customer.hears()
    desk.hears()


def test_two_tabs_that_accept_at_once(customer: Customer, desk: CallScreen) -> None:
    """The later one takes the microphone of the sooner, whose request is the one that is let in: somebody must talk."""
    other = CallScreen(desk.context, desk.centre).open()  # type: ignore[arg-type] # it is asked for its address only
    other.says(CONNECTED)
    customer.calls()
    sooner, later = holding(desk), holding(other)
    desk.accepts()
    until(desk, sooner)
    other.accepts()
    until(other, later)
    sooner[0].continue_()
    other.shows(CALL, "Talking")
    later[0].continue_()
    other.call_is(CONNECTED_CALL)
    other.hears()
    customer.hears()
    other.warns("")
    desk.call_is("Not heard in this tab")
    other.page.close()


def holding(screen: CallScreen) -> list[Route]:
    """Its requests to accept, which wait from now on."""
    found: list[Route] = []
    screen.page.route("**/accept", lambda route: found.append(route))  # noqa: PLW0108 - no builtin is taken
    return found


def until(screen: CallScreen, there: list[Route]) -> None:
    for _ in range(PATIENCE_MS // POLL_MS):
        if there:
            return
        screen.page.wait_for_timeout(POLL_MS)
    raise AssertionError(screen.noted)


def test_what_another_system_accepts_is_joined_by_one_tab(customer: Customer, desk: CallScreen, centre: Centre) -> None:
    other = CallScreen(desk.context, centre).open()
    customer.calls()
    for each in (desk, other):
        _expect(each.offers).to_have_count(1, timeout=PATIENCE_MS)
    (offer,) = centre.ask("GET", "/v1/agents/anna/offers")["offers"]
    centre.ask("POST", f"/v1/offers/{offer['id']}/accept", {"agent_id": "anna"})
    customer.hears(again=False)
    for each in (desk, other):
        each.call_is(re.compile("^(Connected|Not heard in this tab)$"))
    assert sorted(each.calls.locator(".state").inner_text() for each in (desk, other)) == [
        CONNECTED_CALL,
        "Not heard in this tab",
    ]
    other.check()


def test_without_a_microphone_nothing_is_accepted(customer: Customer, desk: CallScreen, centre: Centre) -> None:
    customer.calls()
    desk.page.evaluate(f"() => {{ {DENIED} }}")
    desk.accepts()
    desk.warns("The browser may not use the microphone. Allow it for this page.")
    assert state_of(centre) == ["offered"]
    desk.has_no_call()
    # Allowed after all: the offer is still there.
    desk.page.evaluate("delete navigator.mediaDevices.getUserMedia")
    desk.talks()
    customer.hears(again=False)
    # And denied after a reload: the call goes on without the agent, who is told so and can try again.
    desk.page.add_init_script(f"if (!sessionStorage.allowed) {DENIED}")
    desk.page.reload()
    desk.call_is("Not heard in this tab")
    desk.call_warns("The browser may not use the microphone. Allow it for this page.")
    desk.page.evaluate("() => { sessionStorage.allowed = 1; delete navigator.mediaDevices.getUserMedia; }")
    desk.call_button("Talk here").click()
    desk.call_is(CONNECTED_CALL)
    customer.hears()


def test_a_browser_that_plays_nothing_before_a_click(talk: Talking) -> None:
    customer, desk = talk
    desk.page.add_init_script(MUTE)
    desk.page.reload()
    desk.call_warns("The browser plays no sound yet. Click somewhere in the page.")
    customer.hears()
    desk.page.evaluate("window.touched = true")
    desk.call_button("Hear it").click()
    desk.call_warns("")
    desk.call_buttons("Mute", "Camera", "Share screen", "Hang up")


def test_the_network_is_cut_and_ice_begins_anew(talk: Talking) -> None:
    customer, desk = talk
    before = desk.heard()["ufrag"]
    desk.context.set_offline(True)
    desk.call_warns("No connection to the server. The two of you hear each other all the same.")
    customer.hears()
    desk.hears()
    desk.context.set_offline(False)
    desk.call_warns("")
    customer.do("() => call.restart()")
    desk.page.wait_for_function(
        "(before) => !connections.at(-1).currentLocalDescription.sdp.includes(before)", arg=before
    )
    desk.call_is(CONNECTED_CALL)
    customer.hears()
    desk.hears()
    desk.call_button("Mute").click()
    customer.is_told("muted", kind="audio", muted=True)


def test_pictures_of_both_sides(talk: Talking) -> None:
    customer, desk = talk
    customer.do("() => call.sendCamera()")
    shown = desk.calls.get_by_label("The customer's camera")
    _expect(shown).to_be_visible(timeout=PATIENCE_MS)
    desk.page.wait_for_function("() => document.querySelector('.pictures video')?.videoWidth > 0")
    desk.call_button("Camera").click()
    _expect(desk.calls.get_by_label("Your own camera")).to_be_visible(timeout=PATIENCE_MS)
    _expect(desk.call_button("Camera")).to_have_attribute("aria-pressed", "true")
    customer.until(FRAMES)
    desk.call_button("Camera").click()
    _expect(desk.calls.get_by_label("Your own camera")).to_have_count(0)
    customer.until("() => events.findLast(([name]) => name === 'video')[1].track === null")
    customer.do("() => call.stopSending('video')")
    _expect(shown).to_have_count(0, timeout=PATIENCE_MS)
    desk.hears()
    customer.hears()


def test_screens_of_both_sides(talk: Talking) -> None:
    customer, desk = talk
    customer.do("() => call.sendScreen()")
    shown = desk.calls.get_by_label("The customer's screen")
    _expect(shown).to_be_visible(timeout=PATIENCE_MS)
    desk.page.wait_for_function("() => document.querySelector('.pictures video')?.videoWidth > 0")
    desk.call_button("Share screen").click()
    _expect(desk.call_button("Share screen")).to_have_attribute("aria-pressed", "true")
    customer.until(FRAMES)
    checker = Checker(desk.page)
    checker.look("screens of both sides")
    checker.check()
    desk.call_button("Share screen").click()
    customer.until("() => events.findLast(([name]) => name === 'video')[1].track === null")
    _expect(desk.call_button("Share screen")).to_have_attribute("aria-pressed", "false")
    customer.do("() => call.stopSending('screen')")
    _expect(shown).to_have_count(0, timeout=PATIENCE_MS)
    desk.hears()
    customer.hears()


def test_devices_are_chosen_and_kept(talk: Talking) -> None:
    customer, desk = talk
    desk.page.get_by_text("Microphone and loudspeaker").click()
    microphone = desk.page.get_by_label("Microphone", exact=True)
    names = microphone.locator("option").all_inner_texts()
    assert names[0] == "The browser's choice"
    assert len(names) > 2
    used = "connections.at(-1).getSenders()[0].track.label"
    for name in names[1:3]:
        microphone.select_option(label=name)
        desk.page.wait_for_function(f"(name) => {used} === name", arg=name)
        customer.hears()
    # This browser gives them other ids after a reload, so that it is only seen which is asked for.
    wanted = desk.page.evaluate("JSON.parse(localStorage['acd.phone.devices']).input")
    desk.page.reload()
    desk.call_is(CONNECTED_CALL)
    assert desk.page.evaluate("asked[0]?.deviceId?.exact") == wanted


def test_how_well_they_hear_each_other_is_shown(talk: Talking) -> None:
    _, desk = talk
    text = re.compile(
        r"^You hear the customer: well \(4\.\d of 4\.5\)\. The customer hears you: well \(4\.\d of 4\.5\)\.$"
    )
    _expect(desk.calls.locator(".quiet").first).to_have_text(text, timeout=30_000)


def test_who_signs_out_is_heard_no_more(talk: Talking, centre: Centre) -> None:
    customer, desk = talk
    other = CallScreen(desk.context, centre).open()
    other.call_is("Not heard in this tab")
    other.button("Sign out").click()
    other.asks_for_the_token()
    desk.has_no_call()
    assert desk.page.evaluate("connections.every((each) => each.connectionState === 'closed')")
    customer.is_in("waiting")  # Until somebody else takes it: nobody hangs up on a customer by leaving.


def test_the_engine_is_started_anew_and_the_two_hear_each_other(talk: Talking, centre: Centre) -> None:
    customer, desk = talk
    connection = "() => (window.kept ??= connections.at(-1)) === connections.at(-1)"
    assert desk.page.evaluate(connection)
    centre.begin_anew()
    _expect(desk.token).to_be_visible(timeout=PATIENCE_MS)
    desk.call_warns("You were signed out. The call goes on for now: sign in again.")
    desk.hears()
    customer.hears()
    desk.sign_in("anna")
    desk.call_warns("")
    desk.call_is(CONNECTED_CALL)
    assert desk.page.evaluate(connection), "the connection is the same"
    desk.call_button("Mute").click()
    customer.is_told("muted", kind="audio", muted=True)
    desk.call_button("Hang up").click()
    customer.is_in("over")
    desk.has_no_call()


def test_an_outside_checker_finds_nothing_in_it(talk: Talking, centre: Centre) -> None:
    customer, desk = talk
    checker = Checker(desk.page)
    customer.do("() => call.sendCamera()")
    desk.page.wait_for_function("() => document.querySelector('.pictures video')?.videoWidth > 0")
    desk.call_button("Mute").click()
    desk.page.get_by_text("Microphone and loudspeaker").click()
    desk.call_is("Connected · You are muted")
    checker.look("talking, with a picture")
    other = CallScreen(desk.context, centre).open()
    other.call_button("Talk here").click()
    desk.call_warns("The call goes on in another tab.")
    checker.look("in another tab")
    checker.check()
