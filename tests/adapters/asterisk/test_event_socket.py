"""A WebSocket whose other end reads nothing any more."""

import asyncio
from typing import cast

import pytest
from aiohttp import ClientWebSocketResponse

from acd_asterisk import event_socket
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.socket_requests import SocketClosed


class Stuck:
    """There is no room on the line for a farewell."""

    is_cancelled = False

    async def send_str(self, _text: str) -> None:
        """Nothing is sent here."""

    async def close(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


async def test_a_farewell_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else there would be no other connection until the system finds out that this one is dead."""
    monkeypatch.setattr(event_socket, "CLOSE_SECONDS", 0.05)
    stuck = Stuck()
    async with asyncio.timeout(5):
        async with EventSocket(cast("ClientWebSocketResponse", stuck)) as socket:
            waiting = asyncio.ensure_future(socket.requests.ask("GET", "x"))
            await asyncio.sleep(0)
        with pytest.raises(SocketClosed):
            await waiting
    assert stuck.is_cancelled
    assert socket.requests.is_closed
