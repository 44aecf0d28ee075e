"""What Prometheus reads. Owns names, help texts and labels; reads the view and the meter.

Labels are the domain, queues (from the configuration), channels and outcomes: never an agent, an interaction or a
customer. Counters start again at zero with the view, as Prometheus expects of a restart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, get_args

from msgspec import Struct
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from acd.api.engine_metrics import engine_families, rated_families
from acd.core.messages import AlarmKind
from acd.ports.pages import Rated
from acd.runtime.estimate import WaitEstimator
from acd.runtime.figures import OFFER_OUTCOMES
from acd.runtime.meter import Histogram, Meter
from acd.runtime.records import DEVICE_STATES, QueueRecord
from acd.runtime.view import View

MAX_CHANNELS: Final = 64
"""Channels that get a label of their own; what is beyond is counted as `other`."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_ENDS: Final = ("completed", "abandoned", "cancelled", "overflowed", "failed")


class Measured(Struct, frozen=True):
    """What is measured of one domain. `outbox`: messages to other systems by state (`pending`, `dead`).

    `reloads`: how often tokens were read again, by outcome. `turned_away`: requests, by why. `health`: the router's.
    `rated`: calls between browsers, by channel instance.
    """

    domain: str
    ready: bool
    view: View
    waits: WaitEstimator
    meter: Meter
    now_us: Callable[[], int]
    sockets: int = 0
    evicted: int = 0
    outbox: Mapping[str, int] = {}
    tokens: int = 0
    reloads: Mapping[str, int] = {}
    turned_away: Mapping[str, int] = {}
    health: Mapping[str, object] = {}
    rated: Mapping[str, tuple[Rated, ...]] = {}


