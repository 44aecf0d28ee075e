"""The contestants agree on every decision, and a contestant who does not is caught."""

import json
from array import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.core.messages import AgentPreferred, ApplyConfig, EnqueueInteraction, MergeConsult
from acd.core.messages.settings import STRATEGIES as ALL_STRATEGIES
from acd.core.messages.settings import Strategy
from bench.contest import Disagreement, take_turn, undisturbed
from bench.decision import STRATEGIES, Size, has_compiler, main, measure
from bench.entrants import WholeEngine
from bench.recorder import new_engine, record
from bench.report import DENSE, NAIVE, POLICIES, SCAN, WHOLE, decision_figures
from bench.rivals.careful_list import CarefulListRouter
from bench.rivals.compressed_numpy import CompressedNumpyRouter
from bench.rivals.dense_numpy import DenseNumpyRouter
from bench.rivals.naive import NaiveRouter
from bench.rivals.native import IndexInC, ScanInC
from bench.workload import KINDS, LOADS, NOBODY, Load, Step, draw_centre
from tests.missing import missing_tool

Rival = NaiveRouter | CarefulListRouter | DenseNumpyRouter | CompressedNumpyRouter | ScanInC | IndexInC

SMALL = Size(agents=60, classes=12, rounds=2, cycles=60, line=80, seed=5)


def needs_compiler() -> None:
    if not has_compiler():
        missing_tool("a C compiler and Python's headers")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("load", LOADS)
def test_all_contestants_decide_alike(strategy: Strategy, load: Load) -> None:
    result = measure(strategy, load, SMALL)
    cycles = {timing.name: [len(part) for part in timing.cycles()] for timing in result.timings}
    assert cycles[WHOLE] == cycles[DENSE] == cycles[NAIVE] == [60, 60]
    assert all(ns > 0 for timing in result.timings for part in timing.cycles() for ns in part)


def test_low_load_finds_agents_and_overload_finds_interactions() -> None:
    centre = draw_centre(200, 5, "best-fit", seed=5)
    found: dict[Load, dict[str, int]] = {}
    for load in LOADS:
        script = record(centre, load, line=80, rounds=1, cycles=60, seed=5)
        steps = script.rounds[0].steps
        found[load] = {
            kind: sum(step.decided != NOBODY for step in steps if step.kind == kind)
            for kind in ("enqueue", "end-wrap-up")
        }
    assert found["low"]["enqueue"] > 50
    assert found["overload"]["enqueue"] < 10
    assert found["overload"]["end-wrap-up"] > 50


def test_scripts_have_ties() -> None:
    steps = record(draw_centre(60, 12, "longest-idle", seed=5), "low", line=0, rounds=1, cycles=60, seed=5)
    moments = [step.at_us for step in steps.rounds[0].steps]
    assert any(earlier == later for earlier, later in pairwise(moments))


def test_weighted_is_not_best_fit_by_another_name() -> None:
    decided = {
        strategy: [
            step.decided
            for step in record(draw_centre(300, 20, strategy, seed=5), "low", line=0, rounds=1, cycles=200, seed=5)
            .rounds[0]
            .steps
        ]
        for strategy in STRATEGIES
    }
    assert len({tuple(each) for each in decided.values()}) == len(STRATEGIES)


@pytest.mark.parametrize(
    "rival",
    [
        NaiveRouter,
        CarefulListRouter,
        DenseNumpyRouter,
        CompressedNumpyRouter,
        ScanInC,
        IndexInC,
    ],
)
def test_one_different_decision_ends_the_run(rival: type[Rival]) -> None:
    if rival in (ScanInC, IndexInC):
        needs_compiler()
    centre = draw_centre(60, 12, "best-fit", seed=5)
    stretch = record(centre, "low", line=0, rounds=1, cycles=30, seed=5).rounds[0]
    contestant = rival(centre)
    contestant.restore(stretch.start)
    with pytest.raises(Disagreement, match=contestant.name):
        take_turn(contestant, _with_one_changed(stretch.steps), collect=True)


