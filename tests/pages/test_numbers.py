"""A customer is transferred to a telephone number from the desk, whose telephone is the page; on a real Asterisk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from acd_asterisk.lab import Provisioned
from bench.provision import Program
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.pages.phone_centre import PATIENCE_SECONDS, PhoneCentre, phone_centre
from tests.pages.phone_desk import PhoneDesk, finished, phone_desk

if TYPE_CHECKING:
    from pathlib import Path

LABEL: Final = "Or a telephone number, which the customer is led to"
OUTSIDE: Final = """\
[channels.pbx.transfers.outside]
context = "acd-numbers"
only = ["021"]
"""


async def _led_to(centre: PhoneCentre, number: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not [
            each
            for each in await centre.pbx.channels()
            if (each["dialplan"]["context"], each["dialplan"]["exten"]) == ("acd-numbers", number)
        ]:
            await asyncio.sleep(POLL_SECONDS)


async def _transfer(desk: PhoneDesk, number: str) -> None:
    form = desk.page.get_by_role("form", name="Transfer to")
    await form.get_by_label(LABEL).fill(number)
    await form.get_by_role("button", name="Hand over").click()


async def test_numbers_refused_and_one_that_may_be_dialled(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with phone_centre(provisioned, program, tmp_path, more=OUTSIDE) as centre, phone_desk(centre) as desk:
        await centre.pbx.cli("dialplan add extension 02163296188,1,Wait,3600 into acd-numbers")
        await desk.begin()
        async with centre.caller() as ear:
            await desk.accept()
            await desk.hear_each_other(ear)
            await desk.control("Transfer").click()
            for number in ("020 8888 8888", "02163296188&PJSIP/900", "${SHELL(id)}", "<img src=x onerror=alert(1)>"):
                await _transfer(desk, number)
                await desk.warns("It is no number that may be dialled.")
            await desk.hear_each_other(ear)
            await _transfer(desk, "021 6329-6188")
            await _led_to(centre, "02163296188")
            await desk.has_no_call()
            await desk.page.locator("#no-work").wait_for()
        for channel in await centre.pbx.channels():
            await centre.pbx.cli(f"channel request hangup {channel['name']}")
        await finished(centre)


async def test_without_numbers_there_is_no_field(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with phone_centre(provisioned, program, tmp_path) as centre, phone_desk(centre) as desk:
        await desk.begin()
        async with centre.caller() as ear:
            await desk.accept()
            await desk.hear_each_other(ear)
            await desk.control("Transfer").click()
            assert await desk.page.get_by_label(LABEL).is_hidden()
            work = await centre.work()
            asked = """([work]) => fetch(`/v1/agents/anna/work/${work}/transfer`, {method: "POST",
              headers: {"Content-Type": "application/json"}, body: JSON.stringify({to_number: "02163296188"})})
              .then((answer) => answer.json()).then(({code}) => code)"""
            assert await desk.page.evaluate(asked, [work]) == "no-numbers"
            await desk.hear_each_other(ear)
