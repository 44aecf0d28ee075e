"""What the engine holds in memory: agents, interactions, work items, exclusions; queues are in `queue_entity`.

Owns the mutable records and what can be read off one of them alone. Must not know how they are
matched (`matching`), ordered (`crews`, `pools`, `classes`) or changed (`handlers`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from acd.core import limits
from acd.core.capacity import Held, terms_of
from acd.core.states import interaction as interaction_states
from acd.core.states import presence as presence_states
from acd.core.states import work as work_states

if TYPE_CHECKING:
    from acd.core.classes import Class
    from acd.core.lane import Ticket
    from acd.core.lines import Line
    from acd.core.messages import AgentSettings, ChannelShare, EnqueueInteraction
    from acd.core.pools import Bucket
    from acd.core.queue_entity import Queue
    from acd.core.reserving import Counted
    from acd.core.state import Relaxation


_NO_WORK: Final[Mapping[str, Work]] = {}
_NO_LEVELS: Final[Mapping[str, int]] = {}
"""One for everybody who has none: there may be a hundred thousand of them."""


class Agent:
    """An agent: presence, work in hand, place among the idle, and the classes they may serve."""

    __slots__ = (
        "full_above",
        "gates",
        "holds",
        "home",
        "id",
        "idle_seq",
        "idle_since",
        "levels",
        "lines",
        "next_presence",
        "next_reason",
        "presence",
        "reason",
        "retired",
        "rooms",
        "row",
        "settings",
        "shares",
        "terms",
        "ticket",
        "total",
        "used",
        "vetoes",
        "work",
    )

    def __init__(self, settings: AgentSettings) -> None:
        self.id = settings.id
        self.presence: str = presence_states.INITIAL
        self.reason = ""
        self.next_presence = ""
        self.next_reason = ""
        self.idle_since = 0
        self.idle_seq = 0
        self.retired = False
        self.used = 0
        self.work: Mapping[str, Work] = _NO_WORK
        """By offer id. Changed by `take_on` and `put_down` only."""
        self.ticket: Ticket[Agent] | None = None
        self.row = -1
        self.home: list[Bucket] | None = None
        """One bucket for each crew that the agent is in: where an agent without work in hand stands while idle."""
        self.lines: list[Line] | None = None
        """The classes, for searching: made when first searched, None when they have changed."""
        self.holds: dict[str, Interaction] | None = None
        """Waiting interactions that are held for this agent, by id; None if there are none."""
        self.gates: dict[str, Counted] | None = None
        """By channel: where the agent counts while free, as what queues with a reserve ask for is satisfied."""
        self.vetoes: dict[str, Veto] | None = None
        """Channels that the state of the agent's device keeps from them; None if there are none."""
        self.configure(settings)

    def configure(self, settings: AgentSettings) -> None:
        """Take over skills and capacity. Work in hand keeps its cost."""
        self.settings = settings
        self.levels = dict(settings.levels) if settings.levels else _NO_LEVELS
        self.terms = terms = terms_of(settings.capacity)
        self.total, self.shares, self.full_above = terms.total, terms.shares, terms.full_above
        self.rooms: frozenset[str] | None = None
        """What `find_rooms` has found since work or capacity have changed."""

    @property
    def skills(self) -> Mapping[str, int]:
        """Skill → proficiency. Made when asked for, as nothing that happens often asks."""
        return dict(self.settings.skills)

    @property
    def labels(self) -> Collection[str]:
        """Labels."""
        return self.settings.labels

    @property
    def queues(self) -> Collection[str]:
        """Queue memberships."""
        return self.settings.queues

    def take_on(self, offer_id: str, work: Work) -> None:
        """One more work item in hand."""
        self.work = {**self.work, offer_id: work} if self.work else {offer_id: work}
        self.used += work.cost
        self.rooms = None

    def put_down(self, offer_id: str) -> None:
        """A work item has ended."""
        work = self.work
        self.used -= work[offer_id].cost
        self.rooms = None
        self.work = _NO_WORK if len(work) == 1 else {key: each for key, each in work.items() if key != offer_id}

    def level(self, queue: str) -> int:
        """The level that the agent has for a queue."""
        return self.levels.get(queue, 1)

    @property
    def load(self) -> int:
        """Units in use, in percent of the total, rounded down."""
        return self.used * 100 // self.total

    def share(self, channel: str) -> ChannelShare | None:
        """What a work item of the channel costs this agent; None if the agent does not do the channel at all."""
        shares = self.shares
        return shares.get(channel) or shares.get("*")

    def has_room(self, channel: str) -> bool:
        """Whether one more work item of the channel fits."""
        rooms = self.rooms
        if rooms is None:
            rooms = self.find_rooms()
        return (channel if channel in self.shares else "*") in rooms

    def takes(self, channel: str) -> bool:
        """Whether one more work item of the channel fits, and no device vetoes it."""
        vetoes = self.vetoes
        return not (vetoes and channel in vetoes) and self.has_room(channel)

    def find_rooms(self) -> frozenset[str]:
        """The shares, by the channel that they name, of which one more work item fits. Kept until work changes."""
        self.rooms = rooms = self.terms.room_beside(self._held() if self.work else ())
        return rooms

    def in_the_way(self, share: ChannelShare) -> int:
        """Units in use that a further work item of the share must fit beside: all but those that it interrupts."""
        return self.terms.in_the_way(share, self._held())

    def _held(self) -> Held:
        return tuple([(item.channel, item.cost) for item in self.work.values()])


