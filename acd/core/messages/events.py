"""Events: what has happened, for projections, figures and explanations. Past tense.

Owns the account that the engine gives. A projection that starts from `Engine.state()` and folds
every later event is complete. Times are µs; durations end in `_us`. The moment of an event is
that of the command that caused it.
"""

from msgspec import Struct

from acd.core.messages.alarm_events import AlarmCleared, AlarmRaised
from acd.core.messages.callback_events import (
    CustomerCalled,
    CustomerReached,
    InteractionDue,
    InteractionFailed,
    InteractionScheduled,
)
from acd.core.messages.config_events import AgentsConfigured, ConfigApplied
from acd.core.messages.device_events import DeviceCleared, DeviceVetoed
from acd.core.messages.handover_events import AgentLeft, ConsultMerged, InteractionTransferred
from acd.core.messages.settings import Condition


class AgentRemoved(Struct, frozen=True, gc=False, tag=True):
    """An agent whom the configuration no longer names has finished all work and is forgotten."""

    agent_id: str


class QueueRemoved(Struct, frozen=True, gc=False, tag=True):
    """A queue that the configuration no longer names is empty and forgotten."""

    queue: str


class QueueOpened(Struct, frozen=True, gc=False, tag=True):
    """The queue takes interactions again."""

    queue: str


class QueueClosed(Struct, frozen=True, gc=False, tag=True):
    """The queue takes no new interactions, or is closed for another reason than before."""

    queue: str
    reason: str


class PresenceChanged(Struct, frozen=True, gc=False, tag=True):
    """`presence` is signed-out, ready, not-ready or draining; while draining `next_presence` says towards what."""

    agent_id: str
    presence: str
    reason: str
    next_presence: str = ""


class InteractionQueued(Struct, frozen=True, gc=False, tag=True):
    """A new interaction waits. `place_at_us`: what its place in line is computed from, if not from this moment.

    `parent`: whose agent asks for advice, if it is a consult. `kind`: `live`, or `callback`.
    """

    interaction_id: str
    channel: str
    queue: str
    requirement: str
    priority: int
    attributes: tuple[tuple[str, str], ...]
    customer: str
    instance: str
    place_at_us: int = 0
    parent: str = ""
    kind: str = "live"


class InteractionRequeued(Struct, frozen=True, gc=False, tag=True):
    """An offered or active interaction waits again, at its original place."""

    interaction_id: str
    reason: str


class InteractionMoved(Struct, frozen=True, gc=False, tag=True):
    """A waiting interaction has left one queue for another. Place and priority are those it has now."""

    interaction_id: str
    from_queue: str
    to_queue: str
    reason: str
    place_at_us: int = 0
    priority: int = 0


class InteractionReprioritized(Struct, frozen=True, gc=False, tag=True):
    """A waiting or ringing interaction has another priority."""

    interaction_id: str
    priority: int


class InteractionUpdated(Struct, frozen=True, gc=False, tag=True):
    """More is known about a live interaction; everything is as it is now. `changed`: what was said anew, by name."""

    interaction_id: str
    changed: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    customer: str
    requirement: str
    preferred_agent: str


class InteractionNoted(Struct, frozen=True, gc=False, tag=True):
    """Something has come of an interaction that has ended: `attributes` are what is known of it besides."""

    interaction_id: str
    attributes: tuple[tuple[str, str], ...]


class InteractionRelaxed(Struct, frozen=True, gc=False, tag=True):
    """The time of a step of its queue has come.

    If `applied`, the step has loosened something for it: as the `Step` says, but `priority` is the one it has now. If
    not, it was skipped, and nothing has changed. `when`: the step's condition; `found`: what was compared, -1 for an
    estimated wait that is not known.
    """

    interaction_id: str
    after_us: int
    requirement: str
    drop_own: bool
    queues: tuple[str, ...]
    priority: int
    announce: str
    applied: bool = True
    when: Condition | None = None
    found: int = 0


class AgentPreferred(Struct, frozen=True, gc=False, tag=True):
    """An interaction whose request names nobody prefers an agent all the same.

    `because`: `dedicated` (its attribute says so) or `last-agent` (its customer's last conversation was with them).
    """

    interaction_id: str
    agent_id: str
    because: str


class HoldStarted(Struct, frozen=True, gc=False, tag=True):
    """A waiting interaction is offered to its preferred agent only, until `until_us` at the latest."""

    interaction_id: str
    agent_id: str
    until_us: int


class HoldEnded(Struct, frozen=True, gc=False, tag=True):
    """It waits for its preferred agent no longer: `timeout`, `signed-out`, or `unavailable` (removed, or unable).

    Not told when the preferred agent is offered it, or when it leaves the queue: those end a hold by themselves.
    """

    interaction_id: str
    agent_id: str
    reason: str


class LevelOpened(Struct, frozen=True, gc=False, tag=True):
    """The interaction may now go to agents up to this level for its queue."""

    interaction_id: str
    level: int


