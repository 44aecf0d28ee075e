"""The view against the engine: folding every outcome leads to what the engine's state says."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    Action,
    AgentSettings,
    ApplyConfig,
    CancelInteraction,
    Capacity,
    ChannelShare,
    CloseQueue,
    Command,
    ConfigureAgents,
    CoreSettings,
    DeclineOffer,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    Event,
    FailCallback,
    FailOffer,
    HoldWork,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionFailed,
    InteractionMoved,
    InteractionOverflowed,
    InteractionQueued,
    NoteAlarm,
    NoteDevice,
    NoteInteraction,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    OpenQueue,
    Outcome,
    QueueSettings,
    Recover,
    RequeueInteraction,
    ResumeWork,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    SuperviseInteraction,
    Tick,
    UpdateInteraction,
)
from acd.ports.channel import Desired
from acd.runtime import records, view
from acd.runtime.ended import EndedRecords
from acd.runtime.view import View

SECOND = 1_000_000
PARALLEL = Capacity(100, (ChannelShare("*", 50, 2),))
AGENTS = (
    AgentSettings("anna", skills=(("english", 8),)),
    AgentSettings("boris", skills=(("english", 3),), capacity=PARALLEL),
    AgentSettings("陈", capacity=PARALLEL),
)
QUEUES = (
    QueueSettings("sales", strategy="best-fit", wrap_up_us=5 * SECOND),
    QueueSettings(
        "support",
        strategy="weighted",
        rona="stay-ready",
        retry_after_us=0,
        max_waiting=4,
        when_closed=Action("release", reason="night"),
        when_full=Action("queue", "sales"),
        max_wait_us=40 * SECOND,
        when_overdue=Action("queue", "sales", "slow"),
        when_unstaffed=Action("callback"),
        callback_retry_us=20 * SECOND,
    ),
)
CONFIGS = (
    CoreSettings(AGENTS, QUEUES),
    CoreSettings(AGENTS[1:], QUEUES[:1]),
    CoreSettings(
        AGENTS[:2],
        (msgspec.structs.replace(QUEUES[0], head_start_us=0, strategy="broadcast", broadcast=2), QUEUES[1]),
    ),
)

Step = tuple[int, int, int, int]


class Run:
    """An engine with the view that is folded from its beginning."""

    def __init__(self, config: CoreSettings = CONFIGS[0]) -> None:
        self.engine = Engine("test")
        self.view = View(service_level_us={"sales": 3 * SECOND})
        self.events: list[Event] = []
        self.commands = 0
        self.now_us = 1_000 * SECOND
        self.apply(ApplyConfig("config", config))

    def open(self) -> "Run":
        """Everybody signed in, and two waiting."""
        for agent in AGENTS:
            self.apply(SignInAgent(self.id(), agent.id, ready=True))
        for queue in QUEUES:
            self.apply(EnqueueInteraction(self.id(), f"i{self.commands}", "voice", queue.id), SECOND)
        return self

    def apply(self, command: Command, after_us: int = 0) -> Outcome:
        self.now_us += after_us
        outcome = self.engine.apply(command, self.now_us)
        self.view.fold(self.now_us, outcome)
        self.events.extend(outcome.events)
        return outcome

    def id(self) -> str:
        self.commands += 1
        return f"x{self.commands}"

    def step(self, step: Step) -> None:
        """Any command; the numbers pick what it is about."""
        kind, which, other, after_us = step
        made = self.made(kind, which, other)
        if made is not None:
            self.apply(made, after_us)

    def made(self, kind: int, which: int, other: int) -> Command | None:
        agent_id = AGENTS[which % 3].id
        interaction_id = f"i{other % 6}"
        offers = list(self.view.work) or ["none.1"]
        offer_id = offers[which % len(offers)]
        item = self.view.work.get(offer_id)
        owner = item.agent_id if item else agent_id
        worked = item.interaction_id if item else interaction_id
        name = self.id()
        queue, channel = ("sales", "support")[which % 2], ("voice", "chat")[other % 2]
        failures = ("busy", "unreachable", "failed")
        made: Sequence[Command] = (
            EnqueueInteraction(name, f"i{self.commands}", channel, queue, priority=other - 2, customer="ref"),
            EnqueueInteraction(name, interaction_id, channel, queue),
            SignInAgent(name, agent_id, ready=bool(other % 2)),
            SetPresence(name, agent_id, "ready"),
            SetPresence(name, agent_id, "not-ready", "lunch"),
            SignOutAgent(name, agent_id),
            AcceptOffer(name, offer_id, owner),
            AcceptOffer(name, offer_id, owner),
            AcceptOffer(name, offer_id, owner),
            EndInteraction(name, worked, "customer"),
            DeclineOffer(name, offer_id, owner),
            FailOffer(name, offer_id, failures[other % 3]),  # type: ignore[arg-type]
            HoldWork(name, owner, worked),
            ResumeWork(name, owner, worked),
            EndWrapUp(name, owner, worked),
            EndInteraction(name, worked, "agent"),
            EndInteraction(name, next(iter(self.view.interactions), "none"), "customer"),
            CancelInteraction(name, next(reversed(self.view.interactions), "none")),
            RequeueInteraction(name, worked),
            Recover(name),
            EnqueueInteraction(name, f"i{self.commands}", channel, queue, customer="ref", kind="callback"),
            EnqueueInteraction(name, f"i{self.commands}", channel, queue, not_before_us=self.now_us + SECOND),
            FailCallback(name, worked),
            FailCallback(name, worked),
            CloseQueue(name, queue),
            OpenQueue(name, queue),
            UpdateInteraction(name, worked, (("topic", channel),), customer="ref", requirement="true"),
            UpdateInteraction(name, interaction_id, (("topic", queue),), ("tier",), "ref"),
            SuperviseInteraction(name, worked, agent_id, "listen"),
            NoteInteraction(name, worked, (("survey.1", channel),)),
            NoteDevice(name, agent_id, channel, "in-use", (other + 1) * SECOND),
            NoteDevice(name, agent_id, channel, "clear"),
            NoteAlarm(name, queue, "waiting", bool(other % 2), other, 3),
            Tick(name),
            Tick(name),
            ApplyConfig(name, CONFIGS[other % 3]),
            ConfigureAgents(name, (AgentSettings(agent_id, skills=(("english", other + 1),)),)),
            ConfigureAgents(name, (), (agent_id,)),
        )
        return made[kind % len(made)]


def facts(seen: View) -> dict[str, object]:
    """The parts of a view that the engine's state determines."""
    return {
        "settings": seen.settings,
        "agents": {
            row.id: (
                row.settings,
                row.presence,
                row.reason,
                row.next_presence,
                row.idle_since_us,
                row.retired,
                row.work,
                row.devices,
            )
            for row in seen.agents.values()
        },
        "queues": {
            row.id: (
                row.settings,
                row.retired,
                row.closed,
                row.waiting,
                row.offered,
                row.active,
                row.waiting_by_channel,
                set(row.line),
            )
            for row in seen.queues.values()
        },
        "interactions": {
            row.id: (
                row.channel,
                row.queue,
                row.requirement,
                row.priority,
                row.attributes,
                row.customer,
                row.instance,
                row.enqueued_at_us,
                row.state,
                row.offers,
                row.offer_id if not row.ended_at_us else "",
                row.agent_id,
                row.pending,
                row.due_us,
                seen.queues[row.queue].position(row),
            )
            for row in seen.interactions.values()
        },
        "arrivals": list(seen.interactions),
        "work": seen.work,
        "ended": [(row.id, row.state) for row in seen.ended.values()],
    }


