"""The router as a matrix: agents × skills as int8, one vectorised test and one argmin for each decision.

Owns that rival, written as well as its idea allows: one contiguous row per skill, every operation into a buffer
that is there already, busy agents masked by one `and`, fit computed for those who are left only, keys of one integer
whose order includes the tie-breaker. For the other direction, every distinct requirement is tested against the
agent's skills at once, and the answers are gathered along the waiting interactions. Like the naive
rival it does nothing but decide.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bench.contest import PlainRouter
from bench.workload import HEAD_START_US, NOBODY, Centre, Situation

_SEQ_BITS: Final = 22
"""Bits of a key for the tie-breaker, counted from the beginning of a round."""

_NONE: Final = np.iinfo(np.int64).max
_FIRST_ROOM: Final = 1_024
_FIT_SHIFT: Final = 40

Keys = npt.NDArray[np.int64]


class DenseNumpyRouter(PlainRouter):
    """As the module says."""

    name = "dense numpy"

    def __init__(self, centre: Centre) -> None:
        count = len(centre.agents)
        self._strategy = centre.strategy
        self._fit_factor = centre.fit_weight_us << _SEQ_BITS if centre.strategy == "weighted" else 1 << _FIT_SHIFT
        self._terms = centre.requirements
        self._skills = np.zeros((centre.skills, count), dtype=np.int8)
        for number, own in enumerate(centre.agents):
            for skill, held in own.items():
                self._skills[skill, number] = held
        self._by_agent = np.ascontiguousarray(self._skills.T)
        self._free = np.zeros(count, dtype=np.bool_)
        self._idle_key: Keys = np.zeros(count, dtype=np.int64)
        self._mask = np.zeros(count, dtype=np.bool_)
        self._term = np.zeros(count, dtype=np.bool_)
        # Requirements as three columns of (skill, threshold); the absent ones ask for at least 0 of skill 0.
        padded = [(*terms, *((0, 0),) * (3 - len(terms))) for terms in centre.requirements]
        self._asked_skill = [np.array([row[at][0] for row in padded], dtype=np.intp) for at in range(3)]
        self._asked_least = [np.array([row[at][1] for row in padded], dtype=np.int8) for at in range(3)]
        # One more than there are requirements: that of an empty slot, which nobody meets.
        self._meets = np.zeros(len(padded) + 1, dtype=np.bool_)
        self._held = np.zeros(len(padded), dtype=np.int8)
        self._met = np.zeros(len(padded), dtype=np.bool_)
        self._nothing = len(padded)
        self._make_room(_FIRST_ROOM)

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        if start.seq >= 1 << (_SEQ_BITS - 1):
            raise ValueError(f"the script is too long: {start.seq} does not fit into {_SEQ_BITS - 1} bits")
        self._seq = 0
        # Places from before the round have negative tie-breakers; time is counted from its earliest place.
        self._base_us = min(
            (*(place.since_us for place in start.idle), *(row.key_us for row in start.waiting)), default=0
        )
        self._free[:] = False
        for place in start.idle:
            self._free[place.agent] = True
            self._idle_key[place.agent] = self._idle_place(place.since_us, place.seq - start.seq)
        self._make_room(max(_FIRST_ROOM, 2 * len(start.waiting)))
        for row in start.waiting:
            self._wait(row.interaction, row.requirement, self._key(row.key_us, row.seq - start.seq))

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        self._seq += 1
        terms = self._terms[requirement]
        skills, mask, term = self._skills, self._mask, self._term
        skill, least = terms[0]
        np.greater_equal(skills[skill], least, out=mask)
        np.logical_and(mask, self._free, out=mask)
        for skill, least in terms[1:]:
            np.greater_equal(skills[skill], least, out=term)
            np.logical_and(mask, term, out=mask)
        candidates = mask.nonzero()[0]
        if not candidates.size:
            self._wait(interaction, requirement, self._key(now_us - priority * HEAD_START_US, self._seq))
            return NOBODY
        keys = self._idle_key.take(candidates)
        if self._strategy != "longest-idle":
            held = skills[terms[0][0]].take(candidates).astype(np.int64)
            for skill, _ in terms[1:]:
                held += skills[skill].take(candidates)
            held *= 10
            held //= len(terms)
            held *= self._fit_factor
            keys -= held
        best = int(candidates[keys.argmin()])
        self._free[best] = False
        return best

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        self._seq += 1
        slot = self._first_for(agent)
        if slot is None:
            self._free[agent] = True
            self._idle_key[agent] = self._idle_place(now_us, self._seq)
            return NOBODY
        self._line_key[slot] = _NONE
        self._line_requirement[slot] = self._nothing
        self._vacant.append(slot)
        return int(self._line_interaction[slot])

    def _first_for(self, agent: int) -> int | None:
        used = self._used
        if len(self._vacant) == used:
            return None
        held, met = self._held, self._met
        meets = self._meets[:-1]
        own = self._by_agent[agent]
        # Without a mode, `take` with `out` goes through a second buffer; all indices are good.
        own.take(self._asked_skill[0], out=held, mode="clip")
        np.greater_equal(held, self._asked_least[0], out=meets)
        for skill, least in zip(self._asked_skill[1:], self._asked_least[1:], strict=True):
            own.take(skill, out=held, mode="clip")
            np.greater_equal(held, least, out=met)
            np.logical_and(meets, met, out=meets)
        fitting = self._line_mask[:used]
        self._meets.take(self._line_requirement[:used], out=fitting, mode="clip")
        candidates = fitting.nonzero()[0]
        if not candidates.size:
            return None
        return int(candidates[self._line_key.take(candidates).argmin()])

    def _wait(self, interaction: int, requirement: int, key: int) -> None:
        if self._vacant:
            slot = self._vacant.pop()
        else:
            if self._used == len(self._line_key):
                self._grow()
            slot = self._used
            self._used += 1
        self._line_key[slot] = key
        self._line_requirement[slot] = requirement
        self._line_interaction[slot] = interaction

    def _idle_place(self, since_us: int, seq: int) -> int:
        """Who is idle for longer has the lower number; time is only in the key where fit is set off against it."""
        return self._key(since_us, seq) if self._strategy == "weighted" else seq

    def _key(self, at_us: int, seq: int) -> int:
        return ((at_us - self._base_us) << _SEQ_BITS) + seq

    def _make_room(self, room: int) -> None:
        self._line_key: Keys = np.full(room, _NONE, dtype=np.int64)
        self._line_requirement = np.full(room, self._nothing, dtype=np.intp)
        self._line_interaction = np.zeros(room, dtype=np.int64)
        self._line_mask = np.zeros(room, dtype=np.bool_)
        self._vacant: list[int] = []
        self._used = 0

    def _grow(self) -> None:
        room = 2 * len(self._line_key)
        self._line_key = np.append(self._line_key, np.full(room // 2, _NONE, dtype=np.int64))
        self._line_requirement = np.append(self._line_requirement, np.full(room // 2, self._nothing, dtype=np.intp))
        self._line_interaction = np.append(self._line_interaction, np.zeros(room // 2, dtype=np.int64))
        self._line_mask = np.zeros(room, dtype=np.bool_)
