"""Callbacks that the PBX dials, agent first: the agent's telephone, then the customer's, on a real Asterisk."""

from pathlib import Path
from typing import Literal

import pytest

from acd.core.messages import (
    AgentLeft,
    EndInteraction,
    EnqueueInteraction,
    InteractionCancelled,
    InteractionCompleted,
    InteractionFailed,
    InteractionOverflowed,
    InteractionQueued,
    InteractionRequeued,
    InteractionScheduled,
    MergeConsult,
    OfferAccepted,
    TransferInteraction,
)
from acd.ports.channel import Personal
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import INSTANCE, Agent, Queue, Rig, rig

NUMBER = "13800138000"
DIAL: dict[str, object] = {"dial": "PJSIP/{number}@chen", "ring": "5s"}
OPTIONS: dict[str, object] = {"callbacks": DIAL}
MORE = f"""\
retry_after = "1s"
callback_channel = "{INSTANCE}"
callback_attempts = 2
callback_retry = "1s"
[channels.{INSTANCE}]
type = "asterisk"
"""
QUEUE = Queue(more=MORE)
First = Literal["agent", "customer"]
LISTENS = AgentBehaviour(ring_ms=50, talk_ms=60_000)
TALKS = AgentBehaviour(ring_ms=300, talk_ms=700, hang_up_chance=1.0)
SILENT = AgentBehaviour(no_answer_chance=1.0)


def queue(first: First, *, retry: str = "1s") -> Queue:
    """Whose callbacks this PBX makes; `first`: who is called before whom."""
    more = MORE.replace('callback_retry = "1s"', f'callback_retry = "{retry}"')
    return Queue(more=more if first == "agent" else f'callback_first = "customer"\n{more}')


def people(customer: AgentBehaviour, anna: AgentBehaviour = LISTENS) -> list[Agent]:
    """An agent, and the customer's telephone behind the trunk."""
    return [Agent("anna", anna), Agent("chen", customer)]


async def call_me(it: Rig, name: str = "callback", number: str = NUMBER) -> None:
    """A customer of that number wants to be called back."""
    customer = await it.router.remember(Personal(number=number, name="陈"))
    command = EnqueueInteraction(f"ask-{name}", name, "voice", "sales", customer=customer, kind="callback")
    outcome = await it.router.submit(command)
    assert outcome.refusal is None


async def test_first_the_agent_then_the_customer(provisioned: Provisioned, tmp_path: Path) -> None:
    """The agent picks up, the customer's telephone rings, they talk, the customer hangs up; nothing is left."""
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(OfferAccepted)
        await it.talking()
        completed = await it.event(InteractionCompleted)
        await it.empty()
        agent, customer = sorted(it.phones.dialogs(), key=lambda each: each.invited_us)
        assert (completed.by, completed.interaction_id, completed.agent_id) == ("customer", "callback", "anna")
        assert (agent.agent, customer.agent) == ("anna", NUMBER)
        assert agent.caller == NUMBER
        assert agent.answered_us is not None
        assert agent.answered_us < customer.invited_us


async def test_the_agent_hangs_up_while_it_rings(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer's telephone stops, no attempt is counted, and the next agent has the callback."""
    impatient = AgentBehaviour(ring_ms=50, talk_ms=600, hang_up_chance=1.0)
    agents = [*people(AgentBehaviour(ring_ms=1_500, talk_ms=300, hang_up_chance=1.0), impatient), Agent("ben", LISTENS)]
    queue = Queue(more=MORE.replace('retry_after = "1s"', 'retry_after = "30s"'))
    async with rig(provisioned, tmp_path, agents, queues=[queue], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        requeued = await it.event(InteractionRequeued)
        assert requeued.reason == "agent-leg-lost"
        await it.presence("anna", "not-ready", "tea")
        await it.ready("ben")
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.agent_id, completed.by) == ("ben", "customer")
        assert not it.all(InteractionScheduled)
        rung = [each for each in it.phones.dialogs() if each.agent == NUMBER]
        assert len(rung) == 2
        assert rung[0].answered_us is None


async def test_by_key_from_the_line(provisioned: Provisioned, tmp_path: Path) -> None:
    """A caller who waits presses the key, hangs up, and is called back before those who came later."""
    sounds: dict[str, object] = {"any": {"announcements": {"callback": ["beep"]}}}
    given: dict[str, object] = {**OPTIONS, "queues": {"sales": {"keys": {"1": "callback"}}}, "sounds": sounds}
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=given) as it:
        async with it.callers(CallSpec(NUMBER, "sales")) as callers:
            caller = await it.event(InteractionQueued)
            await until_places(it.pbx, {"trunk": "hold"})
            await it.press(NUMBER, "1")
            gone = await it.event(InteractionOverflowed)
            await callers.finished(seconds=10)
        async with raw_caller(it.pbx.sip_port, "13900139000", "sales"):
            await it.event(InteractionQueued, lambda each: each.customer != caller.customer)
            await it.ready("anna")
            completed = await it.event(InteractionCompleted)
            await it.event(OfferAccepted, lambda each: each.interaction_id != completed.interaction_id)
        await it.empty()
        assert (gone.interaction_id, gone.reason) == (caller.interaction_id, "callback")
        assert (completed.interaction_id, completed.by) == (f"{caller.interaction_id}~cb", "customer")
        (called,) = [each for each in it.phones.dialogs() if each.agent == NUMBER]
        assert called.answered_us is not None


