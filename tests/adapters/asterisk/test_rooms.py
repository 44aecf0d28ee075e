"""Many who wait, on a real Asterisk: several bridges, each with music, over an engine's death; and agents for all."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import InteractionCompleted
from acd_asterisk import music
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from tests.adapters.asterisk.rig import APP, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

FULL = 2
CALLERS = ("10001", "10002", "10003", "10004", "10005")
QUICK = AgentBehaviour(ring_ms=50, talk_ms=100, hang_up_chance=1.0)


@pytest.fixture(autouse=True)
def small_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(music, "MAX_IN_ROOM", FULL)
    monkeypatch.setattr(music, "ANOTHER_FROM", FULL)


async def rooms(it: Rig) -> dict[str, int]:
    """How many callers wait in each hold bridge; those that play the music do not count."""
    calls = {str(each["id"]) for each in await it.pbx.channels() if each["name"].startswith("PJSIP/")}
    own = f"acd-{APP}:"
    return {
        str(each["id"]).removeprefix(own): len(calls & set(each["channels"]))
        for each in await it.pbx.bridges()
        if str(each["id"]).startswith(f"{own}hold")
    }


async def filled(it: Rig, wanted: dict[str, int]) -> None:
    """Wait until so many are in each."""
    seen: dict[str, int] = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (seen := await rooms(it)) != wanted:
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}; there were {seen}") from None


async def test_many_who_wait(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [Agent("anna", QUICK), Agent("ben", QUICK)]) as it, Ear() as ear:
        specs = [CallSpec(number, "sales", ear=ear.port if number == CALLERS[-1] else 0) for number in CALLERS]
        async with it.callers(*specs) as callers:
            await filled(it, {"hold": FULL, "hold~2": FULL, "hold~3": 1})
            await until(lambda: bool(ear.tones()), lambda: "no music in the last room")
            await it.stop_engine(crash=True)
            await it.start_engine()
            await filled(it, {"hold": FULL, "hold~2": FULL, "hold~3": 1})
            await it.ready("anna")
            await it.ready("ben")
            await until(lambda: len(it.all(InteractionCompleted)) == len(specs), lambda: str(it.events))
            assert {each.how for each in await callers.finished(seconds=10)} == {"pbx"}
        await it.empty()
        assert it.channel.health()["requests_unanswered"] == 0
