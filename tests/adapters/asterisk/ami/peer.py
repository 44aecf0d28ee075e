"""A scripted AMI on a TCP port, for what a real Asterisk does not do on demand: cut text, freeze, hang up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from acd_asterisk.ami import Access

Fields = dict[str, str]


class Peer:
    """What has been asked, and the way to say something."""

    def __init__(self) -> None:
        self.asked: list[Fields] = []
        self.is_frozen = False
        self.writer: asyncio.StreamWriter
        self.connections = 0
        self.serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.answers: dict[str, Callable[[Fields], Awaitable[None]]] = {}

    def names(self) -> list[str]:
        return [each["Action"] for each in self.asked]

    async def say(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving[task] = writer
        await self.say("Asterisk Call Manager/9.0.0\r\n")
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                pairs = (line.split(": ", 1) for line in raw.decode().strip().split("\r\n"))
                fields = {key: value for key, value in pairs}  # noqa: C416 - of lists of two
                self.asked.append(fields)
                if not self.is_frozen:
                    await self._answer(fields)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, fields: Fields) -> None:
        action, own = fields["Action"], fields["ActionID"]
        if action in self.answers:
            await self.answers[action](fields)
        elif action == "Challenge":
            await self.say(f"Response: Success\r\nActionID: {own}\r\nChallenge: 1\r\n\r\n")
        else:
            await self.say(f"Response: Success\r\nActionID: {own}\r\nMessage: fine\r\n\r\n")
            if action == "Login":
                await self.say("Event: FullyBooted\r\nUptime: 1\r\n\r\n")


@asynccontextmanager
async def scripted() -> AsyncIterator[tuple[Peer, Access]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield peer, Access(port=port, user="acd", password="canary-secret")
    finally:
        server.close()
        for writer in peer.serving.values():
            writer.transport.abort()
        await asyncio.gather(*peer.serving)
