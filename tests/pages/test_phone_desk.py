"""SIP callers and an agent whose telephone is the desk itself, in a real Chromium, at a real Asterisk."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final

from acd_asterisk.lab import Provisioned
from bench.provision import Program
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.adapters.webrtc.coturn import SECRET, coturn
from tests.pages.phone_centre import AGENT_HZ, PATIENCE_SECONDS, PhoneCentre, heard, phone_centre, unheard
from tests.pages.phone_desk import READY, finished, phone_desk
from tests.served import write_secret

CALL: Final = "sales · telephone"

DENIED: Final = """
const deny = () => Promise.reject(new DOMException("", "NotAllowedError"));
const allowed = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = function (wanted) {
  return sessionStorage.denied ? deny() : allowed.call(this, wanted);
};
"""

RELAYED: Final = """
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) { super({ ...configuration, iceTransportPolicy: "relay" }); }
};
"""
"""As if every direct path were blocked: the browser has no candidate but the relay's, and sends by nothing else."""


def on_loopback() -> str:
    """Lines of rtp.conf: this machine tells peers 127.0.0.1, where coturn is, in place of its own address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # Nothing is sent; it only chooses the address by which it would be.
        return f"[ice_host_candidates]\n{probe.getsockname()[0]} => 127.0.0.1\n"


async def contacts(centre: PhoneCentre, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await centre.contacts() != number:
            await asyncio.sleep(POLL_SECONDS)


async def presence(centre: PhoneCentre) -> str:
    return str((await centre.ask("GET", "/v1/agents/anna"))["presence"])


async def test_accept_mute_keys_hold_and_hang_up(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre) as desk:
        await desk.begin()
        async with centre.caller() as ear:
            await desk.accept()
            await desk.call_is("Connected")
            assert await desk.calls.locator("h3").inner_text() == CALL
            await desk.hear_each_other(ear)
            await desk.page.keyboard.press("Alt+Shift+KeyM")
            await desk.call_is("Connected · You are muted")
            await unheard(ear, AGENT_HZ)
            await desk.call_button("Mute").click()
            await heard(ear, AGENT_HZ)
            await desk.call_button("Keypad").click()
            async with centre.pbx.ami() as ami:
                await desk.page.keyboard.type("42")
                await desk.calls.get_by_role("group", name="Keypad").get_by_role("button", name="#").click()
                for digit in "42#":
                    await ami.event("DTMFEnd", lambda event, digit=digit: event["Digit"] == digit)  # type: ignore[misc]
            await desk.page.keyboard.press("Escape")
            await desk.has(desk.call_button("Keypad"), "aria-expanded", "false")
            await desk.control("Hold").click()
            await desk.call_is("On hold")
            await unheard(ear, AGENT_HZ)
            await desk.control("Resume").click()
            await desk.call_is("Connected")
            await desk.hear_each_other(ear)
            await desk.call_button("Hang up").click()
            await desk.has_no_call()
        await finished(centre)
        assert (await centre.ask("GET", "/v1/interactions"))["interactions"] == []
        # A reload hangs up, as whoever is asked before it knows; and the next call is heard.
        async with centre.caller("10002") as ear:
            await desk.accept()
            await desk.hear_each_other(ear)
            await desk.page.reload()
            await desk.phone_says(READY)
            await desk.has_no_call()
        await finished(centre)
        async with centre.caller("10003") as ear:
            await desk.accept()
            await desk.hear_each_other(ear)
            # Whoever signs out is heard no more, and does not ring.
            await desk.button("Sign out").click()
            await desk.has_no_call()
        await finished(centre)
        await contacts(centre, 0)


async def test_a_denied_microphone_leaves_the_offer(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre, DENIED) as desk:
        await desk.begin()
        async with centre.caller() as ear:
            await desk.call_is("Ringing")
            await desk.page.evaluate("sessionStorage.denied = 1")
            await desk.accept()
            await desk.warns("The browser may not use the microphone. Allow it for this page.")
            assert await centre.offered()
            await desk.page.evaluate("delete sessionStorage.denied")
            await desk.call_button("Pick up").click()
            await desk.call_is("Connected")
            await desk.hear_each_other(ear)
        # Nor is anybody rung who could not be heard; whoever allows it is, soon after.
        await desk.page.evaluate("sessionStorage.denied = 1")
        await desk.page.reload()
        await desk.phone_says("The browser may not use the microphone. Allow it for this page.")
        await contacts(centre, 0)
        await desk.page.evaluate("delete sessionStorage.denied")
        await desk.phone_says(READY)
        assert await presence(centre) == "ready"


async def test_one_tab_rings_and_another_may_accept(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre) as desk:
        await desk.begin()
        other = await desk.another()
        await other.phone_says("The telephone is in another tab of this browser.")
        async with centre.caller() as ear:
            await other.accept()
            await desk.call_is("Connected")
            await desk.hear_each_other(ear)
            await desk.call_button("Hang up").click()
            await desk.has_no_call()
        await finished(centre)
        await other.button("Use the telephone here").click()
        await other.phone_says(READY)
        await desk.phone_says("The telephone is in another tab of this browser.")
        async with centre.caller("10002") as ear:
            await other.accept()
            await other.hear_each_other(ear)
            # Signed out in one tab is signed out in all.
            await desk.button("Sign out").click()
            await other.has_no_call()
        await finished(centre)
        await contacts(centre, 0)
        assert other.noted == []


async def test_it_picks_up_by_itself_where_that_is_wanted(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    more = '[channels.pbx.phones]\nauto_answer = "call-info"'
    async with phone_centre(provisioned, program, tmp_path, more=more) as centre, phone_desk(centre) as desk:
        await desk.begin()
        async with centre.caller() as ear:
            await desk.call_is("Connected")
            await desk.hear_each_other(ear)


async def test_what_is_wrong_is_said_and_a_restart_of_acd_leaves_calls(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre) as desk:
        await desk.begin()
        async with centre.caller() as ear:
            await desk.accept()
            await desk.hear_each_other(ear)
            await asyncio.to_thread(centre.begin_anew)
            await desk.page.get_by_label("Your token").wait_for()
            await desk.hear_each_other(ear)
            await desk.sign_in()
            await desk.phone_says(READY)
            await desk.call_is("Connected")
            await desk.hear_each_other(ear)
            await desk.call_button("Hang up").click()
            await desk.has_no_call()
        await finished(centre)
        centre.proxy.refuse()
        await centre.proxy.cut()
        await desk.phone_says("The telephone system does not answer. Trying again …")
        centre.proxy.accept()
        await desk.phone_says(READY)


async def test_whoever_has_another_telephone_sees_nothing_of_it(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre) as desk:
        asked = desk.page.expect_response("**/v1/agents/boris/phone")
        async with asked as answer:
            await (await desk.open()).sign_in("boris")
        assert await (await answer.value).json() == {"browser": None}
        await desk.page.get_by_text("Connected: changes are shown at once.").wait_for()
        for hidden in ("#phone", "#take-phone", "#calls", "#devices"):
            assert not await desk.page.locator(hidden).is_visible(), hidden


async def test_all_of_it_goes_through_a_relay(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    """No direct path: what the browser sends and hears goes through a real coturn, to and from the real Asterisk."""
    write_secret(tmp_path, "turn.secret", SECRET)
    with coturn(tmp_path, allowed_peers=["127.0.0.0/8"]) as relay:
        ice = f'ice = ["turn:127.0.0.1:{relay.server.port}?transport=udp"]\nturn_secret_file = "turn.secret"'
        async with (
            phone_centre(provisioned, program, tmp_path, more=ice, rtp=on_loopback()) as centre,
            phone_desk(centre, RELAYED) as desk,
        ):
            await desk.begin()
            async with centre.caller() as ear:
                await desk.accept()
                await desk.call_is("Connected")
                assert (await desk.hear_each_other(ear))["path"] == "relay"
                before = (await desk.heard())["ufrag"]
                # The line to the PBX is cut: by the new one another way for the media is agreed on.
                await centre.proxy.cut()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while (await desk.heard())["ufrag"] == before:
                        await asyncio.sleep(POLL_SECONDS)
                assert (await desk.hear_each_other(ear))["path"] == "relay"