def test_the_figures_are_written_as_json(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    arguments = ["--agents", "50", "--classes", "8", "--cycles", "30", "--line", "40", "--rounds", "1"]
    done = CliRunner().invoke(main, [*arguments, "--strategy", "best-fit", "--json", str(target)])
    assert done.exit_code == 0, done.output
    document = json.loads(target.read_text(encoding="utf-8"))
    assert document["gc"] == "on"
    assert [result["load"] for result in document["results"]] == ["low", "overload"]
    for result in document["results"]:
        own = result["contestants"][WHOLE]["life_cycle_ns"]
        for rival in (NAIVE, DENSE):
            assert result["ratios"][rival]["life_cycle"] == result["contestants"][rival]["life_cycle_ns"] / own
        assert result["contestants"][POLICIES]["life_cycles"] >= 30
    # No line of the targets is about so small a centre.
    assert document["targets"] == []


def test_at_the_sizes_of_the_targets_figures_are_judged() -> None:
    size = Size(agents=1_000, classes=200, rounds=1, cycles=10, line=20, seed=5, policies=True)
    result = measure("best-fit", "low", size)
    figures = {figure.key: figure.value for figure in decision_figures(result)}
    assert figures["naive-1k-low"] == result.ratio(NAIVE)
    if result.has(SCAN):
        assert figures["c-plain"] == 1 / result.ratio(SCAN)
        assert figures["c-policies"] > 0
        assert figures["c-p99"] > 0


@pytest.mark.parametrize("load", LOADS)
def test_with_policies_everything_is_met(load: Load) -> None:
    cycles = 900  # consults that somebody answers are rare when all are busy
    centre = draw_centre(100, 40, "best-fit", seed=5)
    script = record(centre, load, line=200, rounds=1, cycles=cycles, seed=5, policies=True)
    engine = new_engine()
    settings = next(command.settings for command, _ in script.warm_up if isinstance(command, ApplyConfig))
    assert {queue.strategy for queue in settings.queues} == {*ALL_STRATEGIES, "score:spare"}
    conditions = {step.when.kind for queue in settings.queues for step in queue.steps if step.when is not None}
    assert conditions == {"estimated_wait", "eligible_agents", "position"}
    assert {queue.reserve for queue in settings.queues} == {0, 1}
    told = [event for command, at_us in script.warm_up for event in engine.apply(command, at_us).events]
    assert {event.because for event in told if isinstance(event, AgentPreferred)} == {"dedicated", "last-agent"}
    steps = script.rounds[0].steps
    assert {step.kind for step in steps} == {*KINDS, "consult", "merge", "tick"}
    assert {step.command.how for step in steps if isinstance(step.command, MergeConsult)} == {"transfer", "conference"}
    asked = [step.command for step in steps if isinstance(step.command, EnqueueInteraction)]
    assert sum(not request.parent for request in asked) == cycles
    assert {request.channel for request in asked} == {"voice", "chat"}
    assert any(request.preferred_agent for request in asked)
    assert any(request.preferences for request in asked)
    contestant = WholeEngine(script)
    contestant.restore(script.rounds[0].start)
    take_turn(contestant, steps, collect=True)  # Raises unless everything is decided as it was written down.


def test_agents_may_share_profiles() -> None:
    assert len({tuple(own.items()) for own in draw_centre(60, 12, "best-fit", seed=5).agents}) == 60
    assert len({tuple(own.items()) for own in draw_centre(60, 12, "best-fit", seed=5, profiles=4).agents}) == 4


def test_commands_that_were_interrupted_count_by_the_processor() -> None:
    taken, worked = array("q", (1_000, 3_000_000, 50_000)), array("q", (3_000, 7_000, 40_000))
    assert undisturbed(taken, worked) == 1
    assert taken.tolist() == [1_000, 7_000, 50_000]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_c_answers_a_whole_script_in_one_call(strategy: Strategy) -> None:
    needs_compiler()
    for load in LOADS:
        stretch = record(draw_centre(60, 12, strategy, seed=5), load, line=80, rounds=1, cycles=60, seed=5).rounds[0]
        for kind in (ScanInC, IndexInC):
            contestant = kind(draw_centre(60, 12, strategy, seed=5))
            contestant.restore(stretch.start)
            ns, decisions = contestant.run(stretch.steps)
            assert ns > 0
            assert decisions == [step.decided for step in stretch.steps]


def _with_one_changed(steps: Sequence[Step]) -> list[Step]:
    """The last enqueue is said to have gone to somebody else."""
    changed = list(steps)
    index = max(at for at, step in enumerate(steps) if step.kind == "enqueue")
    last = steps[index]
    changed[index] = Step(
        last.kind,
        last.at_us,
        last.command,
        last.interaction,
        last.requirement,
        last.priority,
        last.agent,
        last.decided + 1,
    )
    return changed
