"""Transfers in which another line or another telephone has a part of its own. On a real Asterisk."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import (
    EndInteraction,
    InteractionCancelled,
    InteractionQueued,
    InteractionRequeued,
    InteractionTransferred,
    OfferAccepted,
    WorkHeld,
)
from acd_asterisk.happenings import Happening, Referred
from acd_asterisk.lab import AgentBehaviour, CallSpec, Handset, Provisioned
from acd_asterisk.transfers import Transfers
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Agent, rig
from tests.adapters.asterisk.test_transfers import ACCEPTED, CALLER, DIALPLAN, DONE, LISTENER, QUEUES

INTO_QUEUE = DIALPLAN.replace(
    "exten => 600,1,Answer()\n same => n,Wait(60)",
    "exten => 600,1,Set(X_ACD_QUEUE=support)\n same => n,Goto(acd-enter,s,1)",
)


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("by_phone", ["asterisk", "engine"])
async def test_the_other_line_is_a_caller_of_ours(
    provisioned: Provisioned, tmp_path: Path, by_phone: str, *, answered: bool
) -> None:
    """Anna has called a queue like anybody: the customer goes to the agent whom she has there, or waits in her place.

    What Asterisk puts in the place of her line is no caller, though callers without a queue would be the shop's.
    """
    phone = Handset("anna")
    agents = [Agent("anna", handset=phone), Agent("ben", LISTENER, {"cables": 5})]
    options: dict[str, object] = {"transfers": {"by_phone": by_phone}, "queue": "sales"}
    async with rig(provisioned, tmp_path, agents, queues=QUEUES, options=options, dialplan=INTO_QUEUE) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            talk = f"talk:{customer}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            if answered:
                await it.ready("ben")
            first = await phone.rung()
            await phone.hold(first)
            await it.event(WorkHeld)
            second = await phone.call("600")
            line = (await it.event(InteractionQueued, lambda each: each.queue == "support")).interaction_id
            async with asyncio.timeout(PATIENCE_SECONDS):
                # Anna has two channels, of which this shows one.
                while answered and (await places(it.pbx)).get("ben") != f"talk:{line}":
                    await asyncio.sleep(POLL_SECONDS)
            assert await phone.transfer_to(first, second) == ACCEPTED
            await phone.told(first, DONE)
            transferred = await it.event(InteractionTransferred)
            assert transferred.to_agent == ("ben" if answered else "")
            if by_phone == "asterisk":
                await phone.hang_up(first)
            if not answered:
                await until_places(it.pbx, {CALLER: "hold"})
                await it.ready("ben")
            await until_places(it.pbx, {CALLER: talk, "ben": talk})
            assert it.router.view.interactions[customer].queue == ("sales" if answered else "support")
            assert {each.interaction_id for each in it.all(InteractionQueued)} == {customer, line}
            await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()


async def test_the_other_line_is_over_before_its_transfer_is_told(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow PBX may take its time between the two. The customer waits in the line's place all the same."""
    phone = Handset("anna")
    options: dict[str, object] = {"transfers": {"by_phone": "asterisk"}, "queue": "sales"}
    handle, telling = Transfers.handle, []

    def late(transfers: Transfers, what: Happening) -> None:
        async def tell() -> None:
            await it.event(InteractionCancelled)
            handle(transfers, what)

        if isinstance(what, Referred):
            telling.append(asyncio.create_task(tell()))
        else:
            handle(transfers, what)

    monkeypatch.setattr(Transfers, "handle", late)
    async with rig(
        provisioned, tmp_path, [Agent("anna", handset=phone)], queues=QUEUES, options=options, dialplan=INTO_QUEUE
    ) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
            first = await phone.rung()
            await phone.hold(first)
            await it.event(WorkHeld)
            second = await phone.call("600")
            line = (await it.event(InteractionQueued, lambda each: each.queue == "support")).interaction_id
            assert await phone.transfer_to(first, second) == ACCEPTED
            transferred = await it.event(InteractionTransferred)
            assert (transferred.interaction_id, transferred.to_agent) == (customer, "")
            assert [each.interaction_id for each in it.all(InteractionCancelled)] == [line]
            await until_places(it.pbx, {CALLER: "hold"})
            assert it.router.view.interactions[customer].queue == "support"
            await phone.hang_up(first)
            await it.router.submit(EndInteraction(it.router.new_id(), customer, by="system"))
            await callers.finished(seconds=5)
        await asyncio.gather(*telling)
        await it.empty()


