"""Everything that is read instead of the engine, kept in step: the view, what follows the view, and the events.

Owns when projections begin, begin anew and take in what was committed. Must not know the journal nor asyncio.
To add one: begin it in `begin`, fold it in `fold`, after the view; in `catch_up`, if it takes its time.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from acd.core.messages import Outcome
from acd.core.state import EngineState
from acd.ports.channel import AgentStanding, InteractionStanding, Place
from acd.runtime.config import AgentEdit, Config
from acd.runtime.config.model import AlarmLimits
from acd.runtime.estimate import WaitEstimator
from acd.runtime.events import EventSource
from acd.runtime.feed import Commit, Feed
from acd.runtime.live_figures import LiveFigures
from acd.runtime.log import Logger
from acd.runtime.staff import standing_of, watch
from acd.runtime.view import View

_log = Logger(__name__)


class Projections:
    """`view` is the picture after the last outcome, `waits` estimates waits from it, `figures` counts by interval.

    `events` has the newest events for systems outside, `feed` gives every commit to readers in this process.
    """

    def __init__(self, config: Config) -> None:
        """The picture of an engine that has never seen a command."""
        self._config = config
        self.view = View()
        self._waits = WaitEstimator(self.view)
        self._figures = LiveFigures(self.view)
        self._owed: Outcome | None = None
        """What the view has folded, and what follows it has not."""
        self._has_lost_its_way = False
        self.events = EventSource(config.domain, config.journal.path, config.snapshots.path)
        self.feed = Feed()
        self.alarms: Mapping[str, AlarmLimits] = {}
        """From which figures on something is wrong with a queue, if anybody wants to know."""
        self.heeding: list[Callable[[], None]] = []
        """Called when titles, names or thresholds are others."""
        self.configure(config)

    def begin(self, state: EngineState | None, seq: int) -> None:
        """Begin anew, from the state after row `seq`. What was learnt about waits stays, and what was counted, too."""
        self._owed, self._has_lost_its_way = None, False
        self.view = View() if state is None else View.from_state(state, state.now_us)
        self._waits = WaitEstimator(self.view, self._waits)
        self._figures = LiveFigures(self.view, self._figures)
        self.events.stream.begin(seq)
        self.configure(self._config)

    def configure(self, config: Config) -> None:
        """Take over titles, names and thresholds; the engine's settings come with its events."""
        self._config = config
        view = self.view
        view.titles = {queue.settings.id: queue.title for queue in config.queues if queue.title}
        view.names = {agent.settings.id: agent.name for agent in config.agents if agent.name}
        view.service_level_us = {queue.settings.id: queue.service_level_us for queue in config.queues}
        view.revision += 1
        self.alarms = {queue.settings.id: queue.alarms for queue in config.queues if queue.alarms.wanted}
        self.figures.short_abandon_us = {queue.settings.id: queue.short_abandon_us for queue in config.queues}
        for told in self.heeding:
            told()

    def configure_agents(self, config: Config, edit: AgentEdit) -> None:
        """As `configure`, where these agents alone are others."""
        self._config = config
        names = dict(self.view.names)
        for agent_id in edit.removed:
            names.pop(agent_id, None)
        for agent in edit.changed:
            names.pop(agent.settings.id, None)
            if agent.name:
                names[agent.settings.id] = agent.name
        self.view.names = names

    @property
    def waits(self) -> WaitEstimator:
        """Estimated waits, after the last outcome."""
        self.catch_up()
        return self._waits

    @property
    def figures(self) -> LiveFigures:
        """Counts by interval, after the last outcome."""
        self.catch_up()
        return self._figures

    def fold(self, first_seq: int, at_us: int, outcomes: Sequence[Outcome], state: Callable[[], EngineState]) -> None:
        """Take in the rows from `first_seq` on, committed at `at_us`. `state` gives the engine's if one cannot follow.

        The engine is the truth: whoever cannot follow it begins anew rather than hold anybody up. Call `catch_up` when
        the channels have been told.
        """
        self.events.lives.commit(at_us)
        try:
            for seq, outcome in enumerate(outcomes, first_seq):
                self.catch_up()
                self.view.fold(at_us, outcome)
                self._owed = outcome
                self.events.stream.take(seq, at_us, outcome.events, self.view)
        except Exception:  # noqa: BLE001 - a projection's fault must not stop the engine
            _log.exception("the view could not follow; it begins anew")
            self._has_lost_its_way = True
        if self._has_lost_its_way:
            self.begin(state(), first_seq + len(outcomes) - 1)
        for seq, outcome in enumerate(outcomes, first_seq):
            if outcome.events:
                self.feed.push(Commit(seq, at_us, outcome.events))

    def catch_up(self) -> None:
        """Fold what is owed: what the waits are, and what is counted, need not be known before a telephone rings.

        If they cannot follow, all begins anew with the next outcome: only then is the state what was committed.
        """
        outcome, self._owed = self._owed, None
        if outcome is None:
            return
        try:
            self._waits.fold(outcome)
            self._figures.fold(outcome)
        except Exception:  # noqa: BLE001 - as in `fold`
            _log.exception("estimates and figures could not follow; all begins anew with the next outcome")
            self._has_lost_its_way = True

    def close(self) -> None:
        """Nothing more will be committed: whoever follows is told. Idempotent."""
        self.feed.close()
        self.events.stream.close()