async def test_the_key_of_somebody_without_a_number(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody can be called back there: the caller goes on waiting, and is answered."""
    given: dict[str, object] = {**OPTIONS, "queues": {"sales": {"keys": {"1": "callback"}}}}
    anna = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, people(TALKS, anna), queues=[QUEUE], options=given) as it:
        async with it.callers(CallSpec("anonymous", "sales")) as callers:
            queued = await it.event(InteractionQueued)
            await until_places(it.pbx, {"trunk": "hold"})
            await it.press("anonymous", "1")
            await it.ready("anna")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=10)
        await it.empty()
        assert completed.interaction_id == queued.interaction_id
        assert not it.all(InteractionOverflowed)


@pytest.mark.parametrize(("keys", "is_somebody"), [("1", True), ("", False)], ids=["presses", "voicemail"])
async def test_a_key_tells_somebody_from_a_voicemail(
    provisioned: Provisioned, tmp_path: Path, keys: str, *, is_somebody: bool
) -> None:
    """Who presses it has the agent; who picks up and says nothing is called again later, and never heard anybody."""
    customer = AgentBehaviour(ring_ms=50, talk_ms=4_000, hang_up_chance=1.0, keys=keys)
    asking = {**DIAL, "prompt": ["beep"], "key": "1", "answer_within": "1s", "tries": 2}
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options={"callbacks": asking}) as it:
        await it.ready("anna")
        await call_me(it)
        if is_somebody:
            await it.talking()
            await it.event(InteractionCompleted)
        else:
            failed = await it.event(InteractionFailed, seconds=30)
            assert (failed.reason, failed.attempts) == ("no-key", 2)
        await it.empty()


async def test_the_agent_goes_while_the_customer_hears_who_calls(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer has answered, and is kept: they wait with music, and have the next agent.

    A key by which callers leave leads nowhere: no dialplan has sent them.
    """
    impatient = AgentBehaviour(ring_ms=50, talk_ms=900, hang_up_chance=1.0)
    agents = [*people(AgentBehaviour(ring_ms=50, talk_ms=60_000), impatient)]
    agents.append(Agent("ben", AgentBehaviour(ring_ms=50, talk_ms=500, hang_up_chance=1.0)))
    queue = Queue(more=MORE.replace('retry_after = "1s"', 'retry_after = "30s"'))
    asking = {**DIAL, "prompt": ["beep"] * 20}
    given: dict[str, object] = {"callbacks": asking, "queues": {"sales": {"keys": {"9": "leave"}}}}
    async with rig(provisioned, tmp_path, agents, queues=[queue], options=given) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(InteractionRequeued)
        await it.presence("anna", "not-ready", "tea")
        await until_places(it.pbx, {"chen": "hold"}, seconds=20)
        (customer,) = (each["name"] for each in await it.pbx.channels() if ":back:" in each["id"])
        async with it.pbx.ami() as ami:
            await ami.action("PlayDTMF", Channel=customer, Digit="9", Receive="yes")
            await ami.event("DTMFEnd", lambda event: event["Digit"] == "9")
        await it.ready("ben")
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.agent_id, completed.by) == ("ben", "agent")
        assert len([each for each in it.phones.dialogs() if each.agent == NUMBER]) == 1


