"""Classes: interactions that the same agents may serve, in the same order.

Owns a class's waiting line. Must not know offers, presence or commands, nor how classes come about (`registry`).
"""

from array import array
from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

from acd.core.crews import Crew
from acd.core.entities import Agent, Interaction
from acd.core.lane import Lane, Ticket, order
from acd.core.lines import NOBODY
from acd.core.messages import Preference
from acd.core.reserving import Gate


class ClassKey(NamedTuple):
    """What makes classes differ. `requirement` is canonical, the queue's and the interaction's own together.

    `queue`: the only queue of the class, where no other may share it, else empty. `reach`: the highest level in it.
    `reserve`: how many agents it leaves to others. `calls`: the queue whose customers are called first, and have not
    been yet; else empty.
    """

    channel: str
    requirement: str
    preferences: tuple[Preference, ...]
    strategy: str
    weight_us: int
    band: int
    queue: str
    reach: int
    reserve: int
    calls: str = ""


class Class:
    """One class: its crew, as far as it reaches, and its line of waiting interactions."""

    __slots__ = (
        "aside",
        "broadcasts",
        "calls",
        "channel",
        "crew",
        "evicted",
        "full",
        "gate",
        "head",
        "heads",
        "kept",
        "key",
        "lanes",
        "last_used",
        "number",
        "pool",
        "preferences",
        "requirement",
        "shut",
        "users",
    )

    def __init__(self, key: ClassKey, crew: Crew, number: int, heads: "array[int]") -> None:
        self.key = key
        self.number = number
        self.heads = heads
        self.channel = key.channel
        self.preferences = key.preferences
        self.requirement = crew.requirement
        self.broadcasts = key.strategy == "broadcast"
        self.calls = bool(key.calls)
        """Its interactions are not offered: their customers are called."""
        self.crew = crew
        self.pool = crew.pool_within(key.reach)
        """Who is idle, of the levels within reach."""
        self.lanes: dict[int, Lane[Interaction]] = {}
        """Waiting interactions by place less key, so that each lane fills in the order of time."""
        self.head: Ticket[Interaction] | None = None
        """The first in line, or None; None as well while the class is shut."""
        self.aside: dict[str, Interaction] | None = None
        """Those who wait for one agent alone, by id: out of the line, so that nobody else comes across them."""
        self.gate: Gate | None = None
        self.kept = False
        """No more agents are free than are kept for others."""
        self.full = False
        """As many customers of the queue are called as may be at once."""
        self.shut = False
        """One of the two: nobody finds those who wait."""
        self.users = 0
        """Live interactions of this class; an idle class may be evicted."""
        self.last_used = 0
        self.evicted = False

    def has(self, agent: Agent) -> bool:
        """Whether the agent is a member: of the crew, and within reach. O(log members)."""
        crew = self.crew
        return crew.has(agent) and (not crew.has_levels or crew.level_of(agent) <= self.key.reach)

    def wait(self, interaction: Interaction) -> None:
        """Put the interaction into the line, at its own place."""
        ticket = interaction.ticket = Ticket(interaction.key, interaction.seq, interaction)
        if interaction.held is not None:
            if self.aside is None:
                self.aside = {}
            self.aside[interaction.id] = interaction
            return
        head_start = interaction.place_at - interaction.key
        lane = self.lanes.get(head_start)
        if lane is None:
            lane = self.lanes[head_start] = Lane()
        lane.push(ticket)
        head = self.head
        key = ticket.key
        # Not by `order`: this is the life of everybody who waits.
        first = head is None or key < head.key or (key == head.key and ticket.seq < head.seq)
        if first and not self.shut:
            self.head = ticket
            self.heads[self.number] = key

    def leave(self, interaction: Interaction) -> None:
        """Take the interaction out of the line."""
        ticket = interaction.ticket
        assert ticket is not None, interaction.id
        ticket.alive = False
        interaction.ticket = None
        if self.head is ticket:
            self.head = first = self._first()
            self.heads[self.number] = NOBODY if first is None else first.key
        elif self.aside:
            self.aside.pop(interaction.id, None)

    def shut_out(self) -> None:
        """Whoever is free is kept for others: let nobody find those who wait."""
        self.kept = True
        self._shut()

    def open_up(self) -> None:
        """More are free than are kept for others."""
        self.kept = False
        self._open()

    def fill(self) -> None:
        """Enough customers are called: let nobody find those who wait."""
        self.full = True
        self._shut()

    def make_room(self) -> None:
        """One more customer may be called."""
        self.full = False
        self._open()

    def _shut(self) -> None:
        self.shut = True
        self.head = None
        self.heads[self.number] = NOBODY

    def _open(self) -> None:
        """Let those who wait be found again, unless there is another reason not to."""
        if self.kept or self.full:
            return
        self.shut = False
        self.head = first = self._first()
        self.heads[self.number] = NOBODY if first is None else first.key

    def line(self) -> Iterator[Ticket[Interaction]]:
        """Everyone waiting, in order, but those who are aside."""
        lanes = [lane.living() for lane in self.lanes.values()]
        return lanes[0] if len(lanes) == 1 else merge(*lanes, key=order)

    def _first(self) -> Ticket[Interaction] | None:
        lanes = self.lanes
        if len(lanes) == 1:
            (lane,) = lanes.values()
            return lane.peek()
        first: Ticket[Interaction] | None = None
        for head_start in list(lanes):
            ticket = lanes[head_start].peek()
            if ticket is None:
                del lanes[head_start]
            elif first is None or ticket.key < first.key or (ticket.key == first.key and ticket.seq < first.seq):
                first = ticket
        return first
