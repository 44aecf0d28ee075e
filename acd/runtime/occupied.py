"""Who is occupied since when: every work item that has not ended, as rows of arrays.

Owns the rows, and how they follow the view. Must not know queues' settings, distributions nor waits. The rows of an
agent are compared with the view whenever something has happened to the agent.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from acd.runtime.crowds import share_of
from acd.runtime.records import AgentRecord, InteractionRecord, WorkRecord

MAX_KINDS: Final = 4_096
"""Pairs of queue and channel that are told apart; beyond, the channels of a queue are not."""

_FIRST_ROWS: Final = 64
"""Rows that there is room for at first; doubled as often as needed."""


class Ended(NamedTuple):
    """A work item that has ended: queue, channel, how long it occupied the agent before the wrap-up and in it.

    `accepted`: whether the agent did.
    """

    queue: str
    channel: str
    before_us: int
    wrap_up_us: int
    accepted: bool


Rows = npt.NDArray[np.void]
"""Work items, one a row (`_ROW`)."""

_ROW: Final = np.dtype(
    [
        ("agent", np.int64),  # its number
        ("kind", np.int64),  # queue and channel: their number
        ("since_us", np.int64),  # when it was offered, or the wrap-up began, if it is in that
        ("accepted", np.bool_),
        ("wrap_up", np.bool_),
        ("units", np.float64),  # what it takes of the agent's capacity
        ("share", np.float64),  # how likely it is this agent who will have it, of those who ring for it
    ]
)


class Occupied:
    """The work items of a view's agents. `look` after every change of an agent's work."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        """`numbers` are the agents', from 0. Nobody is occupied before they are looked at."""
        self._numbers = numbers
        self._rows = np.zeros(_FIRST_ROWS, dtype=_ROW)
        self._used = 0
        self._items: list[_Item] = []
        self._of: dict[int, dict[str, _Item]] = {}
        self.kinds: list[tuple[str, str]] = []
        """Queue and channel, by the number of a kind."""
        self._kind_numbers: dict[tuple[str, str], int] = {}
        self.busy = 0
        """Who has work in hand: a bit for each agent's number."""

    @property
    def rows(self) -> Rows:
        """The rows in use, a view: read it, do not keep it."""
        return self._rows[: self._used]

    def look(self, agent: AgentRecord, interactions: Mapping[str, InteractionRecord], now_us: int) -> list[Ended]:
        """Compare with the agent's work in hand. Returns what has ended. O(work items of the agent)."""
        number = self._numbers.get(agent.id)
        if number is None:
            return []
        known = self._of.setdefault(number, {})
        alive = {item.offer_id: item.interaction_id for item in agent.work.values()}
        over = [offer_id for offer_id, item in known.items() if alive.get(offer_id) != item.interaction_id]
        ended = [self._end(known.pop(offer_id), now_us) for offer_id in over]
        for work in agent.work.values():
            item = known.get(work.offer_id)
            row = interactions.get(work.interaction_id)
            if item is None and row is not None:
                # An adviser who is done with the consult begins with the customer now.
                since_us = now_us if work.offer_id in over else work.offered_at_us
                item = known[work.offer_id] = self._begin(number, agent, work, row, since_us)
            if item is not None:
                self._note(item, work, row)
        bit = 1 << number
        self.busy = self.busy | bit if known else self.busy & ~bit
        return ended

    def lasting_s(self, kind: tuple[str, str], now_us: int) -> npt.NDArray[np.float64]:
        """How long each has lasted of a kind that is accepted and not in the wrap-up, in seconds."""
        rows = self.rows
        of_it = rows[(rows["kind"] == self._kind_numbers.get(kind, -1)) & rows["accepted"] & ~rows["wrap_up"]]
        seconds: npt.NDArray[np.float64] = np.maximum(now_us - of_it["since_us"], 0) / 1_000_000
        return seconds

    def _begin(
        self, number: int, agent: AgentRecord, work: WorkRecord, row: InteractionRecord, since_us: int
    ) -> "_Item":
        if self._used == len(self._rows):
            self._rows = np.resize(self._rows, 2 * self._used)
        kind = (row.queue, work.channel)
        if kind not in self._kind_numbers and len(self.kinds) >= MAX_KINDS:
            kind = (row.queue, "")
        if kind not in self._kind_numbers:
            self._kind_numbers[kind] = len(self.kinds)
            self.kinds.append(kind)
        item = _Item(self._used, kind, row.id, since_us)
        at = self._used
        self._used += 1
        self._items.append(item)
        share = share_of(agent.settings, work.channel)
        units = 0 if share is None else share.cost
        self._rows[at] = (number, self._kind_numbers[kind], since_us, False, False, units, 1.0)
        return item

    def _note(self, item: "_Item", work: WorkRecord, row: InteractionRecord | None) -> None:
        ringing = work.state == "offered" and row is not None
        item.accepted = self._rows["accepted"][item.at] = work.state != "offered"
        if work.state == "wrap-up":
            item.wrap_up_us = work.since_us
            self._rows["since_us"][item.at], self._rows["wrap_up"][item.at] = work.since_us, True
        self._rows["share"][item.at] = 1.0 / max(1, len(row.pending)) if ringing and row is not None else 1.0

    def _end(self, item: "_Item", now_us: int) -> Ended:
        """The last row takes the place of the one that is over."""
        self._used -= 1
        last = self._items.pop()
        if last is not item:
            self._rows[item.at] = self._rows[self._used]
            self._items[item.at] = last
            last.at = item.at
        wrapped_us = now_us - item.wrap_up_us if item.wrap_up_us else 0
        return Ended(*item.kind, now_us - wrapped_us - item.since_us, wrapped_us, item.accepted)


class _Item:
    """One work item, and in which row it stands."""

    __slots__ = ("accepted", "at", "interaction_id", "kind", "since_us", "wrap_up_us")

    def __init__(self, at: int, kind: tuple[str, str], interaction_id: str, since_us: int) -> None:
        self.at = at
        self.kind = kind
        self.interaction_id = interaction_id
        self.since_us = since_us
        self.accepted = False
        self.wrap_up_us = 0
