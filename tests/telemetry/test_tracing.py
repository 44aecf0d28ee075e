"""What the log says of a collector that is away."""

import logging

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from acd.runtime.config import TelemetryConfig
from acd.telemetry.tracing import COMPLAINT_SECONDS, Sparing, open_tracing


def record(level: int, at: float) -> logging.LogRecord:
    made = logging.LogRecord("exporter", level, __file__, 1, "cannot be sent", None, None)
    made.created = at
    return made


def test_of_each_severity_there_is_a_line_a_minute() -> None:
    sparing = Sparing()
    told = [(logging.WARNING, at) for at in (0.0, 1.0, COMPLAINT_SECONDS - 1, COMPLAINT_SECONDS, COMPLAINT_SECONDS + 1)]
    assert [sparing.filter(record(*each)) for each in told] == [True, False, False, True, False]
    assert sparing.filter(record(logging.ERROR, COMPLAINT_SECONDS + 1)), "another severity has a line of its own"


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    sparing = Sparing()
    assert [sparing.filter(record(logging.ERROR, at)) for at in (1_000.0, 10.0, 11.0)] == [True, True, False]


async def test_it_is_the_exporter_that_is_spared_and_once_for_all_domains() -> None:
    exporters = logging.getLogger(OTLPSpanExporter.__module__)
    first, second = (open_tracing(TelemetryConfig(endpoint="http://127.0.0.1:9"), name) for name in ("red", "blue"))
    assert [type(each) for each in exporters.filters].count(Sparing) == 1
    await first.close()
    await second.close()
