"""Carrying texts between a socket and a page's connection, both ways, until one of the two ends.

Owns the two directions, how long a page may take over what it is sent, and the goodbye. Must not know what texts mean,
nor who may connect. Whoever serves pages keeps them in a `Carried`, which counts them and ends them all.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import aclosing, suppress
from functools import partial
from typing import Final

import structlog
from aiohttp import WSMsgType, web

from acd.api.inbound import said
from acd.api.rates import Rates
from acd.api.sockets import CLOSE_SECONDS, FLOOD, STOPPING, Ending
from acd.ports.pages import Page

SEND_SECONDS: Final = 10.0
"""Within this time a page has to take what it is sent, once its buffers are full."""

PING_SECONDS: Final = 20.0
"""How often a page is pinged; one that does not answer within half of it is cut off."""

CONNECTS_PER_SECOND: Final = 100.0
CONNECTS_AT_ONCE: Final = 2_500
"""How often one channel may be connected to: steadily, and in a burst, as after a restart."""

_GONE: Final = Ending(1000, "gone", "The page has closed the connection.")
_SLOW: Final = Ending(1013, "too-slow", "What was sent has not been taken; connect again.")
_FRAME: Final = Ending(4400, "malformed", "Messages are JSON in text frames; send no binary ones.")
_FAULT: Final = Ending(1011, "internal", "A fault in the server; it has been logged. Connect again.")
_MAX_REASON: Final = 120

_log = structlog.get_logger(__name__)


class Carried:
    """All pages of one kind that are connected to an application, `open` with their owners.

    `connects`: how often that may be, by channel; `of_channel`: how many there are.
    """

    def __init__(self) -> None:
        """None yet."""
        self.connects = Rates(CONNECTS_PER_SECOND, CONNECTS_AT_ONCE)
        self.of_channel: Counter[str] = Counter()
        self.open: dict[Page, object] = {}

    def begin(self, page: Page, channel: str, owner: object = None) -> None:
        """It counts. `owner`: whoever is meant by `end_of`."""
        self.open[page] = owner
        self.of_channel[channel] += 1

    def finish(self, page: Page, channel: str) -> None:
        """It is over, if it has not ended before."""
        page.end(_GONE)
        del self.open[page]
        self.of_channel[channel] -= 1

    def end_all(self) -> None:
        """The server stops."""
        for page in tuple(self.open):
            page.end(STOPPING)

    def end_of(self, owners: Collection[object], ending: Ending) -> None:
        """Those of these owners. O(pages)."""
        for page, owner in tuple(self.open.items()) if owners else ():
            if owner in owners:
                page.end(ending)


async def carry(ws: web.WebSocketResponse, page: Page, transport: asyncio.Transport | None, name: str) -> None:
    """Both directions, until one of them or the page's connection ends. `name`: the channel's, for the log."""
    telling = asyncio.create_task(tell(ws, page), name=f"{name}, to a page")
    listening = asyncio.create_task(_listen(ws, page), name=f"{name}, from a page")
    try:
        await asyncio.wait((telling, listening, page.ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, listening):
            error = task.exception() if task.done() else None
            if error is not None and not isinstance(error, ConnectionError):  # which is a page that has gone
                _log.error("a page's connection failed", instance=name, error=type(error).__name__)
                page.end(_FAULT)
        page.end(_GONE)
        if not ws.closed:
            telling.cancel()
            await asyncio.wait((telling,))
            await _close(ws, page, transport)
    finally:
        page.end(_GONE)
        for task in (telling, listening):
            task.cancel()
        await asyncio.gather(telling, listening, return_exceptions=True)


async def tell(ws: web.WebSocketResponse, page: Page) -> None:
    """Send what is to be sent; end the connection of a page that does not take it."""
    with suppress(ConnectionError):
        async with aclosing(page.outgoing()) as messages:
            async for message in messages:
                try:
                    async with asyncio.timeout(SEND_SECONDS):
                        await ws.send_str(message)
                except TimeoutError:
                    page.end(_SLOW)
                    return


async def _listen(ws: web.WebSocketResponse, page: Page) -> None:
    """Until the page is gone, or has broken the protocol. What is too large closes the socket by itself."""
    async for message in said(ws, partial(page.end, FLOOD)):
        if message.type == WSMsgType.TEXT:
            await page.receive(message.data)
        elif message.type == WSMsgType.BINARY:
            page.end(_FRAME)
        if page.ended.done():
            return


async def _close(ws: web.WebSocketResponse, page: Page, transport: asyncio.Transport | None) -> None:
    """Say goodbye; cut off whoever does not answer."""
    ending = page.ended.result()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ws.send_str(page.farewell(ending))
            await ws.close(code=ending.close_code, message=ending.code.encode()[:_MAX_REASON])
            return
    if transport is not None:
        transport.abort()
