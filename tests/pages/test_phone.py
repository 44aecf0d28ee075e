"""An agent's telephone in a real Chromium, at a real Asterisk: it registers, rings, and both hear each other."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

from acd_asterisk.browser_phones.passwords import digest_of, password_of
from acd_asterisk.lab import Ear, Provisioned
from acd_asterisk.options.browser_phones import BrowserPhoneOptions
from bench.provision import Program
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.pages.phone_centre import (
    AGENT_HZ,
    CALLER_HZ,
    PATIENCE_SECONDS,
    SIP_PASSWORD,
    Desk,
    PhoneCentre,
    heard,
    phone_centre,
    unheard,
)

OWN_PASSWORD = '[channels.pbx.agents.anna]\nphone_password_file = "anna.sip"'


async def talk(centre: PhoneCentre, desk: Desk, ear: Ear) -> None:
    """The call that rings is answered, and both hear each other."""
    offer = await centre.offered()
    rings = await desk.has_call("ringing")
    assert (rings["offer"], rings["number"]) == (offer, "10001")
    assert await desk.do("answer", offer) is None
    await desk.has_call("talking")
    await hear_each_other(desk, ear)


async def hear_each_other(desk: Desk, ear: Ear) -> None:
    """By what is heard, and by the browser's own figures."""
    before = await desk.do("stats")
    await heard(ear, AGENT_HZ)
    assert await desk.hears() == CALLER_HZ
    after = await desk.do("stats")
    for name in ("bytesReceived", "bytesSent", "energy"):
        assert after[name] > before[name], (name, before, after)
    assert after["level"] > 0


async def finished(centre: PhoneCentre) -> None:
    """Nothing of a call is left at the PBX."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await centre.pbx.channels():
            await asyncio.sleep(POLL_SECONDS)


async def test_a_call_and_after_a_reload_another(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    """Mute, keys, hold by the API and another way for the media in the first; the second is after a reload."""
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent() as desk:
        await desk.open()
        await desk.is_in("registered")
        assert await centre.contacts() == 1
        await centre.be_ready()
        async with centre.caller() as ear:
            await talk(centre, desk, ear)
            await desk.do("mute", True)  # noqa: FBT003 - JavaScript has no names for arguments
            await unheard(ear, AGENT_HZ)
            await desk.do("mute", False)  # noqa: FBT003
            await heard(ear, AGENT_HZ)
            async with centre.pbx.ami() as ami:
                await desk.do("keypad", "42#")
                for digit in "42#":
                    await ami.event("DTMFEnd", lambda event, digit=digit: event["Digit"] == digit)  # type: ignore[misc]
            assert await desk.do("keypad", "hello") == "no-digits"
            # Another way for the media is agreed on, with other credentials of ICE; the talk goes on.
            names = await ice_names(desk)
            assert await desk.do("restart") is True
            await others_are_agreed_on(desk, names)
            await hear_each_other(desk, ear)
            held = await centre.work()
            await centre.ask("POST", f"/v1/agents/anna/work/{held}/hold")
            await unheard(ear, AGENT_HZ)
            await centre.ask("POST", f"/v1/agents/anna/work/{held}/resume")
            await hear_each_other(desk, ear)
            await desk.do("hangUp")
            await desk.has_call("ended")
        await finished(centre)
        await desk.page.reload()
        await desk.open()
        await desk.is_in("registered")
        assert await centre.contacts() == 1
        async with centre.caller() as ear:
            await talk(centre, desk, ear)
        assert await nothing_is_told(centre, tmp_path)


async def ice_names(desk: Desk) -> set[str]:
    """By which the page is known to ICE at the moment."""
    sdp = await desk.page.evaluate("[...phone.calls][0].session.connection.currentLocalDescription.sdp")
    return set(re.findall(r"a=ice-ufrag:(\S+)", sdp))


async def others_are_agreed_on(desk: Desk, names: set[str]) -> None:
    """The media have begun anew."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await ice_names(desk) & names:
            await asyncio.sleep(POLL_SECONDS)


async def nothing_is_told(centre: PhoneCentre, folder: Path) -> bool:
    """No password of a telephone is in acd's log, nor in any of its files but those that are there for it."""
    _, _, log = await asyncio.to_thread(centre.served.end, signal.SIGTERM)
    return not any(each in found for each in secrets_of(folder) for found in (log.encode(), kept_in(folder)))


def secrets_of(folder: Path) -> list[bytes]:
    options = BrowserPhoneOptions(url="", addresses=(), key_file=folder / "browser-phones.key")
    password = password_of(options, "web-anna")
    return [each.encode() for each in (password, digest_of(options, "web-anna", password), SIP_PASSWORD)]


def kept_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".sip")