def exposition(domains: Iterable[Measured]) -> bytes:
    """Everything in Prometheus' text format, each series with the label `domain`. O(queues + waiting interactions).

    What is the process' alone (memory, processor time, files) has no such label.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Together(tuple(domains)))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Together(Collector):
    """The families of all domains, each family once."""

    def __init__(self, domains: tuple[Measured, ...]) -> None:
        self._domains = domains

    def collect(self) -> Iterator[Metric]:
        together: dict[str, Metric] = {}
        for measured in self._domains:
            for family in _families(measured):
                known = together.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                known.samples += [
                    sample._replace(labels={"domain": measured.domain, **sample.labels}) for sample in family.samples
                ]
        yield from together.values()


def _families(measured: Measured) -> Iterator[Metric]:
    view, meter = measured.view, measured.meter
    yield GaugeMetricFamily("acd_ready", "1 when calls may be sent here, as /readyz says.", value=int(measured.ready))
    yield from _queue_gauges(view, measured.now_us())
    yield from _queue_counters(view)
    yield _alarms(view)
    yield from _estimates(view, measured.waits)
    agents = GaugeMetricFamily("acd_agents", "Agents by presence.", labels=["presence"])
    for presence, count in view.presences().items():
        agents.add_metric([presence], count)
    yield agents
    vetoing = GaugeMetricFamily(
        "acd_devices_vetoing", "Devices that keep offers of a channel from their agents, by state.", labels=["state"]
    )
    states = [each.state for agent in view.agents.values() for each in agent.devices.values()]
    for state in DEVICE_STATES:
        vetoing.add_metric([state], states.count(state))
    yield vetoing
    yield _histogram("acd_decision_seconds", "Time of one Engine.apply.", meter.decisions)
    yield _histogram("acd_commit_seconds", "Time until one batch was durable.", meter.commits)
    yield _histogram("acd_commit_rows", "Commands of one batch.", meter.batches)
    yield from _deliveries(measured)
    yield from _access(measured)
    yield from engine_families(measured.health)
    yield from rated_families(measured.rated)


def _alarms(view: View) -> Metric:
    """Of every queue, so that one that is cleared is told, too."""
    raised = GaugeMetricFamily("acd_alarm", "1 while an alarm of a queue is raised.", labels=["queue", "alarm"])
    for queue in view.queues.values():
        for kind in get_args(AlarmKind):
            raised.add_metric([queue.id, kind], int(kind in queue.alarms))
    return raised


def _deliveries(measured: Measured) -> Iterator[Metric]:
    """What is told to other systems."""
    yield GaugeMetricFamily("acd_event_sockets", "Event sockets that are open.", value=measured.sockets)
    yield CounterMetricFamily(
        "acd_event_sockets_evicted", "Event sockets closed because they were too slow.", value=measured.evicted
    )
    waiting = GaugeMetricFamily("acd_outbox_messages", "Messages to other systems by state.", labels=["state"])
    for state, count in measured.outbox.items():
        waiting.add_metric([state], count)
    yield waiting


def _access(measured: Measured) -> Iterator[Metric]:
    """Who may come in."""
    yield GaugeMetricFamily("acd_api_tokens", "Tokens that are configured.", value=measured.tokens)
    reloads = CounterMetricFamily("acd_api_token_reloads", "Times that tokens were read again.", labels=["outcome"])
    for outcome, count in measured.reloads.items():
        reloads.add_metric([outcome], count)
    yield reloads
    away = CounterMetricFamily("acd_api_turned_away", "Requests that were turned away, by why.", labels=["reason"])
    for reason, count in measured.turned_away.items():
        away.add_metric([reason], count)
    yield away


def by_channel(row: QueueRecord, named: set[str], most: int = MAX_CHANNELS) -> dict[str, int]:
    """Who waits in a queue, by channel; `named` are the channels that have a label, and grows to `most` at most."""
    counts: dict[str, int] = {}
    for channel, count in row.waiting_by_channel.items():
        if channel not in named and len(named) < most:
            named.add(channel)
        label = channel if channel in named else "other"
        counts[label] = counts.get(label, 0) + count
    return counts


def _queue_gauges(view: View, now_us: int) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("acd_waiting", "Interactions that wait without an offer.", labels=["queue", "channel"])
    in_all = GaugeMetricFamily("acd_queue_waiting", "The same of all channels; 0 is told, too.", labels=["queue"])
    open_ = GaugeMetricFamily("acd_queue_open", "1 while the queue takes interactions.", labels=["queue"])
    ringing = GaugeMetricFamily("acd_offered", "Interactions with a pending offer.", labels=["queue"])
    active = GaugeMetricFamily("acd_active", "Interactions with an agent.", labels=["queue"])
    longest = GaugeMetricFamily("acd_longest_wait_seconds", "Wait of the oldest unanswered one.", labels=["queue"])
    level = GaugeMetricFamily(
        "acd_service_level_ratio", "Answered within the threshold / (answered + abandoned).", labels=["queue"]
    )
    named: set[str] = set()
    for queue_id, row in view.queues.items():
        for channel, count in by_channel(row, named).items():
            waiting.add_metric([queue_id, channel], count)
        in_all.add_metric([queue_id], row.waiting)
        open_.add_metric([queue_id], int(row.closed is None))
        ringing.add_metric([queue_id], row.offered)
        active.add_metric([queue_id], row.active)
        oldest_us = row.oldest_us()
        longest.add_metric([queue_id], 0.0 if oldest_us is None else (now_us - oldest_us) / 1_000_000)
        ratio = row.figures.service_level()
        if ratio is not None:
            level.add_metric([queue_id], ratio)
    yield from (waiting, in_all, open_, ringing, active, longest, level)


def _queue_counters(view: View) -> Iterator[Metric]:
    offers = CounterMetricFamily("acd_offers", "Offers that ended, by outcome.", labels=["queue", "outcome"])
    ended = CounterMetricFamily("acd_interactions", "Interactions that ended, by outcome.", labels=["queue", "outcome"])
    plain = {
        "entered": CounterMetricFamily(
            "acd_interactions_entered", "Interactions enqueued or moved in.", labels=["queue"]
        ),
        "answered": CounterMetricFamily("acd_interactions_answered", "Interactions answered.", labels=["queue"]),
        "level_met": CounterMetricFamily("acd_service_level_met", "Answered within the threshold.", labels=["queue"]),
        "level_decided": CounterMetricFamily("acd_service_level_decided", "Answered or abandoned.", labels=["queue"]),
    }
    waited = CounterMetricFamily(
        "acd_waited_seconds", "Sum of the waits of those that were answered.", labels=["queue"]
    )
    talked = CounterMetricFamily(
        "acd_talked_seconds", "Sum of the conversations of those that were completed.", labels=["queue"]
    )
    for queue_id, row in view.queues.items():
        figures = row.figures
        waited.add_metric([queue_id], figures.waited_us / 1_000_000)
        talked.add_metric([queue_id], figures.talked_us / 1_000_000)
        for outcome in OFFER_OUTCOMES:
            offers.add_metric([queue_id, outcome], getattr(figures, outcome))
        for outcome in _ENDS:
            ended.add_metric([queue_id, outcome], getattr(figures, outcome))
        for name, family in plain.items():
            family.add_metric([queue_id], getattr(figures, name))
    yield from (offers, ended, waited, talked, *plain.values())


def _estimates(view: View, waits: WaitEstimator) -> Iterator[Metric]:
    estimated = GaugeMetricFamily(
        "acd_estimated_wait_seconds",
        "For whoever comes in now: the edges of an 80 % band, and its middle.",
        labels=["queue", "edge"],
    )
    covered = GaugeMetricFamily(
        "acd_estimate_covered_ratio", "Waits that lay within the band given when they began.", labels=["queue"]
    )
    error = GaugeMetricFamily(
        "acd_estimate_error_seconds", "Mean absolute error of the band's middle.", labels=["queue"]
    )
    rolling = GaugeMetricFamily(
        "acd_rolling_estimate_error_seconds", "The same of a rolling average, (3 x old + new) >> 2.", labels=["queue"]
    )
    for queue_id in view.queues:
        band = waits.estimate(queue_id)
        if band is not None:
            for edge, value in (("low", band.low_s), ("middle", band.middle_s), ("high", band.high_s)):
                estimated.add_metric([queue_id, edge], value)
        quality = waits.quality(queue_id)
        for family, found in ((covered, quality.covered), (error, quality.error_s), (rolling, quality.rolling_error_s)):
            if found is not None:
                family.add_metric([queue_id], found)
    yield from (estimated, covered, error, rolling)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(name, text)
    family.add_metric([], list(histogram.cumulative()), histogram.total)
    return family