class Readings:
    """What can be read of a running domain. Everything here has been committed."""

    def __init__(self, projections: Projections) -> None:
        """The projections that the writer keeps in step."""
        self._projections = projections

    @property
    def view(self) -> View:
        """The committed projection. Read it between two awaits and keep no part of it."""
        return self._projections.view

    @property
    def waits(self) -> WaitEstimator:
        """Estimated waits, and how good they have been. Read it as `view`."""
        return self._projections.waits

    @property
    def figures(self) -> LiveFigures:
        """Counts by interval of every queue, agent and channel. Read them as `view`."""
        return self._projections.figures

    @property
    def alarms(self) -> Mapping[str, AlarmLimits]:
        """By queue, for those that have any: from which figures on something is wrong."""
        return self._projections.alarms

    def on_configured(self, told: Callable[[], None]) -> None:
        """Have something called when titles, names or thresholds may be others."""
        self._projections.heeding.append(told)

    @property
    def events(self) -> EventSource:
        """Committed events in their public form, with cursors: what `/v1/events` and webhooks tell."""
        return self._projections.events

    def queue_of(self, interaction_id: str) -> str:
        """The queue in which a live interaction stands, or from which it was taken; empty when it does not live."""
        row = self.view.interactions.get(interaction_id)
        return "" if row is None else row.queue

    def interaction(self, interaction_id: str) -> InteractionStanding | None:
        """How an interaction stands, also for a while after its end; None when it is not known."""
        row = self.view.interaction(interaction_id)
        return None if row is None else row.standing()

    def place(self, interaction_id: str) -> Place | None:
        """Where a waiting or ringing interaction stands in line, and what is to be expected. O(its queue's line)."""
        row = self.view.interactions.get(interaction_id)
        position = None if row is None else self.view.queues[row.queue].position(row)
        if row is None or position is None:
            return None
        band = self.waits.remaining(interaction_id)
        return Place(row.queue, position, None if band is None else round(band.middle_s * 1e6))

    def agent(self, agent_id: str) -> AgentStanding | None:
        """How an agent stands; None when there is none of this id."""
        agent = self.view.agents.get(agent_id)
        return None if agent is None else standing_of(agent)

    def agents(self) -> tuple[AgentStanding, ...]:
        """How every agent stands. Costs O(agents)."""
        return tuple(standing_of(agent) for agent in self.view.agents.values())

    def watch_agents(self) -> AsyncGenerator[tuple[AgentStanding, ...], None]:
        """All agents, then those that have changed, each as it stands when it is told."""
        return watch(self._projections)
