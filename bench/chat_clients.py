"""Customers' pages and agents' desks of a web chat, in a process of their own: many idle, some who write to each other.

Owns the pages, the desks, and how long a message takes from one to the other. Must not know what is measured with it.
Frames and requests are taken apart by hand: thousands of clients in one process must cost less than what they load.

`python -m bench.chat_clients --port P …` prints `connected` when all idle pages are, `ready` when conversations go on,
and its findings (JSON) when a line comes on its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import deque
from time import perf_counter
from typing import Any, Final

CONNECT_AT_ONCE: Final = 50
PING_SECONDS: Final = 25.0
"""How often an idle page asks whether the other end is there, as the chat window does."""

MARK_SECONDS: Final = 0.15
"""After so long a page says that it has shown what came, as the chat window does."""

WARM_UP_SECONDS: Final = 3.0
SETTLE_SECONDS: Final = 2.0
JOIN_SECONDS: Final = 60.0
TICK_SECONDS: Final = 0.005
TEXT: Final = "Where is my parcel? It was to come on Monday."

PATIENT: Final = 10
"""How nice the process is: its clients stand for other machines, which would not take processor time from this one."""

ORIGIN: Final = "https://bench.example"
_KEY: Final = "MDEyMzQ1Njc4OWFiY2RlZg=="
_TEXT_FRAME, _PING_FRAME = 0x81, 0x89
_SHORT, _LONG = 126, 127
_HEAD: Final = 2
_MAX_SHORT: Final = 65_536

Json = dict[str, Any]


class Socket(asyncio.Protocol):
    """A WebSocket: texts in, texts out, pings answered."""

    def __init__(self, path: str, headers: str) -> None:
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.transport: asyncio.Transport
        self._path, self._headers = path, headers
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        head = f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        more = f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n{self._headers}\r\n"
        transport.write((head + more).encode())

    def connection_lost(self, _error: Exception | None) -> None:
        """Closed by either side."""
        self.closed = True
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(self._buffer[:300].decode(errors="replace")))

    def data_received(self, data: bytes) -> None:
        """Frames, once the handshake is over."""
        self._buffer += data
        if not self._upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.transport.abort()
                return
            self._upgraded, self._buffer = True, rest
            self.connected.set_result(None)
        self._frames()

    def say(self, message: Json) -> None:
        """A message of less than 64 KiB."""
        payload = json.dumps(message, separators=(",", ":")).encode()
        length = len(payload)
        size = bytes((0x80 | length,)) if length < _SHORT else bytes((0x80 | _SHORT,)) + length.to_bytes(2, "big")
        # Masked, as a client's have to be, with a key that changes nothing.
        self.transport.write(b"\x81" + size + bytes(4) + payload)

    def hear(self, payload: bytes) -> None:
        """A text has come."""

    def _frames(self) -> None:
        buffer, place = self._buffer, 0
        while len(buffer) - place >= _HEAD:
            first, length, start = buffer[place], buffer[place + 1], place + 2
            if length == _SHORT:
                length, start = int.from_bytes(buffer[start : start + 2], "big"), start + 2
            elif length == _LONG:
                length, start = int.from_bytes(buffer[start : start + 8], "big"), start + 8
            if len(buffer) < start + length:
                break
            place = start + length
            payload = buffer[start:place]
            if first == _PING_FRAME:
                self.transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
            elif first == _TEXT_FRAME:
                self.hear(payload)
        self._buffer = buffer[place:]


class Page(Socket):
    """A customer's, which says what it has shown."""

    def __init__(self, clients: Clients) -> None:
        super().__init__("/v1/chat?channel=bench", f"Origin: {ORIGIN}\r\nSec-WebSocket-Protocol: acd.chat.v1+json\r\n")
        self.conversation = ""
        self.joined = asyncio.Event()
        self.welcomed = asyncio.Event()
        self._clients = clients
        self._read = 0

    def _mark(self) -> None:
        if not self.closed:
            self.say({"type": "mark", "read": self._read, "conversation": self.conversation})
        self._read = 0

    def hear(self, payload: bytes) -> None:
        """What concerns the bench."""
        told = json.loads(payload)
        kind = told["type"]
        if kind == "entry" and told["kind"] == "message" and told["side"] == "agent":
            self._clients.arrived(told["text"])
            if not self._read:
                asyncio.get_running_loop().call_later(MARK_SECONDS, self._mark)
            self._read = told["seq"]
        elif kind == "sent":
            self._clients.answered(told["id"])
        elif kind == "conversation":
            self.conversation = told["id"]
        elif kind == "entry" and told["kind"] == "joined":
            self.joined.set()
        elif kind == "welcome":
            self.welcomed.set()
        elif kind in {"error", "closing"}:
            self._clients.faults.append(payload.decode())


