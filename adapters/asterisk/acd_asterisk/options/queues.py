"""`[channels.NAME.queues.QUEUE]`: what is different at this PBX for the calls of one queue.

Owns their names, bounds and defaults. Must not know what is done with them.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from acd_asterisk.options.confirm import read_media
from acd_asterisk.options.phones import read_caller_name
from acd_asterisk.options.reader import Reader

Answer = Literal["at-once", "when-agent-answers"]


class QueueOptions(Struct, frozen=True, kw_only=True):
    """What is different for one queue; None: as for all."""

    answer: Answer | None = None
    """When callers are answered."""
    caller_name: str | None = None
    """The name that agents see, with `{queue}`, `{name}` and `{number}`."""
    whisper: tuple[str, ...] = ()
    """What an agent hears after picking up, before the caller can be heard."""


def read_answer(table: Reader) -> Answer:
    """When callers are answered: of a queue, or of all."""
    return table.choice("answer", "at-once", "when-agent-answers")


def read_queues(reader: Reader) -> Mapping[str, QueueOptions]:
    """Read `queues` of the channel's table; problems are the reader's."""
    return {queue: _queue(table) for queue, table in reader.tables("queues", "a queue at this PBX").items()}


def _queue(table: Reader) -> QueueOptions:
    return QueueOptions(
        answer=read_answer(table) if table.has("answer") else None,
        caller_name=read_caller_name(table) if table.has("caller_name") else None,
        whisper=read_media(table, "whisper", ()),
    )
