"""Which hands are full: of those who could take an interaction, who has room, and what would have to end first.

Owns putting crowds and work in hand together. Must not know lines, durations nor waits.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from acd.runtime.crowds import Crowds, Kind
from acd.runtime.occupied import Occupied, Rows

MAX_EXCHANGES: Final = 1_024
"""Pairs of channels that are compared only once."""

Weights = npt.NDArray[np.float64]


class Hands:
    """The crowds' work in hand."""

    def __init__(self, crowds: Crowds, occupied: Occupied) -> None:
        self._crowds = crowds
        self._occupied = occupied
        self._exchanges: dict[tuple[str, str], float] = {}

    def are_free(self, kind: Kind, more_than: int) -> bool:
        """Whether more than so many of those who are there have room for one more. O(agents) if few are idle."""
        idle = self._crowds.of(kind) & self._crowds.there(kind[2]) & ~self._occupied.busy
        return idle.bit_count() > more_than or self.free(kind) > more_than

    def free(self, kind: Kind) -> int:
        """How many of those who are there have room for one more. O(agents)."""
        crowd = self._crowds.flags(self._crowds.of(kind) & self._crowds.there(kind[2]))
        rooms, rows = self._crowds.rooms(kind[2]), self._occupied.rows
        same = np.bincount(rows["agent"], self._of_channel(rows, kind[2]), len(crowd))
        used = np.bincount(rows["agent"], rows["units"] * ~self._passive(rows, rooms.interrupts), len(crowd))
        room = (same < rooms.most) & (used + rooms.cost <= rooms.spare + rooms.most * rooms.cost)
        return int(np.count_nonzero(crowd & room))

    def occupied(self, kind: Kind) -> tuple[Rows, Weights]:
        """The work items whose end lets one of those who are there take this kind, and how many. O(rows).

        What is in the way of another channel counts if its end alone makes room.
        """
        crowd = self._crowds.flags(self._crowds.of(kind) & self._crowds.there(kind[2]))
        rooms, rows = self._crowds.rooms(kind[2]), self._occupied.rows
        same = self._of_channel(rows, kind[2])
        weights = np.ones(len(rows["agent"]))
        if not same.all():
            counted = ~self._passive(rows, rooms.interrupts)
            taken = np.bincount(rows["agent"], rows["units"] * counted, len(crowd))
            room = rooms.most - np.bincount(rows["agent"][same], minlength=len(crowd))
            left = rooms.spare + rooms.most * rooms.cost - taken
            now = np.clip(np.floor(left / rooms.cost), 0.0, room)[rows["agent"]]
            without = (left[rows["agent"]] + rows["units"]) / rooms.cost[rows["agent"]]
            gained = np.minimum(np.floor(without), room[rows["agent"]]) - now
            weights = np.where(same, 1.0, np.where(counted, gained, 0.0))
        chosen = crowd[rows["agent"]] & (weights > 0.0)
        return rows[chosen], weights[chosen]

    def exchange(self, channel: str, for_channel: str) -> float:
        """How many of one channel an agent could take instead of one of another, on average. O(agents) at first."""
        if channel == for_channel:
            return 1.0
        pair = (channel, for_channel)
        rate = self._exchanges.get(pair)
        if rate is None:
            if len(self._exchanges) >= MAX_EXCHANGES:
                self._exchanges.clear()
            rate = self._exchanges[pair] = self._compare(channel, for_channel)
        return rate

    def _compare(self, channel: str, for_channel: str) -> float:
        given, taken = self._crowds.rooms(channel), self._crowds.rooms(for_channel)
        both = (given.most > 0) & (taken.most > 0)
        if not both.any():
            return 0.0
        blocks = given.most * given.cost > taken.spare
        return float(np.mean(np.where(blocks, np.minimum(given.cost / taken.cost, taken.most), 0.0)[both]))

    def _of_channel(self, rows: Rows, channel: str) -> npt.NDArray[np.bool_]:
        wanted = np.array([kind[1] == channel for kind in self._occupied.kinds] or [False])
        flags: npt.NDArray[np.bool_] = wanted[rows["kind"]]
        return flags

    def _passive(self, rows: Rows, interrupts: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Those that do not stand in the way."""
        passive = np.array([kind[1] in interrupts for kind in self._occupied.kinds] or [False])
        flags: npt.NDArray[np.bool_] = passive[rows["kind"]]
        return flags
