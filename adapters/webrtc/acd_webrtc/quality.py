"""How well one side of a call hears the other: figures of the whole call from samples of the browser's `getStats`.

Owns what lies between two samples (counters only grow, and begin anew with another connection), the estimate of each
interval by the E-model, and percentiles over the call, in a memory that does not grow with its length. Samples come
from a page: a figure that cannot be is refused.

Must not know pages, sockets or time: an interval is between the times that samples carry.
"""

import math
from collections import Counter
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from acd_webrtc.emodel import G711_CONCEALED, Codec, mean_opinion, rating

MICROSECONDS: Final = 1_000_000
MIN_INTERVAL_US: Final = MICROSECONDS // 2
MAX_SECONDS: Final = 10.0
"""Longest delay or jitter that counts as such; a longer one counts as this."""
MAX_CONNECTION_LETTERS: Final = 64
PACKET_MS: Final = 20.0
"""What a packet holds, and so what its sender waits for."""
LOOKAHEAD_MS: Final = 6.5
"""Of Opus (RFC 6716, 2.1.4 with 2.5 ms for the transform): a codec delays by it, too."""
HELD_PER_JITTER: Final = 2.0
"""How much of the jitter a receiver waits out, where it does not say how long it held packets back."""

Packets = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e15)]


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a page read from `getStats` at one moment, of the audio that it receives (W3C webrtc-stats).

    Counters are those since the connection began. Read one with `msgspec.convert` or a decoder, which check the bounds.
    """

    at_us: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    """The page's clock; only differences count. One that was put back begins anew."""
    packets_received: Packets
    packets_lost: Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
    """Of RFC 3550: less than 0 when some came twice."""
    jitter: Seconds
    round_trip_time: Seconds | None = None
    """`currentRoundTripTime` of the candidate pair, or that of the remote's report."""
    packets_discarded: Packets = 0
    """Those that came too late to be played."""
    jitter_buffer_delay: Annotated[float, Meta(ge=0, le=1e15)] = 0.0
    """Seconds, over all that left the buffer; likewise `jitterBufferEmittedCount`."""
    jitter_buffer_emitted_count: Packets = 0
    connection: Annotated[str, Meta(max_length=MAX_CONNECTION_LETTERS)] = ""
    """A name for the RTCPeerConnection: with another one the counters are others, whatever they are at."""


class Interval(NamedTuple):
    """What was heard between two samples."""

    seconds: float
    packets: int
    """That were to come: those that came and those that did not."""
    loss_percent: float
    """Lost or too late."""
    jitter_ms: float
    round_trip_ms: float | None
    mos: float


class Spread(NamedTuple):
    """A figure over a call: intervals weigh alike. `p95` is the worse end: for `mos` the lowest one in twenty."""

    mean: float
    p50: float
    p95: float
    worst: float


class Figures(NamedTuple):
    """Of a call so far, as one side heard it. Without any interval, or any round trip, a spread is None."""

    seconds: float
    packets: int
    loss_percent: float
    """Of all packets: long intervals weigh more than in `loss`."""
    loss: Spread | None
    jitter_ms: Spread | None
    round_trip_ms: Spread | None
    mos: Spread | None
    silent_seconds: float
    """In which nothing was to be heard: on hold, or by a line that was dead. No other figure has them."""


