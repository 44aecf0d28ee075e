"""The machinery of the long run: worlds that fail or leave somebody waiting are reported; it resumes."""

from pathlib import Path
from typing import Final

import msgspec
import pytest
from click.testing import CliRunner

import acd.core.messages as m
from acd.core.engine import Engine
from tests.core import long_run, worlds
from tests.core.naive_model import Model
from tests.core.naive_requirement import Tree
from tests.core.naive_state import Agent
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Mismatch, Pair
from tests.core.tally import Tally
from tests.core.test_mutants import MUTANTS, mutated
from tests.core.wind_down import wind_down

TREES: Final[dict[str, Tree]] = {"true": ("const", True)}


class Unwilling(Pair):
    """Both sides agree, and serve nobody: only liveness can notice."""

    def __init__(self) -> None:
        super().__init__(Engine(), TREES)
        self.model = _Idle(TREES)

    def step(self, command: m.Command, now_us: int) -> m.Outcome:
        predicted = self.model.apply(command, now_us)
        assert predicted.refusal is None
        return m.Outcome(tuple(predicted.effects), tuple(predicted.events))

    def compare_states(self) -> None:
        """There is nobody to compare with."""


class _Idle(Model):
    def serve(self, agent: Agent) -> None:
        """Not at all."""


def test_whoever_waits_at_the_end_although_somebody_is_idle_is_noticed() -> None:
    pair = Unwilling()
    for command in (
        m.ApplyConfig("c1", m.CoreSettings((m.AgentSettings("anna"),), (m.QueueSettings("sales"),))),
        m.EnqueueInteraction("c2", "call-1", "voice", "sales"),
    ):
        pair.step(command, 0)
    with pytest.raises(Mismatch, match=r"call-1 waits, and \['anna'\] are idle"):
        wind_down(pair, [], Tally())


def test_an_agent_who_may_not_stop_without_a_disposition_that_does_not_exist_is_helped() -> None:
    queue = m.QueueSettings("sales", wrap_up_policy="forced", disposition_required=True)
    pair = Pair(Engine(), TREES)
    for command in (
        m.ApplyConfig("c1", m.CoreSettings((m.AgentSettings("anna"),), (queue,))),
        m.EnqueueInteraction("c2", "call-1", "voice", "sales"),
        m.SignInAgent("c3", "anna", ready=True),
        m.AcceptOffer("c4", "call-1.1", "anna"),
    ):
        pair.step(command, 0)
    tally = Tally()
    wind_down(pair, [], tally)
    assert tally.kinds["ApplyConfig"] == 1
    assert not pair.model.work


def test_a_failing_world_says_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with mutated(MUTANTS["load is ignored"]) as engine:
        monkeypatch.setattr(worlds, "_make", lambda _shape: engine(strategies=OWN))
        seed = next(seed for seed in range(33) if long_run.world(seed, 50)[1])
        tally, problem = long_run.world(seed, 50)
        result = CliRunner().invoke(long_run.main, ["--alone", "--seed", str(seed)])
    assert tally.commands == 0
    assert f"python -m tests.core.long_run --alone --seed {seed}" in problem
    assert result.exit_code == 1
    assert "fewer will do" in result.output
    assert "ApplyConfig" in result.output


def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    words = ["--jobs", "1", "--resume", str(path)]
    first = CliRunner().invoke(long_run.main, ["--commands", "1", "--seed", "7", *words])
    before = msgspec.json.decode(path.read_bytes())
    second = CliRunner().invoke(long_run.main, ["--commands", str(before["tally"]["commands"] + 1), *words])
    after = msgspec.json.decode(path.read_bytes())
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert before["again"] == [8]
    assert after["tally"]["worlds"] == 2
    assert after["tally"]["commands"] > before["tally"]["commands"]
