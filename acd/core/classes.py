"""Classes: interactions that the same agents may serve, in the same order.

Owns interning (channel, requirement, preferences, strategy → class), who is in a class, and the class's
waiting line. Must not know offers, presence or commands. Classes are derived state: they
are never in a snapshot, and evicting an idle one changes no decision.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from acd.core import limits
from acd.core.entities import Agent, Interaction, Line, Queue
from acd.core.lane import Lane, Ticket, order
from acd.core.matrix import SkillMatrix
from acd.core.messages import Demand, Preference, ScoreFunction
from acd.core.pools import Pool, Terms, make_pool
from acd.core.pools.tiered import Tiered
from acd.core.requirement import Requirement, conjunction, relaxed
from acd.core.reserving import Gate

_BANDS: Final = limits.MAX_BAND + 1
"""A tier is made of level and band."""

NOBODY: Final = (1 << 63) - 1
"""Instead of a key, when nobody waits."""


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
        "broadcasts",
        "channel",
        "evicted",
        "gate",
        "head",
        "heads",
        "key",
        "lanes",
        "last_used",
        "members",
        "number",
        "pool",
        "preferences",
        "requirement",
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
        self.members: dict[Agent, int] = {}
        """Every agent who satisfies the requirement, does the channel and is within reach → fit."""
        self.lanes: dict[int, Lane[Interaction]] = {}
        """Waiting interactions by place less key, so that each lane fills in the order of time."""
        self.head: Ticket[Interaction] | None = None
        """The first in line, or None; None as well while the class is shut."""
        self.gate: Gate | None = None
        self.shut = False
        """No more agents are free than are kept for others."""
        self.users = 0
        """Live interactions of this class; an idle class may be evicted."""
        self.staff = _UNCOUNTED
        """Members who are signed in, from the first time that somebody asks."""
        self.last_used = 0
        self.evicted = False

    def wait(self, interaction: Interaction) -> None:
        """Put the interaction into the line, at its own place."""
        ticket = interaction.ticket = Ticket(interaction.key, interaction.seq, interaction)
        head_start = interaction.place_at - interaction.key
        lane = self.lanes.get(head_start)
        if lane is None:
            lane = self.lanes[head_start] = Lane()
        lane.push(ticket)
        head = self.head
        if (head is None or order(ticket) < order(head)) and not self.shut:
            self.head = ticket
            self.heads[self.number] = ticket.key

    def leave(self, interaction: Interaction) -> None:
        """Take the interaction out of the line."""
        ticket = interaction.ticket
        assert ticket is not None, interaction.id
        ticket.alive = False
        interaction.ticket = None
        if self.head is ticket:
            self.head = first = self._first()
            self.heads[self.number] = NOBODY if first is None else first.key

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
        """Everyone waiting, in order."""
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
            elif first is None or order(ticket) < order(first):
                first = ticket
        return first


class ClassRegistry:
    """All classes of one engine, over the skill matrix of its agents."""

    def __init__(
        self, max_classes: int = limits.MAX_CLASSES, scores: Mapping[str, ScoreFunction] | None = None
    ) -> None:
        """`scores`: the functions of the strategies `score:NAME`, by these names."""
        self._max_classes = max_classes
        self._scores = scores or {}
        self._matrix = SkillMatrix()
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
        agent.classes = {}
        agent.gates = []
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
        for classes in agent.classes.values():
            for cls in classes:
                del cls.members[agent]
        for gate in agent.gates:
            del gate.members[agent]
        agent.classes = {}
        agent.gates = []
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

    def staff(self, cls: Class) -> int:
        """How many members of the class are signed in and not retired. O(members) once, then O(1)."""
        if cls.staff == _UNCOUNTED:
            self._counts_staff = True
            cls.staff = sum(agent.presence != "signed-out" and not agent.retired for agent in cls.members)
        return cls.staff

    def count_staff(self, agent: Agent, change: int) -> None:
        """The agent, who is not retired, has signed in (1) or out (-1)."""
        if not self._counts_staff:
            return
        for classes in agent.classes.values():
            for cls in classes:
                if cls.staff != _UNCOUNTED:
                    cls.staff += change

    def lines_of(self, agent: Agent) -> list[Line]:
        """The agent's classes in the order in which they are served; kept until they change."""
        lines: dict[tuple[int, str], list[Class]] = {}
        for channel, classes in agent.classes.items():
            for cls in classes:
                level = agent.level(cls.key.queue) if cls.key.queue else 1
                lines.setdefault((level * _BANDS + cls.key.band, channel), []).append(cls)
        agent.lines = [
            Line(
                tier,
                channel,
                found,
                np.array([cls.number for cls in found]) if len(found) > limits.SCANNED_CLASSES else None,
            )
            for (tier, channel), found in sorted(lines.items(), key=lambda line: line[0][0])
        ]
        return agent.lines

    def foremost(self, classes: Sequence[Class], numbers: npt.NDArray[np.int64]) -> Sequence[Class]:
        """Those of the classes that need to be looked at for the first in line: usually one, or none if nobody waits.

        All of them, where the first is somebody whom not everybody may have.
        """
        keys = np.frombuffer(self.heads, dtype=np.int64).take(numbers)
        place = int(keys.argmin())
        key = keys[place]
        if key == NOBODY:
            return ()
        cls = classes[place]
        if cls.head is None or cls.head.owner.exclusions or cls.head.owner.held:
            return classes
        keys[place] = NOBODY
        return classes if keys[keys.argmin()] == key else (cls,)

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
        idle: list[tuple[Ticket[Agent], int]] = []
        for row, fit in zip(rows, fits, strict=True):
            agent = self._agents[row]
            if agent is None or agent.share(cls.channel) is None:
                continue
            if own and agent.level(own) > reach:
                continue
            cls.members[agent] = fit
            agent.classes.setdefault(cls.channel, {})[cls] = fit
            agent.home = None
            agent.lines = None
            if agent.ticket is not None and agent.has_room(cls.channel):
                idle.append((agent.ticket, fit))
        idle.sort(key=lambda pair: order(pair[0]))
        for ticket, fit in idle:
            cls.pool.bucket(ticket.owner, ticket.owner.load, fit).add(ticket)

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
        for cls in idle[: len(idle) // 4 + 1]:
            cls.evicted = True
            self._free.append(cls.number)
            del self._classes[cls.key]
            for agent in cls.members:
                del agent.classes[cls.channel][cls]
                agent.lines = None
                agent.home = None
            if cls.gate is not None and cls.gate.remove(cls):
                del self._gates[cls.channel, cls.requirement.canonical]


def _place_of(agent: Agent | None) -> tuple[int, str]:
    assert agent is not None
    return (agent.settings.position, agent.id)