async def test_a_line_that_is_cut_or_dead_comes_again(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent() as desk:
        await desk.open()
        await desk.is_in("registered")
        await centre.be_ready()
        centre.proxy.refuse()
        await centre.proxy.cut()
        await desk.is_in("trouble", "pbx-unreachable")
        centre.proxy.accept()
        await desk.is_in("registered")
        async with centre.caller() as ear:
            await talk(centre, desk, ear)
            # The call goes on while the line is away. By the new one the page learns that the call is over.
            names = await ice_names(desk)
            await centre.proxy.cut()
            await hear_each_other(desk, ear)
            await others_are_agreed_on(desk, names)
            await hear_each_other(desk, ear)
            await centre.ask("POST", f"/v1/interactions/{await centre.work()}/end")
            await desk.has_call("ended")
            await finished(centre)
        # A network that is gone says nothing; a browser notices when there is another one.
        centre.proxy.stall()
        accepted = centre.proxy.accepted
        await desk.page.evaluate("dispatchEvent(new Event('online'))")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while centre.proxy.accepted == accepted:
                await asyncio.sleep(POLL_SECONDS)
        centre.proxy.flow()
        await desk.is_in("registered")
        await centre.pbx.kill()
        await desk.is_in("trouble", "pbx-unreachable")
        await centre.pbx.start()
        await desk.is_in("registered")


async def test_a_wrong_password_is_told_and_mended(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path, more=OWN_PASSWORD) as centre, centre.agent() as desk:
        (tmp_path / "anna.sip").write_text("another one")
        await desk.open()
        await desk.is_in("trouble", "wrong-password")
        assert await centre.contacts() == 0
        (tmp_path / "anna.sip").write_text(SIP_PASSWORD)
        await desk.page.evaluate("phone.again()")  # As it does by itself half a minute later.
        await desk.is_in("registered")
        (tmp_path / "anna.sip").chmod(0o644)
        await desk.page.evaluate("phone.again()")
        await desk.is_in("trouble", "server-unreachable")
        assert await nothing_is_told(centre, tmp_path)


async def test_one_tab_of_several(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent() as first:
        await first.open()
        await first.is_in("registered")
        second = await first.another()
        await second.open()
        await second.is_in("elsewhere")
        await second.do("takeOver")
        await second.is_in("registered")
        await first.is_in("elsewhere")
        await first.do("takeOver")
        await first.is_in("registered")
        await second.is_in("elsewhere")
        await first.page.close()
        await second.is_in("registered")
        await second.do("close")
        await second.is_in("closed")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await centre.contacts():
                await asyncio.sleep(POLL_SECONDS)


async def test_ways_to_answer(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent() as desk:
        await desk.open()
        await desk.is_in("registered")
        await centre.be_ready()
        # Accepted by the page before the call is there.
        await desk.page.evaluate("phone.late = phone.rung; phone.rung = (found) => { window.held = found; }")
        async with centre.caller() as ear:
            offer = await centre.offered()
            await desk.page.wait_for_function("() => window.held")
            await desk.page.evaluate("(offer) => { window.answered = phone.answer(offer); }", offer)
            await desk.page.evaluate("(() => { phone.late(window.held); phone.rung = phone.late; })()")
            await desk.page.evaluate("answered")
            await hear_each_other(desk, ear)
            await desk.do("hangUp")
            await finished(centre)
        # Accepted over the API, and then picked up.
        async with centre.caller("10002") as ear:
            offer = await centre.offered()
            await desk.has_call("ringing")
            await centre.ask("POST", f"/v1/offers/{offer}/accept", {"agent_id": "anna"})
            assert await desk.do("answer", offer) is None
            await hear_each_other(desk, ear)
            await desk.do("hangUp")
            await finished(centre)
        # Declined: the caller waits on, and the agent is not at fault.
        async with centre.caller("10003"):
            await centre.offered()
            await desk.has_call("ringing")
            await desk.do("decline")
            await desk.has_call("ended")
            assert (await centre.ask("GET", "/v1/agents/anna"))["presence"] == "ready"
        assert await desk.do("answer", "") == "no-call"


async def test_by_itself_where_that_is_wanted(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    more = 'codecs = ["opus", "alaw"]\n[channels.pbx.phones]\nauto_answer = "call-info"'
    async with phone_centre(provisioned, program, tmp_path, more=more) as centre, centre.agent() as desk:
        await desk.open()
        await desk.is_in("registered")
        await centre.be_ready()
        async with centre.caller() as ear:
            await desk.has_call("talking")
            await hear_each_other(desk, ear)
            channels = await centre.pbx.cli("core show channels verbose")
            assert "PJSIP/web-anna" in channels


async def test_who_has_another_telephone_and_where_the_page_may_connect(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent("boris") as desk:
        await desk.open("boris")
        await desk.is_in("none", "no-browser-phone")
        await desk.open("anna")
        await desk.is_in("trouble", "phone-refused")
        blocked = """(url) => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          try { new WebSocket(url, "sip"); } catch { resolve("refused"); }
        })"""
        port = centre.proxy.port
        for url in (f"wss://127.0.0.1:{port}/elsewhere", "wss://127.0.0.1:1/ws", "wss://evil.example/ws"):
            assert await desk.page.evaluate(blocked, url) == "connect-src", url


async def test_without_a_microphone_it_does_not_ring(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    """An agent who could not be heard is not reachable, and the engine learns that at the first call."""
    async with phone_centre(provisioned, program, tmp_path, has_microphone=False) as centre, centre.agent() as desk:
        await desk.open()
        await desk.page.wait_for_function("() => phone.state === 'trouble'")
        assert await desk.page.evaluate("phone.code") in {"microphone-denied", "microphone-missing"}
        assert await centre.contacts() == 0