class OfferMade(Struct, frozen=True, gc=False, tag=True):
    """A decision, with its reasons.

    `sought`: who looked for whom: `agent` (a waiting interaction took the best agent), `preferred` (it took its
    preferred agent) or `interaction` (an agent who came free took the first in line). `fit` and `load` (percent of the
    agent's capacity in use) are the values that were compared; `idle_us` how long the agent was idle, `waited_us`
    how long the interaction has waited since it was enqueued.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    queue: str
    expires_at_us: int
    sought: str
    strategy: str
    fit: int
    load: int
    idle_us: int
    waited_us: int


class OfferAccepted(Struct, frozen=True, gc=False, tag=True):
    """The agent took it: `waited_us` from enqueued to now, `rang_us` from offered to now."""

    offer_id: str
    interaction_id: str
    agent_id: str
    waited_us: int
    rang_us: int


class OfferDeclined(Struct, frozen=True, gc=False, tag=True):
    """The agent refused (or the device was busy)."""

    offer_id: str
    interaction_id: str
    agent_id: str
    reason: str


class OfferExpired(Struct, frozen=True, gc=False, tag=True):
    """Nobody answered in time (RONA)."""

    offer_id: str
    interaction_id: str
    agent_id: str


class OfferRevoked(Struct, frozen=True, gc=False, tag=True):
    """The system took the offer back; never the agent's fault unless the reason is `unreachable`."""

    offer_id: str
    interaction_id: str
    agent_id: str
    reason: str


class OfferRescinded(Struct, frozen=True, gc=False, tag=True):
    """Another agent accepted first (broadcast). The agent's place among the idle is as it was."""

    offer_id: str
    interaction_id: str
    agent_id: str


class InteractionCompleted(Struct, frozen=True, gc=False, tag=True):
    """The conversation ended. `talked_us` from accepted to now, holds included."""

    interaction_id: str
    agent_id: str
    by: str
    reason: str
    talked_us: int


class InteractionAbandoned(Struct, frozen=True, gc=False, tag=True):
    """The customer left before anyone answered."""

    interaction_id: str
    waited_us: int
    reason: str


class InteractionCancelled(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """The system, or a supervisor, took it out before anyone answered.

    `replaced_by`: the interaction of the same customer that has its place in line from now on, if one has.
    """

    interaction_id: str
    waited_us: int
    reason: str
    replaced_by: str = ""


class InteractionOverflowed(Struct, frozen=True, gc=False, tag=True):
    """No queue could take it, or keep it any longer: released without an answer."""

    interaction_id: str
    waited_us: int
    reason: str


class WorkHeld(Struct, frozen=True, gc=False, tag=True):
    """The customer is on hold."""

    agent_id: str
    interaction_id: str


class WorkResumed(Struct, frozen=True, gc=False, tag=True):
    """The customer is back from hold."""

    agent_id: str
    interaction_id: str


class WrapUpStarted(Struct, frozen=True, gc=False, tag=True):
    """After-call work until `until_us` at the latest; 0: until the agent ends it."""

    agent_id: str
    interaction_id: str
    until_us: int


class WorkEnded(Struct, frozen=True, gc=False, tag=True):
    """An accepted work item is over, its capacity free. `disposition`: the code that the agent set, or empty."""

    agent_id: str
    interaction_id: str
    disposition: str = ""


class WrapUpRequested(Struct, frozen=True, gc=False, tag=True):
    """The agent has asked for after-call work when the conversation ends."""

    agent_id: str
    interaction_id: str


class WrapUpExtended(Struct, frozen=True, gc=False, tag=True):
    """After-call work now until `until_us` at the latest."""

    agent_id: str
    interaction_id: str
    until_us: int


class DispositionSet(Struct, frozen=True, gc=False, tag=True):
    """The agent has said how it ended."""

    agent_id: str
    interaction_id: str
    code: str


class EngineRecovered(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """The engine was away; `offers` pending ones were given grace: none of them expires before `until_us`.

    Likewise `customers`, who are being called before any agent.
    """

    offers: int
    until_us: int
    customers: int = 0


Event = (
    ConfigApplied
    | AgentRemoved
    | QueueRemoved
    | QueueOpened
    | QueueClosed
    | PresenceChanged
    | InteractionQueued
    | InteractionRequeued
    | InteractionMoved
    | InteractionReprioritized
    | InteractionRelaxed
    | InteractionUpdated
    | AgentsConfigured
    | HoldStarted
    | HoldEnded
    | LevelOpened
    | OfferMade
    | OfferAccepted
    | OfferDeclined
    | OfferExpired
    | OfferRevoked
    | InteractionCompleted
    | InteractionAbandoned
    | InteractionCancelled
    | InteractionOverflowed
    | InteractionScheduled
    | InteractionDue
    | CustomerCalled
    | CustomerReached
    | InteractionFailed
    | WorkHeld
    | WorkResumed
    | WrapUpStarted
    | WorkEnded
    | EngineRecovered
    | WrapUpRequested
    | WrapUpExtended
    | DispositionSet
    | OfferRescinded
    | AgentPreferred
    | InteractionTransferred
    | ConsultMerged
    | AgentLeft
    | InteractionNoted
    | DeviceVetoed
    | DeviceCleared
    | AlarmRaised
    | AlarmCleared
)
