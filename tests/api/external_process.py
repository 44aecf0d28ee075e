"""A process of an external channel, in the hands of a test: it says and hears single messages."""

import json
from typing import Any

import msgpack
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.api.harness import TOKENS, Http

SOON = 30.0
JSON = "acd.channel.v1+json"
MSGPACK = "acd.channel.v1+msgpack"

Message = dict[str, Any]


class Process:
    """One connection."""

    def __init__(self, ws: ClientWebSocketResponse, form: str) -> None:
        self.ws = ws
        self.form = form

    @classmethod
    async def dial(
        cls, http: Http | ClientSession, form: str = JSON, token: str = "web", channel: str = "web"
    ) -> "Process":
        headers = {"Authorization": f"Bearer {TOKENS.get(token, token)}"}
        return cls(await http.ws_connect(f"/v1/channels/{channel}", headers=headers, protocols=(form,)), form)

    @classmethod
    async def connect(cls, http: Http | ClientSession, form: str = JSON) -> "Process":
        process = await cls.dial(http, form)
        await process.say("hello")
        assert (await process.hear())["type"] == "welcome"
        return process

    async def say(self, type_: str, **fields: object) -> None:
        message = {"type": type_, **fields}
        if self.form == JSON:
            await self.ws.send_str(json.dumps(message))
        else:
            await self.ws.send_bytes(msgpack.packb(message))

    async def hear(self) -> Message:
        message = await self.ws.receive(SOON)
        assert message.type == (WSMsgType.TEXT if self.form == JSON else WSMsgType.BINARY), message
        found = json.loads(message.data) if self.form == JSON else msgpack.unpackb(message.data)
        assert isinstance(found, dict)
        return found

    async def asked(self, type_: str, **fields: object) -> Message:
        """Say it, and hear the answer."""
        await self.say(type_, **fields)
        return await self.hear()

    async def done(self) -> Message:
        """The next message, which is answered with `done`."""
        message = await self.hear()
        await self.say("done", number=message["number"])
        return message

    async def ended(self) -> tuple[int, str]:
        """Close code and the word of the last message, once the other end has closed."""
        closing = await self.hear()
        assert closing["type"] == "closing", closing
        assert closing["detail"]
        assert (await self.ws.receive(SOON)).type == WSMsgType.CLOSE
        assert self.ws.close_code is not None
        return self.ws.close_code, closing["code"]

    async def done_or_outcome(self) -> Message:
        """The next message; an order is answered with `done`."""
        message = await self.hear()
        if "number" in message:
            await self.say("done", number=message["number"])
        return message