def _by_queue(events: list[Event]) -> dict[str, list[Event]]:
    """What happened to interactions while they were in each queue; a move belongs to both."""
    found: dict[str, list[Event]] = {}
    queue_of: dict[str, str] = {}
    for event in events:
        interaction_id = getattr(event, "interaction_id", "")
        if isinstance(event, InteractionQueued):
            queue_of[interaction_id] = event.queue
        if isinstance(event, InteractionMoved):
            found.setdefault(event.from_queue, []).append(event)
            queue_of[interaction_id] = event.to_queue
        found.setdefault(queue_of.get(interaction_id, ""), []).append(event)
    return found


STEPS = st.lists(
    st.tuples(
        st.integers(0, 36),
        st.integers(0, 5),
        st.integers(0, 5),
        st.sampled_from([0, 1, SECOND, 20 * SECOND, 60 * SECOND]),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CONFIGS), STEPS)
def test_the_folded_view_is_the_one_that_the_state_determines(config: CoreSettings, steps: list[Step]) -> None:
    run = Run(config).open()
    for step in steps:
        run.step(step)
    restored = View.from_state(run.engine.state(), run.now_us)
    assert facts(restored) == facts(run.view)
    assert restored.at_us == run.view.at_us == run.now_us


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(CONFIGS), STEPS, STEPS)
def test_a_restored_view_goes_on_like_the_folded_one(
    config: CoreSettings, before: list[Step], after: list[Step]
) -> None:
    run = Run(config).open()
    for step in before:
        run.step(step)
    restored = View.from_state(run.engine.state(), run.now_us)
    for kind, which, other, after_us in after:
        command = run.made(kind, which, other)
        if command is not None:
            restored.fold(run.now_us + after_us, run.apply(command, after_us))
    assert facts(restored) == facts(run.view)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from((CONFIGS[0], CONFIGS[2])), STEPS)
