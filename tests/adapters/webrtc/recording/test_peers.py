"""The far end of a page's copy, with aiortc at both ends: what is heard, and what a stranger's offer cannot do."""

import asyncio
import re
import socket
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from aiortc import AudioStreamTrack, MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame

from acd_webrtc.recording.peers import Peer, hindrance, listen_at
from acd_webrtc.recording.timeline import RATE, Samples

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05
CANDIDATE = "a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"


class Tone(AudioStreamTrack):
    """A loud one, in real time."""

    async def recv(self) -> AudioFrame:
        silence = await super().recv()
        assert isinstance(silence, AudioFrame)
        samples = 9_000 * np.sin(2 * np.pi * 400 * np.arange(silence.samples) / silence.sample_rate)
        frame = AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = (
            silence.sample_rate,
            silence.pts,
            Fraction(1, silence.sample_rate),
        )
        return frame


@pytest.fixture(autouse=True)
def loopback() -> None:
    listen_at(("127.0.0.1",))


async def offer(*tracks: MediaStreamTrack) -> RTCPeerConnection:
    page = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in tracks:
        page.addTransceiver(track, direction="sendonly")
    await page.setLocalDescription(await page.createOffer())
    return page


async def test_a_copy_is_heard_with_its_own_time() -> None:
    stamps: list[float] = []
    parts: list[Samples] = []
    enough = asyncio.Event()

    def heard(stamp: float, samples: Samples) -> None:
        stamps.append(stamp)
        parts.append(samples)
        if len(parts) >= 50:
            enough.set()

    page, peer = await offer(Tone()), Peer(heard)
    try:
        answer = await peer.answer(page.localDescription.sdp, "")
        assert "a=recvonly" in answer
        await page.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await enough.wait()
        assert stamps == sorted(stamps)
        assert np.diff(stamps[:50]).mean() == pytest.approx(0.02, abs=0.005)
        sound = np.concatenate(parts[:50])
        assert len(sound) == pytest.approx(RATE, abs=800)
        assert np.abs(sound).max() > 5_000
    finally:
        await peer.close()
        await page.close()


@pytest.mark.parametrize(
    "end",
    [
        f"{CANDIDATE}\r\na=end-of-candidates\r\n",
        CANDIDATE,
        *(f"a=x{mark}{CANDIDATE}\r\n" for mark in ("\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")),
    ],
)
async def test_nothing_is_sent_to_addresses_that_a_page_names(end: str) -> None:
    """However its line is ended: aiortc takes more for a line's end than SDP does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.setblocking(False)  # noqa: FBT003 - the library's
        page, peer = await offer(Tone()), Peer(lambda _, __: None)
        try:
            bare = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", page.localDescription.sdp)
            sdp = f"{bare}{end.format(port=door.getsockname()[1])}"
            answer = await peer.answer(sdp, "")
            await page.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while page.connectionState != "connected":
                    await asyncio.sleep(0)
            with pytest.raises(BlockingIOError):
                door.recv(1_500)
        finally:
            await peer.close()
            await page.close()


def sockets() -> int:
    """How many this process has open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += each.readlink().name.startswith("socket:")
    return found


async def test_one_that_is_closed_while_it_answers_leaves_nothing() -> None:
    """As when a page offers twice in one breath: for hours, that would be all that the process may have."""
    page = await offer(Tone())
    before, tasks = sockets(), asyncio.all_tasks()
    for steps in range(16):
        peer = Peer(lambda _, __: None)
        answering = asyncio.create_task(peer.answer(page.localDescription.sdp, ""))
        for _ in range(steps):
            await asyncio.sleep(0)
        await peer.close()
        await asyncio.gather(answering, return_exceptions=True)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sockets() > before or asyncio.all_tasks() > tasks:
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await page.close()


async def test_behind_nat_the_public_address_is_in_the_answer() -> None:
    page, peer = await offer(Tone()), Peer(lambda _, __: None)
    try:
        answer = await peer.answer(page.localDescription.sdp, "198.51.100.7")
        found = re.findall(r"^a=candidate:\S+ \d+ \S+ \d+ (\S+) ", answer, re.MULTILINE)
        assert found == ["198.51.100.7"]
    finally:
        await peer.close()
        await page.close()


def test_a_service_that_is_locked_up_too_tightly_is_told_so() -> None:
    """As by systemd's MemoryDenyWriteExecute, which the unit in deploy/ has."""
    assert hindrance() == ""
    script = """
import ctypes, sys
from acd_webrtc.recording.peers import hindrance
refuse_execution = 65, 1  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
if ctypes.CDLL(None).prctl(*refuse_execution, 0, 0, 0):
    sys.exit(77)
print(hindrance())
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if found.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert "MemoryDenyWriteExecute=false" in found.stdout, found.stderr


@pytest.mark.parametrize("sdp", ["m=audio 9 RTP/AVP 0\r\n", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"])
async def test_an_offer_that_is_none_harms_nobody(sdp: str) -> None:
    peer = Peer(lambda _, __: None)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever aiortc stumbles over; the process answers with its name
        await peer.answer(sdp, "")
    await peer.close()
