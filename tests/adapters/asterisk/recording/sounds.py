"""What can be heard in a recording: Asterisk's WAV files, looked at tone by tone."""

import math
import wave
from pathlib import Path

from acd_asterisk.lab import Ear
from acd_asterisk.lab.tones import linear

RATE = 8_000


def samples_of(path: Path) -> tuple[int, ...]:
    """A file's samples, of a header that was never completed, too."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        raw = file.readframes(file.getnframes())
    return tuple(memoryview(raw).cast("h"))


def loudness(samples: tuple[int, ...], hertz: int) -> float:
    """How much of a tone is in it: its amplitude, by Goertzel's algorithm."""
    if not samples:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    power = before * before + last * last - factor * before * last
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


def heard(ear: Ear, hertz: int, since: int = 0) -> float:
    """How much of a tone an ear has heard since so many packets."""
    return loudness(tuple(linear(each) for each in ear.coded(since)), hertz)


def seconds(samples: tuple[int, ...]) -> float:
    """How long it is."""
    return len(samples) / RATE
