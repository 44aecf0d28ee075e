"""The one place through which every action goes on its way, and the reading of what comes back.

Owns what may stand in a line, and when an action has been answered in full. Must not know connections, nor what any
action is for. A line break in a value would begin another action; so would a line that is longer than Asterisk reads
at once, because it takes the rest for a new one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from panoramisk.actions import Action
from panoramisk.message import Message
from panoramisk.utils import EOL

from acd_asterisk.ami.errors import Unsendable

MAX_LINE_BYTES: Final = 1_000
"""Of a key and its value; Asterisk's own bound is 1,024."""

MAX_LINES: Final = 100
"""Of one action; Asterisk drops what is beyond 128."""

MAX_ITEMS: Final = 100_000
"""Of one list; further items of it are dropped."""

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")

Value = str | int | Sequence[str]
"""Several texts are as many lines of one key."""

__all__ = ["Message", "Request", "Value", "encoded", "text_of", "texts_of"]


def encoded(fields: Mapping[str, Value]) -> bytes:
    """An action as it is sent. Raises `Unsendable`, which names the key and never the value."""
    lines = [_line(key, text) for key, value in fields.items() for text in _texts(key, value)]
    if len(lines) > MAX_LINES:
        raise Unsendable(f"an action of {len(lines)} lines; at most {MAX_LINES}")
    return b"".join((*lines, EOL.encode()))


def text_of(message: Message, key: str) -> str:
    """The value of a key, the first one when there are several; empty without one."""
    found = texts_of(message, key)
    return found[0] if found else ""


def texts_of(message: Message, key: str) -> list[str]:
    """All values of a key, in order."""
    value = message.get(key, [])
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


class Request(Action):  # type: ignore[misc] # panoramisk has no types
    """An action and its answer. `wants_list`: the answer is followed by events, up to one that ends them.

    panoramisk guesses from the text of the answer whether more is to come, and waits for ever for the events of
    `QueueAdd`. Asterisk says whether a list begins; without that there is none.
    """

    def __init__(self, fields: Mapping[str, Value], *, wants_list: bool = False, until: str = "") -> None:
        """Checked when it is sent. `until`: the event at the list's end, for an Asterisk that does not mark it."""
        super().__init__(dict(fields))
        self.wants_list = wants_list
        self.until = until

    def add_message(self, message: Message) -> bool:
        """Take in a response, or an event of the list; whether the answer is complete now."""
        if len(self.responses) < MAX_ITEMS or self._is_end(message):
            self.responses.append(message)
        is_complete = self._is_end(message) or not self._has_list()
        if is_complete and not self.future.done():
            self.future.set_result(list(self.responses))
        return is_complete

    def _has_list(self) -> bool:
        first = self.responses[0]
        begins = text_of(first, "EventList").lower() == "start" or bool(self.until)
        return self.wants_list and begins and bool(first.success)

    def _is_end(self, message: Message) -> bool:
        if self.until and text_of(message, "Event") == self.until:
            return True
        return "event" in message and text_of(message, "EventList").lower() in {"complete", "cancelled"}


def _texts(key: str, value: object) -> Iterator[str]:
    for each in value if isinstance(value, list | tuple) else (value,):
        if isinstance(each, bool) or not isinstance(each, str | int):
            raise Unsendable(f"a value of {_shown(key)} is neither a text nor a number")
        yield str(each)


def _line(key: str, text: str) -> bytes:
    if not _KEY.fullmatch(key):
        raise Unsendable(f"{_shown(key)} cannot be a key of an action")
    if _FORBIDDEN.search(text):
        raise Unsendable(f"the value of {key} has a line break or NUL, which would be another action; leave it out")
    try:
        line = f"{key}: {text}{EOL}".encode()
    except UnicodeEncodeError:
        raise Unsendable(f"the value of {key} cannot be written as UTF-8") from None
    if len(line) > MAX_LINE_BYTES:
        raise Unsendable(
            f"{key} is longer than Asterisk reads as one line; at most {MAX_LINE_BYTES} bytes with its value"
        )
    return line


def _shown(key: str) -> str:
    """A key for an error: it may have come from outside, too."""
    return ascii(key[:32])
