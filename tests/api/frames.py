"""A WebSocket's other end that writes what no library writes: single frames, as many at once as it likes."""

from __future__ import annotations

import socket
from base64 import b64encode
from contextlib import suppress
from threading import Thread
from typing import Final, NamedTuple, Self

SOON: Final = 60.0
CONTINUED, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
_LONG, _LONGEST = 126, 127


def frame(kind: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """A masked one, whose mask changes nothing."""
    length = len(payload)
    head = bytes((kind | (0x80 if last else 0), 0x80 | min(length, _LONG)))
    assert length < 1 << 16
    return head + (length.to_bytes(2, "big") if length >= _LONG else b"") + bytes(4) + payload


class Frame(NamedTuple):
    """One that has come. `kind` is 0 for the connection's end without a word."""

    kind: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a `CLOSE`."""
        return int.from_bytes(self.payload[:2], "big")


class Frames:
    """A connection, after its handshake."""

    def __init__(self, address: str, path: str, **headers: str) -> None:
        """`address` as `http://127.0.0.1:1234`."""
        host, port = address.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=SOON)
        key = b64encode(bytes(16)).decode()
        said = {"Host": f"{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key}
        said |= {"Sec-WebSocket-Version": "13", **headers}
        lines = (f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items()), "", "")
        self.socket.sendall("\r\n".join(lines).encode())
        self._read = self.socket.makefile("rb")
        assert b" 101 " in self._read.readline()
        while self._read.readline().strip():
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.close()
        self.socket.close()

    def say(self, text: str) -> None:
        self.socket.sendall(frame(TEXT, text.encode()))

    def flood(self, many: bytes) -> Thread:
        """Write all of it, as far as it is taken, while this end reads."""

        def write() -> None:
            with suppress(OSError):
                self.socket.sendall(many)

        thread = Thread(target=write, daemon=True)
        thread.start()
        return thread

    def next(self) -> Frame:
        """The next frame that comes."""
        try:
            head = self._read.read(2)
            if len(head) < 2:
                return Frame(0, b"")
            length = head[1] & 0x7F
            if length in (_LONG, _LONGEST):
                length = int.from_bytes(self._read.read(2 if length == _LONG else 8), "big")
            return Frame(head[0] & 0x0F, self._read.read(length))
        except ConnectionError:
            return Frame(0, b"")

    def to_the_end(self) -> list[Frame]:
        """All that comes until it is closed, or broken off."""
        found = [self.next()]
        while found[-1].kind not in (0, CLOSE):
            found.append(self.next())
        return found
