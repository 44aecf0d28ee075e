"""Which transitions of the core's state tables a run takes.

Owns the counting: for as long as it lasts, every row of every table notices its look-ups. Must not know the tables'
contents; a new state or table is counted as soon as it is in `acd.core.states.TABLES`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from acd.core.states import TABLES

Transition = tuple[str, str, str]
"""Table, state, trigger."""


class Coverage:
    """`taken` has every possible transition. Look-ups count while `counting`: one engine's of several."""

    def __init__(self) -> None:
        self.counting = False
        self.taken: Counter[Transition] = Counter()
        for name, (_, table) in TABLES.items():
            for state, row in table.items():
                self.taken.update({(name, state, trigger): 0 for trigger in row})


class _CountingRow(dict[str, str]):
    """A state's row: trigger → next state."""

    def __init__(self, row: dict[str, str], table: str, state: str, coverage: Coverage) -> None:
        super().__init__(row)
        self._table = table
        self._state = state
        self._coverage = coverage

    def __getitem__(self, trigger: str) -> str:
        if self._coverage.counting:
            self._coverage.taken[self._table, self._state, trigger] += 1
        return super().__getitem__(trigger)


@contextmanager
def transitions() -> Iterator[Coverage]:
    """Notice look-ups from now to the end of the block."""
    coverage = Coverage()
    before = {name: dict(table) for name, (_, table) in TABLES.items()}
    for name, (_, table) in TABLES.items():
        for state, row in before[name].items():
            table[state] = _CountingRow(row, name, state, coverage)
    try:
        yield coverage
    finally:
        for name, (_, table) in TABLES.items():
            table.update(before[name])
