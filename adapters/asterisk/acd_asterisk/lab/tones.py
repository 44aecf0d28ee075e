"""Tones as G.711 µ-law at 8 kHz, to be played and to be recognised. Pure.

Owns the coding and the recognition. Must not know files, RTP or what a tone stands for.

Whoever waits for a tone listens to all that was heard again and again, and every PBX of a test is given the same
sounds: what has been computed once is remembered, or it would take the processor from the PBX that is listened to.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

RATE = 8_000
MAX_TONES = 64
"""Tones that are remembered, of at most some 200 kB each."""

MAX_PITCHES = 16_384
"""Pieces of sound whose pitch is remembered."""

_BIAS = 132


def mu_law(sample: int) -> int:
    """One linear 16-bit sample as ITU-T G.711 µ-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32_635) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0F)) & 0xFF


def linear(coded: int) -> int:
    """What `mu_law` coded, as near as it can be known."""
    return _LINEAR[coded]


@lru_cache(MAX_TONES)
def tone(hertz: int, milliseconds: int) -> bytes:
    """A steady sine, rather loud."""
    count = RATE * milliseconds // 1_000
    return bytes(mu_law(int(9_000 * math.sin(2 * math.pi * hertz * i / RATE))) for i in range(count))


@lru_cache(MAX_PITCHES)
def pitch(coded: bytes) -> int:
    """How high a tone is, to the nearest 100 Hz, by the sine's crossings of zero; 0 for silence."""
    samples = [linear(each) for each in coded]
    if not samples or max(map(abs, samples)) < _BIAS:
        return 0
    signs = [sample > 0 for sample in samples if sample]
    crossings = sum(before != after for before, after in pairwise(signs))
    return round(crossings / 2 * RATE / len(samples) / 100) * 100


def _decoded(coded: int) -> int:
    bits = ~coded & 0xFF
    magnitude = (((bits & 0x0F) << 3) + _BIAS << (bits >> 4 & 7)) - _BIAS
    return -magnitude if bits & 0x80 else magnitude


_LINEAR = tuple(map(_decoded, range(256)))
