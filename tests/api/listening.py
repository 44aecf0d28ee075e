"""Clients of the event stream, for tests."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgpack
from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.api.harness import TOKENS, Http

SOON = 30.0

Message = dict[str, Any]


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS.get(name, name)}"}


class Listener:
    """One socket."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws

    async def next(self) -> Message:
        message = await self.ws.receive(SOON)
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
        found = json.loads(message.data) if message.type == WSMsgType.TEXT else msgpack.unpackb(message.data)
        assert isinstance(found, dict)
        return found

    async def kinds(self, count: int) -> list[str]:
        return [(await self.next())["type"].removeprefix("acd.") for _ in range(count)]

    async def until_closed(self) -> tuple[int, list[Message]]:
        """The close code, and what came before."""
        found: list[Message] = []
        async with asyncio.timeout(SOON):  # heartbeats would go on for ever
            while (message := await self.ws.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                found.append(json.loads(message.data))
        assert self.ws.close_code is not None
        return self.ws.close_code, found


class Connect:
    """Opens sockets, reads the first message of each, and closes them in the end."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.opened: list[ClientWebSocketResponse] = []

    async def __call__(
        self,
        token: str = "boss",
        query: str = "",
        protocols: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Listener:
        ws = await self.http.ws_connect(
            f"/v1/events?{query}", headers=bearer(token) if headers is None else headers, protocols=protocols
        )
        self.opened.append(ws)
        listener = Listener(ws)
        started = await listener.next()
        assert started["type"] == "acd.stream-started"
        return listener

    async def close(self) -> None:
        for ws in self.opened:
            await ws.close()
