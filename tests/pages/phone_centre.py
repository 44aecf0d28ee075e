"""A centre whose agents' telephones are pages: a real Asterisk with WebRTC, `acd serve`, Chromium, SIPp's callers.

Owns putting them together, and a page that does nothing but be a telephone. Asterisk is configured by what
`acd browser-phones` writes. The browser's microphone says one tone, and the caller another.
"""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from click.testing import CliRunner

from acd_asterisk.browser_phones.command import command
from acd_asterisk.lab import CallSpec, Ear, Pbx, Provisioned, SippCallers
from acd_asterisk.lab.tones import RATE, linear, tone
from bench.provision import Program
from tests.adapters.asterisk.ami.certificate import certified
from tests.adapters.asterisk.rig import EXAMPLES, POLL_SECONDS
from tests.pages.centre import token_of
from tests.served import TOKEN, Served, ask, write_secret

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

AGENT_HZ: Final = 1_300
CALLER_HZ: Final = 700
PATIENCE_SECONDS: Final = 20.0

BLANK: Final = "/pages/vendor/jssip.txt"
"""A page of acd's address, under its policy, that does nothing by itself."""

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[api.desk]
enabled = true
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[[api.tokens]]
name = "anna"
token_file = "anna.token"
roles = ["agent"]
agent = "anna"
[queues.sales]
offer_timeout = "30s"
[agents.anna]
addresses.voice = "PJSIP/web-anna"
[agents.boris]
addresses.voice = "PJSIP/boris"
[channels.pbx]
type = "asterisk"
url = "{ari}"
user = "{user}"
password_file = "ari.password"
{channel}
[channels.pbx.browser_phones]
url = "{wss}"
addresses = ["PJSIP/web-*"]
{more}
"""

OPEN: Final = """async ([agent]) => {
  const { openPhone } = await import("/desk/phone.js");
  window.states = []; window.calls = [];
  window.phone = openPhone({
    agent,
    onState: (state) => window.states.push(state),
    onCall: (call) => window.calls.push(call),
  });
}"""

HEARS: Final = """async () => {
  const [call] = window.phone.calls;
  const context = new AudioContext(), analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(call.audio.srcObject).connect(analyser);
  await context.resume();
  const bins = new Float32Array(analyser.frequencyBinCount);
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    if (bins[loudest] > -40) return Math.round((loudest * context.sampleRate) / analyser.fftSize / 100) * 100;
  }
  return 0;
}"""
"""How high the tone is that the page plays, to the nearest 100 Hz."""


@dataclass
class PhoneCentre:
    """What a test works with."""

    provisioned: Provisioned
    pbx: Pbx
    served: Served
    browser: Browser
    folder: Path

    @property
    def address(self) -> str:
        return self.served.address

    @asynccontextmanager
    async def agent(self, token: str = "") -> AsyncIterator[Desk]:
        """A browser of its own, in which anna is signed in."""
        context = await self.browser.new_context()
        page = await context.new_page()
        desk = Desk(page, context, self)
        await desk.sign_in(token or token_of("anna"))
        yield desk
        assert desk.noted == []
        await context.close()

    @asynccontextmanager
    async def caller(self, ear: Ear, number: str = "10001") -> AsyncIterator[SippCallers]:
        call = CallSpec(number, "sales", ear=ear.port)
        async with SippCallers(self.provisioned, [call], sip_port=self.pbx.sip_port) as callers:
            yield callers

    async def ask(self, method: str, path: str, token: str = TOKEN) -> tuple[int, Any]:
        status, text = await asyncio.to_thread(ask, f"{self.address}{path}", method, token)
        return status, json.loads(text)

    async def be_ready(self) -> None:
        status, found = await self.ask("POST", "/v1/agents/anna/sign-in")
        assert status == 200, found
        status, found = await self.ask_body("PUT", "/v1/agents/anna/presence", {"presence": "ready"})
        assert status == 200, found

    async def ask_body(self, method: str, path: str, body: object) -> tuple[int, Any]:
        import aiohttp  # noqa: PLC0415 - here only

        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{self.address}{path}", json=body) as answer,
        ):
            return answer.status, await answer.json()

    async def offered(self) -> str:
        """The offer that anna is asked about."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                _, found = await self.ask("GET", "/v1/agents/anna/offers")
                if found["offers"]:
                    return str(found["offers"][0]["id"])
                await asyncio.sleep(POLL_SECONDS)

    async def contacts(self) -> int:
        """How many pages are registered as anna's telephone."""
        said = await self.pbx.cli("pjsip show aor web-anna")
        return said.count("Contact:  web-anna/")


