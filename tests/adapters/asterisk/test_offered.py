"""What is kept of offers and callers: no more than lives, however many there have been."""

import tracemalloc
from collections import deque
from collections.abc import Iterator
from random import Random

import pytest

from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk.desk import Desk
from acd_asterisk.names import Names
from acd_asterisk.offered import MAX_OFFERS, SPARE, Offered
from acd_asterisk.options import read_options
from acd_asterisk.visits import MAX_VISITS_KEPT, Visits
from acd_asterisk.wire import AriChannel

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")


def test_what_is_known_of_an_offer_as_long_as_its_interaction_lives() -> None:
    alive = {"i"}
    offered = Offered(alive.__contains__)
    assert (offered.expires_at_us("i.1"), offered.has_rung("i.1")) == (None, False)
    offered.note("i.1", 5)
    assert (offered.expires_at_us("i.1"), offered.has_rung("i.1")) == (5, False)
    offered.note_rung("i.1")
    offered.note_rung("i.2")
    assert (offered.expires_at_us("i.1"), offered.has_rung("i.1")) == (5, True)
    # Told to an earlier process, and dialled by this one.
    assert (offered.expires_at_us("i.2"), offered.has_rung("i.2")) == (None, True)
    offered.forget("i")
    assert offered.has_rung("i.1"), "the engine still wants it, and may ask"
    alive.clear()
    offered.forget("i")
    assert (offered.expires_at_us("i.1"), offered.has_rung("i.1"), len(offered)) == (None, False, 0)


def test_of_an_interaction_that_is_offered_for_ever_the_newest_offers_are_known() -> None:
    offered = Offered(lambda _: True)
    for number in range(10 * MAX_OFFERS):
        offered.note(f"i.{number}", number)
    assert offered.expires_at_us(f"i.{10 * MAX_OFFERS - 1}") == 10 * MAX_OFFERS - 1
    assert offered.expires_at_us(f"i.{9 * MAX_OFFERS}") == 9 * MAX_OFFERS
    assert offered.expires_at_us(f"i.{9 * MAX_OFFERS - 1}") is None


def test_offers_told_of_after_the_end_are_forgotten_though_nobody_says_so() -> None:
    alive: set[str] = set()
    offered = Offered(alive.__contains__)
    alive.add("lives")
    offered.note("lives.1", 1)
    for number in range(20_000):
        offered.note(f"over-{number}.1", 1)
        assert len(offered) <= 2 * len(alive) + SPARE
    assert offered.expires_at_us("lives.1") == 1


@pytest.mark.usefixtures("traced")
def test_a_desk_keeps_nothing_of_twenty_thousand_calls_that_are_over() -> None:
    """It kept half a kilobyte of each of the last twenty thousand: a quarter of an hour at 20 a second."""
    host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(host)
    _play(desk, host, range(100))
    before, _ = tracemalloc.get_traced_memory()
    _play(desk, host, range(100, 20_100))
    after, _ = tracemalloc.get_traced_memory()
    assert after - before < 50_000
    assert len(desk.offered) == 0


def _play(desk: Desk, host: RecordingHost, numbers: range) -> None:
    for number in numbers:
        channel = AriChannel(f"1795254033.{number}", "Up")
        interaction_id = NAMES.interaction(channel.id)
        host.wished[interaction_id] = Desired(interaction_id, "offered", f"{interaction_id}.1", "anna")
        call = desk.add(interaction_id, channel)
        desk.offered.note(f"{interaction_id}.1", 1_000_000)
        desk.offered.note_rung(f"{interaction_id}.1")
        assert desk.offered.has_rung(f"{interaction_id}.1")
        del host.wished[interaction_id]
        desk.forget(call)


def test_a_channel_that_comes_back_is_on_its_next_visit() -> None:
    visits = Visits(kept=3)
    assert visits.next_of("a") == 1
    visits.note("a", 1)
    assert (visits.next_of("a"), visits.next_of("b")) == (2, 1)
    visits.note("a", 2)
    assert visits.next_of("a") == 3
    visits.note("b", 1)
    visits.note("c", 1)
    assert visits.next_of("a") == 3, "the later visit is still known"
    visits.note("d", 1)
    assert [visits.next_of(each) for each in "abcd"] == [1, 2, 2, 2]


def test_visits_are_those_of_whoever_looks_through_all_of_them() -> None:
    chance = Random(5)  # noqa: S311 - for a test
    visits, all_of_them = Visits(kept=7), deque[tuple[str, int]](maxlen=7)
    for _ in range(2_000):
        channel = chance.choice("abcdefghijklmnop")
        known = [visit for name, visit in all_of_them if name == channel]
        assert visits.next_of(channel) == max(known, default=0) + 1
        visit = chance.randint(1, 99)
        visits.note(channel, visit)
        all_of_them.append((channel, visit))


@pytest.mark.usefixtures("traced")
def test_visits_take_their_room_at_once_and_no_more_ever() -> None:
    before, _ = tracemalloc.get_traced_memory()
    visits = Visits()
    empty, _ = tracemalloc.get_traced_memory()
    for number in range(MAX_VISITS_KEPT + 1):
        visits.note(f"1795254033.{number}", 1)
    full, _ = tracemalloc.get_traced_memory()
    assert empty - before < 900_000
    assert full - empty < 10_000
    assert visits.next_of("1795254033.0") == 1
    assert visits.next_of(f"1795254033.{MAX_VISITS_KEPT}") == 2


@pytest.fixture
def traced() -> Iterator[None]:
    """Memory is counted."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
