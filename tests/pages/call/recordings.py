"""What tests of recordings share: people whose voices are tones, and files that say which tones are in them when."""

from __future__ import annotations

import time
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tests.pages.call.centre import Centre

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

CUSTOMER_HZ: Final = 500
AGENT_HZ: Final = 1_200
SECRET_HZ: Final = 2_600

RECORDING: Final = """[channels.talk.recording]
mode = "{mode}"
folder = "tapes"
listen = ["127.0.0.1"]
hang = "{hang}"
"""

VOICE: Final = """
window.tone = new Promise((made) => (window.toneMade = made));
MediaDevices.prototype.getUserMedia = async function () {
  const context = new AudioContext(), tone = context.createOscillator(), volume = context.createGain();
  const out = context.createMediaStreamDestination();
  tone.frequency.value = window.voice;
  volume.gain.value = 0.3;
  tone.connect(volume).connect(out);
  tone.start();
  await context.resume();
  window.toneMade(tone);
  window.says = (hertz) => tone.frequency.setValueAtTime(hertz, context.currentTime);
  return out.stream;
};
"""
"""A microphone into which somebody hums."""

_LEAST: Final = 0.02
"""Of full scale: what is a tone, and no trace of one. It is hummed at 0.3, in a mixed file too."""

PATIENCE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1


def hums(context: BrowserContext, hertz: int) -> BrowserContext:
    """Whoever speaks by this browser hums at this height."""
    context.add_init_script(f"window.voice = {hertz};\n{VOICE}")
    return context


class Sound:
    """A recording's file."""

    def __init__(self, path: Path) -> None:
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
            self.samples: NDArray[np.float64] = (
                np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32_768
            )
        assert path.stat().st_size == 44 + 2 * len(self.samples)
        self.seconds = len(self.samples) / 16_000

    def heard(self, hertz: int) -> float:
        """For how many seconds this tone is in it."""
        width = 1_600
        parts = self.samples[: len(self.samples) // width * width].reshape(-1, width)
        turn = np.exp(-2j * np.pi * hertz * np.arange(width) / 16_000)
        strength = 2 * np.abs(parts @ turn) / width
        return float((strength > _LEAST).sum() * width / 16_000)


def tapes(centre: Centre) -> dict[str, Path]:
    """The files that have their names."""
    return {path.name: path for path in (centre.folder / "tapes").glob("*.wav")}


def attributes(centre: Centre, interaction: str) -> dict[str, str]:
    found: dict[str, str] = centre.ask("GET", f"/v1/interactions/{interaction}/recording")["recordings"]
    return found


def noted(centre: Centre, interaction: str, *names: str) -> dict[str, str]:
    """The interaction's recordings, once it has attributes of these names."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not {*names} <= {*(found := attributes(centre, interaction))}:
        assert time.monotonic() < deadline, (names, found, sorted((centre.folder / "tapes").glob("*")))
        time.sleep(POLL_SECONDS)
    return found


def media_process(centre: Centre) -> int:
    """The process id of the centre's media process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                command = status.with_name("cmdline").read_bytes()
            except (OSError, ValueError, IndexError):
                continue
            if parent == centre.served.process.pid and b"acd_webrtc.recording.process" in command:
                return int(status.parent.name)
        assert time.monotonic() < deadline, "there is no media process"
        time.sleep(POLL_SECONDS)
