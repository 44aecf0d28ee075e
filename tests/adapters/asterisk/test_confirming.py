"""Press 1 to accept: external numbers get a caller only after a key, on a real Asterisk with keys by SIP INFO."""

from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    MergeConsult,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    PresenceChanged,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.page_text import options
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_consult import CALLER, CONSULT, advised, ask, do, talking

OPTIONS = {"confirm": {**options("PHONES.md", "External numbers")["confirm"], "prompt": ["beep"]}}
EXTERNAL = "PJSIP/13800138000@anna"
"""A number behind a trunk, which is a telephone of the lab here."""
VOICEMAIL = AgentBehaviour(ring_ms=50, talk_ms=60_000)
SHORT_VOICEMAIL = AgentBehaviour(ring_ms=50, talk_ms=700, hang_up_chance=1.0)
PRESSES_1 = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1.0, keys="1")
PRESSES_2 = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="2")
PRESSES_5_AND_1 = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1.0, keys="51")
BEN = Agent("ben", AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0))
SHORT = Queue(more='offer_timeout = "1500ms"\nretry_after = "30s"')
CALL = CallSpec(caller="10001", dialled="sales")


@pytest.mark.parametrize("behaviour", [PRESSES_1, PRESSES_5_AND_1])
async def test_the_key_accepts(provisioned: Provisioned, tmp_path: Path, behaviour: AgentBehaviour) -> None:
    """Picked up long before; accepted at the key, and not by another one."""
    async with rig(provisioned, tmp_path, [Agent("anna", behaviour, address=EXTERNAL)], options=OPTIONS) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            accepted = await it.event(OfferAccepted)
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        (dialog,) = it.phones.dialogs()
        assert dialog.agent == "13800138000"
        assert dialog.answered_us is not None
        pressed_us = dialog.answered_us + behaviour.keys_after_ms * len(behaviour.keys) * 1_000
        queued = await it.event(InteractionQueued)
        assert accepted.waited_us >= pressed_us - dialog.invited_us - 20_000
        assert (completed.by, completed.interaction_id) == ("agent", queued.interaction_id)


async def test_a_voicemail_never_gets_the_call(provisioned: Provisioned, tmp_path: Path) -> None:
    """It picks up and says nothing: the offer ends as one that nobody answered, and the next agent has the caller."""
    agents = [Agent("anna", VOICEMAIL, address=EXTERNAL), BEN]
    async with rig(provisioned, tmp_path, agents, queues=[SHORT], options=OPTIONS) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            expired = await it.event(OfferExpired)
            await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        rona = await it.event(PresenceChanged, lambda event: event.reason == "rona")
        assert (expired.agent_id, rona.agent_id, completed.agent_id) == ("anna", "anna", "ben")
        assert [each.agent_id for each in it.all(OfferAccepted)] == ["ben"]


@pytest.mark.parametrize("behaviour", [PRESSES_2, SHORT_VOICEMAIL], ids=["key", "hangs-up"])
async def test_declined(provisioned: Provisioned, tmp_path: Path, behaviour: AgentBehaviour) -> None:
    """By the other key, or by hanging up without one: known at once."""
    agents = [Agent("anna", behaviour, address=EXTERNAL), BEN]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            declined = await it.event(OfferDeclined)
            await it.ready("ben")
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert (declined.agent_id, declined.reason) == ("anna", "declined")
        assert it.router.view.agents["anna"].presence == "ready"


async def test_accepted_at_the_desk(provisioned: Provisioned, tmp_path: Path) -> None:
    """The telephone is picked up by a voicemail that soon ends: the caller waits again, and never heard it."""
    agents = [Agent("anna", SHORT_VOICEMAIL, address=EXTERNAL), BEN]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            made = await it.event(OfferMade)
            outcome = await it.router.submit(AcceptOffer("desk", made.offer_id, "anna"))
            assert outcome.refusal is None
            requeued = await it.event(InteractionRequeued)
            assert requeued.reason == "agent-leg-lost"
            await it.presence("anna", "not-ready", "desk")
            await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.agent_id == "ben"


async def test_accepted_at_the_desk_and_compared_before_the_key(provisioned: Provisioned, tmp_path: Path) -> None:
    """A comparison does not take a voicemail that has picked up for the agent who has accepted."""
    voicemail = AgentBehaviour(ring_ms=50, talk_ms=4_000, hang_up_chance=1.0)
    agents = [Agent("anna", voicemail, address=EXTERNAL), BEN]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            await _accepted_and_compared(it)
            requeued = await it.event(InteractionRequeued)
            assert requeued.reason == "agent-leg-lost"
            await it.presence("anna", "not-ready", "desk")
            await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.agent_id == "ben"


