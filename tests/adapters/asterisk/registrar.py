"""A telephone that registers and goes away again: REGISTER over UDP, without a password.

Owns that much of SIP, after RFC 3261. It answers no call.
"""

import asyncio
from typing import cast

PATIENCE_SECONDS = 10.0


class Registering(asyncio.DatagramProtocol):
    """One telephone of this name, at a PBX on this machine."""

    def __init__(self, telephone: str, sip_port: int) -> None:
        self._telephone = telephone
        self._sip_port = sip_port
        self._transport: asyncio.DatagramTransport | None = None
        self._answered = asyncio.Event()
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - there is only one
        if data.startswith(b"SIP/2.0 200"):
            self._answered.set()

    async def register(self, seconds: int) -> None:
        """Register for so long; 0: no longer. Returns when the PBX has said yes."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        assert self._transport is not None
        port = self._transport.get_extra_info("sockname")[1]
        self._count += 1
        lines = (
            f"REGISTER sip:127.0.0.1:{self._sip_port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{port}-{self._count}",
            f"From: <sip:{self._telephone}@127.0.0.1>;tag={port}",
            f"To: <sip:{self._telephone}@127.0.0.1>",
            f"Call-ID: registration-{port}",
            f"CSeq: {self._count} REGISTER",
            f"Contact: <sip:{self._telephone}@127.0.0.1:{port}>;expires={seconds}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        self._answered.clear()
        self._transport.sendto("\r\n".join((*lines, "", "")).encode(), ("127.0.0.1", self._sip_port))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._answered.wait()

    def close(self) -> None:
        """Gone without a word."""
        if self._transport is not None:
            self._transport.close()
