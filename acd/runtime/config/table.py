"""Reading one TOML table: typed, bounded, every problem noted instead of raised.

Owns the checks that any key may need. Must not know any section. A method that finds a problem notes
it and returns the default, so that the rest of the document is still looked at.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from acd.core import limits
from acd.core.messages.types import ID_PATTERN
from acd.runtime.config.durations import FIX, format_duration, parse_duration
from acd.runtime.config.problems import Key, Problems, did_you_mean, quoted

MAX_TITLE: Final = 200
"""Characters of a name or title for people."""

_Choice = TypeVar("_Choice", bound=str)
_Kind = TypeVar("_Kind")
_ID = re.compile(ID_PATTERN)
_KINDS: dict[type, str] = {str: "a text", bool: "true or false", dict: "a table", list: "an array"}
_EXAMPLES: dict[type, str] = {str: "it in quotes", bool: "true or false", dict: "{ … } or a section", list: "[ … ]"}


class Table:
    """One table of the document at key path `key`; `base` is the folder that relative paths start from."""

    def __init__(self, raw: dict[str, object], key: Key, problems: Problems, base: Path) -> None:
        """`raw` is as `tomllib` gives it."""
        self.raw = raw
        self.key = key
        self.problems = problems
        self.base = base
        self._known: set[str] = set()

    def at(self, *parts: str | int) -> Key:
        """The key path of something in this table."""
        return (*self.key, *parts)

    def has(self, name: str) -> bool:
        """Whether the key is written down."""
        self._known.add(name)
        return name in self.raw

    def finish(self, elsewhere: Mapping[str, str] = MappingProxyType({})) -> None:
        """Note every key that nobody asked for. `elsewhere`: those that people write here, and where they belong."""
        for name in sorted(self.raw.keys() - self._known):
            fix = f"it belongs into {elsewhere[name]}" if name in elsewhere else did_you_mean(name, self._known)
            self.problems.error(self.at(name), "is not a key here", fix)

    def text(self, name: str, default: str = "", *, most: int = MAX_TITLE) -> str:
        """A text of at most `most` characters, on one line."""
        value = self._typed(name, str)
        if value is None:
            return default
        if len(value) > most:
            self.problems.error(self.at(name), f"is {len(value)} characters long", f"{most} at most")
            return default
        if not value.isprintable():
            self.problems.error(self.at(name), "contains a control character or a line break", "write it on one line")
            return default
        return value

    def identifier(self, name: str, default: str) -> str:
        """A text that may serve as an id."""
        value = self._typed(name, str)
        return value if value is not None and self.check_id(self.at(name), value) else default

    def check_id(self, key: Key, value: object) -> bool:
        """Note it when `value`, found at `key`, cannot be an id."""
        if not isinstance(value, str):
            self.problems.error(key, f"{quoted(value)} is not a text", "write it in quotes")
        elif not value:
            self.problems.error(key, "is an empty id", "name it")
        elif len(value) > limits.MAX_ID:
            self.problems.error(key, f"is an id of {len(value)} characters", f"{limits.MAX_ID} at most")
        elif not _ID.search(value):
            self.problems.error(key, f"{quoted(value)} has white space or a control character in it", "leave it out")
        else:
            return True
        return False

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._typed(name, bool)
        return default if value is None else value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        if not self.has(name):
            return default
        return self.check_integer(self.at(name), self.raw[name], default, least, most)

    def check_integer(self, key: Key, value: object, default: int, least: int, most: int) -> int:
        """`value`, found at `key`, if it is a whole number in its range; else `default`, and a note."""
        if isinstance(value, bool) or not isinstance(value, int):
            self.problems.error(key, f"{quoted(value)} is not a whole number", f"use {least} to {most}")
        elif not least <= value <= most:
            self.problems.error(key, f"{quoted(value)} is out of range", f"use {least} to {most}")
        else:
            return value
        return default

    def duration(self, name: str, default: int, least: int = 0, most: int = limits.MAX_DURATION_US) -> int:
        """A duration in µs from `least` to `most`."""
        if not self.has(name):
            return default
        micros = parse_duration(self.raw[name])
        if micros is None:
            self.problems.error(self.at(name), f"{quoted(self.raw[name])} is not a duration", FIX)
        elif not least <= micros <= most:
            reason = f"{quoted(self.raw[name])} is out of range"
            self.problems.error(self.at(name), reason, f"use {format_duration(least)} to {format_duration(most)}")
        else:
            return micros
        return default

    def durations(self, name: str, most: int) -> tuple[int, ...]:
        """An array of at most `most` durations in µs, none shorter than the one before."""
        value = self._typed(name, list) or []
        self._bounded(name, len(value), most)
        found: list[int] = []
        for index, item in enumerate(value):
            micros = parse_duration(item)
            if micros is None or micros > limits.MAX_DURATION_US:
                self.problems.error(self.at(name, index), f"{quoted(item)} is not a duration", FIX)
            elif found and micros < found[-1]:
                self.problems.error(self.at(name, index), f"{quoted(item)} is less than the one before", "sort them")
            else:
                found.append(micros)
        return tuple(found)

    def choice(self, name: str, default: _Choice, options: Sequence[_Choice], kind: str) -> _Choice:
        """One of `options`; `kind` says what it is, with its article (`a strategy`)."""
        value = self._typed(name, str)
        if value is None:
            return default
        for option in options:
            if option == value:
                return option
        self.problems.error(self.at(name), f"{quoted(value)} is not {kind}", f"use one of {', '.join(options)}")
        return default

    def path(self, name: str, default: str) -> Path:
        """A file or folder; a relative one is relative to the configuration's folder."""
        value = self._typed(name, str)
        if value is not None and (not value or "\0" in value):
            self.problems.error(self.at(name), "is not a path", "name a file or folder")
            value = None
        return self.resolved(default if value is None else value)

    def resolved(self, path: str) -> Path:
        """`path` as an absolute one, from the configuration's folder."""
        # os.path, because it keeps symbolic links as they are and never raises.
        return Path(os.path.abspath(self.base / os.path.expanduser(path)))  # noqa: PTH100, PTH111

    def ids(self, name: str, kind: str, most: int = limits.MAX_SKILLS) -> tuple[str, ...]:
        """An array of ids, sorted, each once; `kind` names one of them (`label`)."""
        value = self._typed(name, list)
        found: dict[str, int] = {}
        for index, item in enumerate(value or []):
            if not self.check_id(self.at(name, index), item):
                continue
            if item in found:
                reason = f"{kind} {quoted(item)} is named twice"
                self.problems.error(self.at(name, index), reason, "remove one of the two")
            found[item] = index
        self._bounded(name, len(found), most)
        return tuple(sorted(found))

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """An array of at most `most` texts, in order."""
        value = self._typed(name, list) or []
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.problems.error(self.at(name, index), f"{quoted(item)} is not a text", "write it in quotes")
        self._bounded(name, len(value), most)
        return tuple(item for item in value if isinstance(item, str))

    def table(self, name: str) -> "Table":
        """A table within this one; empty when it is not there."""
        value = self._typed(name, dict)
        return Table({} if value is None else value, self.at(name), self.problems, self.base)

    def named(self, name: str, kind: str, most: int) -> Iterator[tuple[str, "Table"]]:
        """Each `[name.ID]`, sorted by id; `kind` names one of them (`agent`). Bad ids are noted and left out."""
        outer = self.table(name)
        outer._bounded("", len(outer.raw), most)  # noqa: SLF001 - the same class
        for identity in sorted(outer.raw):
            inner = outer.raw[identity]
            if not isinstance(inner, dict):
                fix = f"write a {kind} as [{name}.{identity}] with its keys below"
                self.problems.error(outer.at(identity), f"{quoted(inner)} is not a table", fix)
            elif self.check_id(outer.at(identity), identity):
                yield identity, Table(inner, outer.at(identity), self.problems, self.base)

    def each(self, name: str, most: int) -> Iterator["Table"]:
        """Each element of an array of tables, in order."""
        value = self._typed(name, list) or []
        self._bounded(name, len(value), most)
        for index, inner in enumerate(value):
            if isinstance(inner, dict):
                yield Table(inner, self.at(name, index), self.problems, self.base)
            else:
                self.problems.error(self.at(name, index), f"{quoted(inner)} is not a table", f"use [[{name}]]")

    def _bounded(self, name: str, count: int, most: int) -> None:
        if count > most:
            key = self.at(name) if name else self.key
            self.problems.error(key, f"has {count} entries", f"{most} at most")

    def _typed(self, name: str, kind: type[_Kind]) -> _Kind | None:
        """The value if it is there and of this type; None, and a note if it is there, otherwise."""
        if not self.has(name):
            return None
        value = self.raw[name]
        if isinstance(value, kind):
            return value
        self.problems.error(self.at(name), f"{quoted(value)} is not {_KINDS[kind]}", f"write {_EXAMPLES[kind]}")
        return None
