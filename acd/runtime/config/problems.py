"""What is wrong with a configuration: every problem with its line, key path, reason and fix.

Owns the collecting and the wording around a problem. Must not know any section, nor read files.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from math import ceil, inf, isfinite
from typing import NamedTuple

from msgspec import Struct, structs

from acd.runtime.config.codes import Code

Key = tuple[str | int, ...]
"""A place in the document: table and key names, and the numbers (from 0) of array elements."""

OWNED = "the API's part"
"""What problems call the document that the API has put beside the file: there is no line to look at."""

MAX_PROBLEMS = 1_000
"""Errors, and warnings, that are kept of one configuration; further ones are only counted."""

NEAR = 0.6
"""How much of two words has to be the same for one to be a hint about the other."""

MAX_NAMED = 20
"""Known words that one message lists."""

MAX_COMPARED = 20_000
"""Comparisons of words for all hints of one check; what is misspelt beyond that gets none.

A long word counts for more, by the square of its length.
"""

TOO_LONG = 10**30
"""From here on an integer is not written out: Python refuses to write out very long ones."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Problem(Struct, frozen=True):
    """One problem. `line` counts from 1, 0 when unknown; `fix` and `detail` (an excerpt with a caret) may be empty.

    `code`: what it is silenced by, in `allow`; empty for what cannot be.
    """

    file: str
    line: int
    key: str
    reason: str
    fix: str = ""
    detail: str = ""
    code: Code | None = None

    def __str__(self) -> str:
        """`acd.toml:42: queues.sales.strategy: "best" is not a strategy; use one of …`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [place, self.key] if self.key else [place]
        text = ": ".join([*parts, self.reason])
        if self.fix:
            text += f"; {self.fix}"
        if self.code:
            text += f" [{self.code}]"
        return f"{text}\n{self.detail}" if self.detail else text


class Located(NamedTuple):
    """What was found, each sorted by line. Notes say what may well be meant."""

    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


class Problems:
    """Collects problems by key path; lines are looked up once, at the end.

    What a queue or the whole file allows is not collected: say so with `allow` before anything is found.
    """

    def __init__(self, file: str) -> None:
        """`file` is what the problems call the document."""
        self.file = file
        self._errors: list[tuple[Key, Problem]] = []
        self._warnings: list[tuple[Key, Problem]] = []
        self._notes: list[tuple[Key, Problem]] = []
        self._allowed: dict[Key, frozenset[Code]] = {}
        self._variables: dict[Key, str] = {}
        self._owned: Mapping[str, Collection[str]] = {}
        self._dropped = 0

    def comes_from(self, key: Key, variable: str) -> None:
        """The value at this key is that of an environment variable: its problems are the variable's."""
        self._variables[key] = variable

    def owned(self, names: Mapping[str, Collection[str]]) -> None:
        """Section → names of what the API has put beside the file: its problems are not the file's."""
        self._owned = names

    def variable(self, key: Key) -> str:
        """The environment variable that the value at this key comes from; empty when it is the document's."""
        return self._variables.get(key, "")

    def allow(self, section: Key, codes: Collection[Code]) -> None:
        """Findings with these codes are meant by whoever wrote this section; `()` is the whole document."""
        self._allowed[section] = frozenset(codes)

    def allows(self, key: Key, code: Code | None) -> bool:
        """Whether a finding at this key is meant."""
        return code is not None and any(code in self._allowed.get(section, ()) for section in ((), key[:2]))

    def error(self, key: Key, reason: str, fix: str = "", detail: str = "", code: Code | None = None) -> None:
        """Something that must be put right."""
        self._keep(self._errors, key, Problem(self.file, 0, dotted(key), reason, fix, detail, code))

    def warn(self, key: Key, reason: str, fix: str = "", detail: str = "", code: Code | None = None) -> None:
        """Something that is probably not meant."""
        self._keep(self._warnings, key, Problem(self.file, 0, dotted(key), reason, fix, detail, code))

    def note(self, key: Key, reason: str, fix: str, code: Code) -> None:
        """Something that may well be meant, and is worth knowing if not."""
        self._keep(self._notes, key, Problem(self.file, 0, dotted(key), reason, fix, "", code))

    def found(self) -> bool:
        """True when there is anything, if only a note; else no line need be looked up."""
        return bool(self._errors or self._warnings or self._notes)

    def errors_in(self, *sections: str) -> bool:
        """Whether there is an error in one of these sections of the document."""
        return any(key[:1] == (section,) for key, _ in self._errors for section in sections)

    def located(self, line_of: Callable[[Key], int]) -> Located:
        """Everything with its line."""
        errors, warnings, notes = (
            self._placed(found, line_of) for found in (self._errors, self._warnings, self._notes)
        )
        if self._dropped:
            more = Problem(self.file, 0, "", f"{self._dropped} more problems are not shown", "put these right first")
            (errors or warnings or notes).append(more)
        return Located(tuple(errors), tuple(warnings), tuple(notes))

    def _keep(self, found: list[tuple[Key, Problem]], key: Key, problem: Problem) -> None:
        if self.allows(key, problem.code):
            return
        if len(found) >= MAX_PROBLEMS:
            self._dropped += 1
            return
        found.append((key, problem))

    def _placed(self, found: list[tuple[Key, Problem]], line_of: Callable[[Key], int]) -> list[Problem]:
        placed = (self._place(key, problem, line_of) for key, problem in found)
        return sorted(placed, key=lambda problem: problem.line)

    def _place(self, key: Key, problem: Problem, line_of: Callable[[Key], int]) -> Problem:
        variable = self.variable(key)
        if not variable and len(key) > 1 and key[1] in self._owned.get(str(key[0]), ()):
            return structs.replace(problem, file=OWNED, line=0)
        if not variable:
            return structs.replace(problem, line=line_of(key))
        return structs.replace(problem, file=variable, key="" if key == (variable,) else problem.key)


