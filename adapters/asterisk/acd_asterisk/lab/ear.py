"""A telephone's ear, and its mouth: what the PBX sends to it by RTP, as tones, and the one tone that it says.

Owns the socket and the order of what came. Must not know SIP or who is calling: a `CallSpec` or `AgentBehaviour` names
its port. A silent one sends a silent packet back for every packet, as a telephone does: Asterisk takes a key for
released when it hears something again. One with a voice speaks all the time from the first packet on.
"""

from __future__ import annotations

import asyncio
import struct
from types import TracebackType
from typing import Any, Self

from acd_asterisk.lab.tones import mu_law, pitch, tone

MAX_PACKETS = 50_000
"""About a quarter of an hour; later ones are not heard."""

_RTP_HEADER = struct.Struct("!BBHII")
_VERSION, _SOURCE = 0x80, 0xACD
_SAMPLES = 160
_VOICE_MS = 1_000
_PACKET_SECONDS = 0.02
_SILENCE = bytes([mu_law(0)]) * _SAMPLES
_PACKETS_AT_ONCE = 2
"""Packets of 20 ms that are judged together."""

_LEAST = 2
"""Such judgements in a row that make a tone: shorter ones are the seams between two."""


class Ear(asyncio.DatagramProtocol):
    """Use as an async context manager."""

    def __init__(self, voice_hz: int = 0) -> None:
        """Not listening yet. `voice_hz`: how high a tone it says; 0: nothing."""
        self._voice = tone(voice_hz, _VOICE_MS) if voice_hz else b""
        self._said = 0
        self._next: asyncio.TimerHandle | None = None
        self._packets: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0
        """Where it listens, on 127.0.0.1."""

    async def __aenter__(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = int(self._transport.get_extra_info("sockname")[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more; what was heard stays available."""
        if self._next is not None:
            self._next.cancel()
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Keep what came."""
        if len(data) <= _RTP_HEADER.size or len(self._packets) >= MAX_PACKETS:
            return
        self._packets.append(data[_RTP_HEADER.size :])
        if self._voice:
            if self._next is None:
                self._speak(addr, asyncio.get_running_loop().time())
        elif self._transport is not None:
            count = len(self._packets)
            header = _RTP_HEADER.pack(_VERSION, 0, count & 0xFFFF, count * _SAMPLES, _SOURCE)
            self._transport.sendto(header + _SILENCE, addr)

    def _speak(self, addr: tuple[str | Any, int], at: float) -> None:
        """Send what is to be heard from `at` on, and go on 20 ms later."""
        begin = self._said * _SAMPLES % len(self._voice)
        self._said += 1
        if self._transport is not None and not self._transport.is_closing():
            header = _RTP_HEADER.pack(_VERSION, 0, self._said & 0xFFFF, self._said * _SAMPLES, _SOURCE)
            self._transport.sendto(header + self._voice[begin : begin + _SAMPLES], addr)
            then = at + _PACKET_SECONDS
            self._next = asyncio.get_running_loop().call_at(then, self._speak, addr, then)

    def coded(self, since: int = 0) -> bytes:
        """All that was heard since so many packets, as G.711 µ-law."""
        return b"".join(self._packets[since:])

    @property
    def packets(self) -> int:
        """How many came so far; a place for `tones` to begin from."""
        return len(self._packets)

    def tones(self, since: int = 0) -> list[int]:
        """The tones heard since so many packets, one after another, each in Hz to the nearest 100, without silences."""
        packets = self._packets[since:]
        # A judgement once made stays the same when more has come.
        starts = range(0, len(packets) - _PACKETS_AT_ONCE + 1, _PACKETS_AT_ONCE)
        pitches = [pitch(b"".join(packets[at : at + _PACKETS_AT_ONCE])) for at in starts]
        heard: list[int] = []
        run = 0
        for at, each in enumerate(pitches):
            run = run + 1 if at and pitches[at - 1] == each else 1
            if run == _LEAST and each and (not heard or heard[-1] != each):
                heard.append(each)
        return heard
