"""A line of a `queue_log` as AMI's `QueueLog` takes it. Owns the action. Must not know what lines say."""

from typing import Final

from acd.errors import ChannelError
from acd.ports.queue_log import LineRefused
from acd_asterisk.ami.connection import Manager
from acd_asterisk.ami.errors import Unsendable
from acd_asterisk.ami.wire import MAX_LINE_BYTES

MAX_VALUE_BYTES: Final = MAX_LINE_BYTES - 32
"""Of one value, beside its key; what is longer is cut, so that it can be said at all."""

_FIELDS: Final = 5


async def write_line(manager: Manager, line: str) -> None:
    """Have Asterisk write it, with its own time. Raises `LineRefused`, `ChannelError`."""
    _, call, queue, agent, verb, *data = f"{line}{'|' * _FIELDS}".split("|", _FIELDS)
    values = {
        "Queue": queue,
        "Event": verb,
        "Uniqueid": call,
        "Interface": agent,
        "Message": data[0][:-_FIELDS] if data else "",
    }
    if not queue or not verb:
        raise LineRefused("it has no queue or no event")
    try:
        reply = await manager.ask("QueueLog", {key: _cut(value) for key, value in values.items() if value})
    except Unsendable as error:
        raise LineRefused(str(error)) from None
    if not reply.is_success:
        raise ChannelError(f"AMI's QueueLog was refused: {reply.reason}; it takes app_queue, and write = agent")


def _cut(value: str) -> str:
    return value.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")
