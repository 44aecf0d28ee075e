"""Transfers that agents make with their own telephones: SIP REFER, blind and with Replaces. On a real Asterisk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    EndInteraction,
    EnqueueInteraction,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    InteractionTransferred,
    MergeConsult,
    OfferAccepted,
    WorkHeld,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Dialog, Handset, Provisioned
from acd_asterisk.switchboard import Switchboard
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import EXAMPLES, INSTANCE, Agent, Queue, Rig, rig, until

LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)
CALLER = "trunk"
ACCEPTED, DONE, DECLINED = 202, 200, 603
AT_ONCE = 50
"""Looks at who is where: enough for two to be joined."""
QUEUES = (Queue(), Queue("support", "skills.cables >= 1"))
OPTIONS: dict[str, object] = {
    "transfers": {"by_phone": "engine", "context": "acd-outside"},
    "queues": {"support": {"number": "600"}},
}
PHONES = """[acd-agents]
exten => ben,1,Dial(PJSIP/ben)
exten => 600,1,Answer()
 same => n,Wait(60)
exten => 0123,1,Answer()
 same => n,Wait(60)
"""
OUTSIDE = """
[acd-outside]
exten => _0X.,1,UserEvent(Outside,Number: ${EXTEN},Result: ${ACD_RESULT})
 same => n,Wait(60)
"""
DIALPLAN = (EXAMPLES / "extensions.conf").read_text().replace("[acd-agents]\n", PHONES) + OUTSIDE


@asynccontextmanager
async def talking(provisioned: Provisioned, folder: Path, **options: object) -> AsyncIterator[tuple[Rig, Handset, str]]:
    """A caller who talks with anna, whose telephone does as the test says; ben is at hand, and has cables."""
    phone = Handset("anna")
    agents = [Agent("anna", handset=phone), Agent("ben", LISTENER, {"cables": 5})]
    async with rig(provisioned, folder, agents, queues=QUEUES, options=OPTIONS | options, dialplan=DIALPLAN) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
            await it.ready("ben")
            yield it, phone, customer
            await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)
        await it.empty()


async def test_blind_to_an_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer is offered to that agent; the telephone hears that it was done, and is let go."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "ben") == ACCEPTED
        await phone.told(dialog, DONE)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        await until(dialog.ended.is_set, lambda: "anna's telephone is let go")
        transferred = await it.event(InteractionTransferred)
        assert (transferred.agent_id, transferred.to_agent, transferred.reason) == ("anna", "ben", "blind-transfer")
        assert [each.agent_id for each in it.all(OfferAccepted)] == ["anna", "ben"]
        assert it.router.view.agents["anna"].presence == "ready"
        assert not it.router.view.agents["anna"].work


async def test_blind_to_a_queue(provisioned: Provisioned, tmp_path: Path) -> None:
    """By its number; who can serve it does."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "600") == ACCEPTED
        await phone.told(dialog, DONE)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        assert it.router.view.interactions[customer].queue == "support"


async def test_blind_to_the_outside(provisioned: Provisioned, tmp_path: Path) -> None:
    """The engine is done with the caller, who goes on in the dialplan under that number."""
    async with talking(provisioned, tmp_path) as (it, phone, customer), it.pbx.ami() as ami:
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "0123") == ACCEPTED
        event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Outside")
        assert (event["Number"], event["Result"]) == ("0123", "transferred")
        await phone.told(dialog, DONE)
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.agent_id, completed.reason) == (customer, "anna", "transferred-out")
        await until_places(it.pbx, {CALLER: ""})
        assert not it.router.view.agents["anna"].work


