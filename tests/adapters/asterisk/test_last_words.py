"""Callers whom the engine has let go of, and who are told or asked something: if it dies then, nobody is stranded."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    EndInteraction,
    InteractionCompleted,
    InteractionOverflowed,
    InteractionQueued,
    OfferAccepted,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from tests.adapters.asterisk.rig import EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS, Agent, Queue, Rig, rig, until

DEAD_MAN_SECONDS = 2
SWITCH: Mapping[str, object] = {"heartbeat": "300ms", "dead_man": f"{DEAD_MAN_SECONDS}s"}
SAID, SAID_MS = 1_800, 1_000 * (DEAD_MAN_SECONDS + 2)
LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)


def dialplan() -> str:
    """The example's with a short dead-man's switch, which says where a caller has come to, and for how long."""
    text = (EXAMPLES / "extensions.conf").read_text().replace("ACD_DEAD_MAN = 30", f"ACD_DEAD_MAN = {DEAD_MAN_SECONDS}")
    for section, place in (("[acd-fallback]", "serve"), ("[acd-fallback]", "released"), ("[acd-after]", "s")):
        begun, found, rest = text.partition(section)
        told = f"exten => {place},1,UserEvent(Left,Place: {section}{place},Until: ${{TIMEOUT(absolute)}})\n same => n,"
        text = begun + found + rest.replace(f"exten => {place},1,", told, 1)
    return text


@asynccontextmanager
async def told(provisioned: Provisioned, folder: Path) -> AsyncIterator[tuple[Rig, Ear]]:
    """A caller whom a full queue has let go, and who hears why."""
    full = Queue(more='max_waiting = 1\nwhen_full = { release = "sorry" }')
    options = {**SWITCH, "sounds": {"any": {"announcements": {"sorry": ["lab-sorry"]}}}}
    agents = [Agent("anna", LISTENER)]
    async with (
        rig(provisioned, folder, agents, queues=[full], options=options, dialplan=dialplan()) as it,
        Ear() as ear,
    ):
        it.pbx.add_sound("lab-sorry", tone(SAID, SAID_MS))
        async with it.callers(CallSpec("10000", "sales", hang_up_after_ms=20_000)):
            await it.event(InteractionQueued)
            async with it.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
                await it.event(InteractionOverflowed)
                await until(lambda: SAID in ear.tones(), lambda: str(ear.tones()))
                yield it, ear
                await callers.finished(seconds=PATIENCE_SECONDS)


@asynccontextmanager
async def asked(provisioned: Provisioned, folder: Path, after: str = "") -> AsyncIterator[Rig]:
    """A caller whose agent has hung up, and who hears a question."""
    survey = {"questions": ["question"], "answer_within": f"{DEAD_MAN_SECONDS}s", "tries": 1, "thanks": ["beep"]}
    agents = [Agent("anna", LISTENER)]
    options = {**SWITCH, "survey": survey}
    async with rig(provisioned, folder, agents, options=options, dialplan=dialplan()) as it, Ear() as ear:
        it.pbx.add_sound("question", tone(SAID, 1_000))
        await it.ready("anna")
        headers = {"X-ACD-After": after} if after else {}
        async with it.callers(CallSpec("10001", "sales", ear=ear.port, headers=headers)) as callers:
            accepted = await it.event(OfferAccepted)
            await it.talking()
            await it.router.submit(EndInteraction("end", accepted.interaction_id, "agent"))
            await it.event(InteractionCompleted)
            await until(lambda: SAID in ear.tones(), lambda: str(ear.tones()))
            yield it
            await callers.finished(seconds=PATIENCE_SECONDS)


async def left(it: Rig, count: int = 1) -> list[tuple[str, float]]:
    """Where the dialplan has got so many, and in how many seconds it will be taken from them; 0: never."""
    async with it.pbx.ami() as ami:
        found = [await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Left") for _ in range(count)]
    return sorted((each["Place"], float(each["Until"])) for each in found)


async def test_last_words_outlast_the_switch(provisioned: Provisioned, tmp_path: Path) -> None:
    async with told(provisioned, tmp_path) as (it, ear):
        ((place, _),) = await left(it)
        assert place == "[acd-fallback]released"
        assert ear.tones()[-1] == SAID
        assert ear.packets * 20 > SAID_MS * 0.8, "to their end"


async def test_the_engine_dies_during_the_last_words(provisioned: Provisioned, tmp_path: Path) -> None:
    """The dialplan says goodbye: not to Asterisk's own queue, as those who still waited."""
    async with told(provisioned, tmp_path) as (it, _):
        await it.stop_engine(crash=True)
        async with asyncio.timeout(DEAD_MAN_SECONDS + 2):
            places = [place for place, _ in await left(it, 2)]
        assert places == ["[acd-fallback]released", "[acd-fallback]serve"]


async def test_a_survey_outlasts_the_switch(provisioned: Provisioned, tmp_path: Path) -> None:
    """And what comes after it in the dialplan takes as long as it likes."""
    async with asked(provisioned, tmp_path, after="continue") as it:
        ((place, until_s),) = await left(it)
        assert place == "[acd-after]s"
        assert until_s > 60


@pytest.mark.parametrize("comes_back", [False, True])
async def test_the_engine_dies_during_a_survey(provisioned: Provisioned, tmp_path: Path, *, comes_back: bool) -> None:
    """Whoever has been served is served no second time, whether the engine is back in time or not."""
    async with asked(provisioned, tmp_path) as it:
        await it.stop_engine(crash=True)
        if comes_back:
            await it.start_engine()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await it.pbx.channels():
                    await asyncio.sleep(POLL_SECONDS)
            assert len(it.all(InteractionQueued)) == 1
        else:
            ((place, _),) = await left(it)
            assert place == "[acd-after]s"
        assert len(it.phones.dialogs()) == 1
