"""A customer's page in the hands of a test: it says and hears single messages, or keeps a log as a real one does."""

import asyncio
import json
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from acd.client.chat_log import ChatLog
from tests.api.harness import Http

SOON = 30.0
ORIGIN = "https://shop.example"
PROTOCOL = "acd.chat.v1+json"

Message = dict[str, Any]


class Page:
    """One connection at a time. `token` is kept from one to the next, and so is `log`."""

    def __init__(self, http: Http | ClientSession, channel: str = "shop", address: str = "") -> None:
        """`address`: from where, as a proxy before the server says."""
        self.http = http
        self.forwarded = {"X-Forwarded-For": f"10.9.9.9, {address}"} if address else {}
        self.channel = channel
        self.token = ""
        self.log = ChatLog()
        self.ws: ClientWebSocketResponse

    async def dial(self, origin: str = ORIGIN, protocol: str = PROTOCOL) -> Self:
        self.ws = await self.http.ws_connect(
            "/v1/chat",
            params={"channel": self.channel},
            headers={"Origin": origin, **self.forwarded},
            protocols=(protocol,),
        )
        return self

    async def connect(self) -> Message:
        """Say hello with what is known; returns the welcome."""
        await self.dial()
        known = {"conversation": self.conversation, "after": self.log.after} if self.conversation else {}
        await self.say("hello", token=self.token, **known)
        welcome = await self.hear()
        assert welcome["type"] == "welcome", welcome
        self.token = welcome["token"]
        return welcome

    def cut(self) -> None:
        """The network goes, without a word in either direction."""
        response: Any = self.ws._response
        response.connection.transport.abort()

    async def say(self, type_: str, **fields: object) -> None:
        await self.ws.send_str(json.dumps({"type": type_, **fields}))

    async def hear(self) -> Message:
        # Not the socket's own time-out, which every ping begins anew.
        async with asyncio.timeout(SOON):
            message = await self.ws.receive()
        assert message.type == WSMsgType.TEXT, message
        found = json.loads(message.data)
        assert isinstance(found, dict)
        return found

    async def until(self, type_: str, **fields: object) -> Message:
        """The next message of this type with these fields; entries on the way are taken."""
        while True:
            message = await self.hear()
            if message["type"] == "conversation":
                self.log.show(message["id"], anew=message["anew"])
            if message["type"] == "entry":
                assert message["conversation"] == self.conversation
                self.log.take(message)
            if message["type"] == "sent":
                self.log.sent(message["id"])
            if message["type"] == type_ and all(message[name] == value for name, value in fields.items()):
                return message

    async def begin(self, **fields: object) -> str:
        """A conversation; returns its id."""
        await self.say("begin", id="first", **fields)
        done = await self.until("done", id="first")
        await self.until("conversation")
        return str(done["conversation"])

    async def ended(self) -> tuple[int, str]:
        """Close code and the word of the last message, once the other end has closed."""
        closing = await self.until("closing")
        assert closing["detail"]
        closed = await self.ws.receive(SOON)
        assert closed.type == WSMsgType.CLOSE
        return int(closed.data), str(closing["code"])

    async def write(self, text: str) -> None:
        """As a real page does: kept until it is answered."""
        await self._send(self.log.say(text))

    async def again(self) -> None:
        """What had no answer."""
        await self._send(self.log.again())

    async def _send(self, messages: list[Message]) -> None:
        for message in messages:
            await self.ws.send_str(json.dumps(message))

    @property
    def conversation(self) -> str:
        """The one that it shows."""
        return self.log.conversation

    @property
    def texts(self) -> list[str]:
        """What it shows."""
        return [entry["text"] for entry in self.log.shown if entry["kind"] == "message"]
