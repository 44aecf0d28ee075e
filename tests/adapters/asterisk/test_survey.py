"""Surveys on the real Asterisk: the caller hears the questions, presses keys, and is let go."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acd.core.messages import EndInteraction, InteractionCompleted, InteractionNoted, InteractionQueued, OfferAccepted
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned, SippCallers
from acd_asterisk.lab.tones import tone
from acd_asterisk.switchboard import Switchboard
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

CALLER, INTRO, FIRST, SECOND, THANKS = 400, 900, 1_300, 1_700, 2_100
NAMES = {"lab-intro": INTRO, "lab-first": FIRST, "lab-second": SECOND, "lab-thanks": THANKS}
ASKED: Mapping[str, object] = {
    "intro": ["lab-intro"],
    "questions": ["lab-first", "lab-second"],
    "answer_within": "2s",
    "thanks": ["lab-thanks"],
}


@dataclass
class Line:
    """A caller whose agent has hung up."""

    it: Rig
    call: str
    ear: Ear
    callers: SippCallers

    async def hears(self, hertz: int, since: int = 0) -> None:
        await until(lambda: hertz in self.ear.tones(since), lambda: f"{hertz} in {self.ear.tones(since)}")

    def answers(self) -> dict[str, str]:
        noted = [event for event in self.it.all(InteractionNoted) if event.interaction_id == self.call]
        return {name: value for event in noted for name, value in event.attributes}


@asynccontextmanager
async def line(provisioned: Provisioned, folder: Path, **more: object) -> AsyncIterator[Line]:
    options = {"survey": {**ASKED, **more}}
    anna = Agent("anna", AgentBehaviour(ring_ms=300))
    async with rig(provisioned, folder, [anna], options=options) as it, Ear(CALLER) as ear:
        for name, hertz in NAMES.items():
            it.pbx.add_sound(name, tone(hertz, 400))
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
            accepted = await it.event(OfferAccepted)
            await it.talking()
            ended = EndInteraction(it.router.new_id(), accepted.interaction_id, "agent")
            assert (await it.router.submit(ended)).refusal is None
            yield Line(it, accepted.interaction_id, ear, callers)


async def test_the_answers_are_noted_and_the_caller_is_let_go(provisioned: Provisioned, tmp_path: Path) -> None:
    async with line(provisioned, tmp_path) as on:
        await on.it.event(InteractionCompleted)
        await on.hears(INTRO)
        await on.hears(FIRST)
        await on.it.press("10001", "5")
        await on.hears(SECOND)
        await on.it.press("10001", "2")
        await on.hears(THANKS)
        (caller,) = await on.callers.finished(seconds=5)
        assert caller.how == "pbx"
        await until(lambda: len(on.answers()) == 2, lambda: str(on.answers()))
        assert on.answers() == {"survey.1": "5", "survey.2": "2"}
        row = on.it.router.view.interaction(on.call)
        assert row is not None
        assert dict(row.attributes)["survey.1"] == "5"
        await on.it.empty()
        assert len(on.it.all(InteractionQueued)) == 1


async def test_whose_release_fails_is_asked_all_the_same(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PBX does not answer for a moment: the comparison that follows finds the caller."""
    fail_once(monkeypatch)
    async with line(provisioned, tmp_path) as on:
        await on.hears(FIRST)
        (caller,) = await on.callers.finished(seconds=12)
        assert caller.how == "pbx"
        await on.it.empty()


def fail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first end of a talk gets no answer."""
    answered, failed = Switchboard.vacate, set[str]()

    async def vacate(
        switchboard: Switchboard, interaction_id: str, staying: Sequence[str]
    ) -> Coroutine[Any, Any, None]:
        if not failed:
            failed.add(interaction_id)
            raise AriUnavailable("no answer")
        return await answered(switchboard, interaction_id, staying)

    monkeypatch.setattr(Switchboard, "vacate", vacate)


async def test_what_is_no_answer_is_asked_again_and_then_it_is_over(provisioned: Provisioned, tmp_path: Path) -> None:
    async with line(provisioned, tmp_path, keys="12", answer_within="1s") as on:
        await on.hears(FIRST)
        since = on.ear.packets
        await on.it.press("10001", "9")
        await on.hears(FIRST, since)
        await on.hears(THANKS, since)
        await on.callers.finished(seconds=5)
        assert SECOND not in on.ear.tones(since)
        assert on.answers() == {}
        await on.it.empty()


async def test_who_hangs_up_has_answered_what_was_answered(provisioned: Provisioned, tmp_path: Path) -> None:
    async with line(provisioned, tmp_path) as on:
        await on.hears(FIRST)
        await on.it.press("10001", "4")
        await on.hears(SECOND)
        (channel,) = await on.it.pbx.channels()
        await on.it.pbx.cli(f"channel request hangup {channel['name']}")
        await on.it.empty()
        await until(lambda: on.answers() == {"survey.1": "4"}, lambda: str(on.answers()))


@pytest.mark.parametrize("queues", [["support"], []])
async def test_callers_of_other_queues_are_not_asked(
    provisioned: Provisioned, tmp_path: Path, queues: list[str]
) -> None:
    async with line(provisioned, tmp_path, queues=queues) as on:
        if queues:
            await on.callers.finished(seconds=5)
            assert INTRO not in on.ear.tones()
        else:
            await on.hears(INTRO)


async def test_nobody_who_is_asked_is_taken_for_a_new_caller(provisioned: Provisioned, tmp_path: Path) -> None:
    async with line(provisioned, tmp_path) as on:
        await on.hears(FIRST)
        await on.it.channel.reconcile(())
        await on.it.press("10001", "3")
        await on.hears(SECOND)
        assert len(on.it.all(InteractionQueued)) == 1
        # Another engine knows nothing of the survey, and that the interaction has ended: on in the dialplan.
        await on.it.stop_engine(crash=True)
        await on.it.start_engine()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await on.it.pbx.ari_get("applications/acd"))["channel_ids"]:
                await asyncio.sleep(POLL_SECONDS)
        assert len(on.it.all(InteractionQueued)) == 1
