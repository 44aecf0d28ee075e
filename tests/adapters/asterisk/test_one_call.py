"""One call, one agent, through every layer: SIPp, Asterisk, the adapter, the Router, SQLite, and back."""

import asyncio
from pathlib import Path

from acd.core.messages import InteractionCompleted, InteractionQueued, OfferAccepted
from acd.ports.channel import Personal
from acd.runtime.personal import PersonalStore
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import Agent, rig

TALK_MS = 300


async def test_one_call(provisioned: Provisioned, tmp_path: Path) -> None:
    """A caller is queued, rings the agent, talks, and is let go when the agent hangs up."""
    talkative = AgentBehaviour(ring_ms=100, talk_ms=TALK_MS, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, [Agent("anna", talkative)]) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            completed = await it.event(InteractionCompleted)
            (caller,) = await callers.finished(seconds=5)
        await it.empty()
        (dialog,) = it.phones.dialogs()
        queued = await it.event(InteractionQueued)
        assert dialog.agent == "anna"
        assert dialog.caller == "10001"
        assert dialog.is_answered
        assert dialog.how == "agent"
        assert caller.how == "pbx"
        assert completed.by == "agent"
        assert completed.talked_us >= (TALK_MS - 50) * 1000
        assert queued.queue == "sales"
        assert queued.instance == "pbx1"
        assert queued.customer
        assert "10001" not in queued.customer
        assert dict(queued.attributes) == {"did": "sales"}
        assert len(it.all(OfferAccepted)) == 1
        person = await it.router.recall(queued.customer)
        assert person is not None
        assert person.number == "10001"


async def test_a_caller_does_not_wait_for_the_personal_store(provisioned: Provisioned, tmp_path: Path) -> None:
    """Somebody new rings the agent while the store is in the middle of a write, and is in it afterwards."""
    quick = AgentBehaviour(ring_ms=100, talk_ms=TALK_MS, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, [Agent("anna", quick)]) as it:
        await it.router.remember(Personal("10000"))
        people = it.router.people
        assert people._learning is not None
        await asyncio.wait_for(people._learning, 60)
        store = people._store
        assert isinstance(store, PersonalStore)
        await it.ready("anna")
        with store._mutex:
            async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
                await it.event(OfferAccepted)
                await callers.finished(seconds=10)
        await it.empty()
        queued = await it.event(InteractionQueued)
        assert await it.router.recall(queued.customer) == Personal("10001")
        assert await it.router.remember(Personal("10001")) == queued.customer
