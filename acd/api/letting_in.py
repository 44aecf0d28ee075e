"""Which customers' pages may connect: those of listed origins, of a channel that there is, so many and so often.

Owns these checks, of all pages and of those of one address, before a request becomes a socket. Must not know what is
said then. Nobody is asked for a token of the API's: whose pages they are is said by the channel, which is of whichever
domain at this address has it.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from aiohttp import web

from acd.api.addresses import Addresses
from acd.api.carrying import Carried
from acd.api.context import API, TOGETHER
from acd.api.problems import Problem, not_found, too_many
from acd.errors import ChannelError
from acd.ports.channel import Channel

_Kind = TypeVar("_Kind")


class OfPages(Protocol):
    """A channel whose customers come by pages."""

    name: str

    def health(self) -> Mapping[str, str | int | bool]:
        """As of any channel."""
        ...

    def now_us(self) -> int:
        """The engine's time. Raises `ChannelError` when there is none."""
        ...


def channel_of_page(
    request: web.Request, name: str, of_kind: Callable[[Channel | None], _Kind | None], what: str
) -> _Kind:
    """The channel of this name, if it is `of_kind`. Raises a Problem with 404, also for two of a name.

    `what`: it is called, where there is none.
    """
    apps = TOGETHER.get() or (request.app,)
    named = (of_kind(app[API].router.channel(name)) for app in apps)
    found = [channel for channel in named if channel is not None]
    if len(found) != 1:
        raise not_found(what)
    return found[0]


def check_origin(request: web.Request, origins: Collection[str], name: str) -> None:
    """Raise a Problem with 403 for what is no page of a listed origin."""
    if request.headers.get("Origin", "").lower() not in origins:
        detail = f"Pages of this origin may not connect here; list it in channels.{name}.origins."
        raise Problem(403, "foreign-origin", detail)


def moment_of(channel: OfPages) -> int:
    """The engine's time. Raises a Problem with 503 while nobody can connect, whoever it is."""
    try:
        moment_us = channel.now_us()
    except ChannelError:
        raise Problem(503, "closed", "The engine is starting or stopping; try again later.") from None
    if channel.health()["connected"] is not True:
        raise Problem(503, "channel-unavailable", "Conversations cannot be kept just now; try again later.")
    return moment_us


def check_address(addresses: Addresses, channel: OfPages, place: str, most: int, moment_us: int) -> None:
    """Count one that connects from there. Raises a Problem with 429; asked before the room, which is everybody's.

    `most`: pages of one address at a time, 0 for any number.
    """
    wait_seconds = addresses.connects(place, moment_us)
    if wait_seconds:
        raise too_many(429, "This address connects too often.", wait_seconds)
    if not addresses.has_room(channel.name, place, most):
        raise too_many(429, "This address has too many pages open; close some.", 5)


def check_room(pages: Carried, channel: OfPages, most: int, moment_us: int) -> None:
    """Count one that connects. Raises a Problem with 429 or 503 while that cannot be."""
    wait_seconds = pages.connects.take(channel.name, moment_us)
    if wait_seconds:
        raise too_many(429, "This channel is connected to too often.", wait_seconds)
    if pages.of_channel[channel.name] >= most:
        raise too_many(503, "There are too many pages open; try again later.", 5)
