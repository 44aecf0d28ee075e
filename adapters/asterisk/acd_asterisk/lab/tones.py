"""Tones as G.711 µ-law at 8 kHz, to be played and to be recognised. Pure.

Owns the coding and the recognition. Must not know files, RTP or what a tone stands for.
"""

from __future__ import annotations

import math
from itertools import pairwise

RATE = 8_000
_BIAS = 132


def mu_law(sample: int) -> int:
    """One linear 16-bit sample as ITU-T G.711 µ-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32_635) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0F)) & 0xFF


def linear(coded: int) -> int:
    """What `mu_law` coded, as near as it can be known."""
    bits = ~coded & 0xFF
    magnitude = (((bits & 0x0F) << 3) + _BIAS << (bits >> 4 & 7)) - _BIAS
    return -magnitude if bits & 0x80 else magnitude


def tone(hertz: int, milliseconds: int) -> bytes:
    """A steady sine, rather loud."""
    count = RATE * milliseconds // 1_000
    return bytes(mu_law(int(9_000 * math.sin(2 * math.pi * hertz * i / RATE))) for i in range(count))


def pitch(coded: bytes) -> int:
    """How high a tone is, to the nearest 100 Hz, by the sine's crossings of zero; 0 for silence."""
    samples = [linear(each) for each in coded]
    if not samples or max(map(abs, samples)) < _BIAS:
        return 0
    signs = [sample > 0 for sample in samples if sample]
    crossings = sum(before != after for before, after in pairwise(signs))
    return round(crossings / 2 * RATE / len(samples) / 100) * 100