async def test_telephone_that_hangs_up_at_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """Some do not wait for what comes of it: no hanging up on the customer, on hold as they may be."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        dialog = await phone.rung()
        await phone.hold(dialog)
        await it.event(WorkHeld)
        assert await phone.transfer(dialog, "ben") == ACCEPTED
        await phone.hang_up(dialog)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        assert not it.all(InteractionCompleted)


@pytest.mark.parametrize("number", ["4711", "anna", "0123"])
async def test_nowhere(provisioned: Provisioned, tmp_path: Path, number: str) -> None:
    """A number that is nobody's, the agent's own, or outside where nobody may go: refused, and the talk goes on."""
    async with talking(provisioned, tmp_path, transfers={"by_phone": "engine"}) as (it, phone, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, number) == ACCEPTED
        await phone.told(dialog, DECLINED)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
        assert not it.all(InteractionTransferred)
        assert not dialog.ended.is_set()
        await phone.hang_up(dialog)
        completed = await it.event(InteractionCompleted)
        assert completed.reason == "agent-hung-up"


async def second_line(it: Rig, phone: Handset, number: str) -> tuple[Dialog, Dialog]:
    """Anna puts the customer on hold and calls somebody."""
    first = await phone.rung()
    await phone.hold(first)
    await it.event(WorkHeld)
    second = await phone.call(number)
    for _ in range(AT_ONCE if number == "ben" else 0):
        # The telephone hears of the answer before the two are joined.
        if (await places(it.pbx)).get("ben"):
            break
    return first, second


async def test_attended_to_an_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    """Anna has called ben and joins the two: her lines are free, ben's telephone rings, and ben has the customer."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        first, second = await second_line(it, phone, "ben")
        assert await phone.transfer_to(first, second) == ACCEPTED
        await phone.told(first, DONE)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        await until(lambda: first.ended.is_set() and second.ended.is_set(), lambda: "both lines are let go")
        transferred = await it.event(InteractionTransferred)
        assert (transferred.to_agent, transferred.reason) == ("ben", "attended-transfer")
        assert not it.router.view.agents["anna"].work


async def test_attended_to_the_outside(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk could join them, and nobody would know who has the customer: refused, and both lines are as before."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        first, second = await second_line(it, phone, "0123")
        assert await phone.transfer_to(first, second) == ACCEPTED
        await phone.told(first, DECLINED)
        assert not first.ended.is_set()
        assert not second.ended.is_set()
        assert customer in it.router.view.interactions
        await phone.hang_up(second)


async def test_out_of_a_conference(provisioned: Provisioned, tmp_path: Path) -> None:
    """Refused: the others would have to go along."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        talk, new_id = f"talk:{customer}", it.router.new_id()
        await it.router.submit(
            EnqueueInteraction(new_id, "question", "voice", "support", instance=INSTANCE, parent=customer)
        )
        await until_places(it.pbx, {CALLER: talk, "anna": "talk:question", "ben": "talk:question"})
        await it.router.submit(MergeConsult(it.router.new_id(), "question", "anna", "conference"))
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "600") == ACCEPTED
        await phone.told(dialog, DECLINED)
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})


async def test_after_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """The leg is an earlier process's, and its transfers are followed all the same."""
    async with talking(provisioned, tmp_path) as (it, phone, customer):
        await it.stop_engine(crash=True)
        await it.start_engine()
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "ben") == ACCEPTED
        await phone.told(dialog, DONE)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})


ASTERISK: dict[str, object] = {"transfers": {}}


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize(("number", "queue"), [("ben", "sales"), ("600", "support")])
async def test_blind_by_asterisk(
    provisioned: Provisioned, tmp_path: Path, number: str, queue: str, *, silent: bool
) -> None:
    """It has put a channel of its own in the agent's place: followed all the same.

    `silent`: the telephone wants to be told nothing (`Refer-Sub: false`), of which Asterisk dies when it is not to
    carry the transfer out by itself.
    """
    async with talking(provisioned, tmp_path, **ASTERISK) as (it, phone, customer):
        dialog = await phone.rung()
        # Without anything to tell there is nothing to wait for.
        assert await phone.transfer(dialog, number, silent=silent) == (DONE if silent else ACCEPTED)
        transferred = await it.event(InteractionTransferred)
        assert (transferred.agent_id, transferred.reason) == ("anna", "blind-transfer")
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        if not silent:
            await phone.told(dialog, DONE)
        await phone.hang_up(dialog)  # as telephones do when they hear so; Asterisk waits for it
        assert it.router.view.interactions[customer].queue == queue
        assert len(it.all(InteractionQueued)) == 1
        assert not it.router.view.agents["anna"].work


