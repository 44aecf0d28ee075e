"""A caller who speaks SIP and RTP byte by byte: presses keys by RFC 4733 and by INFO, also such as no telephone sends.

Owns one call over two UDP ports. Must not know the PBX or what it does with keys. All the time it sends silence, as
telephones do.
"""

import asyncio
import re
import secrets
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self
from urllib.parse import quote

PATIENCE_SECONDS: Final = 10.0
KEYS: Final = "0123456789*#ABCD"

_RTP: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_SAMPLES: Final = 160
_PACKET_SECONDS: Final = 0.02
_EVENT_TYPE: Final = 101
_END: Final = 0x80
_SILENCE: Final = bytes([0xFF]) * _SAMPLES


class _Socket(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # it is one
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - there is one PBX
        self.heard.put_nowait(data.decode(errors="surrogateescape"))

    @property
    def port(self) -> int:
        assert self.transport is not None
        return int(self.transport.get_extra_info("sockname")[1])


class RawCaller:
    """One call. Use `raw_caller`."""

    def __init__(
        self,
        sip: _Socket,
        media: _Socket,
        pbx_port: int,
        number: str,
        dialled: str,
        name: str,
        headers: tuple[str, ...],
    ) -> None:
        """`pbx_port` is SIP's."""
        self._sip, self._media, self._pbx_port = sip, media, pbx_port
        self._number, self._dialled = _user(number), _user(dialled)
        self._shown = f"{_quoted(name)} " if name else ""
        self._headers = headers
        self._to, self._sequence, self._pbx_media = "", 1, 0
        self._mark = secrets.token_hex(4)
        self._informed: asyncio.Queue[str] = asyncio.Queue()
        self._packets = self._event_time = 0
        self.ended = asyncio.Event()
        """The PBX has hung up."""

    async def __aenter__(self) -> Self:
        """Call, and be answered."""
        sdp = "\r\n".join(
            (
                *("v=0", "o=raw 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"),
                *(f"m=audio {self._media.port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000"),
                *("a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", ""),
            )
        )
        self._send("INVITE", sdp, "application/sdp")
        answer = await self._answer("INVITE")
        assert answer.startswith("SIP/2.0 200"), answer
        self._to = _header(answer, "To")
        found = re.search(r"^m=audio ([0-9]+) ", answer, re.MULTILINE)
        assert found is not None
        self._pbx_media = int(found[1])
        self._send("ACK", sequence=1)
        self._speaking = asyncio.create_task(self._speak())
        self._serving = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up, unless the PBX has."""
        self._speaking.cancel()
        self._serving.cancel()
        await asyncio.gather(self._speaking, self._serving, return_exceptions=True)
        if not self.ended.is_set():
            self._send("BYE")
            await self._answer("BYE")

    async def press(self, keys: str) -> None:
        """By RFC 4733: each key for a tenth of a second."""
        for key in keys:
            start = self._packets * _SAMPLES
            for number in range(1, 9):
                end = _END if number >= 6 else 0
                duration = min(number, 6) * _SAMPLES
                event = _EVENT.pack(KEYS.index(key), end | 10, duration)
                self._rtp(_EVENT_TYPE | (0x80 if number == 1 else 0), start, event)
                await asyncio.sleep(_PACKET_SECONDS)

    async def inform(self, body: str, kind: str = "application/dtmf-relay") -> None:
        """By SIP INFO, whatever is in it; returns when it has been answered, with anything."""
        self._send("INFO", body, kind)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._informed.get()

    async def _speak(self) -> None:
        while True:
            self._rtp(0, self._packets * _SAMPLES, _SILENCE)
            await asyncio.sleep(_PACKET_SECONDS)

    async def _serve(self) -> None:
        """Answer the PBX's requests, and tell its answers to INFO."""
        while True:
            text = await self._sip.heard.get()
            if text.startswith("SIP/2.0"):
                if _header(text, "CSeq").endswith("INFO") and not text.startswith("SIP/2.0 1"):
                    self._informed.put_nowait(text)
            else:
                kept = [f"{name}: {_header(text, name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
                self._transmit("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
                if text.startswith("BYE"):
                    self.ended.set()

    async def _answer(self, method: str) -> str:
        """The final response to a request."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                text = await self._sip.heard.get()
                is_final = text.startswith("SIP/2.0") and not text.startswith("SIP/2.0 1")
                if is_final and _header(text, "CSeq").endswith(method):
                    return text

    def _send(self, method: str, body: str = "", kind: str = "", sequence: int = 0) -> None:
        number = sequence or self._sequence
        self._sequence = max(self._sequence, number) + (method != "ACK")
        own, pbx = f"127.0.0.1:{self._sip.port}", f"127.0.0.1:{self._pbx_port}"
        lines = [
            f"{method} sip:{self._dialled}@{pbx} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bK-{self._mark}-{method}-{number}",
            f"From: {self._shown}<sip:{self._number}@{own}>;tag={self._mark}",
            f"To: {self._to or f'<sip:{self._dialled}@{pbx}>'}",
            f"Call-ID: {self._mark}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:raw@{own}>",
            "Max-Forwards: 70",
            *(self._headers if method == "INVITE" else ()),
            *([f"Content-Type: {kind}"] if kind else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self._transmit("\r\n".join([*lines, "", body]))

    def _transmit(self, text: str) -> None:
        assert self._sip.transport is not None
        self._sip.transport.sendto(_bytes(text), ("127.0.0.1", self._pbx_port))

    def _rtp(self, kind: int, timestamp: int, payload: bytes) -> None:
        self._packets += 1
        assert self._media.transport is not None
        packet = _RTP.pack(0x80, kind, self._packets & 0xFFFF, timestamp, 0xACD) + payload
        self._media.transport.sendto(packet, ("127.0.0.1", self._pbx_media))


@asynccontextmanager
async def raw_caller(
    pbx_port: int, number: str, dialled: str, *, name: str = "", headers: tuple[str, ...] = ()
) -> AsyncIterator[RawCaller]:
    """A call that has been answered. Any characters are put as SIP has them; bytes that are no UTF-8 as surrogates.

    `headers`: further lines of the INVITE.
    """
    loop = asyncio.get_running_loop()
    sip_transport, sip = await loop.create_datagram_endpoint(_Socket, local_addr=("127.0.0.1", 0))
    media_transport, media = await loop.create_datagram_endpoint(_Socket, local_addr=("127.0.0.1", 0))
    try:
        async with RawCaller(sip, media, pbx_port, number, dialled, name, headers) as caller:
            yield caller
    finally:
        for transport in (sip_transport, media_transport):
            with suppress(OSError):
                transport.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _user(text: str) -> str:
    """The user part of a URI: everything but letters, digits and a few signs is escaped."""
    return quote(_bytes(text), safe="*+-._~!'()")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    assert found is not None, f"no {name} in {text}"
    return found[1]
