"""A wire between browsers and acd that a test cuts, or lets go dead without a word. Must not know what goes over it."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Final

CHUNK: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing is a reset."""


class Wire:
    """Listens on a port of its own, and carries every connection to `target`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = Lock()
        self.cuts: list[int] = []
        """After so many bytes each, of both directions together, everything is cut."""
        self._flows = Event()
        self._flows.set()
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection there is ends at once, in both directions."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for each in (one for pair in pairs for one in pair):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def stall(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._flows.clear()

    def flow(self) -> None:
        """What is connected from now on is carried; what had stalled is lost."""
        self.cut()
        self._flows.set()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._flows.set()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(self.target, timeout=10)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                with self._lock:
                    self._pairs.append((near, far))
                for source, sink in ((near, far), (far, near)):
                    Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._flows.wait()
                self._count(len(chunk))
                sink.sendall(chunk)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _count(self, passing: int) -> None:
        with self._lock:
            if self.cuts:
                self.cuts[0] -= passing
            is_over = bool(self.cuts) and self.cuts[0] < 0
            if is_over:
                del self.cuts[0]
        if is_over:
            self.cut()


@contextmanager
def wired(address: str) -> Iterator[Wire]:
    """A wire to `http://host:port`."""
    host, _, port = address.removeprefix("http://").partition(":")
    wire = Wire((host, int(port)))
    try:
        yield wire
    finally:
        wire.close()
