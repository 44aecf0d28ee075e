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
from urllib.parse import urlsplit

from click.testing import CliRunner

from acd_asterisk.browser_phones.command import command
from acd_asterisk.lab import CallSpec, Ear, Pbx, Provisioned, SippCallers
from acd_asterisk.lab.tones import RATE, linear, tone
from bench.provision import Program
from tests.adapters.asterisk.ami.certificate import certified
from tests.adapters.asterisk.proxy import Proxy
from tests.adapters.asterisk.rig import EXAMPLES, POLL_SECONDS
from tests.pages.centre import token_of
from tests.served import TOKEN, Served, ask, write_secret

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

AGENT_HZ: Final = 1_300
CALLER_HZ: Final = 700
PATIENCE_SECONDS: Final = 30.0
SECOND_OF_PACKETS: Final = 50

SIP_PASSWORD: Final = "canary-of-anna-s-telephone"
COMMON: Final = ["--ignore-certificate-errors", "--autoplay-policy=no-user-gesture-required"]

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
[[api.tokens]]
name = "boris"
token_file = "boris.token"
roles = ["agent"]
agent = "boris"
[queues.sales]
offer_timeout = "30s"
affinity = "1h"
[agents.anna]
addresses.voice = "PJSIP/web-anna"
[agents.boris]
addresses.voice = "PJSIP/boris"
[channels.pbx]
type = "asterisk"
url = "{ari}"
user = "{user}"
password_file = "ari.password"
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
    proxy: Proxy
    """Between the page and the PBX: its line can be cut, or go dead."""
    served: Served
    browser: Browser
    folder: Path

    @property
    def address(self) -> str:
        return self.served.address

    def end(self) -> None:
        """Whichever acd it is by now."""
        self.served.kill()

    def begin_anew(self) -> None:
        """The same acd at the same address, in another process; the one before is killed. Not on the loop."""
        port = self.address.rpartition(":")[2]
        self.served.kill()
        self.served = Served(self.folder, ACD_API_PORT=port)
        self.served.ready()

    @asynccontextmanager
    async def agent(self, name: str = "anna") -> AsyncIterator[Desk]:
        """A browser of its own, in which an agent is signed in."""
        context = await self.browser.new_context()
        desk = Desk(await context.new_page(), context, self)
        await desk.sign_in(token_of(name))
        yield desk
        assert desk.noted == []
        await context.close()

    @asynccontextmanager
    async def caller(self, number: str = "10001") -> AsyncIterator[Ear]:
        """Somebody calls and talks; what they hear. One that leaves so is dropped without a goodbye."""
        async with Ear(CALLER_HZ) as ear:
            call = CallSpec(number, "sales", ear=ear.port)
            async with SippCallers(self.provisioned, [call], sip_port=self.pbx.sip_port):
                yield ear

    async def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """As the centre's other systems do."""
        sent = json.dumps({} if body is None else body).encode()
        status, text = await asyncio.to_thread(ask, f"{self.address}{path}", method, TOKEN, sent)
        assert status == 200, text
        return json.loads(text)

    async def be_ready(self) -> None:
        await self.ask("POST", "/v1/agents/anna/sign-in", {"ready": True})

    async def offered(self) -> str:
        """The offer that anna is asked about."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await self.ask("GET", "/v1/agents/anna/offers")
                if found["offers"]:
                    return str(found["offers"][0]["id"])
                await asyncio.sleep(POLL_SECONDS)

    async def work(self) -> str:
        """The interaction that anna has in hand."""
        (item,) = (await self.ask("GET", "/v1/agents/anna"))["work"]
        return str(item["interaction_id"])

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

    async def another(self) -> Desk:
        """Another tab of the same browser."""
        desk = Desk(await self.context.new_page(), self.context, self.centre)
        await desk.page.goto(f"{self.centre.address}{BLANK}")
        return desk

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


async def unheard(ear: Ear, hertz: int) -> None:
    """Wait until a second has passed in which something came, and this tone was not in it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            since = ear.packets
            while ear.packets < since + SECOND_OF_PACKETS:
                await asyncio.sleep(POLL_SECONDS)
            if hertz not in ear.tones(since):
                return


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
        *COMMON,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
    ]


@asynccontextmanager
async def phone_centre(
    provisioned: Provisioned,
    program: Program,
    folder: Path,
    *,
    more: str = "",
    rtp: str = "",
    has_microphone: bool = True,
) -> AsyncIterator[PhoneCentre]:
    """Start everything.

    `more`: further lines of the configuration, which begin among those of the telephones; `rtp`: of rtp.conf.
    """
    from playwright.async_api import async_playwright  # noqa: PLC0415 - `program` says so where it is missing

    certificate, key = certified(folder)
    pem = folder / "pbx.pem"
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    async with AsyncExitStack() as stack:
        pbx = Pbx(
            provisioned,
            replace_config={"extensions.conf": (EXAMPLES / "extensions.conf").read_text()},
            extra_config={"pjsip.conf": "#include pjsip_acd_browser.conf", "rtp.conf": rtp},
            certificate=pem,
        )
        stack.push_async_callback(pbx.stop)
        write_secret(folder)
        write_secret(folder, "anna.token", token_of("anna"))
        write_secret(folder, "boris.token", token_of("boris"))
        write_secret(folder, "anna.sip", SIP_PASSWORD)
        write_secret(folder, "ari.password", pbx.ari_password)
        proxy = await stack.enter_async_context(Proxy(urlsplit(pbx.browser_url).port or 0))
        wss = f"wss://127.0.0.1:{proxy.port}/ws"
        text = CONFIG.format(ari=pbx.ari_url, user=pbx.ari_user, wss=wss, more=more)
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
            executable_path=executable,
            env=dict(program.environment()),
            args=flags(folder) if has_microphone else COMMON,
        )
        stack.push_async_callback(browser.close)
        centre = PhoneCentre(provisioned, pbx, proxy, served, browser, folder)
        stack.callback(centre.end)
        yield centre
