"""What Prometheus reads, and the probes: right numbers, and nobody in them."""

from prometheus_client.parser import text_string_to_metric_families

from acd.api import metrics
from acd.core.messages import (
    AcceptOffer,
    CancelInteraction,
    DeclineOffer,
    EndInteraction,
    EnqueueInteraction,
    SignInAgent,
)
from acd.runtime.meter import Histogram, Meter
from tests.api.harness import As, Http, MemoryRouter
from tests.api.listening import Connect


async def scraped(http: Http) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with http.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await response.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


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
    ):
        assert router.apply(command, after_us).refusal is None
    router.clock_us += 5 * second
    router.meter.commit(0.002, 3)
    found = await scraped(http)
    assert found["acd_waiting", q("sales", channel="chat")] == 1
    assert found["acd_waiting", q("客服", channel="voice")] == 1
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
    assert found["acd_decision_seconds_count", ()] == router.meter.decisions.count == 13
    assert found["acd_commit_seconds_count", ()] == 1
    assert found["acd_commit_rows_sum", ()] == 3


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
    text = metrics.exposition(router.view, router.waits, router.meter, router.now_us).decode()
    assert 'channel="channel-2",queue="sales"' in text
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


async def test_sockets_and_messages_to_others_are_counted(http: Http, connect: Connect) -> None:
    listener = await connect()
    async with http.get("/metrics") as response:
        text = await response.text()
    assert "acd_event_sockets 1.0" in text
    assert "acd_event_sockets_evicted_total 0.0" in text
    await listener.ws.close()
    counted = metrics.deliveries(0, 3, {"pending": 2, "dead": 1}).decode()
    assert 'acd_outbox_messages{state="dead"} 1.0' in counted
    assert "acd_event_sockets_evicted_total 3.0" in counted
