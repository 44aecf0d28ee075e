"""What the naive model remembers: agents, queues, interactions, work items and what they wait for."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import acd.core.messages as m
from acd.core import limits


@dataclass(eq=False)
class Agent:
    settings: m.AgentSettings
    presence: str = "signed-out"
    reason: str = ""
    next_presence: str = ""
    next_reason: str = ""
    idle_since: int = 0
    idle_seq: int = 0
    retired: bool = False
    answers: dict[Hashable, bool] = field(default_factory=dict)
    vetoes: "list[Veto]" = field(default_factory=list)

    def change(self, settings: m.AgentSettings) -> None:
        self.settings = settings
        self.answers = {}

    def recall(self, question: Hashable, answer: Callable[[], bool]) -> bool:
        """What depends on nothing but the question and the settings is worked out once, or a long run takes days."""
        found = self.answers.get(question)
        if found is None:
            found = self.answers[question] = answer()
        return found


@dataclass(eq=False)
class Queue:
    settings: m.QueueSettings
    retired: bool = False
    last_turn: tuple[int, str] | None = None
    closed: str | None = None
    estimate: int = -1
    alarms: dict[str, "Alarm"] = field(default_factory=dict)


@dataclass(eq=False)
class Alarm:
    since: int
    value: int
    threshold: int


@dataclass(eq=False)
class Interaction:
    request: m.EnqueueInteraction
    queue: Queue
    enqueued_at: int
    seq: int
    state: str = "queued"
    offers: int = 0
    exclusions: list["Exclusion"] = field(default_factory=list)
    preferred: str = ""
    preferred_by: str = ""
    hold: "Hold | None" = None
    patience: "Patience | None" = None
    hops: int = 0
    reach: int = limits.MAX_LEVEL
    opening: "Opening | None" = None
    step: "NextStep | None" = None
    steps_until: int = 0
    instead: str = ""
    own_dropped: bool = False
    wider: list[str] = field(default_factory=list)
    attempts: int = 0
    appointment: "Appointment | None" = None
    parent: "Interaction | None" = None
    asking: str = ""
    guests: "list[Work]" = field(default_factory=list)
    reached: bool = False
    reaching: "Reaching | None" = None
    uncalled: int = 0

    def __post_init__(self) -> None:
        self.entered_at = self.place_at = self.enqueued_at
        self.priority = self.request.priority


@dataclass(eq=False)
class Exclusion:
    """Holds until a Tick handles its deadline."""

    interaction: Interaction
    agent_id: str
    deadline: tuple[int, int]


@dataclass(eq=False)
class Hold:
    """Nobody but the preferred agent is offered it, until a Tick handles the deadline."""

    interaction: Interaction
    deadline: tuple[int, int]


@dataclass(eq=False)
class Work:
    """A work item, from the offer to the end. `deadline` is (time, seq) while ringing or wrapping up."""

    offer_id: str
    interaction: Interaction
    agent: Agent
    cost: int
    offered_at: int
    deadline: tuple[int, int] | None
    state: str = "offered"
    since: int = 0
    excused: bool = False
    wants_wrap_up: bool = False
    disposition: str = ""
    former: Queue | None = None

    @property
    def queue(self) -> Queue:
        """Whose conditions it is done under."""
        return self.interaction.queue if self.former is None else self.former


@dataclass(eq=False)
class Opening:
    """The next level of agents."""

    interaction: Interaction
    deadline: tuple[int, int]


@dataclass(eq=False)
class Patience:
    """How long the queue keeps it; no deadline: it was longer, and it still rings."""

    interaction: Interaction
    deadline: tuple[int, int] | None


@dataclass(eq=False)
class NextStep:
    """The next of the queue's steps, when a Tick handles the deadline."""

    interaction: Interaction
    step: m.Step
    deadline: tuple[int, int]


@dataclass(eq=False)
class Appointment:
    """Aside until then; no deadline: it was due while the queue was closed."""

    interaction: Interaction
    at: int
    deadline: tuple[int, int] | None


@dataclass(eq=False)
class Reaching:
    """The customer is called, until a Tick handles the deadline."""

    interaction: Interaction
    since: int
    deadline: tuple[int, int]


@dataclass(eq=False)
class Veto:
    """The agent's device keeps a channel from them, until a Tick handles the deadline."""

    agent: Agent
    channel: str
    state: str
    deadline: tuple[int, int]


Timed = Work | Exclusion | Hold | Patience | Opening | NextStep | Appointment | Veto | Reaching