def test_counters_equal_recounts(config: CoreSettings, steps: list[Step]) -> None:
    run = Run(config).open()
    for kind, which, other, after_us in steps:
        run.step((kind % 33, which, other, after_us))  # all but ApplyConfig: no queue goes, so no counter is lost
    happened = _by_queue(run.events)
    first = {event.interaction_id: event for event in reversed(run.events) if isinstance(event, OfferAccepted)}
    for queue_id, queue in run.view.queues.items():
        own = happened.get(queue_id, [])
        kinds = Counter(type(event) for event in own)
        answers = (event for event in own if isinstance(event, OfferAccepted))
        answered = {event.interaction_id: event for event in answers if first[event.interaction_id] is event}
        left = {event.interaction_id for event in own if isinstance(event, InteractionAbandoned)} - first.keys()
        moves = [event for event in own if isinstance(event, InteractionMoved)]
        limit = 3 * SECOND if queue_id == "sales" else 20 * SECOND
        assert queue.figures.as_dict() == {
            "entered": kinds[InteractionQueued] + sum(moved.to_queue == queue_id for moved in moves),
            "answered": len(answered),
            "abandoned": kinds[InteractionAbandoned],
            "cancelled": kinds[InteractionCancelled],
            "moved_out": sum(moved.from_queue == queue_id for moved in moves),
            "overflowed": kinds[InteractionOverflowed],
            "failed": kinds[InteractionFailed],
            "completed": kinds[InteractionCompleted],
            "offers": kinds[OfferMade],
            "accepted": kinds[OfferAccepted],
            "declined": kinds[OfferDeclined],
            "expired": kinds[OfferExpired],
            "revoked": kinds[OfferRevoked],
            "rescinded": kinds[OfferRescinded],
            "level_decided": len(answered.keys() | left),
            "level_met": sum(event.waited_us <= limit for event in answered.values()),
            "waited_us": sum(event.waited_us for event in answered.values()),
            "talked_us": sum(event.talked_us for event in own if isinstance(event, InteractionCompleted)),
        }
        rows = [row for row in run.view.interactions.values() if row.queue == queue_id]
        states = Counter(row.state for row in rows)
        assert (queue.waiting, queue.offered, queue.active) == (states["queued"], states["offered"], states["active"])
        assert set(queue.line) == {row.id for row in rows if row.state in ("queued", "offered")}
        waiting = Counter(row.channel for row in rows if row.state == "queued")
        assert queue.waiting_by_channel == dict(waiting)
    pending = {item.offer_id for item in run.view.work.values() if item.state == "offered"}
    asked = {item.offer_id for agent_id in run.view.agents for item in run.view.pending_offers(agent_id)}
    assert pending == asked


