"""A supervisor's buttons on a real Asterisk: everybody says a tone, and what each telephone hears is listened to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Pbx, Provisioned, SippCallers
from bench.provision import Program
from tests.adapters.asterisk.recording.sounds import heard
from tests.adapters.asterisk.rig import POLL_SECONDS, Agent, ground
from tests.pages.floor import token_of
from tests.served import TOKEN, Served, ask, write_secret

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

HZ: Final = {"caller": 400, "anna": 900, "boss": 1_700}
PACKETS: Final = 40
"""Of 20 ms: so much is listened to at a time."""

LOUD, QUIET = 1_500.0, 300.0
PATIENCE_SECONDS: Final = 30.0

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
wallboard = {{ enabled = true }}
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[[api.tokens]]
name = "boss"
token_file = "boss.token"
roles = ["supervisor", "agent"]
agent = "boss"
[queues.sales]
offer_timeout = "30s"
[queues.later]
[agents.anna]
name = "Anna Example"
addresses.voice = "PJSIP/anna"
[agents.boss]
addresses.voice = "PJSIP/boss"
[channels.pbx]
type = "asterisk"
url = "{ari}"
user = "{user}"
password_file = "ari.password"
"""


@dataclass
class Centre:
    """A call that is going on, and the page of a supervisor whose telephone is on the same PBX."""

    pbx: Pbx
    served: Served
    ears: Mapping[str, Ear]
    page: Page
    provisioned: Provisioned

    async def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        sent = json.dumps({} if body is None else body).encode()
        status, text = await asyncio.to_thread(ask, f"{self.served.address}{path}", method, TOKEN, sent)
        assert status < 300, text
        return json.loads(text)

    async def does(self, what: str) -> None:
        """By the dialog of the agent's row: a button, the confirmation, and what is said of it."""
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_role("button", name=what, exact=True).click()
        await dialog.get_by_role("button", name="Yes, do it").click()
        await dialog.get_by_text("Done:").wait_for()

    async def hear(self, **expected: str) -> None:
        """Wait until each hears who is named, blanks between them, and nobody else besides."""
        begun = {name: ear.packets for name, ear in self.ears.items()}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(self._hears(name, set(whom.split()), begun[name]) for name, whom in expected.items()):
                await asyncio.sleep(POLL_SECONDS)

    def _hears(self, name: str, whom: set[str], since: int) -> bool:
        ear = self.ears[name]
        if ear.packets < since + PACKETS:
            return False
        amounts = {each: heard(ear, hertz, ear.packets - PACKETS) for each, hertz in HZ.items() if each != name}
        return all(amounts[each] > LOUD if each in whom else amounts[each] < QUIET for each in amounts)

    async def stand(self, table: str, rows: int) -> None:
        """Wait until so many are in a table of the page."""
        from playwright.async_api import expect  # noqa: PLC0415 - where it is missing, `program` says so

        await expect(self.page.locator(f"#{table} tbody tr")).to_have_count(rows, timeout=PATIENCE_SECONDS * 1_000)

    async def talks(self, interaction: str, agent: str) -> None:
        """Wait until an agent has somebody."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = (await self.ask("GET", f"/v1/agents/{agent}"))["work"]
                if [each for each in found if (each["interaction_id"], each["state"]) == (interaction, "active")]:
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def led_on(self) -> None:
        """Wait until the dialplan has a caller whom the engine has let go."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while [each["dialplan"]["context"] for each in await self.pbx.channels()].count("acd-fallback") != 1:
                await asyncio.sleep(POLL_SECONDS)

    async def alone(self) -> None:
        """Wait until nothing of the supervisor is left on the PBX."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = [each["id"] for each in (*await self.pbx.channels(), *await self.pbx.bridges())]
                if not [each for each in found if any(word in each for word in (":boss:", ":watch:", ":spy-"))]:
                    return
                await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def centre(provisioned: Provisioned, program: Program, folder: Path) -> AsyncIterator[Centre]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - `program` says so where it is missing

    async with AsyncExitStack() as stack:
        ears = {name: await stack.enter_async_context(Ear(hertz)) for name, hertz in HZ.items()}
        agents = [Agent(name, AgentBehaviour(ring_ms=300, ear=ears[name].port)) for name in ("anna", "boss")]
        there = await stack.enter_async_context(ground(provisioned, agents))
        pbx = there.pbx
        write_secret(folder)
        write_secret(folder, "boss.token", token_of("boss"))
        write_secret(folder, "ari.password", pbx.ari_password)
        (folder / "acd.toml").write_text(CONFIG.format(ari=pbx.ari_url, user=pbx.ari_user))
        served = Served(folder)
        stack.callback(served.kill)
        await asyncio.to_thread(served.ready)
        playwright = await stack.enter_async_context(async_playwright())
        executable = program.folder / "chromium-headless-shell"
        browser = await playwright.chromium.launch(executable_path=executable, env=dict(program.environment()))
        stack.push_async_callback(browser.close)
        page = await (await browser.new_context(locale="en-GB")).new_page()
        await page.goto(f"{served.address}/wallboard")
        await page.get_by_label("Your token").fill(token_of("boss"))
        await page.get_by_role("button", name="Sign in").click()
        made = Centre(pbx, served, ears, page, provisioned)
        await made.ask("POST", "/v1/agents/anna/sign-in", {"ready": True})
        caller = CallSpec("10001", "sales", ear=ears["caller"].port)
        await stack.enter_async_context(SippCallers(provisioned, [caller], sip_port=pbx.sip_port))
        await made.hear(caller="anna", anna="caller")
        yield made


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
