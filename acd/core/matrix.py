"""Who holds what: proficiencies, labels and queue memberships of all agents, by column.

Owns the numpy columns and fit. Must not know agents, requirements' syntax or classes: rows are
numbers, and names are texts. One vectorised expression over columns resolves a new class.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from acd.core.messages import Preference

Proficiencies = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Fits = npt.NDArray[np.int64]

_FIRST_ROWS: Final = 64
"""Rows that the first columns have room for; doubled as often as needed."""


class SkillMatrix:
    """Agents by row; skills (int8), labels and queues (bool) by column.

    A column exists as long as a row has something in it; asking for another name gives zeros and allocates
    nothing that stays. What is returned is a view or fresh: read it, do not keep it over a change.
    """

    __slots__ = ("_labels", "_queues", "_room", "_skills", "rows")

    def __init__(self, room: int = _FIRST_ROWS) -> None:
        """`room`: rows to expect; if there are more, the columns grow."""
        self.rows = 0
        """Rows in use: one more than the highest that was ever set."""
        self._room = max(room, 1)
        self._skills: dict[str, _Column] = {}
        self._labels: dict[str, _Column] = {}
        self._queues: dict[str, _Column] = {}

    def set_row(
        self, row: int, skills: Iterable[tuple[str, int]], labels: Iterable[str], queues: Iterable[str]
    ) -> None:
        """The agent of this row holds exactly this. Raises `ValueError` for a negative row; changes nothing then."""
        if row < 0:
            raise ValueError(f"row {row} is negative")
        if row < self.rows:
            self.clear_row(row)
        self._reach(row)
        for name, proficiency in dict(skills).items():
            self._column(self._skills, name, np.int8).put(row, proficiency)
        for name in dict.fromkeys(labels):
            self._column(self._labels, name, np.bool_).put(row, value=True)
        for name in dict.fromkeys(queues):
            self._column(self._queues, name, np.bool_).put(row, value=True)

    def clear_row(self, row: int) -> None:
        """The row holds nothing. A row that was never set is left alone. O(columns)."""
        if not 0 <= row < self.rows:
            return
        for columns in (self._skills, self._labels, self._queues):
            for name in [name for name, column in columns.items() if column.values[row]]:
                column = columns[name]
                column.take(row)
                if not column.holders:
                    del columns[name]

    def skills(self) -> list[str]:
        """Every skill that a row holds, sorted. O(skills), however many rows there are."""
        return sorted(self._skills)

    def skill(self, name: str) -> Proficiencies:
        """Proficiencies in a skill, 0 for a row that does not hold it: int8, shape (rows,)."""
        return self._view(self._skills, name, np.int8)

    def label(self, name: str) -> Flags:
        """Which rows carry a label: bool, shape (rows,)."""
        return self._view(self._labels, name, np.bool_)

    def queue(self, name: str) -> Flags:
        """Which rows are members of a queue: bool, shape (rows,)."""
        return self._view(self._queues, name, np.bool_)

    def fits(self, skills: tuple[str, ...], preferences: tuple[Preference, ...]) -> Fits:
        """`fit` of every row: int64, shape (rows,). `skills` are distinct."""
        fits = np.zeros(self.rows, dtype=np.int64)
        for name in skills:
            fits += self.skill(name)
        if skills:
            fits = 10 * fits // len(skills)
        for preference in preferences:
            fits += preference.weight * self.skill(preference.skill).astype(np.int64)
        return fits

    def _reach(self, row: int) -> None:
        """Make the row exist."""
        if row < self.rows:
            return
        if row >= self._room:
            while row >= self._room:
                self._room *= 2
            for columns in (self._skills, self._labels, self._queues):
                for column in columns.values():
                    column.grow(self._room)
        self.rows = row + 1

    def _column(self, columns: dict[str, "_Column"], name: str, kind: type[np.generic]) -> "_Column":
        column = columns.get(name)
        if column is None:
            column = columns[name] = _Column(self._room, kind)
        return column

    def _view(self, columns: dict[str, "_Column"], name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        column = columns.get(name)
        if column is None:
            return np.zeros(self.rows, dtype=kind)
        return column.values[: self.rows]


def fit(agent_skills: Mapping[str, int], skills: tuple[str, ...], preferences: tuple[Preference, ...]) -> int:
    """How well an agent fits, as ARCHITECTURE.md defines it.

    Ten times the mean proficiency over `skills` (distinct), rounded down, 0 if there are none; plus weight ×
    proficiency of each preference. A skill not held counts as 0.
    """
    base = 10 * sum(agent_skills.get(name, 0) for name in skills) // len(skills) if skills else 0
    return base + sum(each.weight * agent_skills.get(each.skill, 0) for each in preferences)


class _Column:
    """One skill, label or queue over all rows."""

    __slots__ = ("holders", "values")

    def __init__(self, room: int, kind: type[np.generic]) -> None:
        self.values: npt.NDArray[Any] = np.zeros(room, dtype=kind)
        self.holders = 0

    def put(self, row: int, value: int) -> None:
        """The row, which holds nothing here, holds `value`."""
        self.values[row] = value
        self.holders += 1

    def take(self, row: int) -> None:
        """The row, which holds something here, no longer does."""
        self.values[row] = 0
        self.holders -= 1

    def grow(self, room: int) -> None:
        """Make room for more rows."""
        values = np.zeros(room, dtype=self.values.dtype)
        values[: len(self.values)] = self.values
        self.values = values
