"""Who could serve what, as bit masks: the agents of a queue and requirement, and how many of them are there.

Owns reading requirements for all agents at once, presence as one number, and what their capacity has room for. Must not
know waits or calibration. A mask is a Python integer with a bit for each agent: `&` and
`bit_count` of 100,000 agents take a microsecond or two, and a change of presence flips one bit.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from acd.core.matrix import SkillMatrix
from acd.core.messages import AgentSettings, ChannelShare
from acd.core.reaching import reach_after
from acd.core.requirement import conjunction
from acd.errors import RequirementError
from acd.runtime.records import AgentRecord, QueueRecord

MAX_CROWDS: Final = 512
"""Crowds that are remembered; beyond it the oldest is forgotten."""

MAX_CHANNELS: Final = 64
"""Channels whose rooms are remembered, likewise."""

Kind = tuple[str, str, str]
"""Queue, the interaction's own requirement, channel."""


class Rooms(NamedTuple):
    """What agents have room for, of one channel, by agent's number: (agents,).

    `cost`: units of one work item, `most`: how many at once with nothing else in hand, `spare`: units that other
    channels may take before there are fewer. `interrupts`: channels that do not stand in its way, with anybody.
    """

    cost: npt.NDArray[np.float64]
    most: npt.NDArray[np.float64]
    spare: npt.NDArray[np.float64]
    interrupts: frozenset[str]


