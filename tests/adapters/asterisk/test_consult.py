"""An agent asks another for advice, and what becomes of it. On a real Asterisk, through the whole engine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    AgentLeft,
    Command,
    EndInteraction,
    EnqueueInteraction,
    InteractionCompleted,
    LeaveInteraction,
    MergeConsult,
    OfferAccepted,
    OfferMade,
    Outcome,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.names import Names
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import APP, INSTANCE, Agent, Queue, Rig, rig, until

LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)
SLOW = AgentBehaviour(ring_ms=1_500, talk_ms=60_000)
QUEUES = (Queue(), Queue("advice", "skills.law >= 1"))
CONSULT = "question"
NAMES = Names(INSTANCE, APP)
HOLD = "hold"
CALLER = "trunk"


@asynccontextmanager
async def talking(
    provisioned: Provisioned,
    folder: Path,
    adviser: AgentBehaviour = LISTENER,
    *,
    options: dict[str, object] | None = None,
    proxied: bool = False,
) -> AsyncIterator[tuple[Rig, str]]:
    """A caller who talks with anna; ben can be asked."""
    agents = [Agent("anna", LISTENER), Agent("ben", adviser, {"law": 5})]
    async with rig(provisioned, folder, agents, queues=QUEUES, options=options, proxied=proxied) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            accepted = await it.event(OfferAccepted)
            talk = f"talk:{accepted.interaction_id}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await it.ready("ben")
            yield it, accepted.interaction_id
            await it.router.submit(EndInteraction(it.router.new_id(), accepted.interaction_id, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()


async def do(it: Rig, command: Command) -> Outcome:
    """Hand in a command that is not refused."""
    outcome = await it.router.submit(command)
    assert outcome.refusal is None, outcome.refusal
    return outcome


async def ask(it: Rig, customer: str, consult: str = CONSULT) -> None:
    """Anna asks for advice."""
    new_id = it.router.new_id()
    await do(it, EnqueueInteraction(new_id, consult, "voice", "advice", instance=INSTANCE, parent=customer))


async def advised(it: Rig, customer: str) -> None:
    """Anna talks with ben, and the customer does not."""
    both = f"talk:{CONSULT}"
    await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": both, "ben": both})


async def test_ask_and_come_back(provisioned: Provisioned, tmp_path: Path) -> None:
    """The customer hears music from the asking to the coming back, and anna is with the customer again."""
    async with talking(provisioned, tmp_path, SLOW) as (it, customer), it.pbx.ami() as ami:
        await ask(it, customer)
        began = await ami.event("MusicOnHoldStart", lambda each: each["Channel"].startswith("PJSIP/trunk"))
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": HOLD, "ben": ""})
        await advised(it, customer)
        await do(it, EndInteraction(it.router.new_id(), CONSULT, by="agent", reason="thanks"))
        ended = await ami.event("MusicOnHoldStop", lambda each: each["Channel"] == began["Channel"])
        assert ended["Uniqueid"] == began["Uniqueid"]
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
        assert it.router.view.agents["ben"].presence == "ready"
        assert not it.all(AgentLeft)


async def test_adviser_hangs_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """The consult is over, and anna is back."""
    curt = AgentBehaviour(ring_ms=50, talk_ms=400, hang_up_chance=1.0)
    async with talking(provisioned, tmp_path, curt) as (it, customer):
        await ask(it, customer)
        completed = await it.event(InteractionCompleted)
        assert (completed.interaction_id, completed.by, completed.agent_id) == (CONSULT, "agent", "ben")
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})


async def test_who_asks_hangs_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """Both are over, and nobody is left behind."""
    async with talking(provisioned, tmp_path) as (it, customer):
        await ask(it, customer)
        await advised(it, customer)
        (leg,) = [each["name"] for each in await it.pbx.channels() if each["name"].startswith("PJSIP/anna")]
        await it.pbx.cli(f"channel request hangup {leg}")
        await until(lambda: len(it.all(InteractionCompleted)) == 2, lambda: str(it.events))
        await it.empty()
        reasons = {each.interaction_id: each.reason for each in it.all(InteractionCompleted)}
        assert reasons == {CONSULT: "consult-over", customer: "agent-hung-up"}
        assert {it.router.view.agents[name].presence for name in ("anna", "ben")} == {"ready"}


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_conference_that_somebody_leaves(provisioned: Provisioned, tmp_path: Path, who: str) -> None:
    """Three talk; one hangs up; the others go on, whoever is responsible."""
    async with talking(provisioned, tmp_path) as (it, customer):
        await ask(it, customer)
        await advised(it, customer)
        await do(it, MergeConsult(it.router.new_id(), CONSULT, "anna", "conference"))
        talk = f"talk:{customer}"
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        (leg,) = [each["name"] for each in await it.pbx.channels() if each["name"].startswith(f"PJSIP/{who}")]
        await it.pbx.cli(f"channel request hangup {leg}")
        left = await it.event(AgentLeft)
        assert (left.interaction_id, left.agent_id) == (customer, who)
        await until_places(it.pbx, {CALLER: talk, ({"anna", "ben"} - {who}).pop(): talk})


async def test_transfer_after_asking(provisioned: Provisioned, tmp_path: Path) -> None:
    """The adviser takes the customer over, and anna is free; the end of the talk is ben's."""
    async with talking(provisioned, tmp_path) as (it, customer):
        await ask(it, customer)
        await advised(it, customer)
        await do(it, MergeConsult(it.router.new_id(), CONSULT, "anna", "transfer"))
        talk = f"talk:{customer}"
        await until_places(it.pbx, {CALLER: talk, "ben": talk})
        assert it.router.view.interactions[customer].agent_id == "ben"
        (leg,) = [each["name"] for each in await it.pbx.channels() if each["name"].startswith("PJSIP/ben")]
        await it.pbx.cli(f"channel request hangup {leg}")
        completed = await it.event(InteractionCompleted, lambda each: each.interaction_id == customer)
        assert (completed.agent_id, completed.reason) == ("ben", "agent-hung-up")