@pytest.mark.parametrize("by_phone", ["asterisk", "engine"])
async def test_the_other_line_still_rings(provisioned: Provisioned, tmp_path: Path, by_phone: str) -> None:
    """Anna does not wait until ben picks up: the customer is offered to him all the same."""
    slow = AgentBehaviour(ring_ms=1_500, talk_ms=60_000)
    phone = Handset("anna")
    agents = [Agent("anna", handset=phone), Agent("ben", slow, {"cables": 5})]
    options: dict[str, object] = {"transfers": {"by_phone": by_phone}}
    async with rig(provisioned, tmp_path, agents, queues=QUEUES, options=options, dialplan=DIALPLAN) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            talk = f"talk:{customer}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await it.ready("ben")
            first = await phone.rung()
            await phone.hold(first)
            await it.event(WorkHeld)
            second = await phone.ring("ben")
            assert await phone.transfer_to(first, second) == ACCEPTED
            await phone.told(first, DONE)
            transferred = await it.event(InteractionTransferred)
            assert (transferred.to_agent, transferred.reason) == ("ben", "attended-transfer")
            await until_places(it.pbx, {CALLER: talk, "ben": talk})
            assert len(it.all(InteractionQueued)) == 1
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)
        await it.empty()


@pytest.mark.parametrize("by_phone", ["asterisk", "engine"])
@pytest.mark.parametrize("who", ["ben", "lobby"])
async def test_a_telephone_takes_the_call_over_by_itself(
    provisioned: Provisioned, tmp_path: Path, who: str, by_phone: str
) -> None:
    """An INVITE with Replaces, which no REFER has announced: the customer is its agent's, or waits if it has none."""
    phone, other = Handset("anna"), Handset(who)
    agents = [Agent("anna", handset=phone), Agent(who, handset=other)]
    text = 'addresses.voice = "PJSIP/{0}"'
    config = "\n".join(["[queues.sales]", *(f"[agents.{name}]\n{text.format(name)}" for name in ("anna", "ben"))])
    options: dict[str, object] = {"transfers": {"by_phone": by_phone}}
    async with rig(provisioned, tmp_path, agents, options=options, dialplan=DIALPLAN, text=config) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
            await it.presence("anna", "not-ready", "lunch")
            await it.ready("ben")
            await other.take_over(await phone.rung(), "600")
            if who == "ben":
                transferred = await it.event(InteractionTransferred)
                assert (transferred.to_agent, transferred.reason) == ("ben", "attended-transfer")
                await until_places(it.pbx, {CALLER: f"talk:{customer}", "ben": f"talk:{customer}"})
            else:
                assert (await it.event(InteractionRequeued)).reason == "transfer-not-followed"
            assert not it.router.view.agents["anna"].work
            await it.channel.reconcile(())
            assert len(it.all(InteractionQueued)) == 1
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)
        await it.empty()


async def test_taken_over_while_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody heard of it: the customer is with the agent who has them, and the other telephone is no new caller."""
    phone, other = Handset("anna"), Handset("lobby")
    agents = [Agent("anna", handset=phone), Agent("lobby", handset=other)]
    async with rig(provisioned, tmp_path, agents, dialplan=DIALPLAN) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            talk = f"talk:{customer}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await it.stop_engine(crash=True)
            async with it.listener():
                await other.take_over(await phone.rung(), "600")
                await until_places(it.pbx, {CALLER: talk, "lobby": talk, "anna": ""})
            await it.start_engine()
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            assert len(it.all(InteractionQueued)) == 1
            await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()
