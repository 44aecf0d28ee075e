"""When an alarm is raised, when it is cleared, and when to look again.

Owns that rule, for one queue at a time: pure, with the time as an argument. Must not know where figures come from, nor
what is done about an alarm. Raised once: whether one is, says the caller, for the journal knows it. Cleared when the
figure has been well for as long as it takes to settle; between its threshold and being well nothing changes.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, get_args

from acd.core.messages import AlarmKind
from acd.runtime.board.series import FINE_US, Spell
from acd.runtime.config.model import AlarmLimits

KINDS: Final[tuple[AlarmKind, ...]] = get_args(AlarmKind)

NEVER: Final = 1 << 62

_SECOND_US: Final = 1_000_000
_PER_CENT: Final = 100


class Found(NamedTuple):
    """How a queue stands. `oldest_us`: since when the first of those who wait does, None for nobody.

    `spell`: what was counted over the window; None while that is not known. `on_duty`: agents whose presence is ready.
    """

    oldest_us: int | None
    waiting: int
    spell: Spell | None
    on_duty: int
    is_open: bool


class Note(NamedTuple):
    """An alarm to be raised or cleared."""

    kind: AlarmKind
    raised: bool
    value: int
    threshold: int


class _Figure(NamedTuple):
    """One figure now: its value for people; `bad`, `well` or neither; and when it may change by itself."""

    value: int
    threshold: int
    bad: bool
    well: bool
    next_us: int


class Judge:
    """One queue's. Remembers since when a figure has been well, and since when nobody has been ready."""

    __slots__ = ("_nobody_since_us", "_well_since_us")

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._well_since_us: dict[AlarmKind, int] = {}
        self._nobody_since_us: int | None = None

    def judge(
        self, limits: AlarmLimits, found: Found, raised: Mapping[str, object], now_us: int
    ) -> tuple[list[Note], int]:
        """What to raise and to clear, and when to look again at the latest (`NEVER` for not by itself)."""
        figures = {
            "longest-wait": self._longest_wait(limits, found, now_us),
            "waiting": _waiting(limits, found),
            "service-level": _service_level(limits, found, now_us),
            "no-agent-ready": self._no_agent_ready(limits, found, now_us),
        }
        notes: list[Note] = []
        next_us = NEVER
        for kind in KINDS:
            figure = figures[kind]
            if figure is None:
                self._well_since_us.pop(kind, None)
                if kind in raised:
                    notes.append(Note(kind, raised=False, value=0, threshold=0))
                continue
            note, again_us = self._weigh(kind, figure, limits.settle_us, now_us, is_raised=kind in raised)
            next_us = min(next_us, again_us)
            if note is not None:
                notes.append(note)
        return notes, next_us

    def _weigh(
        self, kind: AlarmKind, figure: _Figure, settle_us: int, now_us: int, *, is_raised: bool
    ) -> tuple[Note | None, int]:
        if not is_raised:
            self._well_since_us.pop(kind, None)
            return (
                Note(kind, raised=True, value=figure.value, threshold=figure.threshold) if figure.bad else None
            ), figure.next_us
        if not figure.well:
            self._well_since_us.pop(kind, None)
            return None, figure.next_us
        settled_us = self._well_since_us.setdefault(kind, now_us) + settle_us
        if now_us < settled_us:
            return None, min(figure.next_us, settled_us)
        del self._well_since_us[kind]
        return Note(kind, raised=False, value=figure.value, threshold=figure.threshold), figure.next_us

    def _longest_wait(self, limits: AlarmLimits, found: Found, now_us: int) -> _Figure | None:
        if not limits.longest_wait_us:
            return None
        waited_us = 0 if found.oldest_us is None else max(0, now_us - found.oldest_us)
        crossings: Iterable[int] = ()
        if found.oldest_us is not None:
            # Well until just after the one, bad from the other on.
            crossings = (found.oldest_us + limits.longest_wait_clear_us + 1, found.oldest_us + limits.longest_wait_us)
        return _Figure(
            waited_us // _SECOND_US,
            limits.longest_wait_us // _SECOND_US,
            waited_us >= limits.longest_wait_us,
            waited_us <= limits.longest_wait_clear_us,
            min((each for each in crossings if each > now_us), default=NEVER),
        )

    def _no_agent_ready(self, limits: AlarmLimits, found: Found, now_us: int) -> _Figure | None:
        if not limits.no_agent_ready_us:
            self._nobody_since_us = None
            return None
        if found.on_duty or not found.is_open:
            self._nobody_since_us = None
            return _Figure(0, limits.no_agent_ready_us // _SECOND_US, bad=False, well=True, next_us=NEVER)
        if self._nobody_since_us is None:
            self._nobody_since_us = now_us
        alone_us = now_us - self._nobody_since_us
        bad = alone_us >= limits.no_agent_ready_us
        next_us = NEVER if bad else self._nobody_since_us + limits.no_agent_ready_us
        return _Figure(alone_us // _SECOND_US, limits.no_agent_ready_us // _SECOND_US, bad, well=False, next_us=next_us)


def _waiting(limits: AlarmLimits, found: Found) -> _Figure | None:
    if not limits.waiting:
        return None
    count = found.waiting
    return _Figure(count, limits.waiting, count >= limits.waiting, count <= limits.waiting_clear, NEVER)


def _service_level(limits: AlarmLimits, found: Found, now_us: int) -> _Figure | None:
    """Nobody can say anything of too few calls: then it is not bad, and one that was raised is well again."""
    if not limits.service_level:
        return None
    spell = found.spell
    if spell is None:
        return _Figure(0, limits.service_level, bad=False, well=False, next_us=NEVER)
    level = spell.level
    # A window slides on by itself: what was counted leaves it again.
    next_us = (now_us // FINE_US + 1) * FINE_US if spell.decided else NEVER
    if level is None or spell.decided < limits.least_calls:
        return _Figure(_PER_CENT, limits.service_level, bad=False, well=True, next_us=next_us)
    bad = spell.in_time * _PER_CENT < limits.service_level * spell.decided
    well = spell.in_time * _PER_CENT >= limits.service_level_clear * spell.decided
    return _Figure(spell.in_time * _PER_CENT // spell.decided, limits.service_level, bad, well, next_us)
