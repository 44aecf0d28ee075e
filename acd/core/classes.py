"""Classes: interactions that the same agents may serve, in the same order.

Owns interning (channel, requirement, preferences, strategy → class), who is in a class, and the class's
waiting line. Must not know offers, presence or commands. Classes are derived state: they
are never in a snapshot, and evicting an idle one changes no decision.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import partial
from heapq import merge
from typing import Final, NamedTuple

from acd.core import limits
from acd.core.entities import Agent, Interaction, Queue
from acd.core.lane import Lane, Ticket, order
from acd.core.lines import NOBODY
from acd.core.matrix import SkillMatrix
from acd.core.messages import Demand, Preference, ScoreFunction
from acd.core.pools import Bucket, Nowhere, Pool, Terms, make_pool
from acd.core.pools.tiered import Tiered
from acd.core.requirement import Requirement, conjunction, relaxed
from acd.core.reserving import Gate


class ClassKey(NamedTuple):
    """What makes classes differ. `requirement` is canonical, the queue's and the interaction's own together.

    `queue`: the only queue of the class, where no other may share it, else empty. `reach`: the highest level in it.
    `reserve`: how many agents it leaves to others.
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


_UNCOUNTED: Final = -1


class Class:
    """One class: its pool of idle agents and its line of waiting interactions."""

    __slots__ = (
        "aside",
        "broadcasts",
        "channel",
        "evicted",
        "fits",
        "gate",
        "head",
        "heads",
        "key",
        "lanes",
        "last_used",
        "number",
        "pool",
        "preferences",
        "requirement",
        "rows",
        "shut",
        "staff",
        "users",
    )

    def __init__(self, key: ClassKey, requirement: Requirement, pool: Pool, number: int, heads: "array[int]") -> None:
        self.key = key
        self.number = number
        self.heads = heads
        self.channel = key.channel
        self.preferences = key.preferences
        self.requirement = requirement
        self.broadcasts = key.strategy == "broadcast"
        self.pool = pool
        self.rows: array[int] = array("i")
        """Rows, ascending, of the members: all who satisfy the requirement, do the channel and are within reach.

        Two numbers for a member: there may be a hundred thousand agents in a dozen classes each.
        """
        self.fits: array[int] = array("i")
        """Their fits, in the same order."""
        self.lanes: dict[int, Lane[Interaction]] = {}
        """Waiting interactions by place less key, so that each lane fills in the order of time."""
        self.head: Ticket[Interaction] | None = None
        """The first in line, or None; None as well while the class is shut."""
        self.aside: dict[str, Interaction] | None = None
        """Those who wait for one agent alone, by id: out of the line, so that nobody else comes across them."""
        self.gate: Gate | None = None
        self.shut = False
        """No more agents are free than are kept for others."""
        self.users = 0
        """Live interactions of this class; an idle class may be evicted."""
        self.staff = _UNCOUNTED
        """Members who are signed in, from the first time that somebody asks."""
        self.last_used = 0
        self.evicted = False

    def fit_of(self, agent: Agent) -> int:
        """The fit of a member. O(log members)."""
        return self.fits[bisect_left(self.rows, agent.row)]

    def has(self, agent: Agent) -> bool:
        """Whether the agent is a member. O(log members)."""
        index = bisect_left(self.rows, agent.row)
        return index < len(self.rows) and self.rows[index] == agent.row

    def forget(self, agent: Agent) -> None:
        """A member is one no more."""
        index = bisect_left(self.rows, agent.row)
        del self.rows[index]
        del self.fits[index]

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
        """Let nobody find those who wait."""
        self.shut = True
        self.head = None
        self.heads[self.number] = NOBODY

    def open_up(self) -> None:
        """Let those who wait be found again."""
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


