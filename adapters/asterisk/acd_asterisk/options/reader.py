"""Reads a table of options key by key, notes everything that is wrong, and goes on with the default.

Owns the wording of problems, unknown keys and tables within tables. Must not know what any option is called.
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from acd.errors import ConfigError
from acd.runtime.config import Secret, parse_duration
from acd_asterisk.options.password import Password

MAX_PASSWORD: Final = 512

MAX_TABLES: Final = 10_000
"""Named tables within one."""

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3600 * SECOND_US

_ENVIRONMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PASSWORD_SOURCES: Final = ("password", "password_file", "password_env")

_Word = TypeVar("_Word", bound=str)


class Reader:
    """One table. `path` is what problems begin with: `channels.pbx`, `channels.pbx.recording`.

    Every key that is asked for is a known one; `finish` complains about all others.
    """

    def __init__(
        self,
        path: str,
        given: Mapping[str, object],
        *,
        what: str,
        base: Path | None = None,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`what` the table is: "an Asterisk channel". `base`: where paths start from; else `given.base`.

        `elsewhere`: keys that people write here, with the tables within this one that they belong into.
        """
        self._elsewhere = elsewhere
        self._path = path
        self._given = given
        self._what = what
        self._base: Path = base if base is not None else getattr(given, "base", Path())
        self._known: set[str] = set()
        self._problems: list[str] = []
        self._tables: list[Reader] = []

    def problem(self, key: str, reason: str, fix: str) -> None:
        """Note one; an empty key means the table itself."""
        self._problems.append(f"{self._path}.{key}: {reason}; {fix}" if key else f"{self._path}: {reason}; {fix}")

    def finish(self) -> None:
        """Raise `ConfigError` with all problems of this table and those within it; say which keys are unknown."""
        problems = self.problems()
        if problems:
            raise ConfigError(tuple(problems))

    def has(self, key: str) -> bool:
        """Whether the key is given at all."""
        self._known.add(key)
        return key in self._given

    def given(self, key: str) -> object:
        """The value as it stands there, for what may be of several kinds; None when it is not given."""
        self._known.add(key)
        return self._given.get(key)

    def names(self) -> tuple[str, ...]:
        """The keys that are given, of a table whose keys are names; each is to be asked for."""
        return tuple(map(str, self._given))

    def table(self, key: str, what: str) -> "Reader":
        """A table within this one; an empty one when it is not given."""
        self._known.add(key)
        return self._within(key, self._given.get(key, {}), what)

    def entries(self, key: str, what: str, most: int) -> "Reader":
        """A table within this one whose keys are `names`, at most so many; an empty one when there are more."""
        self._known.add(key)
        given = self._given.get(key, {})
        if isinstance(given, Mapping) and len(given) > most:
            self.problem(key, f"has {len(given)} entries", f"{most} at most")
            given = {}
        return self._within(key, given, what)

    def tables(self, key: str, what: str) -> "dict[str, Reader]":
        """The tables of a table of tables, by name: `[channels.pbx.queues.sales]`."""
        self._known.add(key)
        given = self._given.get(key, {})
        if not isinstance(given, Mapping) or len(given) > MAX_TABLES:
            self.problem(key, f"is not a table of at most {MAX_TABLES} tables", f"write [{self._path}.{key}.NAME]")
            return {}
        return {str(name): self._within(f"{key}.{name}", each, what) for name, each in given.items()}

    def pattern(self, key: str, default: str, form: re.Pattern[str], meaning: str) -> str:
        """A text of this form, which `meaning` describes. Missing without a default is a problem."""
        text = self.text(key, default)
        if text is None:
            return default
        if key not in self._given and not default:
            self.problem(key, "is missing", f"give it {meaning}")
        elif not form.fullmatch(text):
            self.problem(key, f"{text!r} cannot be used", f"it takes {meaning}")
            return default
        return text

    def choice(self, key: str, default: _Word, *others: _Word) -> _Word:
        """One of a few words."""
        text = self.text(key, default)
        choices = (default, *others)
        for each in choices:
            if text == each:
                return each
        if text is not None:
            self.problem(key, f"{text!r} is no choice", f"use {_alternatives(choices)}")
        return default

    def texts(self, key: str, default: tuple[str, ...], most: int, example: str) -> tuple[str, ...]:
        """A list of at most so many texts."""
        self._known.add(key)
        given = self._given.get(key, default)
        if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
            self.problem(key, "is not a list of texts", f"write it like {example}")
            return default
        if len(given) > most:
            self.problem(key, f"has {len(given)} entries", f"{most} at most")
            return default
        return tuple(given)

    def duration(self, key: str, default: int, least: int, most: int) -> int:
        """Microseconds, from `least` to `most`."""
        self._known.add(key)
        if key not in self._given:
            return default
        value = parse_duration(self._given[key])
        if value is None:
            self.problem(key, "is not a duration", 'write it like "10s", "500ms" or a number of seconds')
        elif not least <= value <= most:
            bounds = f"{least / SECOND_US:g} to {most / SECOND_US:g} seconds"
            self.problem(key, f"{value / SECOND_US:g} seconds are out of bounds", f"use {bounds}")
        else:
            return value
        return default

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        """An integer from `least` to `most`."""
        self._known.add(key)
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(key, f"{value!r} is not a number from {least} to {most}", f"leave it out for {default}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        self._known.add(key)
        value = self._given.get(key, default)
        if not isinstance(value, bool):
            self.problem(key, f"{value!r} is not true or false", "write true or false, without quotes")
            return default
        return value

    def text(self, key: str, default: str) -> str | None:
        """The text; None, with a note, when it is something else."""
        self._known.add(key)
        value = self._given.get(key, default)
        if isinstance(value, str):
            return value
        self.problem(key, "is not a text", "write it in quotes")
        return None

    def password(self) -> Password:
        """Exactly one of password_file, password_env and password."""
        present = [key for key in _PASSWORD_SOURCES if key in self._given]
        self._known.update(_PASSWORD_SOURCES)
        if len(present) != 1:
            reason = f"has {' and '.join(present)}" if present else "has no password"
            self.problem("", reason, "set exactly one of password_file, password_env and password")
            return Password()
        key = present[0]
        text = self.text(key, "")
        if not text:
            if text is not None:
                self.problem(key, "is empty", "give it a value")
        elif key == "password":
            if len(text) <= MAX_PASSWORD and text.isprintable():
                return Password(value=Secret(text))
            self.problem(key, "is too long or has control characters", f"use at most {MAX_PASSWORD} printable ones")
        elif key == "password_file":
            return Password(file=self.path(text))
        elif _ENVIRONMENT.fullmatch(text):
            return Password(variable=text)
        else:
            self.problem(key, "is not a variable's name", "name a variable, like ACD_ARI_PASSWORD")
        return Password()

    def path(self, text: str) -> Path:
        """A file that an option names: relative to the configuration's folder, which the runtime hands on."""
        return self._base / os.path.expanduser(text)  # noqa: PTH111 - never raises

    def _within(self, key: str, given: object, what: str) -> "Reader":
        if not isinstance(given, Mapping):
            self.problem(key, "is not a table", f"write [{self._path}.{key}]")
            given = {}
        within = Reader(f"{self._path}.{key}", given, what=what, base=self._base)
        self._tables.append(within)
        return within

    def problems(self) -> list[str]:
        """All of this table and those within it, once every key has been asked for."""
        for key in sorted(set(self._given) - self._known):
            close = get_close_matches(key, self._known, n=1)
            fix = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(self._known))}"
            if key in self._elsewhere:
                fix = f"it belongs into [{self._path}.{self._elsewhere[key]}]"
            self.problem(key, f"is no option of {self._what}", fix)
        return [*self._problems, *(problem for table in self._tables for problem in table.problems())]


def _alternatives(words: tuple[str, ...]) -> str:
    *first, last = (f'"{word}"' for word in words)
    return f"{', '.join(first)} or {last}" if first else last
