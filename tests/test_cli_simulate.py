"""`acd simulate`: the seed first, the report, and one command that repeats a failure."""

import shlex

import msgspec
import pytest
from click.testing import CliRunner, Result

from acd.cli import acd
from acd.runtime.writer import Writer


def run(*args: str) -> Result:
    return CliRunner().invoke(acd, ["simulate", *args])


def test_the_seed_comes_first_and_the_report_says_what_was_done() -> None:
    result = run("--faults", "crash,unknown-written", "--seed", "7", "--seconds", "40")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "seed 7"
    assert lines[-1] == "Every rule held."
    for word in ("commands journaled", "crashes, by point", "transitions", "not reached", "crash point", "faults"):
        assert word in result.stdout


def test_a_seed_is_drawn_and_printed() -> None:
    first, second = (run("--faults", "none", "--seconds", "1", "--mode", "safety").stdout for _ in range(2))
    assert first.startswith("seed ")
    assert first.splitlines()[0] != second.splitlines()[0]


def test_json_is_one_object_on_standard_output() -> None:
    result = run("--json", "--seed", "8", "--commands", "60", "--policies", "none")
    assert result.exit_code == 0
    report = msgspec.json.decode(result.stdout)
    assert report["ok"] is True
    assert report["rows"] >= 60
    assert report["plan"]["seed"] == 8
    assert isinstance(report["unreached"], list)
    assert report["replay"].startswith("acd simulate --seed 8 ")
    assert result.stderr.splitlines()[0] == "seed 8"


def test_a_failure_is_repeated_by_the_command_that_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "_arm", lambda _self: None)
    runs = (run("--faults", "event-lost", "--seed", str(seed), "--seconds", "30") for seed in range(10))
    result = next(each for each in runs if each.exit_code)
    assert result.exit_code == 1
    told = result.stderr.splitlines()
    assert told[0].startswith("error: after row ")
    assert "what was due at" in told[0]
    again = told[-1].removeprefix("Run it again: ")
    words = shlex.split(again)
    assert words[:2] == ["acd", "simulate"]
    repeated = run(*words[2:])
    assert repeated.exit_code == 1
    assert repeated.output == result.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--faults", "crsh"), "there is no crsh; choose from all, none, crash"),
        (("--faults", " , "), "nothing is named"),
        (("--policies", "none,priorities"), "there is no none"),
        (("--crash-points", "nowhere"), "there is no nowhere"),
        (("--seconds", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_understood_is_said(args: tuple[str, ...], words: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_everything_that_can_be_chosen_is_listed() -> None:
    result = run("--list")
    assert result.exit_code == 0
    for word in ("torn-append", "clock-step", "strategies", "effect-doubled"):
        assert word in result.stdout
