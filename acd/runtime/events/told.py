"""One committed event with its place and whom it concerns, and what a reader may want.

Owns the cursor, the scope of an event and the filter. Must not know forms on the wire, nor who reads. The scope follows
from the view after the command that caused the event, so that it is the same when the journal is told again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

from msgspec import Struct

from acd.core.messages import AgentLeft, ConsultMerged, Event
from acd.runtime.events.kinds import kind_of
from acd.runtime.records import InteractionRecord
from acd.runtime.view import View

LAST: Final = 2**31 - 1
"""Index of a cursor that stands after all events of its row."""

_CURSOR: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?(?:-([0-9a-f]{8}))?", re.ASCII)


class Cursor(Struct, frozen=True, gc=False, order=True):
    """A place between events: after the one at `index` of row `seq`. Written `17.0`, or `17`: after all of row 17.

    Outside it has a mark behind it, `17.0-5d41402a`: in which life of the journal it was handed out.
    """

    seq: int
    index: int = LAST

    @classmethod
    def parsed(cls, text: str) -> "Cursor | None":
        """What `str` gave, with a mark or without; None for anything else."""
        found = _CURSOR.fullmatch(text)
        return None if found is None else cls(int(found[1]), LAST if found[2] is None else int(found[2]))

    @staticmethod
    def mark_in(text: str) -> str:
        """The mark behind a cursor; empty when there is none."""
        found = _CURSOR.fullmatch(text)
        return "" if found is None else found[3] or ""

    def marked(self, mark: str) -> str:
        """Its text with a mark, if there is one."""
        return f"{self}-{mark}" if mark else str(self)

    def __str__(self) -> str:
        """`17.0`, or `17`."""
        return str(self.seq) if self.index == LAST else f"{self.seq}.{self.index}"


class Told(Struct, gc=False):
    """An event of row `seq`, the `index`-th there. `queues` and `agents`: whom it concerns.

    `channel`: that of the interaction which it is about, if it is about one that is still known.
    `json` and `packed` are its public forms, made when somebody needs them and shared by all readers of that time.
    """

    seq: int
    index: int
    at_us: int
    event: Event
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    channel: str = ""
    json: bytes = b""
    packed: bytes = b""

    @property
    def cursor(self) -> Cursor:
        """The place after it."""
        return Cursor(self.seq, self.index)


class Wanted(Struct, frozen=True):
    """A filter. Empty means any; between the three all have to fit, within one of them any.

    `only_agent`: whoever reads may see only what concerns this agent; empty for whoever may see all. `is_seen`: says
    of an event whether whoever reads may see it; None for whoever may see all.
    """

    queues: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    only_agent: str = ""
    is_seen: Callable[[Told], bool] | None = None

    def fits(self, told: Told) -> bool:
        """Whether the reader gets it."""
        if self.only_agent and self.only_agent not in told.agents:
            return False
        if self.kinds and kind_of(told.event) not in self.kinds:
            return False
        if self.queues and self.queues.isdisjoint(told.queues):
            return False
        if self.agents and self.agents.isdisjoint(told.agents):
            return False
        return self.is_seen is None or self.is_seen(told)


def tell(view: View, seq: int, at_us: int, events: tuple[Event, ...]) -> list[Told]:
    """The events of one row. `view` is the picture after all of them."""
    return [Told(seq, index, at_us, event, *_scope(view, event)) for index, event in enumerate(events)]


def _scope(view: View, event: Event) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(queues, agents, channel) that the event concerns.

    An event that names an agent concerns this one; in a consult whoever asks, too; and everybody who talks, where
    somebody joins them or leaves. One about an interaction, and no agent, concerns whoever is being
    rung, talks, asks in a consult, or talked last: those who may see the interaction itself.
    """
    says: Any = event
    of_interaction, of_agent, of_queue, moves = _SAYS[type(event)]
    agents = (says.agent_id,) if of_agent else ()
    if not of_interaction:
        return (says.queue,) if of_queue else (), agents, ""
    row = view.interaction(says.interaction_id)
    if row is None:
        return (), agents, ""
    queues = (row.queue, says.from_queue) if moves and says.from_queue != row.queue else (row.queue,)
    if agents:
        if row.asking or type(event) in _TOGETHER:
            agents = tuple(dict.fromkeys((*agents, *_beside(row, event))))
        return queues, agents, row.channel
    if row.pending or row.participants or row.asking:
        others = (agent for _, agent in (*row.pending, *row.participants))
        concerned = (agent for agent in (row.agent_id, row.asking, *others) if agent)
        return queues, tuple(dict.fromkeys(concerned)), row.channel
    return queues, (row.agent_id,) if row.agent_id else (), row.channel


def _beside(row: InteractionRecord, event: Event) -> Iterator[str]:
    """Who has to know what another agent does here: their own work looks otherwise for it."""
    if row.asking:
        yield row.asking
    if type(event) in _TOGETHER:
        yield from (agent for agent in (row.agent_id, *(each for _, each in row.participants)) if agent)


_TOGETHER: Final = frozenset({AgentLeft, ConsultMerged})

_NAMED: Final = ("interaction_id", "agent_id", "queue", "from_queue")
_SAYS: Final = {kind: tuple(name in kind.__struct_fields__ for name in _NAMED) for kind in get_args(Event)}
"""Which of these names each kind of events has: looked up once, because every event passes here."""
