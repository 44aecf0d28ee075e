"""What Prometheus reads, and the probes: right numbers, and nobody in them."""

from collections.abc import Mapping
from importlib.metadata import version

import pytest
from prometheus_client.parser import text_string_to_metric_families

from acd.api import metrics
from acd.api.engine_metrics import engine_families
from acd.api.metrics import Measured
from acd.core.messages import (
    AcceptOffer,
    CancelInteraction,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    NoteDevice,
    SignInAgent,
)
from acd.runtime.meter import Histogram, Meter
from tests.api.harness import As, Http, MemoryRouter
from tests.api.listening import Connect

OF_THE_PROCESS = "process_"
"""What there is once, however many domains there are."""


async def scraped(http: Http) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with http.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await response.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    ours = [sample for sample in samples if not sample.name.startswith(OF_THE_PROCESS)]
    assert {sample.labels.pop("domain") for sample in ours} == {"test"}
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def measured(router: MemoryRouter, *, ready: bool = True, evicted: int = 0, outbox: Mapping[str, int] = {}) -> Measured:
    return Measured(
        router.events.domain,
        ready,
        router.view,
        router.waits,
        router.meter,
        router.now_us,
        evicted=evicted,
        outbox=outbox,
    )


def q(queue: str, **labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"queue": queue, **labels}.items()))


async def test_the_numbers_are_those_of_the_view(http: Http, router: MemoryRouter) -> None:
    second = 1_000_000
    for command, after_us in (
        (EnqueueInteraction("c1", "secret-c1", "chat", "sales", customer="secret-ref"), 0),
        (EnqueueInteraction("c2", "secret-c2", "voice", "sales"), 0),
        (SignInAgent("c3", "anna", ready=True), 3 * second),
        (AcceptOffer("c4", "secret-c1.1", "anna"), second),
        (EndInteraction("c5", "secret-c1"), second),
        (EndInteraction("c6", "secret-c2"), second),
        (EnqueueInteraction("c7", "secret-c3", "voice", "客服"), 0),
        (CancelInteraction("c8", "secret-c3"), second),
        (EnqueueInteraction("c9", "secret-c4", "voice", "客服"), 0),
        (SignInAgent("c10", "boris", ready=True), 0),
        (EnqueueInteraction("c11", "secret-c5", "chat", "sales"), 0),
        (DeclineOffer("c12", "secret-c5.1", "boris"), 0),
        (NoteDevice("c13", "anna", "voice", "in-use"), 0),
    ):
        assert router.apply(command, after_us).refusal is None
    router.clock_us += 5 * second
    router.meter.commit(0.002, 3)
    found = await scraped(http)
    assert found["acd_waiting", q("sales", channel="chat")] == 1
    assert found["acd_waiting", q("客服", channel="voice")] == 1
    assert found["acd_queue_waiting", q("sales")] == 1
    assert found["acd_queue_open", q("sales")] == 1
    assert found["acd_waited_seconds_total", q("sales")] == 4.0
    assert found["acd_talked_seconds_total", q("sales")] == 1.0
    assert found["acd_longest_wait_seconds", q("客服")] == 5.0
    assert found["acd_interactions_total", q("sales", outcome="completed")] == 1
    assert found["acd_interactions_total", q("sales", outcome="abandoned")] == 1
    assert found["acd_interactions_total", q("客服", outcome="cancelled")] == 1
    assert found["acd_interactions_entered_total", q("sales")] == 3
    assert found["acd_interactions_answered_total", q("sales")] == 1
    assert found["acd_offers_total", q("sales", outcome="accepted")] == 1
    assert found["acd_offers_total", q("sales", outcome="declined")] == 1
    assert found["acd_service_level_met_total", q("sales")] == 1
    assert found["acd_service_level_decided_total", q("sales")] == 2
    assert found["acd_service_level_ratio", q("sales")] == 0.5
    assert ("acd_service_level_ratio", q("客服")) not in found
    assert found["acd_agents", (("presence", "ready"),)] == 2
    assert found["acd_agents", (("presence", "signed-out"),)] == 1
    assert found["acd_devices_vetoing", (("state", "in-use"),)] == 1
    assert found["acd_devices_vetoing", (("state", "unavailable"),)] == 0
    assert found["acd_decision_seconds_count", ()] == router.meter.decisions.count == 14
    assert found["acd_commit_seconds_count", ()] == 1
    assert found["acd_commit_rows_sum", ()] == 3