class Interaction(Struct, eq=False):
    """An interaction: what was asked for, its state, its place in line, and who is on it.

    `entered_at`: when it entered its present queue. Its place in line is computed from `place_at` and `priority`, which
    begins as the request's; whoever changes one of the two calls `Domain.rekey`. `current` is the work item that is
    offered, active or held, the oldest if several are offered; then, in a broadcast, `pending` has all of them, oldest
    first, else it is None. `open_work` counts those that have not ended, wrap-ups included.
    `preferred`: the agent who is asked first, or empty; `preferred_by`: what named them if it was not the request;
    `held`: nobody else is asked yet. `hops`: queues that it overflowed into. `patience`: until when its queue keeps it,
    if there is such a limit. `reach`: the highest level of agents for the queue that is open to it; `opening`: the next
    opens. `relaxed`, `next_step`: what timed steps have changed, and the deadline of the next.
    `enqueued_at`: since when it waits for an agent, asked or not: it came in, fell due, or its customer was reached.
    `attempts`: failed ones of a callback; `uncalled`: how often nobody could call the customer at the present one.
    `appointment`: while it is scheduled.
    `ended_with`: the agent whose conversation it was in the end, where others still have work on it.
    `parent`: of a consult that has not ended; `asking`: who asks in it, or did. `consults`: its own, oldest first.
    `participants`: in a conference, the work of all who talk but `current`, who is responsible; oldest first.
    `reached`: the customer of a callback has answered this time, or an agent has accepted it. `reaching`: they are
    being called.
    """

    id: str
    request: EnqueueInteraction
    queue: Queue
    cls: Class
    enqueued_at: int
    key: int
    seq: int
    entered_at: int
    place_at: int
    priority: int
    state: str = interaction_states.INITIAL
    offers: int = 0
    current: Work | None = None
    open_work: int = 0
    exclusions: dict[str, Exclusion] | None = None
    ticket: Ticket[Interaction] | None = None
    preferred: str = ""
    held: Hold | None = None
    hops: int = 0
    patience: Patience | None = None
    reach: int = limits.MAX_LEVEL
    opening: Opening | None = None
    pending: list[Work] | None = None
    relaxed: Relaxation | None = None
    next_step: NextStep | None = None
    attempts: int = 0
    appointment: Appointment | None = None
    preferred_by: str = ""
    ended_with: str = ""
    parent: Interaction | None = None
    asking: str = ""
    consults: list[Interaction] | None = None
    participants: list[Work] | None = None
    reached: bool = False
    reaching: Reaching | None = None
    uncalled: int = 0

    @property
    def calls_first(self) -> bool:
        """Whether its customer has to be called, and to answer, before anybody is offered it; by whom there is."""
        request = self.request
        return self.queue.calls_first and request.kind == "callback" and request.instance != "" and not self.reached

    def offered(self) -> tuple[Work, ...]:
        """The pending offers of one that is queued or offered, oldest first."""
        if self.pending is not None:
            return tuple(self.pending)
        return () if self.current is None else (self.current,)


class Work(Struct, eq=False):
    """A work item and its offer: one agent's part in one interaction. `since` is when its state began.

    `wants_wrap_up`: the agent asked for after-call work. `disposition`: the code that the agent set. `former`: the
    queue whose conditions its wrap-up follows, if the interaction has been transferred since; it stays as long.
    """

    offer_id: str
    interaction: Interaction
    agent: Agent
    cost: int
    offered_at: int
    since: int
    state: str = work_states.INITIAL
    deadline: Ticket[Timed | None] | None = None
    excused: bool = False
    wants_wrap_up: bool = False
    disposition: str = ""
    former: Queue | None = None

    @property
    def queue(self) -> Queue:
        """The queue whose conditions it is done under."""
        return self.former or self.interaction.queue

    @property
    def channel(self) -> str:
        """The interaction's channel."""
        return self.interaction.request.channel


class Exclusion(Struct, eq=False):
    """An agent is not offered an interaction until this deadline has been handled, and not while `standing`.

    `standing`: the agent is still wrapping up on it. It follows from the work items, and needs no deadline.
    """

    interaction: Interaction
    agent_id: str
    deadline: Ticket[Timed | None] | None = None
    standing: bool = False


class Hold(Struct, eq=False):
    """An interaction waits for its preferred agent until this deadline has been handled."""

    interaction: Interaction
    deadline: Ticket[Timed | None] | None = None


class Patience(Struct, eq=False):
    """How long the queue keeps the interaction. `deadline` is None once that is over and it still rings."""

    interaction: Interaction
    deadline: Ticket[Timed | None] | None = None


class Appointment(Struct, eq=False):
    """An interaction is aside until `at_us`. `deadline` is None once that is over and the queue is closed."""

    interaction: Interaction
    at_us: int
    deadline: Ticket[Timed | None] | None = None


class Reaching(Struct, eq=False):
    """A callback's customer is called, since `since_us`, and nobody waits for that longer than this deadline."""

    interaction: Interaction
    since_us: int
    deadline: Ticket[Timed | None] | None = None


class Opening(Struct, eq=False):
    """The next level opens to an interaction when this deadline is handled."""

    interaction: Interaction
    deadline: Ticket[Timed | None] | None = None


class NextStep(Struct, eq=False):
    """An interaction waits for its queue's next step, whose time is this deadline."""

    interaction: Interaction
    deadline: Ticket[Timed | None] | None = None


class Veto(Struct, eq=False):
    """A device in this state: the agent is offered nothing of the channel until this deadline has been handled."""

    agent: Agent
    channel: str
    state: str
    deadline: Ticket[Timed | None] | None = None


Timed = Work | Exclusion | Hold | Patience | Opening | NextStep | Appointment | Veto | Reaching
"""What a deadline may belong to."""