@asynccontextmanager
async def picking_up_late(
    provisioned: Provisioned, folder: Path, options: dict[str, object] | None = None
) -> AsyncIterator[tuple[Rig, str]]:
    """Anna accepts a caller at her desk while her telephone rings, and asks ben, who is not ready yet."""
    agents = [Agent("anna", AgentBehaviour(ring_ms=2_500, talk_ms=60_000)), Agent("ben", LISTENER, {"law": 5})]
    async with rig(provisioned, folder, agents, queues=QUEUES, options=options) as it:
        it.pbx.add_sound("custom/sales", tone(1_700, 2_000))
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            made = await it.event(OfferMade)
            await do(it, AcceptOffer("desk", made.offer_id, "anna"))
            await it.event(OfferAccepted)
            await ask(it, made.interaction_id)
            yield it, made.interaction_id
            await do(it, EndInteraction(it.router.new_id(), CONSULT, by="agent"))
            talk = f"talk:{made.interaction_id}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await do(it, EndInteraction(it.router.new_id(), made.interaction_id, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()


def reconciles(it: Rig) -> int:
    """How often everything has been compared."""
    channels = it.router.health()["channels"]
    assert isinstance(channels, dict)
    return int(channels[INSTANCE]["reconciles"])


@pytest.mark.parametrize("is_compared", [False, True])
@pytest.mark.parametrize("first", ["agent", "adviser"])
async def test_asked_before_the_telephone_is_picked_up(
    provisioned: Provisioned, tmp_path: Path, first: str, *, is_compared: bool
) -> None:
    """She meets the customer, who then hears music while she waits or is advised; nothing is compared for that."""
    async with picking_up_late(provisioned, tmp_path) as (it, customer):
        before = reconciles(it)
        if first == "adviser":
            await it.ready("ben")
            await until_places(it.pbx, {CALLER: "hold", "anna": "", "ben": f"talk:{CONSULT}"})
        if is_compared:
            await it.channel.reconcile(())
        if first == "agent":
            await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": HOLD})
            await it.ready("ben")
        await advised(it, customer)
        assert reconciles(it) == before


@pytest.mark.parametrize("is_compared", [False, True])
async def test_asked_before_the_briefing_is_over(
    provisioned: Provisioned, tmp_path: Path, *, is_compared: bool
) -> None:
    """She hears it to its end, whatever the adviser does meanwhile."""
    options: dict[str, object] = {"queues": {"sales": {"briefing": ["custom/sales"]}}}
    async with picking_up_late(provisioned, tmp_path, options) as (it, customer):
        before = reconciles(it)
        briefed = {CALLER: HOLD, "anna": f"say:{NAMES.leg(f'{customer}.1')}~1"}
        await until_places(it.pbx, briefed)
        await it.ready("ben")
        await until_places(it.pbx, {**briefed, "ben": f"talk:{CONSULT}"})
        if is_compared:
            await it.channel.reconcile(())
        await advised(it, customer)
        assert reconciles(it) == before


async def test_done_asking_before_the_telephone_is_picked_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """She is not put where the customer is not yet."""
    async with picking_up_late(provisioned, tmp_path) as (it, _):
        await it.ready("ben")
        await until_places(it.pbx, {CALLER: HOLD, "anna": "", "ben": f"talk:{CONSULT}"})