def test_a_call_from_queued_to_forgotten() -> None:
    run = Run()
    run.apply(
        EnqueueInteraction("c1", "c17", "voice", "sales", attributes=(("lang", "zh"),), customer="ref", instance="pbx")
    )
    row = run.view.interaction("c17")
    assert row is not None
    assert (row.state, row.attributes, row.customer) == ("queued", (("lang", "zh"),), "ref")
    assert run.view.queues["sales"].position(row) == 1
    assert run.view.desired("pbx") == (Desired("c17", "waiting"),)
    run.apply(SignInAgent("c2", "anna", ready=True), 4 * SECOND)
    assert (row.state, row.agent_id, row.offer_id) == ("offered", "anna", "c17.1")
    assert [item.offer_id for item in run.view.pending_offers("anna")] == ["c17.1"]
    assert run.view.desired("pbx") == (Desired("c17", "offered", "c17.1", "anna"),)
    assert run.view.desired("another") == ()
    run.apply(AcceptOffer("c3", "c17.1", "anna"), SECOND)
    assert run.view.desired("pbx") == (Desired("c17", "connected", "c17.1", "anna"),)
    assert (row.state, row.waited_us, run.view.queues["sales"].position(row)) == ("active", 5 * SECOND, None)
    run.apply(HoldWork("c4", "anna", "c17"), SECOND)
    assert run.view.work["c17.1"].state == "held"
    run.apply(EndInteraction("c5", "c17", "customer", "hung-up"), SECOND)
    assert (row.state, row.end_reason, run.view.work["c17.1"].state) == ("completed", "hung-up", "wrap-up")
    assert run.view.work["c17.1"].deadline_us == run.now_us + 5 * SECOND
    assert run.view.desired("pbx") == ()
    assert "c17" in run.view.interactions
    run.apply(EndWrapUp("c6", "anna", "c17"), SECOND)
    assert "c17" not in run.view.interactions
    assert run.view.interaction("c17") is row
    assert (row.agent_id, row.ended_at_us) == ("anna", run.now_us - SECOND)
    assert run.view.agents["anna"].idle_since_us == run.now_us
    assert run.view.presences() == {"signed-out": 2, "not-ready": 0, "ready": 1, "draining": 0}


def test_reasons_in_a_few_words() -> None:
    run = Run()
    run.apply(SignInAgent("c1", "anna", ready=True))
    run.apply(EnqueueInteraction("c2", "c1", "voice", "sales", requirement="skills.english >= 5"), 32 * SECOND)
    run.apply(EnqueueInteraction("c3", "c2", "voice", "support"))
    run.apply(SignInAgent("c4", "boris", ready=True), 3_400_000)
    run.apply(EnqueueInteraction("c5", "c3", "voice", "support"), 1_500_000)
    assert [decision.reason for decision in run.view.decisions] == [
        "anna: best fit 80, idle 32 s; c1 waited 0 s",
        "boris came free: c2 first in line, waited 3.4 s; fit 0",
        "boris: weighted fit 0, idle 1.5 s, load 50 %; c3 waited 0 s",
    ]


def test_a_broadcast_rings_several_and_the_first_to_accept_has_it() -> None:
    run = Run(CONFIGS[2])
    run.apply(SignInAgent("c1", "anna", ready=True))
    run.apply(SignInAgent("c2", "boris", ready=True))
    run.apply(EnqueueInteraction("c3", "i1", "voice", "sales", instance="pbx"), SECOND)
    row = run.view.interactions["i1"]
    assert run.view.desired("pbx") == (Desired("i1", "offered", "i1.1", "anna", (("i1.2", "boris"),)),)
    assert [item.offer_id for item in run.view.pending_offers("boris")] == ["i1.2"]
    assert run.view.decisions[0].reason == "anna: broadcast, idle 1 s; i1 waited 0 s"
    run.apply(DeclineOffer("c4", "i1.1", "anna"))
    assert run.view.desired("pbx") == (Desired("i1", "offered", "i1.2", "boris"),)
    assert (row.state, row.agent_id) == ("offered", "boris")
    run.apply(FailOffer("c5", "i1.2", "failed"))
    assert run.view.desired("pbx") == (Desired("i1", "waiting"),)
    run.apply(EnqueueInteraction("c6", "i2", "voice", "sales", instance="other"), SECOND)
    run.apply(AcceptOffer("c7", "i2.1", "boris"))
    assert run.view.desired("other") == (Desired("i2", "connected", "i2.1", "boris"),)
    assert run.view.pending_offers("anna") == ()
    assert run.view.queues["sales"].figures.rescinded == 1


