"""A telephone that subscribes to a hint (BLF) and keeps the dialogs that it is told of: SUBSCRIBE and NOTIFY over UDP.

Owns that much of SIP, after RFC 6665 and RFC 4235. Must not know what a hint stands for.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

PATIENCE_SECONDS = 10.0


class Subscriber(asyncio.DatagramProtocol):
    """One telephone and what it was told: the states of the dialog, in the order of the NOTIFYs."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.refused = ""
        self._news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode()
        first = text.partition("\r\n")[0]
        if first.startswith("NOTIFY "):
            kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*$", text, re.MULTILINE)
            answer = ["SIP/2.0 200 OK", *(line.rstrip("\r") for line in kept), "Content-Length: 0", "", ""]
            assert self._transport is not None
            self._transport.sendto("\r\n".join(answer).encode(), addr)
            self.states += re.findall(r"<state>(\w+)</state>", text)
        elif first.startswith("SIP/2.0 ") and not first.startswith("SIP/2.0 2"):
            self.refused = first
        self._news.set()

    async def until(self, *states: str) -> None:
        """Wait until it has been told these states, in this order; repetitions do not count."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    told = [state for at, state in enumerate(self.states) if self.states[at - 1 : at] != [state]]
                    if told == list(states):
                        return
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"wanted {states}, was told {self.states} {self.refused}") from None


@asynccontextmanager
async def subscription(telephone: str, hint: str, sip_port: int) -> AsyncIterator[Subscriber]:
    """Subscribe as this telephone to this extension's hint, at a PBX on this machine."""
    loop = asyncio.get_running_loop()
    transport, subscriber = await loop.create_datagram_endpoint(Subscriber, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    lines = (
        f"SUBSCRIBE sip:{hint}@127.0.0.1:{sip_port} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{port}",
        f"From: <sip:{telephone}@127.0.0.1>;tag={port}",
        f"To: <sip:{hint}@127.0.0.1>",
        f"Call-ID: subscription-{port}",
        "CSeq: 1 SUBSCRIBE",
        f"Contact: <sip:{telephone}@127.0.0.1:{port}>",
        "Max-Forwards: 70",
        "Event: dialog",
        "Accept: application/dialog-info+xml",
        "Expires: 600",
        "Content-Length: 0",
    )
    try:
        transport.sendto("\r\n".join((*lines, "", "")).encode(), ("127.0.0.1", sip_port))
        yield subscriber
    finally:
        transport.close()