async def test_accepted_at_the_desk_and_the_key_comes_after_a_comparison(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    """Then they talk."""
    presses = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1.0, keys="1", keys_after_ms=4_000)
    agents = [Agent("anna", presses, address=EXTERNAL)]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            await _accepted_and_compared(it)
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert (completed.by, completed.agent_id) == ("agent", "anna")


async def _accepted_and_compared(it: Rig) -> None:
    made = await it.event(OfferMade)
    outcome = await it.router.submit(AcceptOffer("desk", made.offer_id, "anna"))
    assert outcome.refusal is None
    await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
    await it.proxy.cut()
    await until(lambda: it.channel.health()["connects"] == 2, lambda: str(it.channel.health()))
    await it.connected()


async def test_over_a_restart(provisioned: Provisioned, tmp_path: Path) -> None:
    """The engine dies while the question is put: another process asks again, and takes no silence for a yes."""
    agents = [Agent("anna", VOICEMAIL, address=EXTERNAL), BEN]
    queue = Queue(more='offer_timeout = "4s"\nretry_after = "30s"')
    async with rig(provisioned, tmp_path, agents, queues=[queue], options=OPTIONS) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            await it.stop_engine(crash=True)
            await it.start_engine()
            await it.event(OfferExpired)
            await it.ready("ben")
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert [each.agent_id for each in it.all(OfferAccepted)] == ["ben"]


async def test_connection_is_lost_meanwhile(provisioned: Provisioned, tmp_path: Path) -> None:
    """Between picking up and the key: the key that comes after the comparison accepts, once."""
    behaviour = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1.0, keys="1", keys_after_ms=1_500)
    agents = [Agent("anna", behaviour, address=EXTERNAL)]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            await it.proxy.cut()
            await until(lambda: it.channel.health()["connects"] == 2, lambda: str(it.channel.health()))
            assert not it.all(OfferAccepted)
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.by == "agent"
        assert len(it.all(OfferAccepted)) == 1


async def test_one_agent_differs(provisioned: Provisioned, tmp_path: Path) -> None:
    """An agent's own option goes before the patterns."""
    given = {**OPTIONS, "agents": {"anna": {"confirm": False}}}
    agents = [Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0), address=EXTERNAL)]
    async with rig(provisioned, tmp_path, agents, options=given) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()


async def test_of_a_broadcast_the_key_wins(provisioned: Provisioned, tmp_path: Path) -> None:
    """A voicemail picks up first, and takes the call from nobody."""
    queue = Queue(more='strategy = "broadcast"\nbroadcast = 3\noffer_timeout = "20s"\nretry_after = "1s"')
    agents = [
        Agent("anna", VOICEMAIL, address=EXTERNAL),
        Agent("ben", PRESSES_1, address="PJSIP/13900139000@ben"),
        Agent("cleo", AgentBehaviour(no_answer_chance=1.0)),
    ]
    async with rig(provisioned, tmp_path, agents, queues=[queue], options=OPTIONS) as it:
        await it.ready("anna", "ben", "cleo")
        async with it.callers(CALL) as callers:
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.agent_id == "ben"
        assert {each.agent_id for each in it.all(OfferRescinded)} == {"anna", "cleo"}
        assert it.router.view.agents["anna"].presence == "ready"


async def test_asked_for_advice(provisioned: Provisioned, tmp_path: Path) -> None:
    """An adviser behind a trunk presses the key, too; until then the asking agent hears no voicemail."""
    given: dict[str, object] = {"confirm": {"prompt": ["beep"]}, "agents": {"ben": {"confirm": True}}}
    adviser = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="1", keys_after_ms=800)
    async with talking(provisioned, tmp_path, adviser, options=given) as (it, customer):
        await ask(it, customer)
        await it.phones.wait_for(lambda seen: any(each.agent == "ben" and each.is_answered for each in seen))
        assert len(it.all(OfferAccepted)) == 1
        await advised(it, customer)
        assert len(it.all(OfferAccepted)) == 2


async def test_brought_in_before_the_key(provisioned: Provisioned, tmp_path: Path) -> None:
    """An adviser who presses it only when the consult is over already is with the customer then."""
    given: dict[str, object] = {"confirm": {"prompt": ["beep"]}, "agents": {"ben": {"confirm": True}}}
    adviser = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="1", keys_after_ms=2_500)
    async with talking(provisioned, tmp_path, adviser, options=given) as (it, customer):
        await ask(it, customer)
        made = await it.event(OfferMade, lambda event: event.agent_id == "ben")
        await do(it, AcceptOffer("desk", made.offer_id, "ben"))
        await it.phones.wait_for(lambda seen: any(each.agent == "ben" and each.is_answered for each in seen))
        await do(it, MergeConsult("bring-in", CONSULT, "anna", "conference"))
        talk = f"talk:{customer}"
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
