"""The E-model: how a conversation is rated by delay, loss and echo (ITU-T G.107, 06/2015; codecs by G.113, Appendix I).

Owns the formulas of G.107, section 7, with its default values for all that a browser does not measure (loudness, noise,
quantizing, sidetone), and without echo unless its loss is given: browsers cancel it. Numbers are those of the
narrowband scale, whose R ends at 93.2; wideband codecs are better than that: the estimate errs to the low side.

Must not know where its figures come from (`quality`).
"""

import math
from typing import Final, NamedTuple

DEFAULT_R: Final = 93.2
"""With all parameters at their defaults (G.107, 7.7)."""
MAX_MOS: Final = 4.5
DEFAULT_ECHO_LOSS_DB: Final = 65.0
"""TELR, the talker echo loudness rating, of an ordinary telephone (G.107, 7.7)."""
TRANSPARENT_MS: Final = 100.0
"""One-way delay up to which G.107 has no impairment by it."""


class Codec(NamedTuple):
    """What a codec costs without loss, and how well it stands loss (G.113, Appendix I)."""

    impairment: float
    """Ie."""
    robustness: float
    """Bpl, the packet-loss robustness factor."""


G711: Final = Codec(0.0, 4.3)
"""G.711 without concealment of loss."""
G711_CONCEALED: Final = Codec(0.0, 25.1)
"""G.711 with concealment of loss, as browsers do it. Stands for Opus, too, of which G.113 has no narrowband figures."""
G729A: Final = Codec(11.0, 19.0)
G723: Final = Codec(15.0, 16.1)
GSM_EFR: Final = Codec(5.0, 10.0)


def rating(*, one_way_delay_ms: float, loss_percent: float, codec: Codec = G711_CONCEALED, burst: float = 1.0) -> float:
    """R = 93.2 − Idd − Ie,eff (G.107, 7.1), from 0 to 93.2; whoever has echo takes `echo_impairment` off besides.

    `one_way_delay_ms` is from mouth to ear, `burst` is BurstR: 1 for losses that are independent of each other.

    Raises:
        ValueError: a figure is negative or no number, or there is more loss than everything.
    """
    for name, value, most in (("one_way_delay_ms", one_way_delay_ms, math.inf), ("loss_percent", loss_percent, 100.0)):
        if not (0 <= value <= most and math.isfinite(value)):
            raise ValueError(f"{name}: {value} is no such figure; give one from 0 to {most}")
    if not (burst > 0 and math.isfinite(burst)):
        raise ValueError(f"burst: {burst} is no ratio; 1 is that of independent losses")
    impaired = DEFAULT_R - delay_impairment(one_way_delay_ms) - equipment_impairment(loss_percent, codec, burst)
    return max(0.0, impaired)


def delay_impairment(one_way_delay_ms: float) -> float:
    """Idd: what too long a way costs a conversation even without echo (G.107, 7.4)."""
    if one_way_delay_ms <= TRANSPARENT_MS:
        return 0.0
    doublings = math.log2(one_way_delay_ms / TRANSPARENT_MS)
    near, far = math.pow(1 + doublings**6, 1 / 6), math.pow(1 + (doublings / 3) ** 6, 1 / 6)
    return 25 * (near - 3 * far + 2)


def echo_impairment(one_way_delay_ms: float, echo_loss_db: float = DEFAULT_ECHO_LOSS_DB) -> float:
    """Idte: what a talker's own echo costs, by its loss (TELR) and how late it comes (G.107, 7.4)."""
    late = one_way_delay_ms
    heard = echo_loss_db - 40 * math.log10((1 + late / 10) / (1 + late / 150)) + 6 * math.exp(-0.3 * late**2)
    margin = _ECHO_BASIS - (80 + 2.5 * (heard - 14))
    return (margin / 2 + math.sqrt(margin**2 / 4 + 100) - 1) * (1 - math.exp(-late))


_ECHO_BASIS: Final = -1.5 * (-61.18 - 2)
"""Roe = −1.5 (No − RLR), with No and RLR at their defaults."""


def equipment_impairment(loss_percent: float, codec: Codec, burst: float = 1.0) -> float:
    """Ie,eff: the codec, and what is lost (G.107, 7.5)."""
    if loss_percent == 0:
        return codec.impairment
    return codec.impairment + (95 - codec.impairment) * loss_percent / (loss_percent / burst + codec.robustness)


def mean_opinion(r: float) -> float:
    """The mean opinion score that goes with R, from 1 to 4.5 (G.107, Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:  # noqa: PLR2004 - the scale's end
        return MAX_MOS
    # Below R = 6.5 the cubic dips under 1, which is no opinion.
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
