"""Figures about the engine as a program: its inbox, its journal, its channels. Owns their names, help texts and labels.

Must not know agents, queues or interactions. Labels are names of channel instances, which are the configuration's.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from acd.ports.pages import Rated

_ENDPOINTS: Final = "endpoints_"
TRUNK: Final = "trunk_"
_DIFFERENCE: Final = "difference_"
_SILENCES: Final = "silences"
_ENDS: Final = "ends_"
_HEARD: Final = {
    "score": ("acd_browser_call_score", "Estimated mean opinion of each call that has ended, by who heard."),
    "loss": ("acd_browser_call_loss_percent", "Packets lost or too late, in percent."),
    "jitter": ("acd_browser_call_jitter_milliseconds", "Mean jitter."),
    "round_trip": ("acd_browser_call_round_trip_milliseconds", "Mean round trip."),
}


def engine_families(health: Mapping[str, object]) -> Iterator[Metric]:
    """`health` is a router's; what it does not say counts as nothing."""
    yield GaugeMetricFamily("acd_inbox_commands", "Commands that wait for the writer.", value=_number(health, "inbox"))
    yield GaugeMetricFamily(
        "acd_journal_outage",
        "1 while the journal cannot be written, and commands are refused.",
        value=int(bool(health.get("outage"))),
    )
    yield GaugeMetricFamily(
        "acd_journal_appending_seconds",
        "How long the commit under way has taken so far.",
        value=_number(health, "appending_seconds"),
    )
    yield CounterMetricFamily("acd_journal_rows", "Rows of the journal.", value=_number(health, "seq"))
    yield CounterMetricFamily(
        "acd_commands_quarantined",
        "Commands set aside because the engine raised over them.",
        value=_number(health, "quarantined"),
    )
    yield GaugeMetricFamily(
        "acd_deadline_stuck",
        "1 while a deadline cannot be handled because the engine raises over it.",
        value=int(health.get("stuck_deadline_us") is not None),
    )
    yield from _channels(health)
    build = GaugeMetricFamily("acd_build_info", "1, with the version of acd-engine.", labels=["version"])
    build.add_metric([_version()], 1)
    yield build


def _channels(health: Mapping[str, object]) -> Iterator[Metric]:
    connected = GaugeMetricFamily(
        "acd_channel_connected", "1 while a channel instance has its far end.", labels=["channel_instance"]
    )
    failures = CounterMetricFamily(
        "acd_channel_failures", "Effects that a channel instance could not carry out.", labels=["channel_instance"]
    )
    channels = health.get("channels")
    for name, each in (channels if isinstance(channels, Mapping) else {}).items():
        connected.add_metric([name], int(each.get("connected") is True))
        failures.add_metric([name], _number(each, "failures"))
    yield from (connected, failures)
    found = channels if isinstance(channels, Mapping) else {}
    yield from _pbx(found)
    yield from _browser_calls(found)


def _pbx(channels: Mapping[str, Mapping[str, object]]) -> Iterator[Metric]:
    """What the health of a channel with a PBX says of it: `endpoints_inuse = 3`, `trunk_carrier = true`, …."""
    endpoints = GaugeMetricFamily(
        "acd_pbx_endpoints", "A PBX's endpoints by device state.", labels=["channel_instance", "state"]
    )
    trunks = GaugeMetricFamily(
        "acd_pbx_trunk_up", "1 while a PBX's outbound registration stands.", labels=["channel_instance", "trunk"]
    )
    differences = CounterMetricFamily(
        "acd_pbx_differences",
        "What comparisons found otherwise on a PBX than desired, and healed.",
        labels=["channel_instance", "kind"],
    )
    silences = CounterMetricFamily(
        "acd_pbx_silences",
        "Connections to a PBX that stood and on which no events came, so that they were made anew.",
        labels=["channel_instance"],
    )
    for name, each in channels.items():
        for key, value in each.items():
            if key == _SILENCES and isinstance(value, int):
                silences.add_metric([name], value)
            elif key.startswith(_ENDPOINTS) and isinstance(value, int):
                endpoints.add_metric([name, key.removeprefix(_ENDPOINTS)], value)
            elif key.startswith(_DIFFERENCE) and isinstance(value, int):
                differences.add_metric([name, key.removeprefix(_DIFFERENCE)], value)
            elif key.startswith(TRUNK) and isinstance(value, bool):
                trunks.add_metric([name, key.removeprefix(TRUNK)], int(value))
    yield from (endpoints, trunks, differences, silences)


def _browser_calls(channels: Mapping[str, Mapping[str, object]]) -> Iterator[Metric]:
    """What the health of a channel for calls between browsers says: `talks = 3`, `ends_lost_agent = 1`, …."""
    calls = GaugeMetricFamily(
        "acd_browser_calls",
        "Calls between browsers: all that have not ended, and those where two talk.",
        labels=["channel_instance", "state"],
    )
    pages = GaugeMetricFamily("acd_browser_pages", "Pages that are connected for calls.", labels=["channel_instance"])
    ends = CounterMetricFamily(
        "acd_browser_talks",
        "Talks between browsers that have ended, by why, and by whom.",
        labels=["channel_instance", "reason"],
    )
    for name, each in channels.items():
        if "talks" not in each:
            continue
        calls.add_metric([name, "all"], _number(each, "calls"))
        calls.add_metric([name, "talking"], _number(each, "talks"))
        pages.add_metric([name], _number(each, "pages"))
        for key in each:
            if key.startswith(_ENDS):
                ends.add_metric([name, key.removeprefix(_ENDS)], _number(each, key))
    yield from (calls, pages, ends)


def rated_families(rated: Mapping[str, Iterable[Rated]]) -> Iterator[Metric]:
    """How well both sides heard each other in calls between browsers that have ended; by channel instance."""
    for figure, (name, text) in _HEARD.items():
        family = HistogramMetricFamily(name, text, labels=["channel_instance", "side"])
        for channel, each in rated.items():
            for found in each:
                if found.figure == figure:
                    family.add_metric([channel, found.side], list(found.buckets), found.total)
        yield family


def _number(health: Mapping[str, object], name: str) -> float:
    value = health.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0


@cache
def _version() -> str:
    return version("acd-engine")
