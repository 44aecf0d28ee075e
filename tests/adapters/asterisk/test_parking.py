"""Calls that agents park with their telephones, at a parking lot of Asterisk's, by PHONES.md. On a real Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    EnqueueInteraction,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    MergeConsult,
    OfferAccepted,
    WorkHeld,
)
from acd_asterisk.lab import CallSpec, Handset, Provisioned
from tests.adapters.asterisk import page_text
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import EXAMPLES, INSTANCE, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig, until

CALLER = "trunk"
ACCEPTED = 202
LOT = "700"
SPACE = "701"
LOTS = page_text.files(page_text.ROOT / "PHONES.md")["res_parking.conf"]
OUTSIDE = """
[acd-outside]
exten => _0X.,1,Hangup()
exten => i,1,Hangup(1)
"""
ANYTHING = "exten => _[+*#0-9A-Za-z].,1,Hangup(21)"
EXAMPLE = (EXAMPLES / "extensions.conf").read_text()
assert ANYTHING in EXAMPLE
DIALPLAN = EXAMPLE.replace(ANYTHING, "") + page_text.of_language("PHONES.md", "ini") + OUTSIDE
"""Of the page; and a context for numbers outside, in which the lot's is none."""


@asynccontextmanager
async def talking(
    provisioned: Provisioned,
    folder: Path,
    transfers: dict[str, object] | None = None,
    *,
    origin: str = "no",
    seconds: int = 3,
) -> AsyncIterator[tuple[Rig, Handset, Handset, str]]:
    """A caller who talks with anna, whose telephone does as the test says, and another telephone."""
    phone, other = Handset("anna"), Handset("ben")
    agents = [Agent("anna", handset=phone), Agent("ben", handset=other)]
    lot = LOTS.replace("parkingtime => 120", f"parkingtime => {seconds}")
    lot = lot.replace("comebacktoorigin = no", f"comebacktoorigin = {origin}")
    lots = {"modules.conf": "load = res_parking\n", "res_parking.conf": lot}
    options: dict[str, object] = {"transfers": transfers or {}}
    async with rig(provisioned, folder, agents, options=options, dialplan=DIALPLAN, extra_config=lots) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
            yield it, phone, other, customer
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)


async def parked(it: Rig) -> None:
    """Wait until the caller is in the lot, and anna has nothing more to do with them."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "PJSIP/trunk" not in await it.pbx.cli("parking show default"):
            await asyncio.sleep(POLL_SECONDS)
    await until(lambda: not it.router.view.agents["anna"].work, lambda: "anna is free")


@pytest.mark.parametrize("context", ["", "acd-outside"])
async def test_who_is_fetched_by_nobody_comes_back(provisioned: Provisioned, tmp_path: Path, context: str) -> None:
    """The agent is done with them; when the time is up the dialplan brings them back, and they are served.

    `context`: where numbers outside are dialled, in which that of the lot is none.
    """
    async with talking(provisioned, tmp_path, {"context": context} if context else {}) as (it, phone, _, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, LOT) == ACCEPTED
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.by, completed.reason) == (customer, "agent", "transferred-out")
        await parked(it)
        await phone.hang_up(dialog)
        await until(lambda: len(it.all(OfferAccepted)) > 1, lambda: f"{it.events[-5:]}")
        again = it.all(OfferAccepted)[1].interaction_id
        assert again == f"{customer}~2"
        await until_places(it.pbx, {CALLER: f"talk:{again}", "anna": f"talk:{again}"})
        assert [each.interaction_id for each in it.all(InteractionQueued)] == [customer, again]


async def test_who_is_fetched_talks_with_whoever_does_that(provisioned: Provisioned, tmp_path: Path) -> None:
    """From any telephone; it is a call of the PBX's, in which the engine has no part, nor after a comparison."""
    async with talking(provisioned, tmp_path, seconds=30) as (it, phone, other, _):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, LOT) == ACCEPTED
        await parked(it)
        await phone.hang_up(dialog)
        fetching = await other.call(SPACE)
        await it.talking()
        await it.channel.reconcile(())
        await it.talking()
        assert len(it.all(InteractionQueued)) == 1
        await other.hang_up(fetching)
        await it.empty()


async def test_an_engine_that_dies_meanwhile(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nothing is known of who is parked, and they are left alone; back they are a caller like any other."""
    async with talking(provisioned, tmp_path, seconds=6) as (it, phone, _, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, LOT) == ACCEPTED
        await parked(it)
        await phone.hang_up(dialog)
        await it.stop_engine(crash=True)
        await it.start_engine()
        again = f"{customer}~2"
        await until_places(it.pbx, {CALLER: f"talk:{again}", "anna": f"talk:{again}"})


async def test_left_to_the_engine(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller goes on in the dialplan, which parks them, and comes back to the telephone that has transferred."""
    transfers: dict[str, object] = {"by_phone": "engine", "context": "acd-agents"}
    async with talking(provisioned, tmp_path, transfers, origin="yes") as (it, phone, _, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, LOT) == ACCEPTED
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.reason) == (customer, "transferred-out")
        await parked(it)
        await until(dialog.ended.is_set, lambda: "anna's telephone is let go")
        await it.talking()
        names = {channel["name"].partition("-")[0] for channel in await it.pbx.channels()}
        assert names == {"PJSIP/trunk", "PJSIP/anna"}
        assert len(it.all(InteractionQueued)) == 1


@pytest.mark.parametrize("by_phone", ["asterisk", "engine"])
async def test_attended(provisioned: Provisioned, tmp_path: Path, by_phone: str) -> None:
    """Who would be there in the agent's place nobody could follow: the customer waits for another agent, or stays."""
    async with talking(provisioned, tmp_path, {"by_phone": by_phone}, seconds=30) as (it, phone, _, customer):
        first = await phone.rung()
        await phone.hold(first)
        await it.event(WorkHeld)
        second = await phone.call(LOT)
        assert await phone.transfer_to(first, second) == ACCEPTED
        if by_phone == "asterisk":
            assert (await it.event(InteractionRequeued)).reason == "transfer-not-followed"
            await phone.hang_up(first)
        assert customer in it.router.view.interactions
        assert not it.all(InteractionCompleted)


async def test_out_of_a_conference(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk parks nobody: who tried has left by hanging up, and the others talk on."""
    async with talking(provisioned, tmp_path, seconds=30) as (it, phone, other, customer):
        talk = f"talk:{customer}"
        await it.ready("ben")
        question = EnqueueInteraction(
            it.router.new_id(), "question", "voice", "sales", instance=INSTANCE, parent=customer
        )
        await it.router.submit(question)
        await until_places(it.pbx, {CALLER: talk, "anna": "talk:question", "ben": "talk:question"})
        await it.router.submit(MergeConsult(it.router.new_id(), "question", "anna", "conference"))
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        dialog = await phone.rung()
        assert await phone.transfer(dialog, LOT) == ACCEPTED
        await phone.hang_up(dialog)
        await until_places(it.pbx, {CALLER: talk, "ben": talk})
        assert "PJSIP" not in await it.pbx.cli("parking show default")
        assert it.router.view.interactions[customer].state == "active"
        await other.hang_up(await other.rung())
        await it.event(InteractionCompleted)
