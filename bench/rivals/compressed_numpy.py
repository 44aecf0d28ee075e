"""Numpy over compressed rows: for each requirement the agents who meet it, prepared beforehand, with their fit.

Owns that rival, written as well as its idea allows: a decision looks at the rows of one requirement only (keys gathered
into a buffer that is there already, fit set off in place), and an agent who comes free at the heads of the lines of
the requirements that they meet. Like the other rivals it does nothing but decide.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.contest import PlainRouter
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation

_NONE: Final = np.iinfo(np.int64).max
_SEQ_BITS: Final = 22
"""Bits of a key for the tie-breaker, counted from the beginning of a round."""

_FIT_SHIFT: Final = 40

Keys = npt.NDArray[np.int64]
Line = dict[int, deque[tuple[int, int]]]
"""Priority → (key, interaction), each in the order of arrival."""


class CompressedNumpyRouter(PlainRouter):
    """As the module says."""

    name = "compressed numpy"

    def __init__(self, centre: Centre) -> None:
        agents = len(centre.agents)
        self._strategy = centre.strategy
        factor = centre.fit_weight_us << _SEQ_BITS if centre.strategy == "weighted" else 1 << _FIT_SHIFT
        rows: list[list[int]] = [[] for _ in centre.requirements]
        for agent, classes in enumerate(centre.eligible):
            for each in classes:
                rows[each].append(agent)
        self._rows = [np.array(each, dtype=np.intp) for each in rows]
        self._worth = [
            np.array([self._fit(centre, terms, agent) * factor for agent in own], dtype=np.int64)
            for terms, own in zip(centre.requirements, rows, strict=True)
        ]
        self._buffers = [np.zeros(len(each), dtype=np.int64) for each in rows]
        self._classes = centre.eligible
        # Busy agents have the greatest key, so that one `argmin` finds the best of those who are free.
        self._key: Keys = np.full(agents, _NONE, dtype=np.int64)
        self._lines: list[Line] = [{} for _ in rows]

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        self._seq = 0
        self._base_us = min(
            (*(place.since_us for place in start.idle), *(row.key_us for row in start.waiting)), default=0
        )
        self._key[:] = _NONE
        for place in start.idle:
            self._key[place.agent] = self._idle_place(place.since_us, place.seq - start.seq)
        self._lines = [{} for _ in self._rows]
        for row in start.waiting:
            self._wait(row.requirement, row.priority, self._place(row.key_us, row.seq - start.seq), row.interaction)

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        keys = self._buffers[requirement]
        rows = self._rows[requirement]
        if len(rows):
            self._key.take(rows, out=keys, mode="clip")
            if self._strategy != "longest-idle":
                # The greatest key stays out of reach: no fit is worth as much as being free.
                np.subtract(keys, self._worth[requirement], out=keys, where=keys != _NONE)
            at = int(keys.argmin())
            if keys[at] != _NONE:
                best = int(rows[at])
                self._key[best] = _NONE
                return best
        self._wait(requirement, priority, self._place(now_us - priority * HEAD_START_US, self._seq), interaction)
        return NOBODY

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        self._seq += 1
        first: tuple[int, int] | None = None
        found: deque[tuple[int, int]] | None = None
        for each in self._classes[agent]:
            for lane in self._lines[each].values():
                if lane and (first is None or lane[0] < first):
                    first, found = lane[0], lane
        if first is None or found is None:
            self._key[agent] = self._idle_place(now_us, self._seq)
            return NOBODY
        found.popleft()
        return first[1]

    def _wait(self, requirement: int, priority: int, place: int, interaction: int) -> None:
        self._lines[requirement].setdefault(priority, deque()).append((place, interaction))

    def _idle_place(self, since_us: int, seq: int) -> int:
        """Who is idle for longer has the lower number; time is only in it where fit is set off against time."""
        return self._place(since_us, seq) if self._strategy == "weighted" else seq

    def _place(self, at_us: int, seq: int) -> int:
        return ((at_us - self._base_us) << _SEQ_BITS) + seq

    @staticmethod
    def _fit(centre: Centre, terms: tuple[tuple[int, int], ...], agent: int) -> int:
        own = centre.agents[agent]
        return 10 * sum(own[skill] for skill, _ in terms) // len(terms)
