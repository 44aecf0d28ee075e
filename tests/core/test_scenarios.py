"""The policies, as texts that read like documentation; and how a scenario tells what is wrong with it."""

from pathlib import Path

import pytest

from acd.core.pools import POOLS
from acd.testing.scenario import ScenarioError, run_scenario, run_text

FOLDER = Path(__file__).parent / "scenarios"

TOP = """\
queue sales
agent anna
at 0s  sign-in anna ready
at 5s  enqueue c1 voice sales
"""


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_scenario(name: str) -> None:
    run_scenario(FOLDER / f"{name}.txt")


def test_every_strategy_has_a_scenario() -> None:
    told = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt"))
    for strategy in POOLS:
        assert f"because {strategy}" in told


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("expect offer c1 -> ben", 5, "expected offer c1 -> ben; this happened:\n    queued c1"),
        ("expect offer c1 -> anna because best-fit", 5, "offer c1 -> anna because longest-idle fit 0"),
        ("expect offer c1 -> anna idel 5s", 5, "unknown word 'idel': did you mean idle?"),
        ("expect offer c1 -> anna idle", 5, "the value of idle is missing at the end"),
        ("expect offer c1 ->", 5, "the rest of 'offer' is missing at the end"),
        ("expect offer c1 -> anna\nexpect queued c1", 6, "it happened before the line above"),
        ("expect nothing", 5, "expected nothing; this happened:\n    queued c1"),
        ("expect no offer c1", 5, "expected no offer c1; this happened"),
        ("expect no", 5, "say what must not have happened"),
        ("expect line c1", 5, "expected line c1; found line empty"),
        ("expect line", 5, "say who waits"),
        ("expect refused queue-full", 5, "expected refused queue-full; nothing was refused"),
        ("expect effect connect c1", 5, "expected connect c1; this happened:\n    park c1"),
        ("expect ofer c1", 5, "unknown expectation 'ofer'"),
        ("at 6s enqueue c1 voice sales", 5, "refused: duplicate-interaction"),
        ("at 6s enqueue c1 voice sales\nexpect refused queue-full", 6, "found duplicate-interaction"),
        ("at 4s tick", 5, "time goes back"),
        ("at tomorrow tick", 5, "'tomorrow' is no duration"),
        ("at 6s enqeue c2 voice sales", 5, "unknown command 'enqeue': did you mean enqueue?"),
        ("at 6s juggle", 5, "unknown command 'juggle': there are: sign-in"),
        ("at 6s tick tock", 5, "unknown word 'tock'; there are: none"),
        ("at 6s accept c1 anna", 5, "expected the word 'by', found 'anna'"),
        ("at 6s accept c1", 5, "expected the word 'by', found 'the end of the line'"),
        ("at 6s enqueue c2 voice sales priority high", 5, "'high' is no whole number"),
        ("at 6s enqueue c2 voice sales priority 1 priority 2", 5, "priority is given twice"),
        ("at 6s enqueue c2 voice sales priority 5000", 5, "not allowed: Expected `int` <= 1000"),
        ("at 6s enqueue c2 voice sales prefer french", 5, "'french' lacks a number: write french=1"),
        ('at 6s enqueue "c 2" voice sales', 5, "not allowed: Expected `str` matching regex"),
        ('at 6s enqueue "c2 voice sales', 5, "cannot split the line into words: No closing quotation"),
        ("at 6s end c1 by nobody", 5, "not allowed: Invalid enum value 'nobody'"),
        (
            "at 6s configure queue sales strategy fastest",
            5,
            "refused: unknown-strategy: queue sales: there is no strategy fastest",
        ),
        ("at 6s configure queue sales wrapup 5s", 5, "unknown word 'wrapup': did you mean wrap-up?"),
        ("at 6s configure agent anna capacity huge", 5, "unknown capacity 'huge'"),
        ("at 6s configure person anna", 5, "expected queue, agent, at or expect, found 'person'"),
        ("at 6s remove agent ben", 5, "there is no agent ben"),
        ("queue support", 5, "after the first `at`, write: at TIME configure queue support"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_found(text: str, line: int, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        run_text(TOP + text, "wrong.txt")
    assert str(caught.value).startswith(f"wrong.txt:{line}: ")
    assert problem in str(caught.value)
    assert text.splitlines()[line - 5] in str(caught.value)
    assert caught.value.line == line


def test_an_expectation_needs_something_to_have_happened() -> None:
    with pytest.raises(ScenarioError, match=r"^scenario:1: nothing has happened yet"):
        run_text("expect nothing")


def test_a_refusal_at_the_very_end_is_not_overlooked() -> None:
    with pytest.raises(ScenarioError, match=r"^scenario:5: refused: unknown-interaction"):
        run_text(TOP + "at 6s end c9\n\n# the end\n")
