"""Effects on their way to channels: order, concurrency, deadlines, and the reconcile that heals the rest."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Literal, Self

import pytest

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    ConnectInteraction,
    CoreSettings,
    DeclineOffer,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    HoldWork,
    LeaveInteraction,
    MergeConsult,
    OfferInteraction,
    Outcome,
    ParkInteraction,
    QueueSettings,
    ReleaseInteraction,
    RequeueInteraction,
    RevokeOffer,
    SignInAgent,
    Tick,
)
from acd.core.messages.settings import Strategy
from acd.core.state import EngineState
from acd.errors import ChannelError
from acd.ports.channel import AgentStanding, ChannelHost, Desired, InteractionStanding, Personal, Place
from acd.runtime.dispatch import Dispatcher, Wishes, desired_of, fold
from acd.runtime.instance import (
    MAX_CONCURRENT,
    MAX_HELD,
    MAX_IN_LANE,
    MAX_QUEUED,
    RECONCILE_EACH_US,
    RECONCILE_GAP_MOST_US,
    RECONCILE_GAP_US,
    RETRY_FIRST_US,
)
from acd.testing import FakeChannel, ManualClock
from acd.testing.world_channel import Call
from tests.runtime.live import SECOND, idle

DEADLINE_US = 5 * SECOND


class Services:
    """The router's part, recorded."""

    def __init__(self) -> None:
        self.submitted: list[Command] = []

    async def submit(self, command: Command) -> Outcome:
        self.submitted.append(command)
        return Outcome()

    def new_id(self) -> str:
        return f"id-{len(self.submitted)}"

    def now_us(self) -> int:
        return 1_000_000 * len(self.submitted)

    async def remember(self, person: Personal, *, durable: bool = True) -> str:  # noqa: ARG002 - nothing is slow here
        return person.number

    async def recall(self, customer: str) -> Personal | None:
        return Personal(customer)

    def address(self, agent_id: str, channel: str) -> str:
        return f"{channel}/{agent_id}"

    def recorded(self, command_id: str) -> Outcome | None:
        return Outcome() if any(command.id == command_id for command in self.submitted) else None

    def queue_of(self, interaction_id: str) -> str:
        return f"queue of {interaction_id}"

    def interaction(self, interaction_id: str) -> InteractionStanding | None:
        return InteractionStanding(interaction_id, "queued", "sales")

    def place(self, interaction_id: str) -> Place | None:
        return Place(f"queue of {interaction_id}", 1)

    def agent(self, agent_id: str) -> AgentStanding | None:
        return AgentStanding(agent_id, "ready")

    def agents(self) -> tuple[AgentStanding, ...]:
        return ()

    async def watch_agents(self) -> AsyncGenerator[tuple[AgentStanding, ...], None]:
        yield self.agents()


class Stage:
    """A dispatcher with its channels, clock and services."""

    def __init__(self, *channels: FakeChannel, wishes: Wishes | None = None) -> None:
        self.clock = ManualClock()
        self.services = Services()
        self.dispatcher = Dispatcher(channels, self.services, self.clock, DEADLINE_US, wishes or {})

    async def __aenter__(self) -> Self:
        await self.dispatcher.start()
        return self

    async def ready(self) -> "Stage":
        await self.dispatcher.settled()
        self.clock.advance(RECONCILE_GAP_US)
        await idle()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.dispatcher.begin_stop(at_once=True)
        await idle()
        self.clock.advance(3 * DEADLINE_US)
        await self.dispatcher.stopped()

    def health(self, name: str = "fake") -> Mapping[str, str | int | bool]:
        return self.dispatcher.health()[name]


def park(number: int, instance: str = "fake") -> ParkInteraction:
    return ParkInteraction(f"call-{number}", instance)


