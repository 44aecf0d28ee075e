"""The screen: fits the terminal, shows what matters, and is plain lines where there is no terminal."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from examples.demo.cast import AGENTS, QUEUES
from examples.demo.desk import AgentNow, DecisionNow, Picture, QueueNow, WorkItem
from examples.demo.screen import Screen
from examples.demo.stage import Caller, Seen, Talk
from examples.demo.verdict import Check, figures

SEEN = Seen((Caller("+1", 1_000_000, None), Caller("+2", 2_000_000, 9_000_000)), (Talk("+1", "anna", 3_000_000, None),))


def decision(number: int, *, sought: str = "agent", strategy: str = "best-fit") -> DecisionNow:
    at = f"2026-01-31T08:30:{number:02d}.000000Z"
    return DecisionNow(at, f"i{number}", "lam", "cantonese", sought, strategy, 80, 7.0, 2.5)


PICTURE = Picture(
    agents=[
        AgentNow(person.id, person.name, "ready", "", [WorkItem("cantonese", "active")] if index % 2 else [])
        for index, person in enumerate(AGENTS)
    ],
    queues=[QueueNow(line.id, line.title, line.strategy, 2, 1, 3, 8.0) for line in QUEUES],
    decisions=[decision(number) for number in range(20, 0, -1)],
    important=frozenset({"i20"}),
)


def terminal(width: int, height: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system=None, width=width, height=height)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (110, 42)])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    console = terminal(width, height)
    with Screen(console) as screen:
        screen.show("Asterisk", 12.0, PICTURE, SEEN)
        screen.say("KILLED the engine")
        screen.show("Asterisk", 12.0, PICTURE, SEEN)
    frame = shown(console).rpartition("\x1b[2K")[2].splitlines()
    assert 15 < len(frame) < height
    assert max(map(cell_len, frame)) <= width
    text = "\n".join(frame)
    for person in AGENTS:
        assert person.name in text
    assert "VIP 林美玲 ← 客户服务 粤语: best fit of those free (80), idle 7 s" in text
    assert "KILLED the engine" in text


def test_a_terminal_with_more_lines_shows_more_decisions() -> None:
    counts = []
    for height in (24, 42):
        console = terminal(110, height)
        with Screen(console) as screen:
            screen.show("Asterisk", 12.0, PICTURE, SEEN)
        counts.append(shown(console).count(" ← "))
    assert counts[0] < counts[1]


def test_while_the_engine_is_away_the_last_picture_stays_and_says_so() -> None:
    console = terminal(110, 42)
    with Screen(console) as screen:
        screen.show("Asterisk", 12.0, PICTURE, SEEN)
        screen.show("Asterisk", 11.0, None, SEEN)
    frame = shown(console).rpartition("\x1b[2K")[2]
    assert "engine killed: conversations go on without it" in frame
    assert "林美玲" in frame


@pytest.mark.parametrize(
    ("sought", "strategy", "words"),
    [
        ("agent", "best-fit", "best fit of those free (80), idle 7 s"),
        ("agent", "weighted", "best of fit (80) and idle time (7 s)"),
        ("agent", "longest-idle", "longest idle of those who can (7 s), fit 80"),
        ("interaction", "best-fit", "came free, took the first in line: waited 2.5 s, fit 80"),
    ],
)
def test_every_decision_says_why(sought: str, strategy: str, words: str) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=110)
    picture = Picture([], [], [decision(1, sought=sought, strategy=strategy)], frozenset())
    with Screen(console) as screen:
        screen.show("Asterisk", 12.0, picture, SEEN)
    assert f"last: 林美玲 ← 客户服务 粤语: {words}" in shown(console)


def test_without_a_terminal_there_are_plain_lines_and_not_too_many() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=110)
    with Screen(console) as screen:
        screen.say("hello [not markup]")
        for _ in range(50):
            screen.show("Asterisk", 12.0, PICTURE, SEEN)
    lines = shown(console).splitlines()
    assert lines[0].endswith("hello [not markup]")
    assert len(lines) == 2
    assert "2 calls, 1 answered, 1 talking now, 10 waiting, 1 gave up" in lines[1]
    assert "\x1b" not in shown(console)


def test_the_summary_names_every_check_and_what_was_counted() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=110)
    with Screen(console) as screen:
        screen.conclude(
            figures(SEEN), [Check("one thing", held=True, counted="3 of 3"), Check("another", held=False, counted="2")]
        )
    text = shown(console)
    assert "yes" in text
    assert "one thing (3 of 3)" in text
    assert "NO" in text
    assert "another (2)" in text
