"""Another `queue_log` than the file: that of a PBX, which a channel can write into.

Owns the protocol. Must not know any channel, nor what the lines say.
"""

from typing import Protocol, runtime_checkable

from acd.errors import ChannelError


class LineRefused(ChannelError):
    """A line that never can be taken: by a program of other people, say. It does not come again."""


@runtime_checkable
class TakesQueueLog(Protocol):
    """A channel whose far end keeps a `queue_log` of its own."""

    async def take_queue_log(self, line: str) -> None:
        """Write one line, `epoch|call|queue|agent|EVENT|data…`; on return it is written, with the far end's time.

        Raises `LineRefused`, or `ChannelError` when it is not certain; then the same line comes again.
        """
        ...
