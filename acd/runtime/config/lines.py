"""Which line of a TOML text a key path is on. `tomllib` does not say, so the text is walked once more.

Owns a tolerant walk over TOML's syntax: it never raises and never fails to end, and what it says only
ever decides a line number, never a value. Must not know any section of the configuration.
"""

import re
from collections.abc import Iterator
from typing import Final

from acd.runtime.config.problems import Key

MAX_DEPTH: Final = 64
"""Arrays and inline tables within each other; what is deeper is located at the 64th."""

_BLANK = re.compile(r"[ \t\r]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[^\s.=\[\]{},#\"']+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_CLOSING = re.compile(r"[ \t]*\]{0,2}")
_REST = re.compile(r"[^\n]*\n?")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfre"\\]))')
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}


class Lines:
    """Line numbers (from 1) of every key path in a text, and the keys that are written twice."""

    def __init__(self, text: str) -> None:
        """Walk `text`, which need not be valid TOML."""
        self._known: dict[Key, int] = {(): 0}
        self._explicit: dict[Key, int] = {}
        self.duplicates: list[tuple[Key, int, int]] = []
        """(key path, line of the first, line of the second)."""
        _Walk(text, self).document()

    def line(self, key: Key) -> int:
        """The line of a key, or of the nearest table around it; 0 for the document as a whole."""
        while key not in self._known:
            key = key[:-1]
        return self._known[key]

    def __iter__(self) -> Iterator[Key]:
        """Every key path found, the document's own `()` first."""
        return iter(self._known)

    def mention(self, key: Key, line: int) -> None:
        """The key occurs on this line, as a part of a longer one or as itself."""
        for end in range(1, len(key) + 1):
            self._known.setdefault(key[:end], line)

    def define(self, key: Key, line: int) -> None:
        """The key is given its value (or its table is opened) on this line."""
        if key in self._explicit:
            self.duplicates.append((key, self._explicit[key], line))
            return
        self._explicit[key] = self._known[key] = line
        self.mention(key, line)


class _Walk:
    """One pass over the text; `_at` is where it stands."""

    def __init__(self, text: str, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._at = 0
        self._counted_to = 0
        self._line = 1
        self._elements: dict[Key, int] = {}

    def document(self) -> None:
        """Headers and key-value lines to the end of the text; what cannot be read is skipped to the end of its line."""
        table: Key = ()
        self._skip(_GAP)
        while self._at < len(self._text):
            start = self._at
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table, 0)
            self._skip(_BLANK)
            if self._at == start or self._peek() not in "\n#":
                self._skip(_REST)
            self._skip(_GAP)

    def _header(self) -> Key:
        array = self._text.startswith("[[", self._at)
        line = self._here()
        self._at += 2 if array else 1
        parts = self._key()
        self._skip(_CLOSING)
        table: Key = ()
        for part in parts[:-1]:
            table = self._newest((*table, part))
        if not parts:
            return table
        table = (*table, parts[-1])
        if array:
            self._elements[table] = self._elements.get(table, -1) + 1
            self._lines.mention(table, line)
            table = self._newest(table)
        else:
            table = self._newest(table)
        self._lines.define(table, line)
        return table

    def _newest(self, table: Key) -> Key:
        """A header that passes through an array of tables means its last element."""
        return (*table, self._elements[table]) if table in self._elements else table

    def _pair(self, table: Key, depth: int) -> None:
        line = self._here()
        parts = self._key()
        if not parts:
            return
        key = (*table, *parts)
        self._lines.define(key, line)
        self._skip(_BLANK)
        if self._peek() == "=":
            self._at += 1
            self._skip(_BLANK)
            self._value(key, depth)

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            part = self._key_part()
            if part is None:
                return tuple(parts)
            parts.append(part)
            self._skip(_BLANK)
            if self._peek() != ".":
                return tuple(parts)
            self._at += 1

    def _key_part(self) -> str | None:
        if self._peek() in "\"'":
            quote, start = self._peek(), self._at
            if not self._skip(_STRINGS[2 if quote == '"' else 3]):
                return None
            inner = self._text[start + 1 : self._at - 1]
            return _ESCAPE.sub(_unescape, inner) if quote == '"' else inner
        start = self._at
        return self._text[start : self._at] if self._skip(_BARE) else None

    def _value(self, key: Key, depth: int) -> None:
        opening = self._peek()
        if opening in "\"'":
            if not any(self._skip(pattern) for pattern in _STRINGS):
                self._skip(_SCALAR)
        elif opening in "[{" and depth < MAX_DEPTH:
            self._at += 1
            self._members(key, depth + 1, closing="]" if opening == "[" else "}")
        else:
            self._skip(_SCALAR)

    def _members(self, key: Key, depth: int, closing: str) -> None:
        index = 0
        while True:
            self._skip(_GAP)
            start = self._at
            if self._at >= len(self._text):
                return
            if self._peek() == closing:
                self._at += 1
                return
            if closing == "]":
                self._lines.mention((*key, index), self._here())
                self._value((*key, index), depth)
                index += 1
            else:
                self._pair(key, depth)
            self._skip(_GAP)
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != closing and self._at == start:
                return  # stuck on something that is no TOML: the line is skipped by `document`

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line

    def _peek(self) -> str:
        """The next character; a newline at the end of the text."""
        return self._text[self._at] if self._at < len(self._text) else "\n"

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Step over what the pattern matches here; False when that is nothing."""
        match = pattern.match(self._text, self._at)
        if match is None or match.end() == self._at:
            return False
        self._at = match.end()
        return True


def _unescape(match: re.Match[str]) -> str:
    short, code = match[3], match[1] or match[2]
    if short:
        return _SHORT[short]
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else match[0]  # noqa: PLR2004 - the last code point there is