async def test_a_number_that_may_not_be_dialled(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody is called; it counts as an attempt, so that it comes to an end."""
    only: dict[str, object] = {"callbacks": {**DIAL, "only": ["1"]}}
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=only) as it:
        await it.ready("anna")
        await call_me(it, number="+44 900 123456")
        failed = await it.event(InteractionFailed, seconds=20)
        await it.empty()
        assert failed.reason == "no-number"
        assert {each.agent for each in it.phones.dialogs()} == {"anna"}


async def test_how_somebody_else_writes_the_number_changes_nothing(provisioned: Provisioned, tmp_path: Path) -> None:
    """A later call, or request, with the same number in another form: what is dialled is what it was."""
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=OPTIONS) as it:
        await call_me(it)
        for other in ("tel:+8613800138000", "+86(0)13800138000", "1795113800138000"):
            await it.router.remember(Personal(number=other))
        await it.ready("anna")
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert completed.interaction_id == "callback"
        assert {each.agent for each in it.phones.dialogs()} == {"anna", NUMBER}


async def test_transferred_a_callback_is_like_any_call(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer waits in the other queue with music, and has its agent; nobody calls them a second time."""
    agents = [*people(LISTENS), Agent("ben", AgentBehaviour(ring_ms=50, talk_ms=500, hang_up_chance=1.0))]
    queues = [Queue("support", more='retry_after = "1s"'), QUEUE]
    async with rig(provisioned, tmp_path, agents, queues=queues, options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.talking()
        await it.presence("anna", "not-ready", "tea")
        command = TransferInteraction("on", "callback", "anna", to_queue="support")
        outcome = await it.router.submit(command)
        assert outcome.refusal is None
        await until_places(it.pbx, {"chen": "hold"})
        await it.ready("ben")
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.agent_id, completed.by) == ("ben", "agent")
        assert len([each for each in it.phones.dialogs() if each.agent == NUMBER]) == 1


async def test_cancelled_while_it_rings(provisioned: Provisioned, tmp_path: Path) -> None:
    """Both telephones stop."""
    async with rig(provisioned, tmp_path, people(SILENT), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.phones.wait_for(lambda seen: any(each.agent == NUMBER for each in seen))
        outcome = await it.router.submit(EndInteraction("stop", "callback", by="system", reason="boss"))
        assert outcome.refusal is None
        await it.empty()
        assert (await it.event(InteractionCompleted)).by == "system"


async def test_an_adviser_who_is_brought_in_while_the_customer_is_called(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    """Nobody answers: the adviser leaves, it was an attempt like any other, and nobody talks with nobody for good."""
    agents = [*people(SILENT), Agent("ben", LISTENS, {"law": 5})]
    queues = [QUEUE, Queue("advice", "skills.law >= 1")]
    slow = {**DIAL, "ring": "6s"}
    async with rig(provisioned, tmp_path, agents, queues=queues, options={"callbacks": slow}) as it:
        await it.ready("anna")
        await call_me(it)
        await it.phones.wait_for(lambda seen: any(each.agent == NUMBER for each in seen))
        await it.ready("ben")
        await it.router.submit(
            EnqueueInteraction("ask", "question", "voice", "advice", instance=INSTANCE, parent="callback")
        )
        await it.event(OfferAccepted, lambda each: each.interaction_id == "question")
        merged = await it.router.submit(MergeConsult("bring", "question", "anna", "conference"))
        assert merged.refusal is None
        left = await it.event(AgentLeft, seconds=20)
        scheduled = await it.event(InteractionScheduled)
        assert (left.agent_id, left.reason) == ("ben", "no-answer")
        assert (scheduled.interaction_id, scheduled.attempts) == ("callback", 1)
        await it.router.submit(EndInteraction("stop", "callback", by="system", reason="boss"))
        await it.empty()


async def test_an_id_that_no_channel_can_be_named_after(provisioned: Provisioned, tmp_path: Path) -> None:
    """It ends, and says why; the agent's telephone never rings, and the next callback is theirs."""
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it, "订单/1;2")
        ended = await it.event(InteractionCancelled)
        await call_me(it, "order-2", "13900139000")
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (ended.interaction_id, ended.reason) == ("订单/1;2", "unusable-id")
        assert completed.interaction_id == "order-2"
        assert len([each for each in it.phones.dialogs() if each.agent == "anna"]) == 1
