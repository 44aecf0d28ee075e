"""The other end of NOTIFY_SOCKET, as systemd has it: a datagram socket, and what came in as a dict per message."""

import socket
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 30.0


class ServiceManager:
    """Listens at `address`, the value of NOTIFY_SOCKET: a path, or a name after `@` for a socket without a file."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.settimeout(PATIENCE_SECONDS)

    def one(self, patience: float = PATIENCE_SECONDS) -> dict[str, str]:
        """The next message; raises TimeoutError when none comes."""
        self.socket.settimeout(patience)
        lines = self.socket.recv(65_536).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def take(self, count: int) -> list[dict[str, str]]:
        """So many messages."""
        return [self.one() for _ in range(count)]

    def until(self, key: str) -> dict[str, str]:
        """The next message that has this key; those before it are lost."""
        while key not in (found := self.one()):
            pass
        return found

    def waiting(self) -> list[dict[str, str]]:
        """What has come in and was not taken."""
        found = []
        try:
            while True:
                found.append(self.one(0))
        except BlockingIOError:
            return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()
