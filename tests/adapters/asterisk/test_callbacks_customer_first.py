"""Callbacks whose customers are called before any agent is asked, on a real Asterisk."""

from pathlib import Path

from acd.core.messages import (
    CancelInteraction,
    CustomerCalled,
    CustomerReached,
    EndInteraction,
    InteractionAbandoned,
    InteractionCompleted,
    InteractionFailed,
    InteractionScheduled,
    OfferAccepted,
    OfferMade,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import Queue, rig
from tests.adapters.asterisk.test_callbacks import DIAL, NUMBER, SILENT, TALKS, call_me, people, queue

OPTIONS: dict[str, object] = {"callbacks": DIAL}
QUEUE = queue("customer")
STAYS = AgentBehaviour(ring_ms=200, talk_ms=60_000)
TALKS_LONG = AgentBehaviour(ring_ms=50, talk_ms=60_000)


async def test_first_the_customer_then_the_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer's telephone rings; only when they have answered, an agent's does; nothing is left afterwards."""
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(CustomerReached)
        await it.event(OfferAccepted)
        await it.talking()
        completed = await it.event(InteractionCompleted)
        await it.empty()
        customer, agent = sorted(it.phones.dialogs(), key=lambda each: each.invited_us)
        assert (completed.by, completed.interaction_id, completed.agent_id) == ("customer", "callback", "anna")
        assert (agent.agent, customer.agent) == ("anna", NUMBER)
        assert customer.answered_us is not None
        assert customer.answered_us < agent.invited_us
        assert agent.caller == NUMBER


async def test_nobody_is_called_before_an_agent_is_there(provisioned: Provisioned, tmp_path: Path) -> None:
    """And who has answered waits with music, if that agent has got somebody else meanwhile."""
    async with rig(provisioned, tmp_path, people(STAYS), queues=[QUEUE], options=OPTIONS) as it:
        await call_me(it)
        async with it.callers(CallSpec("13900139000", "sales")) as callers:
            await until_places(it.pbx, {"trunk": "hold"})
            assert not it.all(CustomerCalled)
            await it.ready("anna")
            live = await it.event(OfferMade)
            await it.event(CustomerReached)
            talk = f"talk:{live.interaction_id}"
            await until_places(it.pbx, {"anna": talk, "trunk": talk, "chen": "hold"})
            assert live.interaction_id != "callback"
            await it.router.submit(EndInteraction("end", live.interaction_id, by="agent"))
            await callers.finished(seconds=5)
        accepted = await it.event(OfferAccepted, lambda each: each.interaction_id == "callback")
        assert accepted.agent_id == "anna"
        await it.talking()


async def test_a_customer_who_does_not_want_to_wait(provisioned: Provisioned, tmp_path: Path) -> None:
    """They have been reached: whoever hangs up then has abandoned it, and is not called again."""
    impatient = AgentBehaviour(ring_ms=100, talk_ms=2_500, hang_up_chance=1.0)
    people_ = people(impatient, AgentBehaviour(no_answer_chance=1.0))
    async with rig(provisioned, tmp_path, people_, queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(CustomerReached)
        abandoned = await it.event(InteractionAbandoned)
        await it.empty()
        assert abandoned.interaction_id == "callback"
        assert not it.all(InteractionScheduled)


async def test_nobody_wants_it_any_more(provisioned: Provisioned, tmp_path: Path) -> None:
    """Cancelled while it rings: the customer's telephone stops."""
    async with rig(provisioned, tmp_path, people(SILENT), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.phones.wait_for(lambda seen: len(seen) == 1)
        outcome = await it.router.submit(CancelInteraction("cancel", "callback"))
        assert outcome.refusal is None
        await it.empty()
        assert [each.agent for each in it.phones.dialogs()] == [NUMBER]
        assert not it.all(InteractionScheduled)


async def test_it_rings_longer_than_anybody_waits(provisioned: Provisioned, tmp_path: Path) -> None:
    """`callback_timeout` is over before the PBX gives up: the telephone stops, and the attempt has failed."""
    brief = Queue(more=f'callback_timeout = "5s"\n{QUEUE.more}')
    options: dict[str, object] = {"callbacks": {**DIAL, "ring": "60s"}}
    async with rig(provisioned, tmp_path, people(SILENT), queues=[brief], options=options) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(InteractionScheduled, seconds=20)
        failed = await it.event(InteractionFailed, seconds=20)
        await it.empty()
        assert (failed.attempts, failed.reason) == (2, "unanswered")
        assert [each.agent for each in it.phones.dialogs()] == [NUMBER, NUMBER]
