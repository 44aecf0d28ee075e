"""What an interaction has been, for whoever serves the same customer later: rows made of events. Pure.

Owns what counts as what. Must not know files, nor who may read a row. There is nothing personal in a row: customers are
opaque references, as in the journal. Consults are no encounters: no customer has a part in them.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct, field

from acd.core.messages import (
    ConsultMerged,
    DispositionSet,
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionMoved,
    InteractionOverflowed,
    InteractionQueued,
    InteractionUpdated,
    OfferAccepted,
    WorkEnded,
)
from acd.core.messages.callback_events import InteractionFailed
from acd.runtime.events import Told

MAX_PARTS: Final = 50
"""Agents of one encounter who are named, the first and those that follow."""

_ENDS: Final[dict[type[Event], str]] = {
    InteractionCompleted: "completed",
    InteractionAbandoned: "abandoned",
    InteractionCancelled: "cancelled",
    InteractionOverflowed: "overflowed",
    InteractionFailed: "failed",
}


class Part(Struct):
    """An agent who took part. `disposition`: the code that they set; `working`: their work on it has not ended."""

    agent_id: str
    disposition: str = ""
    working: bool = True


class Encounter(Struct):
    """`ended_us`: 0 while it goes on; `state` as the interaction's then. `by`: who ended a completed one."""

    id: str
    customer: str
    channel: str
    instance: str
    queue: str
    begun_us: int
    kind: str = "live"
    ended_us: int = 0
    state: str = ""
    reason: str = ""
    by: str = ""
    talked_us: int = 0
    parts: list[Part] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it changes any more."""
        return bool(self.ended_us) and not any(part.working for part in self.parts)

    def part(self, agent_id: str) -> Part | None:
        """The agent's."""
        return next((part for part in self.parts if part.agent_id == agent_id), None)


class Note(Struct, frozen=True):
    """What an agent has written about an interaction; `id` is the client's, one for each note of an agent's on it."""

    id: str
    interaction_id: str
    agent_id: str
    at_us: int
    text: str
    customer: str = ""


class Encounters:
    """Those that may still change, by interaction; `changed` are to be kept."""

    def __init__(self, open_ones: Iterable[Encounter] = ()) -> None:
        """As they were kept."""
        self.open = {each.id: each for each in open_ones}
        self.changed: dict[str, Encounter] = {}

    def take(self, told: Told) -> None:
        """Take in one event; the same once more changes nothing that is known."""
        event = told.event
        if isinstance(event, InteractionQueued):
            if not event.parent:
                self._put(_begun(event, told.at_us))
            return
        row = self.open.get(getattr(event, "interaction_id", ""))
        if row is not None and _fold(row, event, told.at_us):
            self._put(row)

    def settled(self) -> None:
        """Those that have been kept, and change no more, need not be remembered here."""
        for each in [row.id for row in self.open.values() if row.is_settled and row.id not in self.changed]:
            del self.open[each]

    def _put(self, row: Encounter) -> None:
        self.open[row.id] = self.changed[row.id] = row


def _begun(event: InteractionQueued, at_us: int) -> Encounter:
    return Encounter(
        event.interaction_id, event.customer, event.channel, event.instance, event.queue, at_us, event.kind
    )


def _fold(row: Encounter, event: Event, at_us: int) -> bool:
    """Whether that has changed anything."""
    if type(event) in _ENDS:
        return _end(row, event, at_us)
    match event:
        case InteractionUpdated():
            row.customer = event.customer
        case InteractionMoved():
            row.queue = event.to_queue
        case OfferAccepted() | ConsultMerged():
            part = row.part(event.agent_id)
            if part is not None:
                part.working = True
            elif len(row.parts) < MAX_PARTS:
                row.parts.append(Part(event.agent_id))
        case DispositionSet() | WorkEnded():
            part = row.part(event.agent_id)
            if part is None:
                return False
            if isinstance(event, WorkEnded):
                part.working = False
            part.disposition = (
                event.code if isinstance(event, DispositionSet) else event.disposition
            ) or part.disposition
        case _:
            return False
    return True


def _end(row: Encounter, event: Any, at_us: int) -> bool:  # noqa: ANN401 - of several kinds, which differ in what they tell
    row.ended_us, row.state, row.reason = at_us, _ENDS[type(event)], event.reason
    if isinstance(event, InteractionCompleted):
        row.by, row.talked_us = event.by, event.talked_us
    return True
