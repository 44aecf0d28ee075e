"""Who was added is never denied, few others are taken for them, and it takes no more room than is needed."""

import tracemalloc
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.number_filter import INDEX_BYTES, NumberFilter

SMALL = (64, 128, 256)
"""Bytes of stages that a test fills: room for 39, 78 and 157."""


def index(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


@given(st.lists(st.binary(min_size=INDEX_BYTES, max_size=INDEX_BYTES), max_size=400))
def test_nobody_who_was_added_is_denied(indexes: list[bytes]) -> None:
    numbers = NumberFilter(SMALL)
    for each in indexes:
        numbers.add(each)
        assert each in numbers
    assert all(each in numbers for each in indexes)


def test_few_are_taken_for_one_who_was_added() -> None:
    numbers = NumberFilter((64 * 1024, 1024 * 1024))
    # The first stage is full, the second begun: both are asked.
    for n in range(60_000):
        numbers.add(index(n))
    mistaken = sum(index(-n) in numbers for n in range(1, 20_001))
    assert mistaken < 20_000 / 100


def test_an_empty_one_knows_nobody() -> None:
    assert index(1) not in NumberFilter()


def test_to_get_to_know_six_hundred_thousand_takes_no_more_than_to_know_nobody() -> None:
    """At 20 unknown callers a second it grew by a megabyte after half an hour."""
    tracemalloc.start()
    try:
        numbers = NumberFilter()
        empty, _ = tracemalloc.get_traced_memory()
        for n in range(50_000):
            numbers.add(index(n))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - empty < 2_000
    assert empty < 1_100_000


def test_too_many_and_anybody_may_have_been_added() -> None:
    numbers = NumberFilter(SMALL)
    added = 0
    while not numbers.is_full:
        numbers.add(index(added))
        added += 1
    assert added > sum(SMALL) * 8 // 13
    assert index(-1) in numbers
    numbers.add(index(-2))
    assert index(-2) in numbers


def test_adding_again_takes_no_room() -> None:
    numbers = NumberFilter(SMALL)
    for _ in range(1_000):
        for n in range(30):
            numbers.add(index(n))
    assert not numbers.is_full
    assert sum(index(-n) in numbers for n in range(1, 1_001)) < 10