class ClassRegistry:
    """All classes of one engine, over the skill matrix of its agents."""

    def __init__(
        self, max_classes: int = limits.MAX_CLASSES, scores: Mapping[str, ScoreFunction] | None = None, room: int = 64
    ) -> None:
        """`scores`: the functions of the strategies `score:NAME`, by these names. `room`: agents to expect."""
        self._max_classes = max_classes
        self._scores = scores or {}
        self._matrix = SkillMatrix(room)
        self._agents: list[Agent | None] = []
        """By row of the matrix; None for one who was removed."""
        self._classes: dict[ClassKey, Class] = {}
        self._uses = 0
        self.heads: array[int] = array("q")
        """The key of the first in line by the class's number, or `NOBODY`: what a search compares, close together."""
        self._free: list[int] = []
        self._counts_staff = False
        self._levelled: set[str] = set()
        """Queues for which agents have levels."""
        self._gates: dict[tuple[str, str], Gate] = {}
        """By channel and canonical requirement."""
        self.risen: list[Class] = []
        """Classes that have opened up; whoever waits there is yet to be placed (`reserving`)."""

    def add_agent(self, agent: Agent) -> None:
        """Take the next agent in, by (position, id), which rows are numbered by.

        Before the first class is interned, so that every class sees every agent.
        """
        assert not self._classes
        agent.row = len(self._agents)
        agent.gates = None
        agent.lines = None
        agent.home = None
        self._levelled.update(queue for queue, level in agent.levels.items() if level > 1)
        self._agents.append(agent)
        self._matrix.set_row(agent.row, agent.settings.skills, agent.settings.labels, agent.settings.queues)

    def row_after(self, place: tuple[int, str] | None) -> int:
        """The first row behind a (position, id), which nobody need have; 0 for None. Before any agent is removed."""
        return 0 if place is None else bisect_right(self._agents, place, key=_place_of)

    def remove_agent(self, agent: Agent) -> None:
        """Take an agent out, who has no ticket any more."""
        assert agent.ticket is None, agent.id
        self._agents[agent.row] = None
        self._matrix.clear_row(agent.row)
        for bucket in agent.home or ():
            bucket.cls.forget(agent)
        for gate in agent.gates or ():
            del gate.members[agent]
        agent.home = None
        agent.gates = None
        agent.lines = None

    def class_of(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int = limits.MAX_LEVEL,
        instead: tuple[str, ...] = (),
    ) -> Class:
        """The class of an interaction. Raises `RequirementError`; then nothing has changed.

        `instead`: requirements of which any may take the place of the queue's own.
        """
        if requirement or preferences or instead or reach != limits.MAX_LEVEL:
            cls = self._adhoc(queue, channel, requirement, preferences, reach, instead)
        else:
            found = queue.plain.get(channel)
            if found is None or found.evicted:
                found = queue.plain[channel] = self._intern(queue, channel, "", (), reach)
            cls = found
        self._uses += 1
        cls.last_used = self._uses
        return cls

    def members(self, cls: Class) -> Iterator[Agent]:
        """Everybody who is in the class."""
        return (agent for row in cls.rows if (agent := self._agents[row]) is not None)

    def staff(self, cls: Class) -> int:
        """How many members of the class are signed in and not retired. O(members) once, then O(1)."""
        if cls.staff == _UNCOUNTED:
            self._counts_staff = True
            cls.staff = sum(agent.presence != "signed-out" and not agent.retired for agent in self.members(cls))
        return cls.staff

    def count_staff(self, agent: Agent, change: int) -> None:
        """The agent, who is not retired, has signed in (1) or out (-1)."""
        if not self._counts_staff:
            return
        for bucket in agent.home or ():
            if bucket.cls.staff != _UNCOUNTED:
                bucket.cls.staff += change

    def _adhoc(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int,
        instead: tuple[str, ...],
    ) -> Class:
        key = (channel, requirement, preferences, reach, instead)
        cls = queue.adhoc.get(key)
        if cls is None or cls.evicted:
            cls = self._intern(queue, channel, requirement, preferences, reach, instead)
            if len(queue.adhoc) >= self._max_classes:
                queue.adhoc.clear()
            queue.adhoc[key] = cls
        return cls

    def _intern(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int,
        instead: tuple[str, ...] = (),
    ) -> Class:
        parsed = relaxed(instead, requirement) if instead else conjunction(queue.settings.requirement, requirement)
        strategy = queue.settings.strategy
        weight_us = queue.settings.fit_weight_us if strategy == "weighted" else 0
        cursor = queue.cursor
        levelled = queue.id in self._levelled
        own = "" if cursor is None and not levelled else queue.id
        reach = reach if levelled else limits.MAX_LEVEL
        band, reserve = queue.settings.band, queue.settings.reserve
        key = ClassKey(channel, parsed.canonical, preferences, strategy, weight_us, band, own, reach, reserve)
        cls = self._classes.get(key)
        if cls is None:
            if len(self._classes) >= self._max_classes:
                self._evict()
            demand = Demand(channel, tuple(sorted(parsed.skills)), preferences)
            make = partial(make_pool, strategy, Terms(weight_us, cursor, self._scores.get(strategy), demand))
            pool = Tiered(queue.id, make) if levelled else make()
            cls = self._classes[key] = Class(key, parsed, pool, self._number(), self.heads)
            self._enrol(cls)
            if reserve:
                self._gate(cls)
        return cls

    def _enrol(self, cls: Class) -> None:
        """Find the class's members, and let the idle ones among them stand in its pool."""
        rows = cls.requirement.mask(self._matrix).nonzero()[0].tolist()
        fits = self._matrix.fits(cls.requirement.skills, cls.preferences)[rows].tolist()
        own, reach = cls.key.queue, cls.key.reach
        members: list[tuple[int, int]] = []
        idle: list[tuple[Ticket[Agent], Bucket]] = []
        for row, fit in zip(rows, fits, strict=True):
            agent = self._agents[row]
            share = None if agent is None else agent.share(cls.channel)
            if agent is None or share is None or (own and agent.level(own) > reach):
                continue
            members.append((row, fit))
            bucket = cls.pool.bucket(agent, 0, 0, fit) if share.cost <= agent.total else Nowhere(cls.pool, 0)
            bucket.cls = cls
            if agent.home is None:
                agent.home = [bucket]
            else:
                agent.home.append(bucket)
            agent.lines = None
            if agent.ticket is not None and agent.has_room(cls.channel):
                if agent.work:
                    bucket = cls.pool.bucket(agent, len(agent.work), agent.load, fit)
                idle.append((agent.ticket, bucket))
        cls.rows = array("i", [row for row, _ in members])
        cls.fits = array("i", [fit for _, fit in members])
        idle.sort(key=lambda pair: order(pair[0]))
        for ticket, bucket in idle:
            bucket.add(ticket)

    def _gate(self, cls: Class) -> None:
        """Let the class open and shut with the number of agents who are free for it, of whatever level."""
        key = (cls.channel, cls.requirement.canonical)
        gate = self._gates.get(key)
        if gate is None:
            rows = cls.requirement.mask(self._matrix).nonzero()[0].tolist()
            gate = self._gates[key] = Gate(cls.channel, (self._agents[row] for row in rows))
        gate.add(cls)

    def _number(self) -> int:
        """A number for a new class, in whose line nobody waits."""
        if self._free:
            return self._free.pop()
        self.heads.append(NOBODY)
        return len(self.heads) - 1

    def _evict(self) -> None:
        """Forget the quarter of the idle classes that were used longest ago."""
        idle = sorted((cls for cls in self._classes.values() if not cls.users), key=lambda cls: cls.last_used)
        members: set[int] = set()
        for cls in idle[: len(idle) // 4 + 1]:
            cls.evicted = True
            self._free.append(cls.number)
            del self._classes[cls.key]
            members.update(cls.rows)
            if cls.gate is not None and cls.gate.remove(cls):
                del self._gates[cls.channel, cls.requirement.canonical]
        for row in sorted(members):
            agent = self._agents[row]
            if agent is not None:
                agent.home = [bucket for bucket in agent.home or () if not bucket.cls.evicted] or None
                agent.lines = None


def _place_of(agent: Agent | None) -> tuple[int, str]:
    assert agent is not None
    return (agent.settings.position, agent.id)
