"""Agents who are asked by their telephone how it went, on the real Asterisk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.core.messages import DispositionSet, InteractionCompleted, OfferAccepted, WrapUpStarted
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from tests.adapters.asterisk.rig import Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_survey import fail_once

VOICE, PROMPT = 400, 1_300
WRAP_UP = 'offer_timeout = "20s"\nwrap_up = "60s"\ndispositions = ["sold", "lost"]'


@dataclass
class Desk:
    """An agent whose caller has hung up."""

    it: Rig
    ear: Ear
    call: str

    async def press(self, key: str) -> None:
        (leg,) = [each["name"] for each in await self.it.pbx.channels() if ":leg:" in each["id"]]
        async with self.it.pbx.ami() as ami:
            await ami.action("PlayDTMF", Channel=leg, Digit=key, Receive="yes")
            await ami.event("DTMFEnd", lambda event: event["Digit"] == key)

    async def is_asked(self) -> None:
        await until(lambda: PROMPT in self.ear.tones(), lambda: str(self.ear.tones()))


@asynccontextmanager
async def desk(
    provisioned: Provisioned, folder: Path, *, more: str = WRAP_UP, within: str = "5s"
) -> AsyncIterator[Desk]:
    own = {"dispositions": ["sold", "lost"], "disposition_prompt": ["lab-code"], "disposition_within": within}
    async with Ear(VOICE) as ear, Ear(VOICE) as caller:
        anna = Agent("anna", AgentBehaviour(ring_ms=300, ear=ear.port))
        options = {"queues": {"sales": own}}
        async with rig(provisioned, folder, [anna], queues=[Queue(more=more)], options=options) as it:
            it.pbx.add_sound("lab-code", tone(PROMPT, 400))
            await it.ready("anna")
            async with it.callers(CallSpec("10001", "sales", hang_up_after_ms=1_500, ear=caller.port)):
                accepted = await it.event(OfferAccepted)
                completed = await it.event(InteractionCompleted)
                assert completed.by == "customer"
                yield Desk(it, ear, accepted.interaction_id)


async def test_the_key_is_the_code(provisioned: Provisioned, tmp_path: Path) -> None:
    async with desk(provisioned, tmp_path) as on:
        await on.is_asked()
        await on.press("2")
        said = await on.it.event(DispositionSet)
        assert (said.agent_id, said.interaction_id, said.code) == ("anna", on.call, "lost")
        await on.it.empty()
        assert len(on.it.all(WrapUpStarted)) == 1


async def test_a_telephone_whose_release_fails_is_hung_up(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PBX does not answer for a moment: nobody asks, and nobody is left off the hook."""
    fail_once(monkeypatch)
    async with desk(provisioned, tmp_path) as on:
        await on.it.empty()
        assert not on.it.all(DispositionSet)


@pytest.mark.parametrize("keys", ["", "9"])
async def test_who_presses_nothing_or_nonsense_is_let_go(provisioned: Provisioned, tmp_path: Path, keys: str) -> None:
    async with desk(provisioned, tmp_path, within="1s") as on:
        await on.is_asked()
        for key in keys:
            await on.press(key)
        await on.it.empty()
        assert not on.it.all(DispositionSet)


async def test_a_comparison_leaves_whoever_is_asked_alone(provisioned: Provisioned, tmp_path: Path) -> None:
    async with desk(provisioned, tmp_path) as on:
        await on.is_asked()
        await on.it.channel.reconcile(())
        await on.press("1")
        assert (await on.it.event(DispositionSet)).code == "sold"
        await on.it.empty()


async def test_without_a_wrap_up_nobody_is_asked(provisioned: Provisioned, tmp_path: Path) -> None:
    async with desk(provisioned, tmp_path, more='offer_timeout = "20s"') as on:
        await on.it.empty()
        assert PROMPT not in on.ear.tones()


async def test_an_engine_that_was_killed_hangs_up(provisioned: Provisioned, tmp_path: Path) -> None:
    async with desk(provisioned, tmp_path) as on:
        await on.is_asked()
        await on.it.stop_engine(crash=True)
        await on.it.start_engine()
        await on.it.empty()
        assert not on.it.all(DispositionSet)