class Crowds:
    """The crowds of one configuration. Make a new one when more changes than single agents. O(agents)."""

    def __init__(self, agents: Mapping[str, AgentRecord], queues: Mapping[str, QueueRecord]) -> None:
        self._queues = queues
        self.numbers = {agent_id: number for number, agent_id in enumerate(agents)}
        """Agents' numbers: the place of their bit, and of their row in arrays."""
        self._people = {self.numbers[agent.id]: agent.settings for agent in agents.values() if not agent.retired}
        self._crowds: dict[Kind, tuple[int, int]] = {}
        self._slots: dict[str, dict[int, int]] = {}
        self._rooms: dict[str, Rooms] = {}
        self._matrix: SkillMatrix | None = None
        self.staffed = 0
        """Who is ready."""
        self._kept_off: dict[str, int] = {}
        """By channel, whom a device keeps from it."""
        for agent in agents.values():
            self.presence(agent.id, agent.presence)
            for channel in agent.devices:
                self.keep_off(agent.id, channel, is_vetoed=True)

    def presence(self, agent_id: str, presence: str) -> None:
        """An agent's presence has changed."""
        number = self.numbers.get(agent_id)
        bit = 0 if number is None else 1 << number
        self.staffed = self.staffed | bit if presence == "ready" else self.staffed & ~bit

    def keep_off(self, agent_id: str, channel: str, *, is_vetoed: bool) -> None:
        """An agent's device keeps a channel from them, or does not any more."""
        number = self.numbers.get(agent_id)
        bit = 0 if number is None else 1 << number
        kept_off = self._kept_off.pop(channel, 0)
        kept_off = kept_off | bit if is_vetoed else kept_off & ~bit
        if kept_off:
            self._kept_off[channel] = kept_off

    def there(self, channel: str) -> int:
        """Who is ready, and whose device says nothing against the channel."""
        return self.staffed & ~self._kept_off[channel] if channel in self._kept_off else self.staffed

    def change(self, agent_id: str, settings: AgentSettings | None) -> bool:
        """An agent is another from now on, or with None in no crowd any more. False for a new one: make new crowds."""
        number = self.numbers.get(agent_id)
        if number is None:
            return settings is None
        if settings is None:
            self._people.pop(number, None)
        else:
            self._people[number] = settings
        if self._matrix is not None:
            held = settings or AgentSettings(agent_id)
            self._matrix.set_row(number, held.skills, held.labels, held.queues)
        for channel, rooms in list(self._rooms.items()):
            share = None if settings is None else share_of(settings, channel)
            if share is not None and not rooms.interrupts.issuperset(share.interrupts):
                del self._rooms[channel]
            elif settings is None or share is None:
                rooms.most[number] = 0
            else:
                _fill(rooms, number, share, settings.capacity.total)
        self._crowds.clear()
        self._slots.clear()
        return True

    def of(self, kind: Kind) -> int:
        """Every agent who may serve this kind, there or not. O(agents) the first time.

        Those of a level that opens only later are left out as long as anybody else is there.
        """
        found = self._crowds.get(kind)
        if found is None:
            if len(self._crowds) >= MAX_CROWDS:
                del self._crowds[next(iter(self._crowds))]
            found = self._crowds[kind] = self._count(kind)
        at_once, some_time = found
        return at_once if at_once & self.there(kind[2]) else some_time

    def roughly(self, kind: Kind) -> int:
        """The same if it is remembered; else those who may serve the queue, whatever is asked for besides."""
        return self.of(kind if kind in self._crowds else (kind[0], "", kind[2]))

    def slots(self, kind: Kind) -> int:
        """How many interactions of this kind those who are there could work on at once."""
        channel = kind[2]
        there = self.of(kind) & self.there(channel)
        by_slots = self._slots.get(channel)
        if by_slots is None:
            slots = self.rooms(channel).most
            by_slots = self._slots[channel] = {int(most): mask_of(slots == most) for most in np.unique(slots)}
        return sum(most * (mask & there).bit_count() for most, mask in by_slots.items())

    def flags(self, crowd: int) -> npt.NDArray[np.bool_]:
        """A mask as an array by agent's number."""
        packed = np.frombuffer(crowd.to_bytes(len(self.numbers) // 8 + 1, "little"), dtype=np.uint8)
        return np.unpackbits(packed, count=len(self.numbers), bitorder="little").astype(np.bool_)

    def rooms(self, channel: str) -> Rooms:
        """What agents have room for. O(agents) the first time."""
        rooms = self._rooms.get(channel)
        if rooms is None:
            if len(self._rooms) >= MAX_CHANNELS:
                self._rooms.clear()
                self._slots.clear()
            rooms = self._rooms[channel] = self._measure(channel)
        return rooms

    def _measure(self, channel: str) -> Rooms:
        count = len(self.numbers)
        rooms = Rooms(np.ones(count), np.zeros(count), np.zeros(count), frozenset())
        interrupts: set[str] = set()
        for number, settings in self._people.items():
            share = share_of(settings, channel)
            if share is not None:
                interrupts.update(share.interrupts)
                _fill(rooms, number, share, settings.capacity.total)
        return rooms._replace(interrupts=frozenset(interrupts))

    def _count(self, kind: Kind) -> tuple[int, int]:
        """Those to whom it is open at once, and all to whom it ever is."""
        queue_id, requirement, channel = kind
        queue = self._queues.get(queue_id)
        try:
            asked = conjunction(queue.settings.requirement if queue else "", requirement)
        except RequirementError:
            return 0, 0
        if self._matrix is None:
            self._matrix = SkillMatrix(len(self.numbers))
            for number, settings in self._people.items():
                self._matrix.set_row(number, settings.skills, settings.labels, settings.queues)
        able = self.rooms(channel).most > 0
        rows = self._matrix.rows
        able[:rows] &= asked.mask(self._matrix)
        some_time = mask_of(able)
        delays_us = queue.settings.level_delays_us if queue else ()
        if not delays_us:
            return some_time, some_time
        reach = reach_after(delays_us, 0)
        for number, settings in self._people.items():
            able[number] &= dict(settings.levels).get(queue_id, 1) <= reach
        return mask_of(able), some_time


def _fill(rooms: Rooms, number: int, share: ChannelShare, total: int) -> None:
    """Note what one agent has room for."""
    most = min(share.most, total // share.cost)
    rooms.cost[number], rooms.most[number], rooms.spare[number] = share.cost, most, total - most * share.cost


def mask_of(flags: npt.NDArray[np.bool_]) -> int:
    """An array by agent's number as a mask."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def share_of(settings: AgentSettings, channel: str) -> ChannelShare | None:
    """The part of the agent's capacity that the channel falls under; None if there is no room for it."""
    named = None
    for share in settings.capacity.channels:
        if share.channel == channel:
            return share
        if share.channel == "*":
            named = share
    return named
