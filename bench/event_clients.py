"""Subscribers of the event stream, in a process of their own: they read, or stall, or come back again and again.

Owns the sockets and what each of them saw when. Must not know what is measured with it. Frames are taken apart by hand:
a thousand clients in one process must cost less than what they watch.

`python -m bench.event_clients --port P …` prints `ready` when all are connected, and its findings (JSON) when a line
comes on its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from array import array
from datetime import date
from time import time
from typing import Final

from bench.workload import agent_id

MAX_NAMES: Final = 100
"""Agents in one filter."""

CONNECT_AT_ONCE: Final = 50
SETTLE_SECONDS: Final = 3.0
"""How long everybody may take to catch up in the end."""

_KEY: Final = "MDEyMzQ1Njc4OWFiY2RlZg=="
_TIME: Final = b'"time":"'
_CURSOR: Final = b'"cursor":"'
_HEAD, _MIDDLE, _LONG = 2, 126, 127


class Client(asyncio.Protocol):
    """One subscriber. `late_us`: from event to arrival; `cursors` of all events, if they are to be kept."""

    def __init__(self, query: str, *, keep: bool = False) -> None:
        self.query = query
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.late_us = array("q")
        self.cursors: list[str] | None = [] if keep else None
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        head = f"GET /v1/events?{self.query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        transport.write(
            f"{head}Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
        )

    def connection_lost(self, _error: Exception | None) -> None:
        """Cut off, by either side."""
        self.closed = True
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(self._buffer[:300].decode(errors="replace")))

    def data_received(self, data: bytes) -> None:
        """Everything in one piece has arrived at the same moment."""
        now_us = int(time() * 1_000_000)
        self._buffer += data
        if not self._upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                assert self.transport is not None
                self.transport.abort()
                return
            self._upgraded, self._buffer = True, rest
            self.connected.set_result(None)
        self._frames(now_us)

    def event(self, payload: bytes, now_us: int) -> None:
        """One event."""
        begin = payload.find(_TIME) + len(_TIME)
        self.late_us.append(now_us - _micros(payload[begin : begin + 26]))
        if self.cursors is not None:
            begin = payload.find(_CURSOR) + len(_CURSOR)
            self.cursors.append(payload[begin : payload.index(b'"', begin)].decode())

    def _frames(self, now_us: int) -> None:
        buffer, place = self._buffer, 0
        while len(buffer) - place >= _HEAD:
            first, length, start = buffer[place], buffer[place + 1], place + 2
            if length == _MIDDLE:
                length, start = int.from_bytes(buffer[start : start + 2], "big"), start + 2
            elif length == _LONG:
                length, start = int.from_bytes(buffer[start : start + 8], "big"), start + 8
            if len(buffer) < start + length:
                break
            place = start + length
            payload = buffer[start:place]
            if first == 0x89:  # noqa: PLR2004 - a ping, RFC 6455
                self._pong(payload)
            elif first == 0x81 and b'"data":' in payload:  # noqa: PLR2004 - text; what has no data is about the stream
                self.event(payload, now_us)
        self._buffer = buffer[place:]

    def _pong(self, payload: bytes) -> None:
        if self.transport is not None:
            self.transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)


class Returning(Client):
    """Cuts its connection after every few events, and comes back with the cursor of the last one it had."""

    def __init__(self, query: str, upto: int) -> None:
        super().__init__(query, keep=True)
        self.upto = upto

    def event(self, payload: bytes, now_us: int) -> None:
        """As before, up to the last that it wants; what comes after that in the same piece is as good as lost."""
        assert self.transport is not None
        if not self.transport.is_closing():
            super().event(payload, now_us)
            if len(self.late_us) >= self.upto:
                self.transport.abort()


async def connected(port: int, client: Client, *, stalled: bool = False) -> Client:
    """Through its handshake; one that stalls reads nothing after it."""
    sock = socket.socket()
    if stalled:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.settimeout(0)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.create_connection(lambda: client, sock=sock)
    await client.connected
    if stalled and client.transport is not None:
        client.transport.pause_reading()
    return client


async def come_back(port: int, times: int) -> tuple[list[str], int]:
    """(cursors of all events in the order in which they came, connections); ends when cancelled."""
    cursors: list[str] = []
    connections = 0
    after = ""
    try:
        while True:
            client = Returning(f"after={after}" if after else "", 1 + connections % 3)
            if connections >= times:
                client.upto = sys.maxsize
            await connected(port, client)
            connections += 1
            assert client.cursors is not None
            known = 0
            while not client.closed:
                await asyncio.sleep(0.002)
                cursors += client.cursors[known:]
                known = len(client.cursors)
            cursors += client.cursors[known:]
            after = cursors[-1] if cursors else after
    except asyncio.CancelledError:
        return cursors, connections


def queries(count: int, agents: int, share_of_walls: float) -> list[str]:
    """What each subscribes to: some to everything, the others to the agents, shared out among them."""
    walls = round(count * share_of_walls)
    desks = count - walls
    found = [""] * walls
    for desk in range(desks):
        own = [agent_id(number) for number in range(desk, agents, desks)][:MAX_NAMES]
        found.append("agent=" + "+".join(own))
    return found


async def run(port: int, count: int, agents: int, share_of_walls: float, stalled_every: int, returns: int) -> None:
    """Connect, wait for the word, tell."""
    wanted = queries(count, agents, share_of_walls)
    clients: list[Client] = []
    for begin in range(0, count, CONNECT_AT_ONCE):
        some = enumerate(wanted[begin : begin + CONNECT_AT_ONCE], begin)
        clients += await asyncio.gather(
            *(
                connected(port, Client(query), stalled=bool(stalled_every) and number % stalled_every == 0)
                for number, query in some
            )
        )
    steady = await connected(port, Client("", keep=True))
    returning = asyncio.create_task(come_back(port, returns))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(SETTLE_SECONDS)
    returning.cancel()
    cursors, connections = await returning
    healthy = [client for number, client in enumerate(clients) if not stalled_every or number % stalled_every != 0]
    assert steady.cursors is not None
    own = steady.cursors[steady.cursors.index(cursors[0]) :] if cursors else []
    found = {
        "late_us": sorted(late for client in healthy for late in client.late_us),
        "cut_off": sum(client.closed for client in healthy),
        "connections": connections,
        "exactly_once": bool(cursors) and cursors == own,
        "events_of_the_returning": len(cursors),
    }
    print(json.dumps(found), flush=True)
    for client in clients:
        if client.transport is not None:
            client.transport.abort()


def _micros(text: bytes) -> int:
    """`2026-01-31T08:15:00.250000` → µs since 1970, the day looked up once."""
    day = text[:10]
    if day not in _DAYS:
        _DAYS[day] = int((date.fromisoformat(day.decode()) - date(1970, 1, 1)).days) * 86_400_000_000
    clock = (int(text[11:13]) * 60 + int(text[14:16])) * 60 + int(text[17:19])
    return _DAYS[day] + clock * 1_000_000 + int(text[20:26])


_DAYS: dict[bytes, int] = {}


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description="Subscribers of the event stream.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--agents", type=int, required=True)
    parser.add_argument("--walls", type=float, required=True)
    parser.add_argument("--stalled-every", type=int, required=True)
    parser.add_argument("--returns", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(run(given.port, given.count, given.agents, given.walls, given.stalled_every, given.returns))


if __name__ == "__main__":
    main()