class Line(asyncio.Protocol):
    """One connection for requests, answered in their order."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._transport: asyncio.Transport
        self._waiting: deque[asyncio.Future[Json]] = deque()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def close(self) -> None:
        """No more requests."""
        self._transport.abort()

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer. Raises `RuntimeError` for any that is no success."""
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n"
        more = f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._transport.write((head + more).encode() + payload)
        return await future

    def data_received(self, data: bytes) -> None:
        """Answers, each with its length."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            future = self._waiting.popleft()
            if head.startswith("http/1.1 20"):
                future.set_result(json.loads(body))
            else:
                future.set_exception(RuntimeError(body.decode()))


class Desk(Socket):
    """An agent's: it takes what it is offered, and reads what is new, as the agents' page does."""

    def __init__(self, clients: Clients, name: str, token: str) -> None:
        query = f"/v1/events?agent={name}&conversations=true&coalesce=true"
        super().__init__(query, f"Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: cloudevents.json\r\n")
        self.name = name
        self.read: dict[str, int] = {}
        self.requests = Line(token)
        self._clients = clients
        self._reading: dict[str, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, payload: bytes) -> None:
        """What concerns the bench."""
        event = json.loads(payload)
        if event["type"] == "acd.conversation" and event["data"]["news"] == "entries":
            self._read_soon(event["data"]["interaction_id"])
        elif event["type"] == "acd.offer-made":
            self._spawn(self._accept())

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._clients.faults.append(f"{self.name}: {task.exception()}")

    async def _accept(self) -> None:
        found = await self.requests.ask("GET", f"/v1/agents/{self.name}/offers")
        for each in found["offers"]:
            if each["interaction"]["id"] not in self.read:
                self.read[each["interaction"]["id"]] = 0
                await self.requests.ask("POST", f"/v1/offers/{each['id']}/accept", {"agent_id": self.name})

    def _read_soon(self, conversation: str) -> None:
        if conversation in self._reading:
            self._reading[conversation] = True
        elif conversation in self.read:
            self._reading[conversation] = True
            self._spawn(self._read(conversation))

    async def _read(self, conversation: str) -> None:
        try:
            while self._reading[conversation]:
                self._reading[conversation] = mark = False
                path = f"/v1/agents/{self.name}/conversations/{conversation}?after={self.read[conversation]}"
                found = await self.requests.ask("GET", path)
                for entry in found["entries"]:
                    self.read[conversation] = entry["seq"]
                    if entry["side"] == "customer" and entry["kind"] == "message":
                        self._clients.arrived(entry["text"])
                        self._clients.heard(conversation, self)
                        mark = True
                if mark:
                    path = f"/v1/agents/{self.name}/conversations/{conversation}/marks"
                    await self.requests.ask("POST", path, {"read": self.read[conversation]})
        finally:
            del self._reading[conversation]


class Clients:
    """All of them. `late_us`: from writing a message to its coming, in µs; `answered_us`: to its being kept."""

    def __init__(self, port: int) -> None:
        self.faults: list[str] = []
        self.agents: dict[str, Desk] = {}
        self._heard = asyncio.Event()
        self.late_us: list[int] = []
        self.answered_us: list[int] = []
        self.unseen: dict[str, float] = {}
        self.counting = False
        self.said = 0
        self._unanswered: dict[str, float] = {}
        self._port = port
        self._number = 0

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """To the engine."""
        await asyncio.get_running_loop().create_connection(lambda: protocol, "127.0.0.1", self._port)
        if isinstance(protocol, Socket):
            await protocol.connected

    async def page(self) -> Page:
        """A page that has been let in."""
        page = Page(self)
        await self.connect(page)
        page.say({"type": "hello"})
        await page.welcomed.wait()
        return page

    def text(self) -> str:
        """The next message's."""
        self._number += 1
        return f"{self._number} {TEXT}"

    def write(self, page: Page) -> None:
        """The customer writes."""
        text = self.text()
        key = text.partition(" ")[0]
        self.unseen[text] = self._unanswered[key] = perf_counter()
        page.say({"type": "send", "id": key, "text": text, "conversation": page.conversation})

    async def answer(self, page: Page) -> None:
        """The agent does."""
        desk, text = self.agents[page.conversation], self.text()
        begun = self.unseen[text] = perf_counter()
        path = f"/v1/agents/{desk.name}/conversations/{page.conversation}/messages"
        await desk.requests.ask("POST", path, {"id": text.partition(" ")[0], "text": text})
        if self.counting:
            self.answered_us.append(round((perf_counter() - begun) * 1e6))

    def heard(self, conversation: str, desk: Desk) -> None:
        """This desk has the conversation."""
        self.agents[conversation] = desk
        self._heard.set()

    async def all_heard(self, count: int) -> None:
        """Wait until so many conversations are at a desk, and have been read there."""
        while len(self.agents) < count:
            self._heard.clear()
            await self._heard.wait()

    def arrived(self, text: str) -> None:
        """The other side has it."""
        begun = self.unseen.pop(text, None)
        if begun is not None and self.counting:
            self.late_us.append(round((perf_counter() - begun) * 1e6))

    def answered(self, key: str) -> None:
        """It has been kept."""
        begun = self._unanswered.pop(key, None)
        if begun is not None and self.counting:
            self.answered_us.append(round((perf_counter() - begun) * 1e6))


