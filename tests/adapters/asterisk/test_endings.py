"""How calls end: whoever hangs up, refuses or does not answer, at every moment. On a real Asterisk."""

from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    CancelInteraction,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRevoked,
    PresenceChanged,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import Agent, Queue, rig

SILENT = AgentBehaviour(no_answer_chance=1.0)
LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)
TALKER = AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0)


def caller(number: str = "10001", dialled: str = "sales", **more: int) -> CallSpec:
    """A caller who waits until the PBX hangs up, unless told otherwise."""
    return CallSpec(caller=number, dialled=dialled, hang_up_after_ms=more.get("hang_up_after_ms", 0))


async def test_nobody_answers(provisioned: Provisioned, tmp_path: Path) -> None:
    """RONA: the device stops ringing, the agent is not-ready, and the next agent has the call."""
    short = Queue(more='offer_timeout = "400ms"\nretry_after = "30s"')
    agents = [Agent("anna", SILENT), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, agents, queues=[short]) as it:
        await it.ready("anna")
        async with it.callers(caller()) as callers:
            expired = await it.event(OfferExpired)
            await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        rona = await it.event(PresenceChanged, lambda event: event.reason == "rona")
        assert expired.agent_id == rona.agent_id == "anna"
        assert completed.agent_id == "ben"
        assert [(dialog.agent, dialog.how) for dialog in it.phones.dialogs()] == [
            ("anna", "cancelled"),
            ("ben", "agent"),
        ]


async def test_caller_gives_up_while_waiting(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody is ready; the caller hangs up."""
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)]) as it:
        async with it.callers(caller(hang_up_after_ms=200)) as callers:
            await it.event(InteractionQueued)
            abandoned = await it.event(InteractionAbandoned)
            await callers.finished(seconds=5)
        await it.empty()
        assert abandoned.reason == "caller-hung-up"
        assert not it.phones.dialogs()


async def test_caller_gives_up_while_ringing(provisioned: Provisioned, tmp_path: Path) -> None:
    """The device stops ringing, and nobody is punished."""
    async with rig(provisioned, tmp_path, [Agent("anna", SILENT)]) as it:
        await it.ready("anna")
        async with it.callers(caller(hang_up_after_ms=300)) as callers:
            await it.event(InteractionAbandoned)
            await callers.finished(seconds=5)
        await it.empty()
        (dialog,) = await it.phones.wait_for(lambda dialogs: all(each.how for each in dialogs))
        assert dialog.how == "cancelled"
        assert (await it.event(OfferRevoked)).reason == "customer-left"
        assert it.router.view.agents["anna"].presence == "ready"


async def test_caller_hangs_up_while_talking(provisioned: Provisioned, tmp_path: Path) -> None:
    """The agent's leg is ended, too."""
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)]) as it:
        await it.ready("anna")
        async with it.callers(caller(hang_up_after_ms=600)) as callers:
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        (dialog,) = await it.phones.wait_for(lambda dialogs: all(each.how for each in dialogs))
        assert completed.by == "customer"
        assert dialog.how == "pbx"


@pytest.mark.parametrize(
    ("behaviour", "address", "kind", "reason"),
    [
        (AgentBehaviour(busy_chance=1.0), None, OfferDeclined, "busy"),
        (AgentBehaviour(decline_chance=1.0, ring_ms=50), None, OfferDeclined, "declined"),
        (LISTENER, "PJSIP/nobody-of-that-name", OfferRevoked, "unreachable"),
        (LISTENER, "PJSIP/anna&PJSIP/ben", OfferRevoked, "unreachable"),
        (LISTENER, "Local/none@acd-agents", OfferDeclined, "declined"),
    ],
    ids=["busy", "declines", "unregistered", "address-of-two", "rejected-by-dialplan"],
)
async def test_agent_cannot_be_had(
    provisioned: Provisioned,
    tmp_path: Path,
    behaviour: AgentBehaviour,
    address: str | None,
    kind: type[OfferDeclined] | type[OfferRevoked],
    reason: str,
) -> None:
    """The reason is known at once, and the next agent has the call without waiting for the offer's end."""
    agents = [Agent("anna", behaviour, address=address), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, agents) as it:
        await it.ready("anna")
        async with it.callers(caller()) as callers:
            ended = await it.event(kind)
            assert (ended.agent_id, ended.reason) == ("anna", reason)
            await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            assert completed.agent_id == "ben"
            await callers.finished(seconds=5)
        await it.empty()
        presence = it.router.view.agents["anna"].presence
        assert presence == ("not-ready" if reason == "unreachable" else "ready")


