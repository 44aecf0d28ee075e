"""The customer on hold: by the agent's desk, and by the agent's telephone. On a real Asterisk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    EndInteraction,
    EnqueueInteraction,
    HoldWork,
    InteractionCompleted,
    MergeConsult,
    OfferAccepted,
    ResumeWork,
    WorkResumed,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import INSTANCE, Agent, Queue, Rig, rig

LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)
QUEUES = (Queue(), Queue("advice", "skills.law >= 1"))
CALLER, ASIDE = "trunk", "aside"


@asynccontextmanager
async def talking(provisioned: Provisioned, folder: Path, *, proxied: bool = False) -> AsyncIterator[tuple[Rig, str]]:
    """A caller who talks with anna; ben can be asked."""
    agents = [Agent("anna", LISTENER), Agent("ben", LISTENER, {"law": 5})]
    async with rig(provisioned, folder, agents, queues=QUEUES, proxied=proxied) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
            yield it, customer
            await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()


async def hold(it: Rig, customer: str, agent: str = "anna") -> None:
    outcome = await it.router.submit(HoldWork(it.router.new_id(), agent, customer))
    assert outcome.refusal is None


async def resume(it: Rig, customer: str, agent: str = "anna") -> None:
    outcome = await it.router.submit(ResumeWork(it.router.new_id(), agent, customer))
    assert outcome.refusal is None


async def test_hold_and_resume_at_the_desk(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer hears music, and neither hears the other; then they talk again. Several times."""
    async with talking(provisioned, tmp_path) as (it, customer), it.pbx.ami() as ami:
        talk = f"talk:{customer}"
        for _ in range(2):
            await hold(it, customer)
            began = await ami.event("MusicOnHoldStart")
            assert began["Channel"].startswith("PJSIP/trunk")
            await until_places(it.pbx, {CALLER: talk, "anna": ASIDE})
            await resume(it, customer)
            ended = await ami.event("MusicOnHoldStop")
            assert ended["Channel"] == began["Channel"]
            await until_places(it.pbx, {CALLER: talk, "anna": talk})


@pytest.mark.parametrize("who", ["anna", "trunk"])
async def test_somebody_hangs_up_during_hold(provisioned: Provisioned, tmp_path: Path, who: str) -> None:
    """The call is over, and nothing is left."""
    async with talking(provisioned, tmp_path) as (it, customer):
        await hold(it, customer)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": ASIDE})
        (channel,) = [each["name"] for each in await it.pbx.channels() if each["name"].startswith(f"PJSIP/{who}")]
        await it.pbx.cli(f"channel request hangup {channel}")
        completed = await it.event(InteractionCompleted)
        assert completed.by == ("agent" if who == "anna" else "customer")
        await it.empty()


@pytest.mark.parametrize("resumed", [True, False])
@pytest.mark.parametrize("how", ["engine-killed", "line-cut"])
async def test_engine_is_away(provisioned: Provisioned, tmp_path: Path, how: str, *, resumed: bool) -> None:
    """On hold before and after; and a resuming that could not be carried out is, on coming back."""
    async with talking(provisioned, tmp_path, proxied=how == "line-cut") as (it, customer), it.pbx.ami() as ami:
        talk = f"talk:{customer}"
        await hold(it, customer)
        await until_places(it.pbx, {CALLER: talk, "anna": ASIDE})
        # Comes last; cut off before, it would never end.
        await ami.event("MusicOnHoldStart", lambda each: each["Channel"].startswith("PJSIP/trunk"))
        if how == "engine-killed":
            await it.stop_engine(crash=True)
            await it.start_engine()
            if resumed:
                await resume(it, customer)
        else:
            it.proxy.refuse()
            await it.proxy.cut()
            await it.connected(connected=False)
            if resumed:
                await resume(it, customer)
            it.proxy.accept()
            await it.connected()
        if resumed:
            await ami.event("MusicOnHoldStop", lambda each: each["Channel"].startswith("PJSIP/trunk"))
        await until_places(it.pbx, {CALLER: talk, "anna": talk if resumed else ASIDE})
        assert bool(it.all(WorkResumed)) is resumed


async def test_hold_consult_and_conference(provisioned: Provisioned, tmp_path: Path) -> None:
    """Held, then asked about: after the consult on hold still; a conference takes the customer back."""
    async with talking(provisioned, tmp_path) as (it, customer):
        talk = f"talk:{customer}"
        await it.ready("ben")
        await hold(it, customer)
        await until_places(it.pbx, {CALLER: talk, "anna": ASIDE})
        for consult in ("first", "second"):
            new_id = it.router.new_id()
            await it.router.submit(
                EnqueueInteraction(new_id, consult, "voice", "advice", instance=INSTANCE, parent=customer)
            )
            await until_places(it.pbx, {CALLER: talk, "anna": f"talk:{consult}", "ben": f"talk:{consult}"})
            if consult == "first":
                await it.router.submit(EndInteraction(it.router.new_id(), consult, by="agent"))
                await until_places(it.pbx, {CALLER: talk, "anna": ASIDE})
        await it.router.submit(MergeConsult(it.router.new_id(), "second", "anna", "conference"))
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        await hold(it, customer, "ben")
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": ASIDE})
        await resume(it, customer, "ben")
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
