"""A line of a scenario as a statement: its words from left to right, and what a word can stand for.

Owns splitting and reading single words. Must not know any verb (`scenario_words`) nor the engine.
"""

import difflib
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from acd.runtime.config.durations import FIX, parse_duration


class Problem(Exception):
    """A line cannot be read or did not come true; the message is for a person."""


class Line(NamedTuple):
    """One line of a scenario; `number` counts from 1."""

    number: int
    text: str


def read_lines(text: str) -> Iterator[Line]:
    """The lines that say something."""
    for number, each in enumerate(text.splitlines(), 1):
        if each.strip() and not each.lstrip().startswith("#"):
            yield Line(number, each)


class Statement:
    """The words of a line, taken from left to right."""

    def __init__(self, line: Line) -> None:
        """Raises `Problem` for a quote that is never closed."""
        lexer = shlex.shlex(line.text, posix=True, punctuation_chars=False)
        lexer.whitespace_split = True
        try:
            self._words = list(lexer)
        except ValueError as error:
            raise Problem(f"cannot split the line into words: {error}") from None
        self._at = 0

    def peek(self) -> str | None:
        """The next word, or None at the end."""
        return self._words[self._at] if self._at < len(self._words) else None

    def take(self, what: str) -> str:
        """The next word, which stands for `what`."""
        word = self.peek()
        if word is None:
            raise Problem(f"{what} is missing at the end")
        self._at += 1
        return word

    def skip(self, word: str) -> bool:
        """Step over a word if it comes next."""
        if self.peek() != word:
            return False
        self._at += 1
        return True

    def word(self, word: str) -> None:
        """This word must come next."""
        if not self.skip(word):
            raise Problem(f"expected the word {word!r}, found {self.peek() or 'the end of the line'!r}")

    def duration(self, what: str) -> int:
        """The next word as a duration, in µs."""
        return duration(self.take(what))

    def options(self, *names: str) -> dict[str, str]:
        """The rest of the line as pairs of name and value."""
        found: dict[str, str] = {}
        while self.peek() is not None:
            name = self.take("a name")
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                hint = f": did you mean {close[0]}?" if close else f"; there are: {', '.join(names) or 'none'}"
                raise Problem(f"unknown word {name!r}{hint}")
            if name in found:
                raise Problem(f"{name} is given twice")
            found[name] = self.take(f"the value of {name}")
        return found


def duration(text: str) -> int:
    """A duration in µs. Raises `Problem`."""
    micros = parse_duration(text)
    if micros is None:
        raise Problem(f"{text!r} is no duration: {FIX}")
    return micros


def integer(text: str) -> int:
    """A whole number. Raises `Problem`."""
    try:
        return int(text)
    except ValueError:
        raise Problem(f"{text!r} is no whole number") from None


def pairs(text: str) -> tuple[tuple[str, int], ...]:
    """`a=5,b=3`. Raises `Problem`."""
    found = []
    for each in filter(None, text.split(",")):
        name, equals, number = each.rpartition("=")
        if not equals:
            raise Problem(f"{each!r} lacks a number: write {each}=1")
        found.append((name, integer(number)))
    return tuple(found)


def attributes(text: str) -> tuple[tuple[str, str], ...]:
    """`a=b,c=d`."""
    found = (each.partition("=") for each in filter(None, text.split(",")))
    return tuple((name, value) for name, _, value in found)


def yes_or_no(text: str) -> bool:
    """Raises `Problem` for any other word."""
    if text not in ("yes", "no"):
        raise Problem(f"expected yes or no, found {text!r}")
    return text == "yes"
