"""The example of a strategy of one's own: what it says, and that installing it is all it takes."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from acd import Demand, Engine, Profile, Router, SignInAgent, load, make_score
from acd.core.messages import ApplyConfig, CoreSettings, EnqueueInteraction, OfferMade
from acd.testing import ManualClock
from acd.testing.scenario import run_scenario
from examples.strategy.spare_the_linguists import spare_the_linguists

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "strategy"
NAME = "spare-the-linguists"


def test_it_counts_further_languages() -> None:
    demand = Demand("voice", ("english",))
    assert spare_the_linguists(demand, Profile((("billing", 3), ("english", 9)))) == 0
    assert spare_the_linguists(demand, Profile((("english", 9), ("french", 1), ("german", 9)))) == -2
    assert spare_the_linguists(Demand("voice", ("english", "french")), Profile((("english", 1), ("french", 1)))) == 0


def test_its_scenario() -> None:
    strategies = {NAME: make_score(spare_the_linguists)}
    run_scenario(EXAMPLE / "scenario.txt", lambda: Engine(strategies=strategies))


def test_an_engine_decides_by_it(tmp_path: Path) -> None:
    engine = Engine(strategies={NAME: make_score(spare_the_linguists)})
    settings = load(shutil.copy(EXAMPLE / "acd.toml", tmp_path)).core_settings()
    engine.apply(ApplyConfig("c", CoreSettings(settings.agents, settings.queues, scores=engine.scores)), 0)
    for agent in ("anna", "ben"):
        engine.apply(SignInAgent(f"s-{agent}", agent, ready=True), 1)
    events = engine.apply(EnqueueInteraction("e", "i", "voice", "english"), 2).events
    assert [event.agent_id for event in events if isinstance(event, OfferMade)] == ["ben"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder on whose path the example counts as installed, as its own pyproject.toml says."""
    declared = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path / "site"
    facts = site / f"acd_spare_the_linguists-{declared['version']}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Name: {declared['name']}\nVersion: {declared['version']}\n", encoding="utf-8")
    points = [
        f"[{group}]\n{name} = {value}\n"
        for group, named in declared["entry-points"].items()
        for name, value in named.items()
    ]
    (facts / "entry_points.txt").write_text("".join(points), encoding="utf-8")
    shutil.copy(EXAMPLE / "spare_the_linguists.py", site)
    return site


async def test_installed_it_is_known_to_the_command_line(installed: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(EXAMPLE / "acd.toml", tmp_path))
    assert acd("check", file, site=installed).stdout.endswith("no errors, no warnings\n")
    without = acd("check", file)
    assert without.returncode == 1
    assert f'{file}:9: queues.english.strategy: no strategy "{NAME}" is installed; install one' in without.stdout
    async with Router(load(file), clock=ManualClock(), channels=[], strategies={NAME: spare_the_linguists}) as router:
        await router.submit(EnqueueInteraction(router.new_id(), "i", "voice", "english"))
        await router.submit(SignInAgent(router.new_id(), "ben", ready=True))
    journal = tmp_path / "acd-journal.db"
    replayed = acd("replay", journal, site=installed)
    assert "every decision repeats" in replayed.stdout, replayed.stderr
    explained = acd("explain", "i", "--config", file, site=installed)
    assert "ben" in explained.stdout, explained.stderr
    failed = acd("replay", journal)
    assert failed.returncode == 1
    assert f"was not given the strategy score:{NAME}" in failed.stderr


def acd(*arguments: str | Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(site or ""), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        [sys.executable, "-m", "acd.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