def test_the_engine_as_a_program() -> None:
    """What a router says of itself; what it does not say is nothing."""
    said = {
        "inbox": 3,
        "outage": "the disk is full",
        "appending_seconds": 1.5,
        "seq": 70,
        "quarantined": 2,
        "stuck_deadline_us": 5,
        "channels": {
            "pbx": {
                "connected": True,
                "failures": 4,
                "endpoints_inuse": 3,
                "trunk_isp": True,
                "trunk_spare": False,
                "difference_orphaned-bridge": 2,
                "silences": 1,
            },
            "web": {"connected": False},
        },
    }
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in engine_families(said)
        for sample in family.samples
    }
    assert found == {
        ("acd_inbox_commands",): 3,
        ("acd_journal_outage",): 1,
        ("acd_journal_appending_seconds",): 1.5,
        ("acd_journal_rows_total",): 70,
        ("acd_commands_quarantined_total",): 2,
        ("acd_deadline_stuck",): 1,
        ("acd_channel_connected", "pbx"): 1,
        ("acd_channel_connected", "web"): 0,
        ("acd_channel_failures_total", "pbx"): 4,
        ("acd_channel_failures_total", "web"): 0,
        ("acd_pbx_endpoints", "pbx", "inuse"): 3,
        ("acd_pbx_trunk_up", "pbx", "isp"): 1,
        ("acd_pbx_trunk_up", "pbx", "spare"): 0,
        ("acd_pbx_differences_total", "pbx", "orphaned-bridge"): 2,
        ("acd_pbx_silences_total", "pbx"): 1,
        ("acd_build_info", version("acd-engine")): 1,
    }
    assert {sample.value for family in engine_families({}) for sample in family.samples} == {0, 1}


async def test_the_process_is_told_of_once(http: Http) -> None:
    async with http.get("/metrics") as response:
        text = await response.text()
    assert len([line for line in text.splitlines() if line.startswith("process_resident_memory_bytes ")]) == 1


async def test_nobody_is_in_the_metrics(http: Http, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "secret-c1", "chat", "sales", customer="secret-ref"))
    router.apply(SignInAgent("c2", "anna", ready=True))
    async with http.get("/metrics") as response:
        text = await response.text()
    assert "secret" not in text
    assert "anna" not in text


def test_labels_of_channels_are_bounded(router: MemoryRouter) -> None:
    for number in range(3):
        router.apply(EnqueueInteraction(f"c{number}", f"i{number}", f"channel-{number}", "sales"))
    text = metrics.exposition([measured(router)]).decode()
    assert 'acd_waiting{channel="channel-2",domain="test",queue="sales"} 1.0' in text
    named: set[str] = set()
    row = router.view.queues["sales"]
    shares = metrics.by_channel(row, named, most=2)
    assert shares == {"channel-0": 1, "channel-1": 1, "other": 1}
    assert named == {"channel-0", "channel-1"}


async def test_probes(router: MemoryRouter, as_: As) -> None:
    stranger = as_("")
    assert await stranger("GET", "/livez") == (200, {"status": "live"})
    assert await stranger("GET", "/readyz") == (200, {"ready": True, "channels": {"pbx": {"connected": True}}})
    router.ready = False
    assert await stranger("GET", "/readyz") == (503, {"ready": False, "channels": {"pbx": {"connected": False}}})
    assert await stranger("GET", "/livez") == (200, {"status": "live"})


def test_a_histogram_counts_each_value_once() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        histogram.observe(value)
    assert histogram.cumulative() == (("1.0", 2), ("2.0", 4), ("+Inf", 5))
    assert (histogram.count, histogram.total) == (5, 14.0)


def test_a_meter_starts_at_zero() -> None:
    meter = Meter()
    meter.decision(0.1)
    meter.commit(0.2, 7)
    assert [each.count for each in (meter.decisions, meter.commits, meter.batches)] == [1, 1, 1]
    assert (meter.commits.total, meter.batches.total) == (0.2, 7.0)


async def test_sockets_and_messages_to_others_are_counted(http: Http, router: MemoryRouter, connect: Connect) -> None:
    listener = await connect()
    found = await scraped(http)
    assert (found["acd_event_sockets", ()], found["acd_event_sockets_evicted_total", ()]) == (1, 0)
    await listener.ws.close()
    counted = metrics.exposition([measured(router, evicted=3, outbox={"pending": 2, "dead": 1})]).decode()
    assert 'acd_outbox_messages{domain="test",state="dead"} 1.0' in counted
    assert 'acd_event_sockets_evicted_total{domain="test"} 3.0' in counted


def test_each_family_of_several_domains_is_there_once(router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    other = MemoryRouter(domain="other")
    text = metrics.exposition([measured(router), measured(other, ready=False)]).decode()
    heads = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")]
    assert len(heads) == len(set(heads)) > 20
    families = list(text_string_to_metric_families(text))
    series = [(each.name, tuple(sorted(each.labels.items()))) for family in families for each in family.samples]
    assert len(series) == len(set(series))
    values = {
        (each.name, each.labels["domain"]): each.value
        for family in families
        for each in family.samples
        if not each.name.startswith(OF_THE_PROCESS)
    }
    assert {domain for _, domain in values} == {"test", "other"}
    assert (values["acd_ready", "test"], values["acd_ready", "other"]) == (1, 0)
    assert 'acd_waiting{channel="chat",domain="test",queue="sales"} 1.0' in text
    assert 'acd_waiting{channel="chat",domain="other"' not in text


async def test_trunks_are_not_for_everybody(router: MemoryRouter, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"ready": True, "channels": {"pbx": {"connected": True, "trunk_13800138000": True}}}
    monkeypatch.setattr(router, "health", lambda: said)
    assert await as_("")("GET", "/readyz") == (200, {"ready": True, "channels": {"pbx": {"connected": True}}})
