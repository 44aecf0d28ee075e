"""An agent's telephone in a real Chromium, at a real Asterisk: it registers, rings, and both hear each other."""

from __future__ import annotations

from pathlib import Path

from acd_asterisk.lab import Ear, Provisioned
from bench.provision import Program
from tests.pages.phone_centre import AGENT_HZ, CALLER_HZ, heard, phone_centre


async def test_a_caller_and_a_page_hear_each_other(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, centre.agent() as desk, Ear(CALLER_HZ) as ear:
        await desk.open()
        await desk.is_in("registered")
        assert await centre.contacts() == 1
        await centre.be_ready()
        async with centre.caller(ear):
            offer = await centre.offered()
            rings = await desk.has_call("ringing")
            assert (rings["offer"], rings["number"]) == (offer, "10001")
            assert await desk.do("answer", offer) is None
            await desk.has_call("talking")
            await heard(ear, AGENT_HZ)
            assert await desk.hears() == CALLER_HZ
            before = await desk.do("stats")
            await heard(ear, AGENT_HZ)
            after = await desk.do("stats")
            assert after["bytesReceived"] > before["bytesReceived"] > 0
            assert after["bytesSent"] > before["bytesSent"] > 0
            assert after["energy"] > before["energy"] > 0
            assert after["level"] > 0
