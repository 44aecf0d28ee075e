"""Hints about misspelt names, and that looking for them has an end: a document from outside may hold thousands."""

import difflib
from collections.abc import Callable

import pytest

from acd.runtime.config import check_text
from acd.runtime.config.problems import MAX_COMPARED, bounded_hints, did_you_mean


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many words each misspelt one was compared with."""
    counts: list[int] = []
    find: Callable[..., list[str]] = difflib.get_close_matches

    def counted(word: str, words: list[str], n: int = 3, cutoff: float = 0.6) -> list[str]:
        counts.append(len(words))
        return find(word, words, n, cutoff)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    return counts


def test_the_nearest_word_else_those_that_are_known() -> None:
    assert did_you_mean("sals", ("sales", "support")) == 'did you mean "sales"?'
    assert did_you_mean("x", iter(("sales", "support"))) == "known are sales, support"
    assert did_you_mean("x", ()) == "remove it"
    assert did_you_mean("x", [f"q{number:03}" for number in range(30)]).endswith("q019 and 10 more")


def test_one_check_makes_so_many_comparisons_and_no_more(compared: list[int]) -> None:
    known = [f"queue-{number:04}" for number in range(1_000)]
    with bounded_hints():
        fixes = [did_you_mean(f"quoue-{number:04}", known) for number in range(1_000)]
    assert fixes[0] == 'did you mean "queue-0000"?'
    assert fixes[-1] == "it is none of the 1000 that are known"
    assert 10_000 < sum(compared) <= MAX_COMPARED
    assert did_you_mean("quoue-0000", known) == 'did you mean "queue-0000"?', "other checks are not touched"


def test_long_words_count_for_more(compared: list[int]) -> None:
    known = ["ab" * 60 + f"{number:04}" for number in range(1_000)]
    with bounded_hints():
        for number in range(100):
            did_you_mean("ba" * 60 + f"{number:04}", known)
    assert 100 < sum(compared) < MAX_COMPARED / 50


def test_a_document_full_of_slips_is_checked_all_the_same(compared: list[int]) -> None:
    queues = {f"queue-{number:04}": dict[str, object]() for number in range(300)}
    agents = {f"a{number}": {"queues": [f"quoue-{number:04}-{each}" for each in range(9)]} for number in range(300)}
    report = check_text("[api]\nopen = true\n", owned={"agents": agents, "queues": queues})
    assert len(report.warnings) == 1_001
    assert sum(compared) <= MAX_COMPARED
