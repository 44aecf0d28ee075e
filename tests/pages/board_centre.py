"""A supervisor's page before a real Asterisk: everybody says a tone, and what each telephone hears is listened to.

Owns putting them together, and waiting for what is heard and shown. Must not know any test. The supervisor's telephone
is SIPp's, or the page itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from click.testing import CliRunner

from acd_asterisk.browser_phones.command import command
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Pbx, Provisioned, SippAgents, SippCallers
from bench.provision import Program
from tests.adapters.asterisk.ami.certificate import certified
from tests.adapters.asterisk.recording.sounds import heard
from tests.adapters.asterisk.rig import EXAMPLES, POLL_SECONDS
from tests.pages.call.desk_screen import LISTENING
from tests.pages.conftest import NOTING
from tests.pages.floor import token_of
from tests.pages.phone_centre import COMMON, write_tone
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
roles = ["supervisor"]
queues = ["sales", "later"]
telephone = "boss"
[queues.sales]
offer_timeout = "30s"
[queues.later]
[agents.anna]
name = "Anna Example"
addresses.voice = "PJSIP/anna"
[agents.boss]
addresses.voice = "PJSIP/{boss}"
[channels.pbx]
type = "asterisk"
url = "{ari}"
user = "{user}"
password_file = "ari.password"
{more}
"""

IN_PAGE: Final = """\
[channels.pbx.browser_phones]
url = "{wss}"
addresses = ["PJSIP/web-*"]
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
async def centre(
    provisioned: Provisioned, program: Program, folder: Path, *, in_page: bool = False
) -> AsyncIterator[Centre]:
    """`in_page`: the supervisor's telephone is the page."""
    async with AsyncExitStack() as stack:
        names = [name for name in HZ if name != "boss" or not in_page]
        ears = {name: await stack.enter_async_context(Ear(HZ[name])) for name in names}
        behaviours = {name: AgentBehaviour(ring_ms=300, ear=ears[name].port) for name in names if name != "caller"}
        alike = [([name], behaviour) for name, behaviour in behaviours.items()]
        phones = await stack.enter_async_context(SippAgents(provisioned, alike))
        pbx = _pbx(provisioned, phones, folder, in_page=in_page)
        stack.push_async_callback(pbx.stop)
        write_secret(folder)
        write_secret(folder, "boss.token", token_of("boss"))
        write_secret(folder, "ari.password", pbx.ari_password)
        more = IN_PAGE.format(wss=pbx.browser_url) if in_page else ""
        boss = "web-boss" if in_page else "boss"
        text = CONFIG.format(ari=pbx.ari_url, user=pbx.ari_user, boss=boss, more=more)
        (folder / "acd.toml").write_text(text)
        if in_page:
            result = CliRunner().invoke(command, [str(folder / "acd.toml"), "-o", str(pbx.folder / "config")])
            assert result.exit_code == 0, result.output
        await pbx.start()
        served = Served(folder)
        stack.callback(served.kill)
        await asyncio.to_thread(served.ready)
        page = await stack.enter_async_context(_page(program, folder, served))
        made = Centre(pbx, served, ears, page, provisioned)
        await made.ask("POST", "/v1/agents/anna/sign-in", {"ready": True})
        caller = CallSpec("10001", "sales", ear=ears["caller"].port)
        await stack.enter_async_context(SippCallers(provisioned, [caller], sip_port=pbx.sip_port))
        await made.hear(caller="anna", anna="caller")
        yield made


def _pbx(provisioned: Provisioned, phones: SippAgents, folder: Path, *, in_page: bool) -> Pbx:
    config = {"extensions.conf": (EXAMPLES / "extensions.conf").read_text()}
    if not in_page:
        return Pbx(provisioned, agents=phones.telephones, replace_config=config)
    certificate, key = certified(folder)
    pem = folder / "pbx.pem"
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    include = {"pjsip.conf": "#include pjsip_acd_browser.conf"}
    return Pbx(provisioned, agents=phones.telephones, replace_config=config, extra_config=include, certificate=pem)


@asynccontextmanager
async def _page(program: Program, folder: Path, served: Served) -> AsyncIterator[Page]:
    """The supervisor, signed in; whose microphone says their tone."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - `program` says so where it is missing

    sound = write_tone(folder / "boss.wav", HZ["boss"])
    devices = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program.folder / "chromium-headless-shell",
            env=dict(program.environment()),
            args=[*COMMON, *devices, f"--use-file-for-fake-audio-capture={sound}"],
        )
        context = await browser.new_context(locale="en-GB")
        for each in (NOTING, LISTENING):
            await context.add_init_script(each)
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{served.address}/wallboard")
        await page.get_by_label("Your token").fill(token_of("boss"))
        await page.get_by_role("button", name="Sign in").click()
        yield page
        assert errors == []
        assert await page.evaluate("window.violations") == []
        await browser.close()
