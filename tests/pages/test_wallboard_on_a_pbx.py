"""A supervisor's buttons on a real Asterisk: everybody says a tone, and what each telephone hears is listened to."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from acd_asterisk.lab import CallSpec, Provisioned, SippCallers
from bench.provision import Program
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.pages.board_centre import PATIENCE_SECONDS, centre

if TYPE_CHECKING:
    from pathlib import Path


async def test_listen_whisper_barge_leave_and_end(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with centre(provisioned, program, tmp_path) as on:
        row = on.page.locator("#agents tbody tr", has_text="Anna Example")
        await row.get_by_text("talking").wait_for()
        await row.get_by_role("button").click()
        await on.does("Listen in")
        await on.hear(boss="caller anna", anna="caller", caller="anna")
        await on.does("Whisper to the agent")
        await on.hear(boss="caller anna", anna="caller boss", caller="anna")
        await on.does("Join in")
        await on.hear(boss="caller anna", anna="caller boss", caller="anna boss")
        await on.does("Leave it")
        await on.alone()
        await on.hear(anna="caller", caller="anna")
        await on.does("Make not ready")
        assert (await on.ask("GET", "/v1/agents/anna"))["next_presence"] == "not-ready", "as soon as the call is over"
        await on.does("End the conversation")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await on.pbx.channels():
                await asyncio.sleep(POLL_SECONDS)
        found = await on.ask("GET", "/v1/agents/anna")
        assert (found["presence"], found["work"]) == ("not-ready", [])


async def test_who_waits_is_put_first_moved_and_let_go(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with centre(provisioned, program, tmp_path) as on, AsyncExitStack() as stack:
        rows, dialog = on.page.locator("#waiting tbody tr"), on.page.get_by_role("dialog")
        await on.stand("waiting", 0)  # The page reads once a second: it may still show the caller who is talking.
        for count, number in enumerate(("10002", "10003"), 1):
            line = SippCallers(on.provisioned, [CallSpec(number, "sales")], sip_port=on.pbx.sip_port)
            await stack.enter_async_context(line)
            await on.stand("waiting", count)
        first, second = [each["interaction_id"] for each in (await on.ask("GET", "/v1/wallboard"))["waiting"]]
        await rows.nth(1).get_by_role("button").click()
        await dialog.get_by_label("Priority").fill("7")
        await on.does("Change priority")
        assert (await on.ask("GET", f"/v1/interactions/{second}"))["priority"] == 7
        await dialog.get_by_role("button", name="Close").click()
        await rows.nth(1).get_by_role("rowheader", name="1", exact=True).wait_for()
        await rows.nth(0).get_by_role("button").click()
        await dialog.get_by_label("Other queue").select_option("later")
        await on.does("Move")
        await dialog.get_by_role("button", name="Close").click()
        assert (await on.ask("GET", f"/v1/interactions/{first}"))["queue"] == "later"
        await on.ask("POST", "/v1/agents/boss/sign-in", {"ready": True})
        await on.talks(second, "boss")
        await on.stand("waiting", 1)
        await rows.nth(0).get_by_role("button").click()
        await on.does("Let go")
        await dialog.get_by_role("button", name="Close").click()
        await on.stand("waiting", 0)
        await on.led_on()


async def test_who_has_been_answered_meanwhile_stays_where_they_are(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with centre(provisioned, program, tmp_path) as on, AsyncExitStack() as stack:
        await on.stand("waiting", 0)
        line = SippCallers(on.provisioned, [CallSpec("10002", "sales")], sip_port=on.pbx.sip_port)
        await stack.enter_async_context(line)
        await on.stand("waiting", 1)
        (waiting,) = (await on.ask("GET", "/v1/wallboard"))["waiting"]
        await on.page.locator("#waiting tbody tr").get_by_role("button").click()
        await on.ask("POST", "/v1/agents/boss/sign-in", {"ready": True})
        await on.talks(waiting["interaction_id"], "boss")
        dialog = on.page.get_by_role("dialog")
        for what in ("Change priority", "Move"):
            await dialog.get_by_role("button", name=what, exact=True).click()
            await dialog.get_by_role("button", name="Yes, do it").click()
            await dialog.get_by_role("alert").filter(has_text="An agent has answered meanwhile.").wait_for()
        found = await on.ask("GET", f"/v1/interactions/{waiting['interaction_id']}")
        assert (found["state"], found["queue"], found["priority"]) == ("active", "sales", 0)
