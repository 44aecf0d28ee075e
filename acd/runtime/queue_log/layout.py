"""One line of a `queue_log`: `epoch|callid|queue|agent|EVENT|data…`.

Owns the layout and that no value can be taken for a field or a line of its own. Must not know which events there are.
"""

from typing import Final

from msgspec import Struct

NONE: Final = "NONE"
"""Stands for no call, no queue, no agent."""

MAX_FIELD: Final = 256
"""Characters of one value; what is longer is cut."""

_INSTEAD: Final = "_"


class Line(Struct, frozen=True, gc=False):
    """One line. `at_s`: seconds since 1970. `call`, `queue`, `agent`: empty for none.

    `customer`: whose reference stands first to be replaced by a number in ENTERQUEUE; it is no part of the text.
    """

    at_s: int
    call: str
    queue: str
    agent: str
    verb: str
    data: tuple[str, ...] = ()
    customer: str = ""

    def text(self, number: str | None = None) -> str:
        """The line without its end. `number` replaces the caller's reference, the second value of ENTERQUEUE."""
        data = self.data if number is None else (self.data[0], number, *self.data[2:])
        names = (field(each) or NONE for each in (self.call, self.queue, self.agent))
        # A line without values ends with a bar, as app_queue writes it.
        return "|".join((str(self.at_s), *names, self.verb, *(map(field, data) if data else ("",))))

    def mark(self) -> bytes:
        """By which it is found again in the file, whatever is written for the caller. See `mark_of`."""
        return mark_of(self.text())


def mark_of(text: str) -> bytes:
    """A line of a file as far as it does not depend on who may see callers' numbers."""
    parts = text.split("|")
    if len(parts) > _CALLER and parts[_VERB] == ENTERQUEUE:
        parts[_CALLER] = ""
    return "|".join(parts).encode()


def field(value: str) -> str:
    """A value that is one field of one line: bars and whatever is not printable are replaced, and it is not too long.

    Not printable are all line breaks of Unicode, too, at which some programs end a line.
    """
    if len(value) <= MAX_FIELD and value.isprintable() and "|" not in value:
        return value.strip()
    kept = "".join(char if char.isprintable() and char != "|" else _INSTEAD for char in value[:MAX_FIELD])
    return kept.strip()


ENTERQUEUE: Final = "ENTERQUEUE"
_VERB: Final = 4
_CALLER: Final = 6
