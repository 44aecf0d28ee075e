"""Where a key of a configuration stands: on a line of its file, or in a variable of the environment.

Owns that answer, for problems that others find than those who have read the file. Must not know any section.
"""

from collections.abc import Sequence
from pathlib import Path

from acd.runtime.config.environment import Override
from acd.runtime.config.lines import Lines
from acd.runtime.config.owned import SECTIONS
from acd.runtime.config.problems import OWNED, Key


class Places:
    """Those of one file, read when the first is asked for."""

    def __init__(self, file: Path, overrides: Sequence[Override]) -> None:
        """`overrides`: what comes from the environment instead."""
        self._file = file
        self._overrides = overrides
        self._lines: Lines | None = None

    def of(self, key: Key) -> tuple[str, int]:
        """The file and the line (from 1) of a key, or of what is around it; or the variable that it comes from, and 0.

        An agent, queue, capacity or calendar that is not in the file is the API's, and has no line.
        """
        for override in self._overrides:
            if key[: len(override.key)] == override.key:
                return override.variable, 0
        if self._lines is None:
            self._lines = Lines(self._file.read_text(encoding="utf-8-sig"))
        if key[:1] and key[0] in SECTIONS and key[:2] not in set(self._lines):
            return OWNED, 0
        return str(self._file), self._lines.line(key)