class Quality:
    """Of one side of one call: `add` samples in order, ask for `figures` at any time."""

    def __init__(self, codec: Codec = G711_CONCEALED) -> None:
        self._codec = codec
        self._last: Sample | None = None
        self._seconds = self._silent_seconds = 0.0
        self._packets = self._missing = 0
        self._loss = _Distribution(step=0.1, most=100.0)
        self._jitter = _Distribution(step=1.0, most=MAX_SECONDS * 1_000)
        self._round_trip = _Distribution(step=1.0, most=MAX_SECONDS * 1_000)
        self._mos = _Distribution(step=0.01, most=4.5, worse_is_less=True)

    def add(self, sample: Sample) -> Interval | None:
        """The interval that ends with this sample; None: it is the first of its connection, or nothing was to be heard.

        Raises:
            ValueError: it is less than half a second after the last one.
        """
        last = self._last
        if last is not None and 0 <= sample.at_us - last.at_us < MIN_INTERVAL_US:
            raise ValueError(f"atUs: is {sample.at_us - last.at_us} µs after the last; send one each second at most")
        self._last = sample
        if last is None or _begun_anew(last, sample):
            return None
        came = sample.packets_received - last.packets_received
        late = min(came, sample.packets_discarded - last.packets_discarded)
        lost = max(0, sample.packets_lost - last.packets_lost)
        if came + lost == 0:
            # Silence that is not sent, hold, or a network that is gone: no figure is made of nothing.
            self._silent_seconds += (sample.at_us - last.at_us) / MICROSECONDS
            return None
        interval = self._interval(last, sample, came + lost, lost + late)
        self._seconds += interval.seconds
        self._packets += came + lost
        self._missing += lost + late
        self._loss.add(interval.loss_percent)
        self._jitter.add(interval.jitter_ms)
        self._mos.add(interval.mos)
        if interval.round_trip_ms is not None:
            self._round_trip.add(interval.round_trip_ms)
        return interval

    def figures(self) -> Figures:
        """Of all that was added."""
        return Figures(
            self._seconds,
            self._packets,
            100 * self._missing / self._packets if self._packets else 0.0,
            self._loss.spread(),
            self._jitter.spread(),
            self._round_trip.spread(),
            self._mos.spread(),
            self._silent_seconds,
        )

    def _interval(self, last: Sample, sample: Sample, packets: int, missing: int) -> Interval:
        loss, jitter = 100 * missing / packets, min(MAX_SECONDS, sample.jitter)
        round_trip = None if sample.round_trip_time is None else min(MAX_SECONDS, sample.round_trip_time)
        way_ms = (round_trip or 0.0) * 500 + _held_ms(last, sample) + PACKET_MS + LOOKAHEAD_MS
        mos = mean_opinion(rating(one_way_delay_ms=way_ms, loss_percent=loss, codec=self._codec))
        return Interval(
            (sample.at_us - last.at_us) / MICROSECONDS,
            packets,
            loss,
            jitter * 1_000,
            None if round_trip is None else round_trip * 1_000,
            mos,
        )


class _Distribution:
    """Counts by steps: a percentile is right to half a step, and there are no more counts than steps."""

    def __init__(self, *, step: float, most: float, worse_is_less: bool = False) -> None:
        self._step, self._most = step, most
        self._worse_is_less = worse_is_less
        self._counts: Counter[int] = Counter()
        self._sum = 0.0

    def add(self, value: float) -> None:
        value = min(value, self._most)
        self._counts[round(value / self._step)] += 1
        self._sum += value

    def spread(self) -> Spread | None:
        """By nearest rank: the least step that so many of all values do not exceed, from the better end."""
        total = self._counts.total()
        if total == 0:
            return None
        steps = sorted(self._counts, reverse=self._worse_is_less)
        return Spread(self._sum / total, *(self._at(steps, math.ceil(share * total)) for share in (0.5, 0.95, 1.0)))

    def _at(self, steps: list[int], rank: int) -> float:
        passed = 0
        for each in steps:
            passed += self._counts[each]
            if passed >= rank:
                return each * self._step
        raise AssertionError("a rank beyond all values")


def _begun_anew(last: Sample, sample: Sample) -> bool:
    """Counters of another connection, or by another clock."""
    return (
        sample.connection != last.connection
        or sample.at_us < last.at_us
        or sample.packets_received < last.packets_received
        or sample.packets_discarded < last.packets_discarded
        or sample.jitter_buffer_emitted_count < last.jitter_buffer_emitted_count
        or sample.jitter_buffer_delay < last.jitter_buffer_delay
    )


def _held_ms(last: Sample, sample: Sample) -> float:
    """How long the receiver held what it played in this interval, on average."""
    emitted = sample.jitter_buffer_emitted_count - last.jitter_buffer_emitted_count
    if emitted == 0:
        return HELD_PER_JITTER * min(MAX_SECONDS, sample.jitter) * 1_000
    return min(MAX_SECONDS, (sample.jitter_buffer_delay - last.jitter_buffer_delay) / emitted) * 1_000