async def run(given: argparse.Namespace) -> None:
    """Connect, talk, tell."""
    os.nice(PATIENT)
    clients = Clients(given.port)
    idle: list[Page] = []
    for begin in range(0, given.sockets, CONNECT_AT_ONCE):
        some = min(CONNECT_AT_ONCE, given.sockets - begin)
        idle += await asyncio.gather(*(clients.page() for _ in range(some)))
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    desks = [Desk(clients, name, given.token + name) for name in given.desks.split(",")]
    for desk in desks:
        await clients.connect(desk.requests)
        await clients.connect(desk)
    pages = [await clients.page() for _ in range(given.conversations)]
    for number, page in enumerate(pages):
        page.say({"type": "begin", "id": f"b-{number}"})
    async with asyncio.timeout(JOIN_SECONDS):
        for page in pages:
            await page.joined.wait()
            clients.write(page)
        await clients.all_heard(len(pages))
    pinging = asyncio.create_task(_ping(idle))
    talking = asyncio.create_task(_talk(clients, pages, given.messages))
    await asyncio.sleep(WARM_UP_SECONDS)
    clients.counting, said, begun = True, clients.said, perf_counter()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    clients.counting = False
    seconds, said = perf_counter() - begun, clients.said - said
    for task in (pinging, talking):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(SETTLE_SECONDS)
    found = {
        "messages": said,
        "seconds": seconds,
        "late_us": sorted(clients.late_us),
        "answered_us": sorted(clients.answered_us),
        "lost": len(clients.unseen),
        "cut_off": sum(page.closed for page in (*idle, *pages)),
        "faults": clients.faults[:10],
    }
    for page in pages:
        page.say({"type": "leave", "conversation": page.conversation})
    await asyncio.sleep(SETTLE_SECONDS)
    print(json.dumps(found), flush=True)
    for socket in (*idle, *pages, *desks):
        socket.transport.abort()


async def _ping(idle: list[Page]) -> None:
    """Each once in a while, evenly."""
    number = 0
    while idle:
        page = idle[number % len(idle)]
        if not page.closed:
            page.say({"type": "ping", "id": f"p-{number}"})
        number += 1
        await asyncio.sleep(PING_SECONDS / len(idle))


async def _talk(clients: Clients, pages: list[Page], per_second: float) -> None:
    """At a steady rate, whatever becomes of it: half of it customers, half agents."""
    answering: set[asyncio.Task[None]] = set()
    begun, number = perf_counter(), 0
    while True:
        while number < (perf_counter() - begun) * per_second:
            page = pages[number // 2 % len(pages)]
            if number % 2:
                task = asyncio.create_task(clients.answer(page))
                answering.add(task)
                task.add_done_callback(answering.discard)
            else:
                clients.write(page)
            number += 1
            clients.said += 1
        await asyncio.sleep(TICK_SECONDS)


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description="Customers' pages and agents' desks of a web chat.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sockets", type=int, required=True)
    parser.add_argument("--conversations", type=int, required=True)
    parser.add_argument("--messages", type=float, required=True)
    parser.add_argument("--desks", required=True)
    parser.add_argument("--token", required=True, help="What an agent's token begins with; its name is the rest.")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
