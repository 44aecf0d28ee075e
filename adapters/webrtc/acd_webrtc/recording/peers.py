"""The far end of a page's copy of its sound: one connection of aiortc's, and what comes out of it.

Owns the connection and the form of its sound. Must not know calls or files. Pages are strangers: nothing is sent to the
addresses that one names in its description, so that nobody has us knock at doors of this network; pages come to us.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final

import aioice.ice
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler
from OpenSSL import SSL

from acd_webrtc.recording.timeline import RATE, Samples

_ADDRESSES: Final = ("a=candidate", "a=end-of-candidates")
_HOST: Final = re.compile(r"^(a=candidate:\S+ \d+ \S+ \d+) \S+( \d+ typ host)", re.MULTILINE)

Heard = Callable[[float, Samples], None]
"""Takes a frame's own time in seconds, and its samples."""


def listen_at(addresses: tuple[str, ...]) -> None:
    """Where pages send to from now on; without any, at all addresses of this machine but the loopback's.

    aioice has no setting for it.
    """
    if addresses:
        ours = list(addresses)
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ours  # noqa: ARG005 - as it is called


def hindrance() -> str:
    """Why this process could hear no page; empty when it can. Asked after `listen_at`."""
    try:
        # By a callback, as aiortc does for every connection.
        SSL.Context(SSL.DTLS_METHOD).set_verify(SSL.VERIFY_PEER, lambda *_: True)
    except MemoryError:
        return "memory may not be written and executed: in a systemd unit, set MemoryDenyWriteExecute=false"
    try:
        aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
    except OSError:
        return "this machine's addresses cannot be listed: set listen, or allow AF_NETLINK in the systemd unit"
    return ""


class Peer:
    """One connection, from a page's offer on."""

    def __init__(self, heard: Heard) -> None:
        """Not connected."""
        self._heard = heard
        self._tasks: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        """aiortc leaves a socket behind when it is closed while it answers."""
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("track", self._came)

    async def answer(self, sdp: str, address: str) -> str:
        """To an offer; `address`: the public one, if there is one. Raises what aiortc does of a bad one: anything."""
        connection = self._connection
        async with self._changing:
            await connection.setRemoteDescription(RTCSessionDescription(_without_addresses(sdp), "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
        found = str(connection.localDescription.sdp)
        return _HOST.sub(rf"\g<1> {address}\g<2>", found) if address else found

    async def close(self) -> None:
        """Nothing more is heard."""
        async with self._changing:
            for task in self._tasks:
                task.cancel()
            await self._connection.close()

    def _came(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and not self._tasks:
            task = asyncio.create_task(self._listen(track))
            self._tasks.add(task)

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if not isinstance(frame, AudioFrame) or frame.pts is None or frame.time_base is None:
                continue
            stamp = float(frame.pts * frame.time_base)
            frame.pts = None  # Of gaps the timeline knows; the resampler would stumble over them.
            for each in resampler.resample(frame):
                self._heard(stamp, each.to_ndarray().reshape(-1).astype(np.int16))


def _without_addresses(sdp: str) -> str:
    # As aiortc takes it apart: to it more ends a line than to SDP, and the last one need not end.
    return "".join(f"{line}\r\n" for line in sdp.splitlines() if not line.startswith(_ADDRESSES))
