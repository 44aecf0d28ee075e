"""That a call is recorded, as both people see it: in the shop's window, and on the desk, where it is paused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.call.desk_screen import CallScreen
from tests.pages.call.instead import NOTING, Caller, calling_shop, interactions
from tests.pages.call.recordings import RECORDING, Sound
from tests.pages.screen import PATIENCE_MS
from tests.pages.shop import Agent as ByApi
from tests.pages.shop import Shop, expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pages.call.conftest import Somebody


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with calling_shop(tmp_path, RECORDING.format(mode="mixed", hang="30s")) as found:
        yield found


def test_both_see_it_and_the_agent_pauses_it(somebody: Somebody, shop: Shop, tmp_path: Path) -> None:
    context = somebody()
    context.add_init_script(NOTING)
    window = Caller(context, shop)
    window.visit()
    desk = CallScreen(somebody(), shop.centre).open().begin("anna")  # type: ignore[arg-type]
    window.open().writes("Where is my parcel?")
    ByApi(shop.centre, "anna").accepts()
    window.calls()
    desk.accepts()
    said = window.dialog.locator(".recorded")
    expect(said).to_have_text("This call is being recorded.", timeout=PATIENCE_MS)
    (call,) = [each["id"] for each in interactions(shop) if each["channel"] == "voice"]
    recording = f"/v1/interactions/{call}/recording"
    desk.items.filter(has_text="telephone").first.click()
    stands = desk.page.locator("#recording")
    expect(stands).to_have_text("Being recorded", timeout=PATIENCE_MS)
    window.hears()
    desk.control("Pause recording").click()
    expect(stands).to_have_text("Recording paused", timeout=PATIENCE_MS)
    expect(said).to_have_text("The recording is paused.", timeout=PATIENCE_MS)
    assert ByApi(shop.centre).asks("GET", recording)["state"] == "paused"
    desk.control("Record again").click()
    expect(stands).to_have_text("Being recorded", timeout=PATIENCE_MS)
    expect(said).to_have_text("This call is being recorded.", timeout=PATIENCE_MS)
    window.hears()
    # The device that is none beeps now and then, into both pages: so long that it is recorded, too.
    window.page.wait_for_timeout(4_000)
    window.button("Hang up").click()
    window.says_over("You have hung up.")
    expect(said).to_be_hidden()
    ended = "async (path) => (await (await fetch(path)).json()).recordings['recording.1.seconds']"
    desk.page.wait_for_function(f"async (path) => Boolean(await ({ended})(path))", arg=recording, timeout=PATIENCE_MS)
    name = ByApi(shop.centre).asks("GET", recording)["recordings"]["recording.1"]
    assert abs(Sound(tmp_path / "tapes" / name).samples).max() > 0.01
    window.check()
    desk.check()