@dataclass
class Desk:
    """One tab of an agent's browser."""

    page: Page
    context: BrowserContext
    centre: PhoneCentre

    def __post_init__(self) -> None:
        self.noted: list[str] = []
        self.page.on("pageerror", lambda error: self.noted.append(str(error)))

    async def sign_in(self, token: str) -> None:
        await self.page.goto(f"{self.centre.address}{BLANK}")
        headers = "{Authorization: `Bearer ${token}`}"
        sign_in = (
            f"(token) => fetch('/v1/session', {{method: 'POST', headers: {headers}}}).then((found) => found.status)"
        )
        assert await self.page.evaluate(sign_in, token) == 201

    async def open(self, agent: str = "anna") -> None:
        await self.page.evaluate(OPEN, [agent])

    async def reload(self) -> None:
        await self.page.reload()

    async def is_in(self, state: str, code: str = "") -> None:
        """Wait until the telephone says so."""
        wanted = "([state, code]) => phone.state === state && phone.code === code"
        try:
            await self.page.wait_for_function(wanted, arg=[state, code], timeout=PATIENCE_SECONDS * 1_000)
        except Exception as error:
            raise AssertionError(f"not {state} {code}: {await self.page.evaluate('states')}") from error

    async def has_call(self, state: str) -> dict[str, Any]:
        """Wait until a call stands so, and give it as it was told last."""
        wanted = "(state) => calls.length && calls.at(-1).state === state && calls.at(-1)"
        try:
            found = await self.page.wait_for_function(wanted, arg=state, timeout=PATIENCE_SECONDS * 1_000)
        except Exception as error:
            raise AssertionError(f"no call is {state}: {await self.page.evaluate('calls')}") from error
        return dict(await found.json_value())

    async def do(self, what: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the page gives
        """A method of the telephone; a problem's code instead of what it gives."""
        wanted = "([what, args]) => (async () => phone[what](...args))().catch((problem) => problem.code)"
        return await self.page.evaluate(wanted, [what, list(arguments)])

    async def hears(self) -> int:
        return int(await self.page.evaluate(HEARS))


async def heard(ear: Ear, hertz: int) -> None:
    """Wait until this tone has been said from now on."""
    since = ear.packets
    async with asyncio.timeout(PATIENCE_SECONDS):
        while hertz not in ear.tones(since):
            await asyncio.sleep(POLL_SECONDS)


def write_tone(path: Path, hertz: int) -> Path:
    """One second of it, for a microphone that says it for ever."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(linear(each).to_bytes(2, "little", signed=True) for each in tone(hertz, 1_000)))
    return path


def flags(folder: Path) -> list[str]:
    """Of Chromium: devices that need no hands, and the lab's certificate, which nobody has signed."""
    sound = write_tone(folder / "agent.wav", AGENT_HZ)
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
        "--ignore-certificate-errors",
        "--autoplay-policy=no-user-gesture-required",
    ]


@asynccontextmanager
async def phone_centre(
    provisioned: Provisioned, program: Program, folder: Path, *, channel: str = "", more: str = ""
) -> AsyncIterator[PhoneCentre]:
    """Start everything. `channel`, `more`: further options of the channel, and of its telephones in the browser."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - `program` says so where it is missing

    certificate, key = certified(folder)
    pem = folder / "pbx.pem"
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    async with AsyncExitStack() as stack:
        pbx = Pbx(
            provisioned,
            replace_config={"extensions.conf": (EXAMPLES / "extensions.conf").read_text()},
            extra_config={"pjsip.conf": "#include pjsip_acd_browser.conf"},
            certificate=pem,
        )
        stack.push_async_callback(pbx.stop)
        write_secret(folder)
        write_secret(folder, "anna.token", token_of("anna"))
        write_secret(folder, "ari.password", pbx.ari_password)
        text = CONFIG.format(ari=pbx.ari_url, user=pbx.ari_user, wss=pbx.browser_url, channel=channel, more=more)
        (folder / "acd.toml").write_text(text)
        result = CliRunner().invoke(command, [str(folder / "acd.toml"), "-o", str(pbx.folder / "config")])
        assert result.exit_code == 0, result.output
        await pbx.start()
        served = Served(folder)
        stack.callback(served.kill)
        await asyncio.to_thread(served.ready)
        playwright = await stack.enter_async_context(async_playwright())
        executable = program.folder / "chromium-headless-shell"
        browser = await playwright.chromium.launch(
            executable_path=executable, env=dict(program.environment()), args=flags(folder)
        )
        stack.push_async_callback(browser.close)
        yield PhoneCentre(provisioned, pbx, served, browser, folder)
