"""Menus as they were configured: prompts, keys and what they lead to. Pure data, and what can be said of it.

Owns the shapes. Must not know how they are read (`options.menus`), nor who is in a menu (`visit`).
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

MAX_MENUS: Final = 200
"""Menus of one PBX."""

MAX_KEYS: Final = 200
"""Keys, or sequences of keys, that one menu takes."""

MAX_KEY: Final = 8
"""Keys of one such sequence."""

MAX_DIGITS: Final = 32
"""Digits of a number that is asked for; as many as can be said again."""

MAX_SOUNDS: Final = 16
"""Sounds of one prompt."""

MAX_RETRIES: Final = 10
"""How often a menu can be set to be asked again after nothing, or something wrong, was pressed."""

MAX_PATTERNS: Final = 16
"""Forms of a number that is asked for."""

DIGITS: Final = "{digits}"
"""Stands in a prompt for what was entered, said digit by digit."""

MENU_PREFIX: Final = "menu:"
"""`Stasis(acd,menu:main)`: to a menu instead of a queue."""

Spoken = tuple[tuple[str, tuple[str, ...]], ...]
"""Media, as ARI takes them, by language; the language is empty for all others."""

Ending = Literal["", "repeat", "back", "hangup"]

_SET: Final = re.compile(r"\[[0-9]{1,10}\]|[0-9XZN]")
_PATTERN: Final = re.compile(r"(?:\[[0-9]{1,10}\]|[0-9XZN]){1,64}\.?")
_CLASSES: Final = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


class Action(Struct, frozen=True):
    """What a key leads to: exactly one of `queue`, `menu`, `dialplan` and `ending`; and what is noted on the way."""

    queue: str = ""
    menu: str = ""
    dialplan: str = ""
    """`EXTENSION` or `EXTENSION@CONTEXT`."""
    ending: Ending = ""
    attributes: tuple[tuple[str, str], ...] = ()
    requirement: str = ""
    priority: int | None = None
    agent: str = ""
    """The agent who is asked first."""
    language: str = ""
    """In which the caller hears everything from now on."""


class Collect(Struct, frozen=True):
    """A number to ask for."""

    attribute: str
    """By what name it travels."""
    least: int
    most: int
    terminator: str
    """The key that ends it early; empty: none."""
    patterns: tuple[str, ...]
    """Of which it must have one; see `fits`."""
    confirm: Spoken
    """What is said before it counts: 1 says yes; empty: nothing is asked."""
    secret: bool
    """It is kept with the person, and nowhere else."""
    then: Action


class Menu(Struct, frozen=True, kw_only=True):
    """One menu: to choose in by `keys`, or to enter a number in (`collect`)."""

    name: str
    prompt: Spoken
    invalid: Spoken = ()
    timeout: Spoken = ()
    keys: tuple[tuple[str, Action], ...] = ()
    collect: Collect | None = None
    first_us: int
    """How long is waited for the first key."""
    between_us: int
    """How long for a further one."""
    retries: int
    default: Action
    """When nothing right was pressed in the end."""
    barge_in: bool = True
    """A key ends the prompt and counts; else keys count from its end."""
    entry: bool = False
    """The dialplan may let callers in here."""

    def actions(self) -> Iterator[tuple[str, Action]]:
        """Everything that it can lead to, by the option that says so."""
        yield from ((f"keys.{key}", action) for key, action in self.keys)
        if self.collect is not None:
            yield "then", self.collect.then
        yield "default", self.default


def sounds(spoken: Spoken, language: str) -> tuple[str, ...]:
    """What is played in this language; what was given for all others, where it was not named."""
    by_language = dict(spoken)
    return by_language.get(language, by_language.get("", ()))


def is_pattern(text: str) -> bool:
    """Whether it is a form of numbers: digits, `X` (0 to 9), `Z` (1 to 9), `N` (2 to 9), `[135]`, at its end `.`."""
    return _PATTERN.fullmatch(text) is not None


def fits(pattern: str, digits: str) -> bool:
    """Whether a number has a form, as Asterisk's own patterns have it; `.` stands for one or more of anything.

    One look at each digit: there is nothing to go back for.
    """
    parts = _SET.findall(pattern)
    if pattern.endswith("."):
        if len(digits) <= len(parts):
            return False
    elif len(digits) != len(parts):
        return False
    return all(re.fullmatch(_CLASSES.get(part, part), digit) for part, digit in zip(parts, digits, strict=False))