async def test_cancelled_caller_goes_on_in_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """A supervisor takes the caller out: the dialplan's fallback has them, here Asterisk's own queue."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)]) as it:
        async with it.callers(caller()) as callers:
            queued = await it.event(InteractionQueued)
            await it.router.submit(CancelInteraction(it.router.new_id(), queued.interaction_id, reason="closing"))
            await it.event(InteractionCancelled)
            (dialog,) = await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            assert dialog.caller == "10001"
            await callers.finished(seconds=10)
        await it.empty()
        assert not it.all(OfferMade)


@pytest.mark.parametrize(
    ("dialled", "headers", "code"),
    [
        ("nosuchqueue", {}, "unknown-queue"),
        ("sales", {"X-ACD-Requirement": "skills.english >>= 5"}, "bad-requirement"),
        ("full", {}, "queue-full"),
        ("sales", {"X-ACD-Queue": "not a name"}, "unknown-queue"),
        ("sales", {"X-ACD-Requirement": "x" * 1_001}, "command-invalid"),
    ],
)
async def test_refused_caller_goes_on_in_the_dialplan(
    provisioned: Provisioned, tmp_path: Path, dialled: str, headers: dict[str, str], code: str
) -> None:
    """The engine will not have the caller: the dialplan learns why, and its fallback serves them."""
    queues = [Queue(), Queue("full", more="max_waiting = 1")]
    dialplan = (Path(__file__).parents[3] / "examples/asterisk/extensions.conf").read_text()
    told = (
        "exten => refused,1,UserEvent(Refused,Code: ${ACD_REFUSAL},Status: ${STASISSTATUS})\n same => n,Goto(serve,1)"
    )
    dialplan = dialplan.replace("exten => refused,1,Goto(serve,1)", told)
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], queues=queues, dialplan=dialplan) as it:
        first = CallSpec(caller="10000", dialled="full")
        second = CallSpec(caller="10001", dialled=dialled, headers=headers)
        async with it.callers(first) as one, it.pbx.ami() as ami:
            await it.event(InteractionQueued)
            async with it.callers(second) as two:
                event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Refused")
                assert (event["Code"], event["Status"]) == (code, "SUCCESS")
                await two.finished(seconds=10)
            (waiting,) = [each for each in await it.pbx.channels() if each["caller"]["number"] == "10000"]
            await ami.action("Hangup", Channel=waiting["name"])
            await one.finished(seconds=10)
        await it.empty()
        (dialog,) = it.phones.dialogs()
        assert dialog.caller == "10001"
        assert len(it.all(InteractionQueued)) == 1


async def test_caller_goes_on_when_the_dialplan_says_so(provisioned: Provisioned, tmp_path: Path) -> None:
    """`X_ACD_AFTER=continue`: the agent has hung up, and the caller is back in the dialplan, and in a queue again."""
    dialplan = (Path(__file__).parents[3] / "examples/asterisk/extensions.conf").read_text()
    again = "[acd-after]\nexten => s,1,Set(ACD_MORE=)\n same => n,Set(X_ACD_AFTER=)\n same => n,Goto(acd-enter,s,1)"
    dialplan = dialplan.replace("[acd-after]", f"{again}\n[unused]")
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], dialplan=dialplan) as it:
        await it.ready("anna")
        call = CallSpec(caller="10001", dialled="sales", headers={"X-ACD-After": "continue"})
        async with it.callers(call) as callers:
            await callers.finished(seconds=10)
        await it.empty()
        first, second = it.all(OfferAccepted)
        assert second.interaction_id == f"{first.interaction_id}~2"
        assert len(it.phones.dialogs()) == 2


@pytest.mark.parametrize(
    ("behaviour", "talks"), [(TALKER, True), (AgentBehaviour(decline_chance=1.0, ring_ms=300), False)]
)
async def test_offer_is_accepted_at_the_desk(
    provisioned: Provisioned, tmp_path: Path, behaviour: AgentBehaviour, *, talks: bool
) -> None:
    """Before the telephone is picked up: then they talk. If it never is, the caller waits again, in the old place."""
    async with rig(provisioned, tmp_path, [Agent("anna", behaviour), Agent("ben", TALKER)]) as it:
        await it.ready("anna")
        async with it.callers(caller()) as callers:
            made = await it.event(OfferMade)
            outcome = await it.router.submit(AcceptOffer(it.router.new_id(), made.offer_id, "anna"))
            assert outcome.refusal is None
            if not talks:
                requeued = await it.event(InteractionRequeued)
                assert requeued.reason == "agent-leg-lost"
                await it.presence("anna", "not-ready", "desk")
                await it.ready("ben")
            completed = await it.event(InteractionCompleted)
            assert completed.agent_id == ("anna" if talks else "ben")
            await callers.finished(seconds=5)
        await it.empty()


async def test_agent_sees_a_fixed_number(provisioned: Provisioned, tmp_path: Path) -> None:
    """`caller_id` other than `caller`."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options={"caller_id": "4711"}) as it:
        await it.ready("anna")
        async with it.callers(caller()) as callers:
            await callers.finished(seconds=5)
        (dialog,) = it.phones.dialogs()
        assert dialog.caller == "4711"
        await it.empty()
