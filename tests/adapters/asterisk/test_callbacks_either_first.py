"""What is the same of a callback whoever is called first, its customer or an agent: on a real Asterisk.

What each has for itself is in `test_callbacks` and `test_callbacks_through_failures` (an agent first), and in
`test_callbacks_customer_first` and `test_callbacks_customer_first_failures`.
"""

from pathlib import Path

import pytest

from acd.core.messages import (
    CustomerReached,
    EndInteraction,
    InteractionCompleted,
    InteractionFailed,
    InteractionRequeued,
    InteractionScheduled,
    OfferAccepted,
    OfferMade,
)
from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.rig import rig
from tests.adapters.asterisk.test_callbacks import DIAL, NUMBER, OPTIONS, SILENT, First, call_me, people, queue
from tests.adapters.asterisk.test_callbacks_through_failures import (
    SLOW,
    away,
    back,
    called,
    customer_in,
    no_customer,
    rings,
)

BUSY = AgentBehaviour(busy_chance=1.0)
DECLINES = AgentBehaviour(ring_ms=200, decline_chance=1.0)
LATE_NO = AgentBehaviour(ring_ms=1_000, decline_chance=1.0)

whoever_is_first = pytest.mark.parametrize("first", ["agent", "customer"])
how_it_dies = pytest.mark.parametrize("how", ["killed", "cut"])


@whoever_is_first
@pytest.mark.parametrize(
    ("customer", "reason"),
    [(BUSY, "busy"), (DECLINES, "rejected"), (SILENT, "no-answer")],
    ids=["busy", "declines", "silent"],
)
async def test_nobody_answers(
    provisioned: Provisioned, tmp_path: Path, customer: AgentBehaviour, reason: str, first: First
) -> None:
    """The attempt has failed, the customer is called again later; the last time is the last. The agent is free.

    Of a customer who is called first no agent's telephone knows.
    """
    async with rig(provisioned, tmp_path, people(customer), queues=[queue(first)], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        scheduled = await it.event(InteractionScheduled)
        assert scheduled.attempts == 1
        failed = await it.event(InteractionFailed, seconds=20)
        await it.empty()
        assert (failed.attempts, failed.reason) == (2, reason)
        assert called(it) == 2
        assert {each.agent for each in it.phones.dialogs()} == ({NUMBER} if first == "customer" else {NUMBER, "anna"})
        assert it.router.view.agents["anna"].presence == "ready"


@whoever_is_first
@how_it_dies
async def test_while_it_rings(provisioned: Provisioned, tmp_path: Path, how: str, first: First) -> None:
    """It rings on, the customer answers when everybody is back, and talks with an agent; called once."""
    async with rig(provisioned, tmp_path, people(SLOW), queues=[queue(first)], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, how)
        await back(it, how)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.by, completed.agent_id) == ("customer", "anna")
        assert called(it) == 1
        assert len(it.all(OfferAccepted)) == 1
        assert len(it.all(CustomerReached)) == (first == "customer")


@whoever_is_first
@how_it_dies
async def test_the_customer_refuses_meanwhile(provisioned: Provisioned, tmp_path: Path, how: str, first: First) -> None:
    """What came of it nobody heard: an attempt that has failed, and the agent is free. Not called again at once."""
    patient = queue(first, retry="1h")
    async with rig(provisioned, tmp_path, people(LATE_NO), queues=[patient], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, how)
        await no_customer(it)
        await back(it, how)
        scheduled = await it.event(InteractionScheduled)
        await it.empty()
        assert scheduled.attempts == 1
        assert called(it) == 1


@whoever_is_first
@how_it_dies
async def test_before_the_key(provisioned: Provisioned, tmp_path: Path, how: str, first: First) -> None:
    """Between picking up and the key: the customer is asked again; a key that nobody heard is pressed again.

    Where customers come first, no agent's telephone has rung before the key.
    """
    customer = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="111111", keys_after_ms=2_500)
    asking = {"callbacks": {**DIAL, "prompt": ["beep"], "key": "1", "answer_within": "20s"}}
    async with rig(provisioned, tmp_path, people(customer), queues=[queue(first)], options=asking, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await customer_in(it)
        await away(it, how)
        await back(it, how)
        await it.talking(seconds=20)
        if first == "customer":
            kinds = [type(each) for each in it.events]
            assert kinds.index(CustomerReached) < kinds.index(OfferMade)
        await it.router.submit(EndInteraction("end", "callback", by="system", reason="boss"))
        await it.empty()
        assert called(it) == 1
        assert not it.all(InteractionScheduled)


@whoever_is_first
async def test_the_pbx_dies_while_it_rings(provisioned: Provisioned, tmp_path: Path, first: First) -> None:
    """The customer is called anew. Without the agent who waited nobody can have been reached, and it was no attempt;
    else nobody knows whether anybody has answered, and it was one."""
    async with rig(provisioned, tmp_path, people(SLOW), queues=[queue(first)], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await it.pbx.kill()
        await it.connected(connected=False)
        await it.pbx.start()
        await it.connected()
        completed = await it.event(InteractionCompleted, seconds=20)
        await it.empty()
        assert completed.by == "customer"
        assert called(it) == 2
        requeued, attempts = it.all(InteractionRequeued), [each.attempts for each in it.all(InteractionScheduled)]
        assert [each.reason for each in requeued] == ([] if first == "customer" else ["agent-leg-lost"])
        assert attempts == ([1] if first == "customer" else [])
