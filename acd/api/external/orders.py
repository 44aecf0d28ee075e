"""What an external channel's process is told, message by message. CHANNELS.md is made of these classes.

Owns the forms of this direction, and how effects and desired state become them. Must not know what comes back
(`acd.api.external.requests`), nor how anything is sent. Every docstring is for whoever writes a channel.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, assert_never

from msgspec import Meta, Struct

from acd.api.shapes import Moment
from acd.core.messages import (
    AnnounceInteraction,
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.ports.channel import Desired
from acd.runtime.clock import moment

Number = Annotated[int, Meta(ge=1, description="To be repeated in `done` or `failed`.")]

Address = Callable[[str], str]
"""Agent → where they are reached on the channel's medium; empty when that is not configured."""


class Message(Struct, frozen=True, tag_field="type"):
    """Base of all."""


class Welcome(Message, frozen=True, tag="welcome"):
    """The answer to `hello`. From now on this connection is the channel's, and an older one is closed.

    `media`: what its interactions are enqueued for. `heartbeat_seconds`: how often a WebSocket ping comes; a connection
    whose pong takes half as long is cut. `max_message`: bytes of a message in your direction. `max_commands`: how many
    may be without an outcome; further ones are read when there is room. `may_recall`: whether `recall` is answered.
    """

    channel: str
    media: str
    heartbeat_seconds: float
    max_message: int
    max_commands: int
    may_recall: bool
    protocol: int = 1


class Ringing(Struct, frozen=True):
    """An offer, its agent, and where this agent is reached: the `addresses` of the configuration, or empty."""

    offer_id: str
    agent_id: str
    address: str


class Wish(Struct, frozen=True):
    """How one interaction should stand.

    `waiting`: nobody rings, nobody talks. `offered`: all of `offers` ring, and nothing else. `connected`: all of
    `offers` talk, the first is responsible. `reaching`: the customer of a callback is being called, see `reach`.
    `parent`: not empty if it is a consult about that interaction; then the agent `asking` has the customer's part.
    """

    interaction_id: str
    state: Literal["waiting", "offered", "connected", "reaching"]
    offers: tuple[Ringing, ...] = ()
    parent: str = ""
    asking: str = ""


class Reconcile(Message, frozen=True, tag="reconcile"):
    """All that should be there, as of now: compare, heal every difference, then answer `done`.

    It comes after every `welcome`, and whenever something has gone wrong. A long list comes in several messages with
    one number, one after the other; `more` is true in all but the last. What to do about each difference stands above.
    """

    number: Number
    interactions: tuple[Wish, ...]
    more: bool = False


class Park(Message, frozen=True, tag="park"):
    """Keep the customer waiting: greet, play music. Nobody talks to them, no offer of it rings."""

    number: Number
    interaction_id: str


class Reach(Message, frozen=True, tag="reach"):
    """Call the customer of a callback, before any agent is asked. The engine watches `expires_at`, and then releases.

    When they are there, say `reached` with this `attempt`, and keep them waiting; if they are not, `unreached`.
    While no process is connected nobody is called, and that is no attempt.
    """

    number: Number
    interaction_id: str
    attempt: int
    expires_at: Moment


class Offer(Message, frozen=True, tag="offer"):
    """Let the agent's device ring, or pop up. Answer `done` as soon as it does, not when the agent has answered.

    `address` is where the agent is reached. The engine itself watches `expires_at`, and then sends `revoke`.
    Several offers of one interaction may ring at a time.
    """

    number: Number
    interaction_id: str
    offer_id: str
    agent_id: str
    address: str
    expires_at: Moment


class Revoke(Message, frozen=True, tag="revoke"):
    """Stop ringing for this offer; whoever is connected already stays so.

    `reason`: `customer-left`, `declined`, `expired`, `cancelled`, `recovered`, `recalled`, `moved`, `rescinded`
    (another agent was faster), or what the failure was called.
    """

    number: Number
    interaction_id: str
    offer_id: str
    agent_id: str
    reason: str


class Connect(Message, frozen=True, tag="connect"):
    """Join the customer with the agent who has accepted."""

    number: Number
    interaction_id: str
    offer_id: str
    agent_id: str


class Disconnect(Message, frozen=True, tag="disconnect"):
    """Let go of this agent's side of the conversation; the customer, and other agents, stay."""

    number: Number
    interaction_id: str
    offer_id: str
    agent_id: str


