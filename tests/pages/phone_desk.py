"""The agents' page whose agent has a telephone in it, before a real Asterisk: what a person does there, and hears.

Must not know how the page is made, but for the names of its controls. What it plays is read at its connections.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from acd_asterisk.lab import Ear
from tests.adapters.asterisk.rig import POLL_SECONDS
from tests.pages.call.desk_screen import HEARD, LISTENING
from tests.pages.centre import token_of
from tests.pages.conftest import NOTING
from tests.pages.phone_centre import AGENT_HZ, CALLER_HZ, PATIENCE_SECONDS, PhoneCentre, heard

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page

PATIENCE_MS: Final = PATIENCE_SECONDS * 1_000
READY: Final = "Telephone: ready."

HEARS: Final = """async () => {
  const pc = connections.findLast((each) => each.connectionState !== "closed");
  const context = new AudioContext(), analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(new MediaStream([pc.getReceivers()[0].track])).connect(analyser);
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
"""How high the tone is that comes in, to the nearest 100 Hz."""


class PhoneDesk:
    """One tab."""

    def __init__(self, page: Page, context: BrowserContext, centre: PhoneCentre) -> None:
        self.page = page
        self.context = context
        self.centre = centre
        self.noted: list[str] = []
        page.on("pageerror", lambda error: self.noted.append(str(error)))
        # A page in which somebody talks asks before it goes.
        page.on("dialog", lambda dialog: dialog.accept())

    async def open(self) -> PhoneDesk:
        await self.page.goto(f"{self.centre.address}/desk")
        return self

    async def sign_in(self, agent: str = "anna") -> None:
        await self.page.get_by_label("Your token").fill(token_of(agent))
        await self.button("Sign in").click()

    async def begin(self, agent: str = "anna") -> PhoneDesk:
        """Sign in, with the telephone, and be ready."""
        await self.open()
        await self.sign_in(agent)
        await self.phone_says(READY)
        await self.button("Ready").click()
        await self.has(self.button("Ready"), "aria-pressed", "true")
        return self

    async def another(self) -> PhoneDesk:
        """Another tab of the same browser."""
        return await PhoneDesk(await self.context.new_page(), self.context, self.centre).open()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def offers(self) -> Locator:
        return self.page.locator("#offer-list > li")

    @property
    def calls(self) -> Locator:
        return self.page.locator("#call-list > li")

    def call_button(self, name: str) -> Locator:
        return self.calls.locator(".row").get_by_role("button", name=re.compile(f"^{name}: "))

    def control(self, name: str) -> Locator:
        return self.page.locator("#front").get_by_role("button", name=name, exact=True)

    async def accept(self) -> None:
        await self.offers.get_by_role("button", name=re.compile("^Accept: ")).click()

    async def phone_says(self, text: str) -> None:
        await _expect(self.page.locator("#phone")).to_have_text(text, timeout=PATIENCE_MS)

    async def warns(self, text: str) -> None:
        await _expect(self.page.locator("#notice")).to_have_text(text, timeout=PATIENCE_MS)

    async def call_is(self, state: str) -> None:
        await _expect(self.calls.locator(".state")).to_have_text(state, timeout=PATIENCE_MS)

    async def has_no_call(self) -> None:
        await _expect(self.page.locator("#calls")).to_be_hidden(timeout=PATIENCE_MS)

    async def has(self, locator: Locator, name: str, value: str) -> None:
        await _expect(locator).to_have_attribute(name, value, timeout=PATIENCE_MS)

    async def heard(self) -> dict[str, Any]:
        return dict(await self.page.evaluate(HEARD))

    async def hear_each_other(self, ear: Ear) -> dict[str, Any]:
        """By what is heard, and by the browser's own figures."""
        before = await self.heard()
        await heard(ear, AGENT_HZ)
        assert await self.page.evaluate(HEARS) == CALLER_HZ
        after = await self.heard()
        for name in ("bytes", "sent", "energy", "said"):
            assert after[name] > before[name], (name, before, after)
        return after


@asynccontextmanager
async def phone_desk(centre: PhoneCentre, *scripts: str) -> AsyncIterator[PhoneDesk]:
    """A browser of its own, at the sign-in. `scripts`: what it begins every page with."""
    context = await centre.browser.new_context(locale="en-GB", timezone_id="UTC")
    for each in (NOTING, LISTENING, *scripts):
        await context.add_init_script(each)
    desk = PhoneDesk(await context.new_page(), context, centre)
    yield desk
    assert desk.noted == []
    assert await desk.page.evaluate("window.violations") == []
    await context.close()


async def finished(centre: PhoneCentre) -> None:
    """Nothing of a call is left at the PBX."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await centre.pbx.channels():
            await asyncio.sleep(POLL_SECONDS)


def _expect(locator: Locator) -> Any:  # noqa: ANN401 - playwright's own
    from playwright.async_api import expect  # noqa: PLC0415 - where it is missing, tests say so

    return expect(locator)