async def test_blind_by_asterisk_is_told_before_its_channel_ends(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says "failed" when its own channel ends before it has said "done": there is time until the telephone ends."""
    hang_up, ended = Switchboard.hang_up, []

    async def watched(switchboard: Switchboard, channel_id: str) -> None:
        ended.append(channel_id)
        await hang_up(switchboard, channel_id)

    monkeypatch.setattr("acd_asterisk.transfers.TOLD_SECONDS", 30.0)
    async with talking(provisioned, tmp_path, **ASTERISK) as (it, phone, customer):
        dialog = await phone.rung()
        monkeypatch.setattr(Switchboard, "hang_up", watched)
        assert await phone.transfer(dialog, "600") == ACCEPTED
        await phone.told(dialog, DONE)
        await places(it.pbx)  # a while, in which nothing happens
        assert not ended
        await phone.hang_up(dialog)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        assert ended


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_blind_by_asterisk_while_the_engine_dies(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hangs_up: bool
) -> None:
    """Nobody has hung up on the customer, who waits for another agent; whether the telephone has heard so or not."""
    monkeypatch.setattr("acd_asterisk.transfers.TOLD_SECONDS", 30.0)
    async with talking(provisioned, tmp_path, **ASTERISK) as (it, phone, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "600") == ACCEPTED
        await phone.told(dialog, DONE)
        await it.stop_engine(crash=True)
        if hangs_up:
            await phone.hang_up(dialog)
        await it.start_engine()
        assert (await it.event(InteractionRequeued)).reason == "transfer-not-followed"
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        if not hangs_up:
            await phone.hang_up(dialog)  # Asterisk waits for it


async def test_blind_to_the_outside_by_asterisk(provisioned: Provisioned, tmp_path: Path) -> None:
    """Where the agent's telephone may call, the caller goes on in the dialplan, once."""
    async with talking(provisioned, tmp_path, **ASTERISK) as (it, phone, customer):
        dialog = await phone.rung()
        assert await phone.transfer(dialog, "0123") == ACCEPTED
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.reason) == (customer, "transferred-out")
        await until_places(it.pbx, {CALLER: ""})
        assert not it.router.view.agents["anna"].work


@pytest.mark.parametrize("number", ["ben", "0123"])
async def test_attended_by_asterisk(provisioned: Provisioned, tmp_path: Path, number: str) -> None:
    """To an agent: likewise. To the outside: nobody could follow; the customer waits for another agent."""
    async with talking(provisioned, tmp_path, **ASTERISK) as (it, phone, customer):
        first, second = await second_line(it, phone, number)
        assert await phone.transfer_to(first, second) == ACCEPTED
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        await phone.told(first, DONE)
        await phone.hang_up(first)
        if number == "ben":
            assert (await it.event(InteractionTransferred)).reason == "attended-transfer"
        else:
            assert (await it.event(InteractionRequeued)).reason == "transfer-not-followed"
        assert len(it.all(InteractionQueued)) == 1
        assert not it.router.view.agents["anna"].work


@pytest.mark.parametrize("by_phone", ["asterisk", "engine"])
async def test_other_line_has_called_a_queue(provisioned: Provisioned, tmp_path: Path, by_phone: str) -> None:
    """There is nobody at its end but the dialplan; the number says what is meant."""
    async with talking(provisioned, tmp_path, transfers={"by_phone": by_phone}) as (it, phone, customer):
        first = await phone.rung()
        await phone.hold(first)
        await it.event(WorkHeld)
        second = await phone.call("600")
        assert await phone.transfer_to(first, second) == ACCEPTED
        await phone.told(first, DONE)
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
        assert it.router.view.interactions[customer].queue == "support"
        if by_phone == "asterisk":
            await phone.hang_up(first)