class Release(Message, frozen=True, tag="release"):
    """Let go of everything that belongs to the interaction, on both sides. It is over."""

    number: Number
    interaction_id: str
    reason: str


class Announce(Message, frozen=True, tag="announce"):
    """Tell the waiting customer something once; `name` says what. A channel that cannot answers `done`, too."""

    number: Number
    interaction_id: str
    name: str


class Consult(Message, frozen=True, tag="consult"):
    """Make a second conversation, in which `agent_id`, who talks in `parent_id`, waits for advice.

    The agent takes the customer's part in it; the customer stays where they are. A channel that has no consults
    answers `done`: the next comparison finds no such conversation, and `end` ends it.
    """

    number: Number
    interaction_id: str
    parent_id: str
    agent_id: str


class Join(Message, frozen=True, tag="join"):
    """Take the adviser out of the consult `consult_id`, which ends, and let them talk with the customer, too."""

    number: Number
    interaction_id: str
    offer_id: str
    agent_id: str
    consult_id: str


class Outcome(Message, frozen=True, tag="outcome"):
    """What became of your command `id`. It has been committed: it survives a crash.

    Not `accepted`: nothing has changed, `code` is a stable word, and `detail` a sentence for a log. `again`: the engine
    is busy, stopping or without its disk; send the same command with the same `id` a little later.
    """

    id: str
    accepted: bool
    code: str = ""
    detail: str = ""
    again: bool = False


class Remembered(Message, frozen=True, tag="remembered"):
    """The answer to `remember`: `customer` is the reference, the same for the same number."""

    id: str
    customer: str


class Person(Message, frozen=True, tag="person"):
    """The answer to `recall`. Not `known`: there never was such a person, or they have been erased."""

    id: str
    known: bool
    number: str = ""
    name: str = ""
    extra: dict[str, str] = {}


class Closing(Message, frozen=True, tag="closing"):
    """The last message before the connection is closed: why, as a stable word and as a sentence."""

    code: str
    detail: str


Order = Park | Reach | Offer | Revoke | Connect | Disconnect | Release | Announce | Consult | Join

Told = Welcome | Reconcile | Order | Outcome | Remembered | Person | Closing
"""Everything that a process is told."""


def order_of(effect: Effect, number: int, address: Address) -> Order:
    """An effect as its message."""
    interaction_id = effect.interaction_id
    match effect:
        case ParkInteraction():
            return Park(number, interaction_id)
        case ReachCustomer():
            return Reach(number, interaction_id, effect.attempt, moment(effect.expires_at_us))
        case OfferInteraction(offer_id, _, agent_id):
            until = moment(effect.expires_at_us)
            return Offer(number, interaction_id, offer_id, agent_id, address(agent_id), until)
        case RevokeOffer(offer_id, _, agent_id):
            return Revoke(number, interaction_id, offer_id, agent_id, effect.reason)
        case ConnectInteraction(offer_id, _, agent_id):
            return Connect(number, interaction_id, offer_id, agent_id)
        case DisconnectAgent(offer_id, _, agent_id):
            return Disconnect(number, interaction_id, offer_id, agent_id)
        case ReleaseInteraction():
            return Release(number, interaction_id, effect.reason)
        case AnnounceInteraction():
            return Announce(number, interaction_id, effect.name)
        case JoinAgent(offer_id, _, agent_id):
            return Join(number, interaction_id, offer_id, agent_id, effect.consult_id)
        case OpenConsult():
            return Consult(number, interaction_id, effect.parent_id, effect.agent_id)
        case _:
            assert_never(effect)


def pages(desired: tuple[Desired, ...], number: int, address: Address, size: int) -> Iterator[Reconcile]:
    """Everything that is desired, at least one message, of `size` interactions at most each."""
    for begin in range(0, max(1, len(desired)), size):
        wishes = tuple(_wish(each, address) for each in desired[begin : begin + size])
        yield Reconcile(number, wishes, more=begin + size < len(desired))


def _wish(desired: Desired, address: Address) -> Wish:
    own = ((desired.offer_id, desired.agent_id), *desired.others) if desired.offer_id else ()
    offers = tuple(Ringing(offer_id, agent_id, address(agent_id)) for offer_id, agent_id in own)
    return Wish(desired.interaction_id, desired.state, offers, desired.parent, desired.asking)