async def away(it: Rig, how: str) -> None:
    """Let the engine be away for a moment."""
    if how == "engine-killed":
        await it.stop_engine(crash=True)
        await it.start_engine()
    else:
        await it.proxy.cut()
        await it.connected(connected=False)
        await it.connected()


@pytest.mark.parametrize("how", ["engine-killed", "line-cut"])
@pytest.mark.parametrize("state", ["waiting", "ringing", "advised", "conference"])
async def test_engine_is_away(provisioned: Provisioned, tmp_path: Path, state: str, how: str) -> None:
    """Whatever the state, it goes on afterwards, and the consult or conference ends as it would have."""
    behaviour = SLOW if state == "ringing" else LISTENER
    async with talking(provisioned, tmp_path, behaviour, proxied=how == "line-cut") as (it, customer):
        talk = f"talk:{customer}"
        if state == "waiting":
            await it.presence("ben", "not-ready", "lunch")
        await ask(it, customer)
        if state == "waiting":
            await until_places(it.pbx, {CALLER: talk, "anna": HOLD})
        elif state == "ringing":
            await until_places(it.pbx, {CALLER: talk, "anna": HOLD, "ben": ""})
        else:
            await advised(it, customer)
        if state == "conference":
            await do(it, MergeConsult(it.router.new_id(), CONSULT, "anna", "conference"))
            await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        await away(it, how)
        if state == "waiting":
            await it.presence("ben", "ready")
        if state == "conference":
            await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
            await do(it, LeaveInteraction(it.router.new_id(), customer, "anna"))
            await until_places(it.pbx, {CALLER: talk, "ben": talk})
        else:
            await advised(it, customer)
            await do(it, EndInteraction(it.router.new_id(), CONSULT, by="agent"))
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
        assert len(it.all(OfferAccepted)) == 2


async def test_what_happened_while_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """One of a conference has hung up, which is found out on coming back: the others still talk."""
    curt = AgentBehaviour(ring_ms=50, talk_ms=1_200, hang_up_chance=1.0)
    async with talking(provisioned, tmp_path, curt) as (it, customer):
        talk = f"talk:{customer}"
        await ask(it, customer)
        await advised(it, customer)
        await do(it, MergeConsult(it.router.new_id(), CONSULT, "anna", "conference"))
        await until_places(it.pbx, {CALLER: talk, "anna": talk, "ben": talk})
        await it.stop_engine(crash=True)
        await until_places(it.pbx, {CALLER: talk, "anna": talk})
        await it.start_engine()
        left = await it.event(AgentLeft)
        assert (left.agent_id, left.interaction_id) == ("ben", customer)
        await until_places(it.pbx, {CALLER: talk, "anna": talk})


async def test_two_are_asked_at_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """Anna talks with who came last, then with the other one, then with the customer again."""
    agents = [Agent("anna", LISTENER), *(Agent(name, LISTENER, {"law": 5}) for name in ("ben", "cleo"))]
    async with rig(provisioned, tmp_path, agents, queues=QUEUES) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            accepted = await it.event(OfferAccepted)
            customer, talk = accepted.interaction_id, f"talk:{accepted.interaction_id}"
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await it.ready("ben")
            await ask(it, customer, "first~2")
            await until_places(it.pbx, {CALLER: talk, "anna": "talk:first~2", "ben": "talk:first~2"})
            await it.ready("cleo")
            await ask(it, customer, "second")
            wanted = {CALLER: talk, "anna": "talk:second", "cleo": "talk:second", "ben": "talk:first~2"}
            await until_places(it.pbx, wanted)
            await it.stop_engine(crash=True)
            await it.start_engine()
            await until_places(it.pbx, wanted)
            await do(it, EndInteraction(it.router.new_id(), "second", by="agent"))
            await until_places(it.pbx, {CALLER: talk, "anna": "talk:first~2", "ben": "talk:first~2"})
            await do(it, EndInteraction(it.router.new_id(), "first~2", by="agent"))
            await until_places(it.pbx, {CALLER: talk, "anna": talk})
            await do(it, EndInteraction(it.router.new_id(), customer, by="agent"))
            await callers.finished(seconds=5)
        await it.empty()


async def test_an_id_that_cannot_be_a_name(provisioned: Provisioned, tmp_path: Path) -> None:
    """Such a consult ends at once, with a reason, and the talk goes on."""
    async with talking(provisioned, tmp_path) as (it, customer):
        await ask(it, customer, "question,with|commas")
        await until(
            lambda: (
                "question,with|commas" not in it.router.view.interactions
                or it.router.view.interactions["question,with|commas"].state == "cancelled"
            ),
            lambda: str(it.events),
        )
        await until_places(it.pbx, {CALLER: f"talk:{customer}", "anna": f"talk:{customer}"})
