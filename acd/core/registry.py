"""All classes of one engine: interning (channel, requirement, preferences, strategy → class, and its crew).

Owns which classes and crews there are, and who is in a crew. Must not know offers, presence or commands. Classes are
derived state: they are never in a snapshot, and evicting an idle one changes no decision.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import partial

from acd.core import limits
from acd.core.classes import Class, ClassKey
from acd.core.crews import UNCOUNTED, Crew, CrewKey
from acd.core.cursor import Cursor
from acd.core.entities import Agent
from acd.core.lane import Ticket, order
from acd.core.lines import NOBODY
from acd.core.matrix import SkillMatrix
from acd.core.matrix import fit as fit_of
from acd.core.messages import AgentSettings, Demand, Preference, ScoreFunction
from acd.core.pools import Bucket, Nowhere, Terms, make_pool
from acd.core.pools.tiered import Tiered
from acd.core.queue_entity import Queue
from acd.core.requirement import Requirement, conjunction, relaxed
from acd.core.reserving import Gate, drop


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
        self._gone = 0
        """Rows of those who were removed."""
        self._classes: dict[ClassKey, Class] = {}
        self._crews: dict[CrewKey, Crew] = {}
        self._uses = 0
        self._asked: dict[str, Queue] = {}
        """Queues that remember classes, by id."""
        self._memberships = 0
        """Members of all crews together."""
        self._most = (max_classes, 0)
        """Classes and memberships beyond which idle classes are evicted."""
        self.heads: array[int] = array("q")
        """The key of the first in line by the class's number, or `NOBODY`: what a search compares, close together."""
        self._free: list[int] = []
        self._counts_staff = False
        self._levelled: set[str] = set()
        """Queues for which agents have levels."""
        self._gates: dict[tuple[str, str], Gate] = {}
        """By channel and canonical requirement."""
        self._calling: dict[str, list[Class]] = {}
        """By queue: the classes of those whose customers are called before anybody is offered them."""
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

    def skills(self) -> list[str]:
        """Every skill that somebody has, sorted."""
        return self._matrix.skills()

    def row_after(self, place: tuple[int, str] | None) -> int:
        """The first row behind a (position, id), which nobody need have; 0 for None. Before any agent is removed."""
        return 0 if place is None else bisect_right(self._agents, place, key=_place_of)

    def remove_agent(self, agent: Agent) -> None:
        """Take an agent out, who has no ticket any more."""
        assert agent.ticket is None, agent.id
        self._agents[agent.row] = None
        self._gone += 1
        self._matrix.clear_row(agent.row)
        for bucket in agent.home or ():
            bucket.crew.forget(agent)
        self._memberships -= len(agent.home or ())
        drop(agent)
        agent.home = None
        agent.lines = None

    def withdraw(self, agent: Agent) -> None:
        """Take an agent, who has no ticket, out of every crew, to `enrol` them at once as what they are then."""
        assert agent.ticket is None, agent.id
        self.count_staff(agent, -int(agent.presence != "signed-out" and not agent.retired))
        for bucket in agent.home or ():
            bucket.crew.forget(agent)
        self._memberships -= len(agent.home or ())
        drop(agent)
        agent.home = None
        agent.lines = None

    def enrol(self, agent: Agent) -> None:
        """Take an agent into every crew that they belong to by now, at the row that they had, or at a new one.

        O(crews). What goes by (position, id) or by levels that nobody had before needs every row anew.
        """
        if agent.row < 0:
            agent.row = len(self._agents)
            self._agents.append(agent)
        settings = agent.settings
        self._matrix.set_row(agent.row, settings.skills, settings.labels, settings.queues)
        skills = agent.skills
        home: list[Bucket] = []
        for crew in self._crews.values():
            share = agent.share(crew.channel)
            if share is None or not crew.requirement.matches(skills, settings.labels, settings.queues):
                continue
            found = fit_of(skills, crew.requirement.skills, crew.key.preferences)
            crew.take_in(agent, found)
            bucket = crew.pool.bucket(agent, 0, 0, found) if share.cost <= agent.total else Nowhere(crew.pool, 0)
            bucket.crew = crew
            home.append(bucket)
        agent.home = home or None
        agent.lines = None
        self._memberships += len(home)
        self.count_staff(agent, int(agent.presence != "signed-out" and not agent.retired))
        for gate in self._gates.values():
            if agent.share(gate.channel) and gate.requirement.matches(skills, settings.labels, settings.queues):
                gate.take_in(agent)

    def needs_rows_anew(self, settings: AgentSettings) -> bool:
        """Whether an agent of these settings cannot be taken in one by one."""
        fresh = any(level > 1 and queue not in self._levelled for queue, level in settings.levels)
        return fresh or self._gone > limits.SPARE_ROWS + len(self._agents) // 2

    def open_gates(self) -> list[Class]:
        """Every class that goes by a reserve and is open."""
        return [cls for cls in self._classes.values() if cls.gate is not None and not cls.shut]

    def fill(self, queue: Queue) -> None:
        """As many customers of the queue are called as may be at once."""
        for cls in self._calling.get(queue.id, ()):
            cls.fill()

    def make_room(self, queue: Queue) -> None:
        """One more customer of the queue may be called; whoever waits for that is placed after the command."""
        for cls in self._calling.get(queue.id, ()):
            if cls.full:
                cls.make_room()
                self.risen.append(cls)

    def class_of(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int = limits.MAX_LEVEL,
        instead: tuple[str, ...] = (),
        *,
        calls: bool = False,
    ) -> Class:
        """The class of an interaction. Raises `RequirementError`; then nothing has changed.

        `instead`: requirements of which any may take the place of the queue's own. `calls`: the customer is called
        before anybody is offered it.
        """
        if requirement or preferences or instead or calls or reach != limits.MAX_LEVEL:
            cls = self._adhoc(queue, channel, requirement, preferences, reach, instead, calls=calls)
        else:
            found = queue.plain.get(channel)
            if found is None or found.evicted:
                found = queue.plain[channel] = self._intern(queue, channel, "", (), reach)
                self._asked[queue.id] = queue
            cls = found
        self._uses += 1
        cls.last_used = self._uses
        return cls

    def members(self, crew: Crew) -> Iterator[Agent]:
        """Everybody who is in the crew."""
        return (agent for row in crew.rows if (agent := self._agents[row]) is not None)

    def staff(self, crew: Crew) -> int:
        """How many of the crew are signed in and not retired. O(members) once, then O(1)."""
        if crew.staff == UNCOUNTED:
            self._counts_staff = True
            crew.staff = sum(agent.presence != "signed-out" and not agent.retired for agent in self.members(crew))
        return crew.staff

    def count_staff(self, agent: Agent, change: int) -> None:
        """The agent, who is not retired, has signed in (1) or out (-1)."""
        if not self._counts_staff:
            return
        for bucket in agent.home or ():
            if bucket.crew.staff != UNCOUNTED:
                bucket.crew.staff += change

    def _adhoc(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int,
        instead: tuple[str, ...],
        *,
        calls: bool,
    ) -> Class:
        key = (channel, requirement, preferences, reach, instead, calls)
        cls = queue.adhoc.get(key)
        if cls is None or cls.evicted:
            cls = self._intern(queue, channel, requirement, preferences, reach, instead, calls=calls)
            if len(queue.adhoc) >= self._max_classes:
                queue.adhoc.clear()
            queue.adhoc[key] = cls
            self._asked[queue.id] = queue
        return cls

    def _intern(
        self,
        queue: Queue,
        channel: str,
        requirement: str,
        preferences: tuple[Preference, ...],
        reach: int,
        instead: tuple[str, ...] = (),
        *,
        calls: bool = False,
    ) -> Class:
        parsed = relaxed(instead, requirement) if instead else conjunction(queue.settings.requirement, requirement)
        strategy = queue.settings.strategy
        weight_us = queue.settings.fit_weight_us if strategy == "weighted" else 0
        levelled = queue.id in self._levelled
        own = "" if queue.cursor is None and not levelled else queue.id
        reach = reach if levelled else limits.MAX_LEVEL
        band, reserve = queue.settings.band, queue.settings.reserve
        key = ClassKey(channel, parsed.canonical, preferences, strategy, weight_us, band, own, reach, reserve)
        key = key._replace(calls=queue.id) if calls else key
        cls = self._classes.get(key)
        if cls is None:
            if len(self._classes) >= self._most[0] or self._memberships > max(self._most[1], self._usual()):
                self._evict()
            crew = self._crew(CrewKey(*key[:5], own), parsed, queue.cursor)
            cls = self._classes[key] = Class(key, crew, self._number(), self.heads)
            crew.add(cls)
            for agent in self.members(crew):
                agent.lines = None
            if reserve:
                self._gate(cls)
            if calls:
                self._calling.setdefault(queue.id, []).append(cls)
                if queue.reaching >= queue.settings.callback_ahead:
                    cls.fill()
        return cls

    def _crew(self, key: CrewKey, requirement: Requirement, cursor: Cursor | None) -> Crew:
        crew = self._crews.get(key)
        if crew is None:
            demand = Demand(key.channel, tuple(sorted(requirement.skills)), key.preferences)
            terms = Terms(key.weight_us, cursor, self._scores.get(key.strategy), demand)
            make = partial(make_pool, key.strategy, terms)
            pool = Tiered(key.queue, make) if key.queue in self._levelled else make()
            crew = self._crews[key] = Crew(key, requirement, pool)
            self._enrol(crew)
        return crew

    def _enrol(self, crew: Crew) -> None:
        """Find the crew's members, and let the idle ones among them stand in its pool."""
        rows = crew.requirement.mask(self._matrix).nonzero()[0].tolist()
        fits = self._matrix.fits(crew.requirement.skills, crew.key.preferences)[rows].tolist()
        members: list[tuple[int, int]] = []
        idle: list[tuple[Ticket[Agent], Bucket]] = []
        for row, fit in zip(rows, fits, strict=True):
            agent = self._agents[row]
            share = None if agent is None else agent.share(crew.channel)
            if agent is None or share is None:
                continue
            members.append((row, fit))
            bucket = crew.pool.bucket(agent, 0, 0, fit) if share.cost <= agent.total else Nowhere(crew.pool, 0)
            bucket.crew = crew
            if agent.home is None:
                agent.home = [bucket]
            else:
                agent.home.append(bucket)
            if agent.ticket is not None and agent.takes(crew.channel):
                if agent.work:
                    bucket = crew.pool.bucket(agent, len(agent.work), agent.load, fit)
                idle.append((agent.ticket, bucket))
        crew.rows = array("i", [row for row, _ in members])
        crew.fits = array("i", [fit for _, fit in members])
        self._memberships += len(members)
        idle.sort(key=lambda pair: order(pair[0]))
        for ticket, bucket in idle:
            bucket.add(ticket)

    def _gate(self, cls: Class) -> None:
        """Let the class open and shut with the number of agents who are free for it, of whatever level."""
        key = (cls.channel, cls.requirement.canonical)
        gate = self._gates.get(key)
        if gate is None:
            rows = cls.requirement.mask(self._matrix).nonzero()[0].tolist()
            gate = self._gates[key] = Gate(cls.channel, cls.requirement, (self._agents[row] for row in rows))
        gate.add(cls)

    def _number(self) -> int:
        """A number for a new class, in whose line nobody waits."""
        if self._free:
            return self._free.pop()
        self.heads.append(NOBODY)
        return len(self.heads) - 1

    def _evict(self) -> None:
        """Forget the quarter of the idle classes that were used longest ago, and crews that have none any more.

        More than a quarter if there are still too many memberships; if most are in use, it is tried again later.
        """
        idle = sorted((cls for cls in self._classes.values() if not cls.users), key=lambda cls: cls.last_used)
        members: set[int] = set()
        for number, cls in enumerate(idle):
            if number > len(idle) // 4 and self._memberships <= self._usual() * 3 // 4:
                break
            cls.evicted = True
            self._free.append(cls.number)
            del self._classes[cls.key]
            members.update(cls.crew.rows)
            cls.crew.remove(cls)
            if not cls.crew.classes:
                del self._crews[cls.crew.key]
                self._memberships -= len(cls.crew.rows)
            if cls.calls:
                self._calling[cls.key.calls].remove(cls)
            if cls.gate is not None and cls.gate.remove(cls):
                del self._gates[cls.channel, cls.requirement.canonical]
        for row in sorted(members):
            agent = self._agents[row]
            if agent is not None:
                agent.home = [bucket for bucket in agent.home or () if bucket.crew.classes] or None
                agent.lines = None
        for queue in self._asked.values():
            # What is forgotten is not to be kept in memory for it.
            queue.plain = {key: cls for key, cls in queue.plain.items() if not cls.evicted}
            queue.adhoc = {key: cls for key, cls in queue.adhoc.items() if not cls.evicted}
        self._most = (max(self._max_classes, len(self._classes) * 5 // 4), self._memberships * 5 // 4)

    def _usual(self) -> int:
        """Memberships that nobody has anything against."""
        return limits.CREWS_PER_AGENT * len(self._agents)


def _place_of(agent: Agent | None) -> tuple[int, str]:
    assert agent is not None
    return (agent.settings.position, agent.id)
