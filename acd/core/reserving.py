"""Reserve: of the agents who could take what waits in a queue, the last few are kept free for other queues.

Owns the counts, and the placing of those who wait when a count rises. Must not know commands. A class of a queue with
a reserve is *shut* while no more agents than that are free for it; its line is then hidden from every search, so
that a search costs what it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from acd.core.eligibility import may_have

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acd.core.classes import Class
    from acd.core.entities import Agent, Interaction
    from acd.core.matching import Matching
    from acd.core.requirement import Requirement


class Counted(Struct, eq=False):
    """The gates of one channel at which an agent counts, and whether they count the agent now: all of them, or none."""

    free: bool
    gates: list[Gate]


class Gate:
    """How many are free for one channel and requirement, whatever their level, and the classes that they open and shut.

    `members`: agents who satisfy the requirement and do the channel. `free`: how many of them are ready and take
    one more.
    """

    __slots__ = ("_classes", "channel", "free", "members", "requirement")

    def __init__(self, channel: str, requirement: Requirement, satisfying: Iterable[Agent | None]) -> None:
        """`satisfying`: everybody who satisfies the requirement, None for nobody."""
        self.channel = channel
        self.requirement = requirement
        able = (agent for agent in satisfying if agent is not None and agent.share(channel) is not None)
        self.members: dict[Agent, None] = dict.fromkeys(able)
        self.free = 0
        self._classes: dict[int, list[Class]] = {}
        for agent in self.members:
            if agent.gates is None:
                agent.gates = {}
            counted = agent.gates.get(channel)
            if counted is None:
                counted = agent.gates[channel] = Counted(agent.presence == "ready" and agent.takes(channel), [])
            counted.gates.append(self)
            self.free += counted.free

    def add(self, cls: Class) -> None:
        """Open and shut a class in whose line nobody waits yet."""
        cls.gate = self
        self._classes.setdefault(cls.key.reserve, []).append(cls)
        if self.free <= cls.key.reserve:
            cls.shut_out()

    def remove(self, cls: Class) -> bool:
        """The class is no more. True if it was the last, so that nobody counts here any longer."""
        reserve = cls.key.reserve
        self._classes[reserve].remove(cls)
        if not self._classes[reserve]:
            del self._classes[reserve]
        if self._classes:
            return False
        for agent in self.members:
            gates = agent.gates or {}
            gates[self.channel].gates.remove(self)
            if not gates[self.channel].gates:
                del gates[self.channel]
            agent.gates = gates or None
        return True

    def take_in(self, agent: Agent) -> None:
        """One more satisfies the requirement and does the channel; whether they are free, `recount` sees."""
        self.members[agent] = None
        if agent.gates is None:
            agent.gates = {}
        agent.gates.setdefault(self.channel, Counted(free=False, gates=[])).gates.append(self)

    def come(self, risen: list[Class]) -> None:
        """One more is free. Classes that open up are added to `risen`."""
        opened = self._classes.get(self.free)
        self.free += 1
        for cls in opened or ():
            cls.open_up()
            risen.append(cls)

    def go(self) -> None:
        """One less is free."""
        self.free -= 1
        for cls in self._classes.get(self.free, ()):
            cls.shut_out()


def recount(agent: Agent, risen: list[Class]) -> None:
    """Presence, room or vetoes of an agent may have changed. Classes that open up are added to `risen`."""
    ready = agent.presence == "ready"
    for channel, counted in (agent.gates or {}).items():
        free = ready and agent.takes(channel)
        if free == counted.free:
            continue
        counted.free = free
        for gate in counted.gates:
            if free:
                gate.come(risen)
            else:
                gate.go()


def drop(agent: Agent) -> None:
    """The agent counts nowhere any more."""
    for counted in (agent.gates or {}).values():
        for gate in counted.gates:
            if counted.free:
                gate.go()
            del gate.members[agent]
    agent.gates = None


def place_risen(domain: Matching) -> None:
    """Place those who wait in classes that have opened up, the first in line first, until nobody is left to be asked.

    Whoever has come free was served already; this is for the others, who were free before and kept back.
    """
    risen, domain.classes.risen = domain.classes.risen, []
    while domain.waiting:
        first: Interaction | None = None
        for cls in risen:
            found = _first_placeable(domain, cls)
            if found is not None and (first is None or _place_in_line(found) < _place_in_line(first)):
                first = found
        if first is None:
            return
        domain.leave(first)
        domain.place(first)
        assert first.ticket is None, f"{first.id} waits all the same"


def _first_placeable(domain: Matching, cls: Class) -> Interaction | None:
    """The first of the class's line that is offerable to anybody."""
    if cls.shut or cls.pool.best() is None:
        return None
    first = next((ticket.owner for ticket in cls.line() if _is_placeable(ticket.owner)), None)
    for each in (cls.aside or {}).values():
        before = first is None or _place_in_line(each) < _place_in_line(first)
        if before and may_have(each, domain.agents[each.preferred]):
            first = each
    return first


def _is_placeable(interaction: Interaction) -> bool:
    """Whether one of those who are free for its class may have it, which is held for nobody; there is somebody."""
    excluded = interaction.exclusions
    return not excluded or any(ticket.owner.id not in excluded for ticket in interaction.cls.pool.ordered())


def _place_in_line(interaction: Interaction) -> tuple[int, int, int]:
    return (interaction.queue.settings.band, interaction.key, interaction.seq)