def walk(number: int) -> tuple[Effect, ...]:
    """The effects of one whole call."""
    call, offer = f"call-{number}", f"call-{number}.1"
    return (
        ParkInteraction(call, "fake"),
        OfferInteraction(offer, call, "anna", "fake", 1),
        ConnectInteraction(offer, call, "anna", "fake"),
        ReleaseInteraction(call, "fake", "completed"),
    )


# ---- what is desired


@pytest.mark.parametrize("strategy", ["longest-idle", "broadcast"])
def test_folding_effects_keeps_what_the_state_says(strategy: Strategy) -> None:
    """After every command of a random run, the wishes that were folded equal those recomputed from the state."""
    dice = random.Random(20_250_701)  # noqa: S311 - traffic
    agents = tuple(AgentSettings(f"a{number}") for number in range(6))
    queue = QueueSettings(
        "sales", strategy=strategy, offer_timeout_us=5 * SECOND, retry_after_us=3 * SECOND, rona="stay-ready"
    )
    engine = Engine()
    folded: Wishes = {"one": {}, "two": {}}
    engine.apply(ApplyConfig("config", CoreSettings(agents, (queue,))), 1)
    for agent in agents:
        engine.apply(SignInAgent(f"in-{agent.id}", agent.id, ready=True), 1)
    seen: set[str] = set()
    for step in range(1_500):
        command = _random_command(dice, engine, step)
        outcome = engine.apply(command, 2 + step * SECOND // 2)
        for effect in outcome.effects:
            if effect.instance:
                fold(folded[effect.instance], effect)
        recomputed = desired_of(engine.state())
        assert {name: wanted for name, wanted in folded.items() if wanted} == recomputed
        seen |= {wish.state for wanted in recomputed.values() for wish in wanted.values()}
        seen |= {"consult" for wanted in recomputed.values() for wish in wanted.values() if wish.parent}
        both = [wish for wanted in recomputed.values() for wish in wanted.values() if wish.state == "connected"]
        seen |= {"conference" for wish in both if wish.others}
    assert seen == {"waiting", "offered", "connected", "consult", "conference"}


def _random_command(dice: random.Random, engine: Engine, step: int) -> Command:
    state, name = engine.state(), f"c-{step}"
    work = dice.choice(state.work) if state.work else None
    live = dice.choice(state.interactions).request.interaction_id if state.interactions else "none"
    if work is None or len(state.interactions) < 4:
        return EnqueueInteraction(name, f"i-{step}", "voice", "sales", instance=dice.choice(("one", "two", "")))
    choices: list[Command] = [
        AcceptOffer(name, work.offer_id, work.agent_id),
        AcceptOffer(name, work.offer_id, work.agent_id),
        DeclineOffer(name, work.offer_id, work.agent_id),
        FailOffer(name, work.offer_id, "failed"),
        HoldWork(name, work.agent_id, work.interaction_id),
        RequeueInteraction(name, work.interaction_id),
        LeaveInteraction(name, work.interaction_id, work.agent_id),
        _consult(dice, state, step) or Tick(name),
        _merge(dice, state, step) or Tick(name),
        _merge(dice, state, step) or Tick(name),
        EndInteraction(name, live, by=dice.choice(("customer", "system"))),
        EnqueueInteraction(name, f"i-{step}", "voice", "sales", instance="one"),
        Tick(name),
    ]
    return dice.choice(choices)


def _consult(dice: random.Random, state: EngineState, step: int) -> Command | None:
    talks = [each.request for each in state.interactions if each.state == "active" and not each.request.parent]
    if not talks:
        return None
    parent = dice.choice(talks)
    instance, about = parent.instance, parent.interaction_id
    return EnqueueInteraction(f"c-{step}", f"i-{step}", "voice", "sales", instance=instance, parent=about)


def _merge(dice: random.Random, state: EngineState, step: int) -> Command | None:
    consults = [each.request for each in state.interactions if each.state == "active" and each.request.parent]
    if not consults:
        return None
    child = dice.choice(consults)
    guests = {offer_id for each in state.interactions for offer_id in each.participants}
    talks = [work for work in state.work if work.interaction_id == child.parent and work.state in ("active", "held")]
    owner = next(work.agent_id for work in talks if work.offer_id not in guests)
    how: Literal["transfer", "conference"] = dice.choice(("transfer", "conference", "conference"))
    return MergeConsult(f"c-{step}", child.interaction_id, owner, how)


# ---- performing


async def test_effects_of_one_interaction_come_in_order_and_of_others_beside() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        for number in range(2):
            fake.appear(f"call-{number}")
        fake.hang("perform")
        stage.dispatcher.publish(walk(0) + walk(1))
        await fake.until(lambda: len(fake.attempted) == 2)
        await idle()
        assert fake.attempted == [walk(0)[0], walk(1)[0]], "the next of a call waits for the one before"
        fake.resume("perform")
        await fake.until(lambda: len(fake.effects) == 8)
        for number in range(2):
            assert [effect for effect in fake.effects if effect.interaction_id == f"call-{number}"] == [*walk(number)]


async def test_no_more_than_so_many_at_a_time() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        for number in range(MAX_CONCURRENT + 30):
            fake.appear(f"call-{number}")
        fake.hang("perform")
        stage.dispatcher.publish(tuple(park(number) for number in range(MAX_CONCURRENT + 30)))
        await idle()
        assert len(fake.attempted) == MAX_CONCURRENT
        fake.resume("perform")
        await fake.until(lambda: len(fake.effects) == MAX_CONCURRENT + 30)
        assert fake.effects == [park(number) for number in range(MAX_CONCURRENT + 30)]


async def test_who_has_picked_up_goes_before_telephones_that_are_to_ring() -> None:
    """Of those who wait because so many are being seen to: or else they hang up, and are offered anew, and so on."""
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        for number in range(MAX_CONCURRENT + 3):
            fake.appear(f"call-{number}")
        fake.hang("perform")
        stage.dispatcher.publish(tuple(park(number) for number in range(MAX_CONCURRENT)))
        _, offer, connect, _ = walk(MAX_CONCURRENT + 2)
        later = (park(MAX_CONCURRENT), park(MAX_CONCURRENT + 1), connect, offer)
        stage.dispatcher.publish(later)
        await idle()
        assert len(fake.attempted) == MAX_CONCURRENT
        fake.resume("perform")
        await fake.until(lambda: len(fake.effects) == MAX_CONCURRENT + len(later))
        # All that is wanted of one interaction comes in its order, whatever it is.
        assert fake.effects[MAX_CONCURRENT:] == [connect, offer, *later[:2]]


class _Eager(FakeChannel):
    """Has something to say in the very moment in which an effect has been performed."""

    then: Callable[[], None] | None = None

    async def perform(self, effect: Effect) -> None:
        await super().perform(effect)
        if self.then is not None:
            asyncio.get_running_loop().call_soon(self.then)
            self.then = None


async def test_an_effect_that_comes_as_the_one_before_ends_is_not_lost() -> None:
    fake = _Eager()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.appear("call-0")
        fake.then = lambda: stage.dispatcher.publish(walk(0)[1:2])
        stage.dispatcher.publish(walk(0)[:1])
        await fake.until(lambda: len(fake.effects) == 2)
        assert fake.calls["call-0"].standing == "ringing"


async def test_effects_for_nobody_and_for_an_unknown_name() -> None:
    fake = FakeChannel()
    async with Stage(fake, wishes={"gone": {"x": Desired("x", "waiting")}}) as stage:
        await stage.ready()
        stage.dispatcher.publish((park(1, ""), park(2, "elsewhere"), park(3, "elsewhere")))
        await idle()
        assert fake.attempted == []
        assert stage.dispatcher.unknown_instances() == {"gone": 1, "elsewhere": 2}
        assert fake.reconciles == [()]


async def test_the_host_gives_what_the_router_gives() -> None:
    fake = FakeChannel()
    async with Stage(fake, wishes={"fake": {"call-0": Desired("call-0", "waiting")}}) as stage:
        await stage.ready()
        host = fake.hosted()
        assert host.desired() == (Desired("call-0", "waiting"),)
        assert stage.services.submitted == [EndInteraction("id-0", "call-0", by="system", reason="lost by the channel")]
        assert (host.address("anna", "voice"), await host.remember(Personal("1"))) == ("voice/anna", "1")
        assert await host.recall("1") == Personal("1")


# ---- failures


@pytest.mark.parametrize("how", ["fail", "hang", "cancel"])
async def test_a_failed_effect_is_healed_by_a_reconcile(how: str) -> None:
    fake = _Cancelling() if how == "cancel" else FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.appear("call-0")
        if how == "fail":
            fake.fail("perform")
        elif how == "hang":
            fake.hang("perform")
        stage.dispatcher.publish(walk(0)[:3])
        await idle()
        if how == "hang":
            assert stage.health()["state"] == "ready"
            stage.clock.advance(DEADLINE_US)
        await fake.until(lambda: len(fake.reconciles) == 2)
        await idle()
        # The offer and the connect that stood behind it are in what was desired; they are not performed any more.
        assert [wish.state for wish in fake.reconciles[1]] == ["connected"]
        assert fake.calls["call-0"].standing == "connected"
        assert len(fake.attempted) == 1
        health = stage.health()
        assert (health["state"], health["failures"], health["error"]) == ("ready", 1, "")


class _Cancelling(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        self.attempted.append(effect)
        raise asyncio.CancelledError


async def test_effects_during_a_reconcile_are_performed_after_it() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.hang("reconcile")
        stage.dispatcher.request_reconcile()
        await fake.until(lambda: len(fake.reconciles) == 2)
        fake.appear("call-0").announcing = True
        stage.dispatcher.publish(walk(0)[:2])
        await idle()
        assert fake.attempted == []
        fake.resume("reconcile")
        await fake.until(lambda: len(fake.effects) == 2)
        assert fake.calls["call-0"].standing == "ringing"


async def test_a_reconcile_waits_for_effects_under_way() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.appear("call-0")
        fake.hang("perform")
        stage.dispatcher.publish(walk(0)[:1])
        await idle()
        fake.hosted().request_reconcile()
        await idle()
        assert len(fake.reconciles) == 1
        fake.resume("perform")
        await fake.until(lambda: len(fake.reconciles) == 2)


async def test_failing_reconciles_are_tried_again_with_growing_pauses() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.fail("reconcile", 3)
        stage.dispatcher.request_reconcile()
        await fake.until(lambda: len(fake.reconciles) == 2)
        for doubling in range(3):
            await idle()
            assert stage.health()["state"] == "stale"
            stage.clock.advance((RETRY_FIRST_US << doubling) - 1)
            await idle()
            assert len(fake.reconciles) == 2 + doubling
            stage.clock.advance(1)
            await idle()
            assert len(fake.reconciles) == 3 + doubling
        assert stage.health()["state"] == "ready"
        assert stage.health()["failures"] == 3


async def test_a_hanging_reconcile_lets_its_deadline_pass() -> None:
    fake, other = FakeChannel(), FakeChannel("other")
    fake.hang("reconcile")
    async with Stage(fake, other) as stage:
        settled = asyncio.create_task(stage.dispatcher.settled())
        await idle()
        assert not settled.done()
        assert not stage.dispatcher.settled_now()
        other.appear("call-1")
        stage.dispatcher.publish((park(1, "other"),))
        await other.expect(ParkInteraction)
        stage.clock.advance(DEADLINE_US)
        await settled
        assert "took longer than 5 s" in str(stage.health()["error"])
        fake.resume("reconcile")
        stage.clock.advance(RETRY_FIRST_US)
        await fake.until(lambda: len(fake.reconciles) == 2)


async def test_a_hanging_channel_blocks_nobody_else() -> None:
    dead, alive = FakeChannel("dead"), FakeChannel("alive")
    async with Stage(dead, alive) as stage:
        await stage.ready()
        dead.hang("perform")
        for number in range(100):
            dead.appear(f"call-{number}")
            alive.appear(f"call-{number}")
            stage.dispatcher.publish((park(number, "dead"), park(number, "alive")))
        await alive.until(lambda: len(alive.effects) == 100)
        assert stage.health("alive")["pending"] == 0
        stage.clock.advance(DEADLINE_US)
        await dead.until(lambda: len(dead.reconciles) == 2)
        assert len(dead.reconciles[-1]) == 100
        assert stage.health("alive")["failures"] == 0


@pytest.mark.parametrize("how", ["fail", "hang"])
async def test_a_channel_that_does_not_start_is_tried_again(how: str) -> None:
    fake = FakeChannel()
    if how == "fail":
        fake.fail("start", 2)
    else:
        fake.hang("start")
    stage = Stage(fake)
    starting = asyncio.create_task(stage.dispatcher.start())
    await idle()
    if how == "hang":
        assert not starting.done()
        stage.clock.advance(DEADLINE_US)
        fake.resume("start")
    await starting
    assert stage.health()["state"] == "starting"
    assert stage.health()["connected"] is False
    for doubling in range(2):
        await idle()
        stage.clock.advance(RETRY_FIRST_US << doubling)
    await fake.until(lambda: len(fake.reconciles) == 1)
    assert stage.health()["state"] == "ready"
    await stage.__aexit__()


async def test_a_reconcile_of_many_may_take_longer() -> None:
    fake = FakeChannel()
    fake.hang("reconcile")
    many = {f"call-{number}": Desired(f"call-{number}", "waiting") for number in range(100)}
    async with Stage(fake, wishes={fake.name: many}) as stage:
        await idle()
        stage.clock.advance(DEADLINE_US + 100 * RECONCILE_EACH_US - 1)
        await idle()
        assert stage.health()["state"] == "reconciling"
        stage.clock.advance(1)
        await idle()
        assert "took longer than 7 s" in str(stage.health()["error"])


async def test_reconciles_are_not_called_without_a_pause() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.dispatcher.settled()
        for _ in range(50):
            fake.hosted().request_reconcile()
            await idle(3)
        assert len(fake.reconciles) == 1
        stage.clock.advance(RECONCILE_GAP_US)
        await idle()
        assert len(fake.reconciles) == 2
        assert stage.health()["state"] == "ready"


@pytest.mark.parametrize(
    ("took_us", "gap_us"),
    [(RECONCILE_GAP_US // 2, RECONCILE_GAP_US), (SECOND // 2, SECOND // 2), (3 * SECOND, RECONCILE_GAP_MOST_US)],
)
async def test_after_a_long_reconcile_effects_have_their_time(took_us: int, gap_us: int) -> None:
    """Each may lead to the next, where there is more to do than the machine can."""
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.hang("reconcile")
        stage.dispatcher.request_reconcile()
        await fake.until(lambda: len(fake.reconciles) == 2)
        stage.clock.advance(took_us)
        fake.resume("reconcile")
        await idle()
        fake.appear("call-1").announcing = True
        stage.dispatcher.publish((park(1),))
        await fake.until(lambda: len(fake.effects) == 1)
        stage.dispatcher.request_reconcile()
        stage.clock.advance(gap_us - 1)
        await idle()
        assert len(fake.reconciles) == 2
        stage.clock.advance(1)
        await fake.until(lambda: len(fake.reconciles) == 3)


async def test_new_wishes_replace_the_old_ones() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.appear("call-0")
        fake.appear("call-1")
        stage.dispatcher.publish(walk(0)[:1])
        stage.dispatcher.replace({"fake": {"call-1": Desired("call-1", "waiting")}})
        await fake.until(lambda: len(fake.reconciles) == 2)
        assert fake.reconciles[1] == (Desired("call-1", "waiting"),)
        await idle()
        assert list(fake.calls) == ["call-1"]


# ---- bounds


async def test_too_many_effects_of_one_interaction_end_in_a_reconcile() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.appear("call-0")
        fake.hang("perform")
        stage.dispatcher.publish((park(0),))
        await idle()
        stage.dispatcher.publish((park(0),) * (MAX_IN_LANE + 1))
        assert stage.health()["state"] == "stale"
        fake.resume("perform")
        await fake.until(lambda: len(fake.reconciles) == 2)
        assert len(fake.attempted) == 1


async def test_too_many_interactions_end_in_a_reconcile() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.hang("perform")
        effects = tuple(park(number) for number in range(MAX_CONCURRENT + MAX_QUEUED + 1))
        stage.dispatcher.publish(effects[:MAX_CONCURRENT])
        await idle()
        stage.dispatcher.publish(effects[MAX_CONCURRENT:])
        assert stage.health()["state"] == "stale"
        assert stage.health()["pending"] == MAX_CONCURRENT
        fake.resume("perform")
        await fake.until(lambda: len(fake.reconciles) == 2)
        assert len(fake.reconciles[1]) == MAX_CONCURRENT + MAX_QUEUED + 1


async def test_too_many_effects_during_a_reconcile_end_in_another() -> None:
    fake = FakeChannel()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.hang("reconcile")
        stage.dispatcher.request_reconcile()
        await fake.until(lambda: len(fake.reconciles) == 2)
        fake.appear("call-0").announcing = True
        stage.dispatcher.publish((park(0),) * (MAX_HELD + 1))
        fake.resume("reconcile")
        await idle()
        assert fake.attempted == []
        stage.clock.advance(RECONCILE_GAP_US)
        await fake.until(lambda: len(fake.reconciles) == 3)


# ---- stopping


async def test_stopping_waits_for_effects_but_not_for_ever() -> None:
    fake, hanging = FakeChannel(), FakeChannel("hanging")
    stage = Stage(fake, hanging)
    await stage.dispatcher.start()
    await stage.ready()
    fake.appear("call-0")
    hanging.hang("perform")
    stage.dispatcher.publish((*walk(0), park(1, "hanging")))
    await idle(2)
    stage.dispatcher.begin_stop()
    stopped = asyncio.create_task(stage.dispatcher.stopped())
    await fake.until(lambda: fake.stops == 1)
    assert len(fake.effects) == 4
    assert not stopped.done()
    stage.clock.advance(DEADLINE_US)
    await stopped
    assert hanging.stops == 1
    assert "effects took longer" in str(stage.health("hanging")["error"])


@pytest.mark.parametrize("how", ["fail", "hang"])
async def test_a_channel_that_does_not_stop_keeps_nobody(how: str) -> None:
    fake, other = FakeChannel(), FakeChannel("other")
    stage = Stage(fake, other)
    await stage.dispatcher.start()
    await stage.ready()
    if how == "fail":
        fake.fail("stop")
    else:
        fake.hang("stop")
    stage.dispatcher.begin_stop()
    stopped = asyncio.create_task(stage.dispatcher.stopped())
    await other.until(lambda: other.stops == 1)
    await idle()
    if how == "hang":
        assert not stopped.done()
        stage.clock.advance(DEADLINE_US)
    await stopped
    assert stage.health()["failures"] == 1


async def test_an_abort_calls_nobody() -> None:
    fake = FakeChannel()
    stage = Stage(fake)
    await stage.dispatcher.start()
    await stage.ready()
    fake.appear("call-0")
    fake.hang("perform")
    stage.dispatcher.publish(walk(0))
    await idle()
    stage.dispatcher.abort()
    await stage.dispatcher.stopped()
    assert (fake.stops, fake.effects) == (0, [])


class _Ill(FakeChannel):
    def health(self) -> Mapping[str, str | int | bool]:
        raise ChannelError("no idea")


async def test_a_channel_that_cannot_tell_its_health() -> None:
    async with Stage(_Ill()) as stage:
        assert stage.health()["connected"] is False
        assert stage.health()["error"] == "no idea"


async def test_errors_of_others_are_named_by_kind_only() -> None:
    fake = _Leaky()
    async with Stage(fake) as stage:
        await stage.ready()
        fake.fail("reconcile")
        stage.dispatcher.publish((park(0),))
        await fake.until(lambda: len(fake.reconciles) == 2)
        assert stage.health()["failures"] == 2
        assert "13800000001" not in str(stage.health())
        assert "told to fail" in str(stage.health()["error"])


class _Leaky(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        raise ValueError(f"cannot dial 13800000001 for {effect.interaction_id}")


async def test_a_revoke_folds_to_waiting() -> None:
    wishes = {"call-0": Desired("call-0", "offered", "call-0.1", "anna")}
    fold(wishes, RevokeOffer("call-0.1", "call-0", "anna", "fake", "declined"))
    assert wishes == {"call-0": Desired("call-0", "waiting")}


def test_a_broadcast_folds_to_all_that_ring_and_then_to_the_winner() -> None:
    wishes: dict[str, Desired] = {}
    agents = ("anna", "ben", "chloe")
    for number, agent_id in enumerate(agents, 1):
        fold(wishes, OfferInteraction(f"call-0.{number}", "call-0", agent_id, "fake", 0))
    (desired,) = wishes.values()
    assert desired.ringing() == (("call-0.1", "anna"), ("call-0.2", "ben"), ("call-0.3", "chloe"))
    fold(wishes, RevokeOffer("call-0.1", "call-0", "anna", "fake", "declined"))
    assert wishes == {"call-0": Desired("call-0", "offered", "call-0.2", "ben", (("call-0.3", "chloe"),))}
    fold(wishes, ConnectInteraction("call-0.3", "call-0", "chloe", "fake"))
    fold(wishes, RevokeOffer("call-0.2", "call-0", "ben", "fake", "rescinded"))
    assert wishes == {"call-0": Desired("call-0", "connected", "call-0.3", "chloe")}


class _Strange(BaseException):
    """Neither an Exception nor a cancellation."""


class _Raising(FakeChannel):
    """Its next call of one operation raises whatever it is given."""

    def __init__(self, operation: str, error: BaseException) -> None:
        super().__init__()
        self.errors = {operation: error}

    def _raise(self, operation: str) -> None:
        if operation in self.errors:
            raise self.errors.pop(operation)

    async def start(self, host: ChannelHost) -> None:
        self._raise("start")
        await super().start(host)

    async def perform(self, effect: Effect) -> None:
        self._raise("perform")
        await super().perform(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        self._raise("reconcile")
        await super().reconcile(desired)

    async def stop(self) -> None:
        self._raise("stop")
        await super().stop()


@pytest.mark.parametrize("error", [asyncio.CancelledError, _Strange])
@pytest.mark.parametrize("operation", ["start", "perform", "reconcile", "stop"])
async def test_what_is_no_exception_is_a_failure_like_any_other(operation: str, error: type[BaseException]) -> None:
    """Something that the channel awaited was cancelled: that must not end its supervision, nor hold up a start."""
    fake = _Raising(operation, error())
    stage = Stage(fake)

    async def some_time() -> None:
        for _ in range(4):
            await idle()
            stage.clock.advance(RETRY_FIRST_US)
        await idle()

    async with asyncio.timeout(5):
        await stage.dispatcher.start()
        await some_time()
        fake.calls["call-1"] = Call("call-1", announcing=True)
        stage.dispatcher.publish((park(1),))
        await some_time()
        told = park(1) in fake.effects or any(Desired("call-1", "waiting") in each for each in fake.reconciles)
        assert told
        assert stage.health()["state"] == "ready"
        await stage.__aexit__()
    assert stage.health()["failures"] == 1
    assert not fake.errors
