"""A telephone that does nothing but show the INVITEs it gets, byte by byte, and is busy.

Owns a UDP port. Must not know the PBX, but for one reply in SIP.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_SECONDS: Final = 10.0


class RawTelephone(asyncio.DatagramProtocol):
    """`invites` holds each INVITE once, as text."""

    def __init__(self) -> None:
        self.invites: list[str] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._came = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # it is one
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        if not text.startswith("INVITE "):
            return
        if text not in self.invites:
            self.invites.append(text)
            self._came.set()
        kept = [line for line in text.split("\r\n") if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:"))]
        to = next(line for line in text.split("\r\n") if line.startswith("To:"))
        answer = "\r\n".join(["SIP/2.0 486 Busy Here", *kept, f"{to};tag=raw", "Content-Length: 0", "", ""])
        assert self._transport is not None
        self._transport.sendto(answer.encode(), addr)

    async def invite(self, number: int = 1) -> str:
        """The first INVITE, or a later one, waiting for it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.invites) < number:
                self._came.clear()
                await self._came.wait()
        return self.invites[number - 1]

    def config(self, name: str) -> str:
        """For pjsip.conf: an endpoint of that name."""
        return (
            f"[{name}](acd-agent)\naors = {name}\n[{name}](acd-agent-aor)\ncontact = sip:{name}@127.0.0.1:{self.port}\n"
        )


@asynccontextmanager
async def raw_telephone() -> AsyncIterator[RawTelephone]:
    """One, on a port of its own."""
    loop = asyncio.get_running_loop()
    transport, telephone = await loop.create_datagram_endpoint(RawTelephone, local_addr=("127.0.0.1", 0))
    try:
        yield telephone
    finally:
        transport.close()


def headers(invite: str) -> list[tuple[str, str]]:
    """All headers of a message, in order."""
    head = invite.partition("\r\n\r\n")[0]
    lines = head.split("\r\n")[1:]
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
