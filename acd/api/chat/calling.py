"""A customer who writes would rather talk: which calls there are for them, and the ticket with which they begin one.

Owns what a call is told of its conversation. Must not know sockets, nor what becomes of the call, whose place in line
the engine itself looks up (`acd.ports.continuing`, WEBRTC.md).
"""

from typing import Final

from aiohttp import web

from acd.api.chat.messages import TicketTold
from acd.api.context import API, TOGETHER, Api
from acd.errors import ChannelError
from acd.ports.continuing import Continuing, Origin
from acd.runtime.chat.beginning import UNAVAILABLE
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Refused
from acd.runtime.chat.rooms import Room

_NO_CALLS: Final = Refused("no-calls", "Nobody can be called from here.")


class Calling:
    """Of one connection: from a page of this web origin, of a web chat that names a channel for calls."""

    def __init__(self, context: Api, calls: Continuing) -> None:
        """`calls`: where this page may call."""
        self._context = context
        self._calls = calls

    @property
    def channel(self) -> str:
        """Where the page calls."""
        return self._calls.name

    def ticket(self, key: str, visitor: str, room: Room | None) -> TicketTold:
        """For this visitor's call of this id, which goes on from the conversation. Raises `ChannelError`."""
        row = None if room is None or room.conversation.head.later else self._context.view.interaction(room.id)
        if room is None or row is None:
            origin = Origin(visitor, key)
        else:
            origin = Origin(visitor, key, room.id, row.requirement, row.priority)
        return TicketTold(key, self.channel, self._calls.ticket(origin), origin.conversation)


def calling_of(request: web.Request, channel: WebChatChannel) -> Calling | None:
    """What a page of the request's origin may do besides writing; None where it may not."""
    named, page = channel.options.call, request.headers.get("Origin", "")
    for app in (TOGETHER.get() or (request.app,)) if named else ():
        context = app[API]
        calls: object = context.router.channel(named)
        if context.router.channel(channel.name) is channel and isinstance(calls, Continuing) and calls.may_call(page):
            return Calling(context, calls)
    return None


def ticket_of(calling: Calling | None, key: str, visitor: str, room: Room | None) -> TicketTold | Refused:
    """The ticket, where there are calls."""
    if calling is None:
        return _NO_CALLS
    try:
        return calling.ticket(key, visitor, room)
    except ChannelError:
        return UNAVAILABLE
