"""A supervisor whose telephone is the wallboard's page: real Chromium, real Asterisk, and both are listened to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from acd_asterisk.lab import Provisioned
from bench.provision import Program
from tests.pages.board_centre import HZ, PATIENCE_SECONDS, Centre, centre
from tests.served import ask

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Locator

PATIENCE_MS: Final = PATIENCE_SECONDS * 1_000

TONES: Final = """async (wanted) => {
  const pc = connections.findLast((each) => each.connectionState !== "closed");
  const context = new AudioContext(), analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(new MediaStream([pc.getReceivers()[0].track])).connect(analyser);
  await context.resume();
  const bins = new Float32Array(analyser.frequencyBinCount);
  const at = (hertz) => Math.round((hertz * analyser.fftSize) / context.sampleRate);
  for (let turn = 0; turn < 300; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatFrequencyData(bins);
    if (wanted.every((hertz) => Math.max(...bins.slice(at(hertz) - 2, at(hertz) + 3)) > -45)) return true;
  }
  return false;
}"""
"""Whether all these tones come in at the same time."""


def _call(on: Centre) -> Locator:
    return on.page.locator("#call-list > li")


async def _says(locator: Locator, text: str) -> None:
    from playwright.async_api import expect  # noqa: PLC0415 - where it is missing, `program` says so

    await expect(locator).to_have_text(text, timeout=PATIENCE_MS)


async def _open(on: Centre) -> None:
    row = on.page.locator("#agents tbody tr", has_text="Anna Example")
    await row.get_by_text("talking").wait_for()
    await row.get_by_role("button").click()


async def test_the_page_listens_whispers_and_joins_in(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with centre(provisioned, program, tmp_path, in_page=True) as on:
        await _open(on)
        assert await on.page.get_by_label("Your own agent id").is_hidden()
        await on.does("Listen in")
        await _says(_call(on).locator("h3"), "You listen to Anna Example")
        await _says(_call(on).get_by_role("status"), "Connected")
        assert await on.page.evaluate(TONES, [HZ["caller"], HZ["anna"]])
        await on.hear(anna="caller", caller="anna")
        await on.does("Whisper to the agent")
        await _says(_call(on).locator("h3"), "Anna Example hears you, the customer does not")
        await on.hear(anna="caller boss", caller="anna")
        await on.does("Join in")
        await on.hear(anna="caller boss", caller="anna boss")
        await on.page.get_by_role("dialog").get_by_role("button", name="Close").click()
        await _call(on).get_by_role("button", name="Mute").click()
        await _says(_call(on).get_by_role("status"), "Connected · You are muted")
        await on.hear(anna="caller", caller="anna")
        await _call(on).get_by_role("button", name="Hang up").click()
        await on.page.locator("#calls").wait_for(state="hidden")
        await on.alone()
        await on.hear(anna="caller", caller="anna")
        assert "Contact:  web-boss/" not in await on.pbx.cli("pjsip show aor web-boss"), "it is in nobody's way"
        # Again, and then the page goes: so does the telephone, and the two talk on.
        await _open(on)
        await on.does("Listen in")
        await _says(_call(on).get_by_role("status"), "Connected")
        await on.page.reload()
        await on.alone()
        await on.hear(anna="caller", caller="anna")


async def test_without_a_microphone_nobody_is_rung(provisioned: Provisioned, program: Program, tmp_path: Path) -> None:
    async with centre(provisioned, program, tmp_path, in_page=True) as on:
        await on.page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia ="
            " async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
        )
        await _open(on)
        dialog = on.page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Listen in", exact=True).click()
        await dialog.get_by_role("button", name="Yes, do it").click()
        refused = "The browser may not use the microphone. Allow it for this page."
        await dialog.get_by_role("alert").get_by_text(refused).wait_for()
        asked = await on.ask("GET", "/v1/audit?command=SuperviseInteraction")
        assert asked["commands"] == []
        await on.alone()


async def test_the_password_is_told_to_whose_telephone_it_is_alone(
    provisioned: Provisioned, program: Program, tmp_path: Path
) -> None:
    async with centre(provisioned, program, tmp_path, in_page=True) as on:
        status, text = ask(f"{on.served.address}/v1/agents/boss/phone", "GET")
        assert (status, json.loads(text)["code"]) == (403, "forbidden")
        found = await on.page.evaluate("fetch('/v1/agents/boss/phone').then((answer) => answer.json())")
        assert found["browser"]["user"] == "web-boss"
        assert await on.page.evaluate("fetch('/v1/agents/anna/phone').then((answer) => answer.json())") == {
            "browser": None
        }