def dotted(key: Key) -> str:
    """A key path as TOML writes it: `api.tokens[0].name`, `agents."张伟"`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else quoted(part))
    return text


def quoted(value: object) -> str:
    """A value for a message: TOML's spelling for what is short, else its beginning; never more than one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= TOO_LONG:
        return "a number of more than 30 digits"
    if isinstance(value, str):
        escaped = "".join(_escape(char) for char in value[:60])
        return f'"{escaped}{"…" if len(value) > 60 else ""}"'  # noqa: PLR2004 - the same 60 as above
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    return str(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A fix naming the nearest known word if there is one, else all of them, or the first of many."""
    words = known if isinstance(known, Collection) else tuple(known)
    left = _left.get() or _Left(inf)
    if left.comparisons <= 0 and len(words) > MAX_NAMED:
        return f"it is none of the {len(words)} that are known"
    words = sorted(words)
    near = difflib.get_close_matches(word, left.of(word, words), n=1, cutoff=NEAR)
    if near:
        return f"did you mean {quoted(near[0])}?"
    more = f" and {len(words) - MAX_NAMED} more" if len(words) > MAX_NAMED else ""
    return f"known are {', '.join(words[:MAX_NAMED])}{more}" if words else "remove it"


@contextmanager
def bounded_hints() -> Iterator[None]:
    """Within this, no more than `MAX_COMPARED` comparisons are made for hints."""
    token = _left.set(_Left(MAX_COMPARED))
    try:
        yield
    finally:
        _left.reset(token)


class _Left:
    """Comparisons that may still be made."""

    def __init__(self, comparisons: float) -> None:
        self.comparisons = comparisons

    def of(self, word: str, known: Iterable[str]) -> list[str]:
        """As many of the words that are long enough, and not too long, as it is still worth looking at."""
        each = 1 + (len(word) / 16) ** 2
        alike = (other for other in known if 2 * min(len(word), len(other)) >= NEAR * (len(word) + len(other)))
        found = list(islice(alike, max(0, ceil(self.comparisons / each)) if isfinite(self.comparisons) else None))
        self.comparisons -= each * len(found)
        return found


_left: ContextVar[_Left | None] = ContextVar("acd_hints_left", default=None)


def excerpt(line: str, column: int) -> str:
    """`line` with a caret under character `column` (from 0), also below wide characters."""
    pad = "".join("\t" if char == "\t" else " " * cells(char) for char in line[:column])
    return f"  {line}\n  {pad}^"


def cells(char: str) -> int:
    """Columns that a character takes on a terminal: 0, 1 or 2."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\u{ord(char):04x}"
