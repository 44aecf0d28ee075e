"""The reader of queue_logs by itself: what is no stay in a queue is found."""

import pytest

from tests.runtime.queue_log.reader import Entry, stays


def told(*events: str) -> list[Entry]:
    return [Entry(0, "1.1", "sales", "NONE", event, {}) for event in events]


def test_a_call_may_stay_several_times() -> None:
    events = ("RINGNOANSWER", "CONNECT", "BLINDTRANSFER")
    found = stays(told("QUEUESTART", "ENTERQUEUE", *events, "ENTERQUEUE", "RINGCANCELED", "ABANDON", "PAUSEALL"))
    assert found == {"1.1": [["ENTERQUEUE", *events], ["ENTERQUEUE", "RINGCANCELED", "ABANDON"]]}


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (("ABANDON",), "in no queue"),
        (("ENTERQUEUE", "ENTERQUEUE"), "in a queue already"),
        (("ENTERQUEUE", "ABANDON", "ABANDON"), "in no queue any more"),
        (("ENTERQUEUE",), "for ever"),
        (("ENTERQUEUE", "CONNECT"), "for ever"),
        (("ENTERQUEUE", "COMPLETEAGENT"), "COMPLETEAGENT"),
        (("ENTERQUEUE", "CONNECT", "ABANDON"), "ABANDON"),
        (("ENTERQUEUE", "CONNECT", "RINGNOANSWER", "COMPLETEAGENT"), "while it talks"),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, tuple) else "",
)
def test_what_is_none(events: tuple[str, ...], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        stays(told(*events))