def test_a_longest_idle_decision_says_so() -> None:
    run = Run(CoreSettings(AGENTS, (QueueSettings("q"),)))
    run.apply(SignInAgent("c1", "anna", ready=True))
    run.apply(EnqueueInteraction("c2", "c1", "voice", "q"), 12_900_000)
    assert run.view.decisions[0].reason == "anna: longest idle 12 s; c1 waited 0 s"


def test_position_follows_priority_and_counts_the_ringing() -> None:
    run = Run()
    for number, priority in enumerate((0, 0, 5, -1)):
        run.apply(EnqueueInteraction(f"c{number}", f"i{number}", "voice", "sales", priority=priority), SECOND)
    queue = run.view.queues["sales"]
    assert {row.id: queue.position(row) for row in queue.line.values()} == {"i2": 1, "i0": 2, "i1": 3, "i3": 4}
    assert queue.oldest_us() == run.now_us - 3 * SECOND
    run.apply(SignInAgent("s", "anna", ready=True))
    assert run.view.interactions["i2"].state == "offered"
    assert {row.id: queue.position(row) for row in queue.line.values()} == {"i2": 1, "i0": 2, "i1": 3, "i3": 4}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EndedRecords.__init__, "__defaults__", (3, 1))
    run = Run()
    for number in range(5):
        run.apply(EnqueueInteraction(f"a{number}", f"i{number}", "voice", "sales"))
        run.apply(EndInteraction(f"b{number}", f"i{number}"))
    assert list(run.view.ended) == ["i2", "i3", "i4"]
    assert run.view.interaction("i0") is None
    restored = View.from_state(run.engine.state(), run.now_us)
    assert [(row.id, row.partial) for row in restored.ended.values()] == [("i2", True), ("i3", True), ("i4", True)]
    assert run.view.decisions.maxlen == view.DECISIONS_KEPT


def test_a_refusal_moves_only_the_clock() -> None:
    run = Run()
    before = facts(run.view)
    outcome = run.apply(SignOutAgent("c", "nobody"), SECOND)
    assert outcome.refusal is not None
    assert facts(run.view) == before
    assert run.view.at_us == run.now_us


def test_every_event_has_its_fold() -> None:
    kinds = set(Event.__args__)
    assert set(View()._folds) == kinds


def test_service_level_is_unknown_before_the_first_answer() -> None:
    run = Run()
    figures = run.view.queues["sales"].figures
    assert figures.service_level() is None
    run.apply(EnqueueInteraction("c1", "i1", "voice", "sales"))
    run.apply(EndInteraction("c2", "i1"), SECOND)
    assert figures.service_level() == 0.0
    run.apply(SignInAgent("c3", "anna", ready=True))
    run.apply(EnqueueInteraction("c4", "i2", "voice", "sales"))
    run.apply(AcceptOffer("c5", "i2.1", "anna"), 3 * SECOND)
    assert figures.service_level() == 0.5


def test_an_answered_one_that_is_requeued_and_left_counts_once_for_the_service_level() -> None:
    run = Run()
    run.apply(SignInAgent("c1", "anna", ready=True))
    run.apply(EnqueueInteraction("c2", "i1", "voice", "sales"))
    run.apply(AcceptOffer("c3", "i1.1", "anna"))
    run.apply(RequeueInteraction("c4", "i1"))
    run.apply(EndInteraction("c5", "i1"), 9 * SECOND)
    figures = run.view.queues["sales"].figures
    assert (figures.answered, figures.abandoned, figures.level_decided, figures.level_met) == (1, 1, 1, 1)


def test_durations_are_short() -> None:
    texts = [records._seconds(micros) for micros in (0, 40_000, 999_999, 4_000_000, 9_960_000, 10_400_000)]
    assert texts == ["0 s", "40 ms", "999 ms", "4 s", "9.9 s", "10 s"]
