"""`[channels.NAME.queues.QUEUE]`: what is different at this PBX for the calls of one queue.

Owns their names, bounds and defaults. Must not know what is done with them.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from acd_asterisk.options.phones import read_caller_name
from acd_asterisk.options.reader import SECOND_US, Reader
from acd_asterisk.options.sounds import read_media
from acd_asterisk.options.waiting import Waiting, read_waiting
from acd_asterisk.translate import is_queue_name

Answer = Literal["at-once", "when-agent-answers"]

MAX_DISPOSITIONS: Final = 9
"""One for each of the keys 1 to 9."""

_NUMBER: Final = re.compile(r"[0-9A-Za-z+*#._-]{1,40}")


class QueueOptions(Struct, frozen=True, kw_only=True):
    """What is different for one queue; None: as for all."""

    answer: Answer | None = None
    """When callers are answered."""
    caller_name: str | None = None
    """The name that agents see, with `{queue}`, `{name}` and `{number}`."""
    briefing: tuple[str, ...] = ()
    """What an agent hears after picking up, before the caller can be heard."""
    dispositions: tuple[str, ...] = ()
    """Codes that agents set by key when the caller has hung up: the first by 1, the second by 2."""
    disposition_prompt: tuple[str, ...] = ("sound:beep",)
    disposition_within_us: int = 8 * SECOND_US
    """How long after the prompt a key is waited for."""
    number: str = ""
    """What agents transfer to by telephone when it is to this queue; empty: nothing."""
    waiting: Waiting = Waiting()
    """What callers who wait hear and may press."""


def read_answer(table: Reader) -> Answer:
    """When callers are answered: of a queue, or of all."""
    return table.choice("answer", "at-once", "when-agent-answers")


def read_queues(reader: Reader) -> Mapping[str, QueueOptions]:
    """Read `queues` of the channel's table; problems are the reader's."""
    tables = reader.tables("queues", "a queue at this PBX")
    queues = {queue: _queue(table) for queue, table in tables.items()}
    owners: dict[str, str] = {}
    for queue, options in queues.items():
        other = owners.setdefault(options.number, queue) if options.number else queue
        if other != queue:
            tables[queue].problem("number", f"{options.number!r} is the queue {other}'s, too", "give each its own")
    return queues


def _queue(table: Reader) -> QueueOptions:
    return QueueOptions(
        answer=read_answer(table) if table.has("answer") else None,
        caller_name=read_caller_name(table) if table.has("caller_name") else None,
        briefing=read_media(table, "briefing", ()),
        dispositions=_dispositions(table),
        disposition_prompt=read_media(table, "disposition_prompt", QueueOptions().disposition_prompt),
        disposition_within_us=table.duration("disposition_within", 8 * SECOND_US, SECOND_US, 30 * SECOND_US),
        number=table.pattern("number", "", _NUMBER, "digits, letters and + * # . _ -, at most 40")
        if table.has("number")
        else "",
        waiting=read_waiting(table),
    )


def _dispositions(table: Reader) -> tuple[str, ...]:
    codes = table.texts("dispositions", (), MAX_DISPOSITIONS, '["sold", "call-again"]')
    for code in dict.fromkeys(codes):
        if not is_queue_name(code) or codes.count(code) > 1:
            table.problem("dispositions", f"{code!r} is no code, or is there twice", "name the queue's dispositions")
    return codes
