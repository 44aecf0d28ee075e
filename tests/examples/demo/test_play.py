"""The play itself, on both stages: all checks hold, the engine is killed and comes back, and nothing is left."""

import asyncio
import io
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from acd.testing.simulated import Behaviour
from acd_asterisk.lab import AgentBehaviour, LabUnavailable
from examples.demo import __main__ as demo
from examples.demo.asterisk_stage import AsteriskStage
from examples.demo.engine_process import EngineFailed, EngineProcess
from examples.demo.screen import Screen
from examples.demo.simulated_stage import SimulatedStage

QUICK = Behaviour(ring=(0.05, 0.1), talk=(0.3, 0.8), patience=(20.0, 20.0), back=(0.2, 0.3), seed=3)
QUICK_TELEPHONES = AgentBehaviour(ring_ms=(50, 150), talk_ms=(800, 2_500), hang_up_chance=1.0)
SECONDS = 4


def folders_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def play(stage: SimulatedStage | AsteriskStage) -> tuple[int, str]:
    console = Console(file=io.StringIO(), force_terminal=False, width=110)
    screen = Screen(console)
    try:
        await stage.open(screen.say)
        status = await demo.Play(stage, screen, SECONDS).run()
    finally:
        await stage.close()
    assert not stage._folder.exists()
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()


async def test_simulated() -> None:
    status, text = await play(SimulatedStage(QUICK))
    assert status == 0, text
    assert "KILLED the engine" in text
    assert "The engine is back" in text
    assert text.count("yes") >= 5


@pytest.mark.usefixtures("provisioned")
async def test_with_a_real_asterisk() -> None:
    status, text = await play(AsteriskStage(QUICK_TELEPHONES))
    assert status == 0, text
    assert "KILLED the engine (kill -9" in text
    assert text.count("yes") >= 5


async def test_a_failed_check_is_a_failed_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.demo.verdict.qualified", lambda _person, _call: False)
    status, text = await play(SimulatedStage(QUICK))
    assert status == 1
    assert "NO" in text


async def test_interrupted_it_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    began = asyncio.Event()
    screen = Screen(Console(file=io.StringIO(), force_terminal=False, width=110))
    said = screen.say

    def say(line: str) -> None:
        said(line)
        if "signed in" in line:
            began.set()

    screen.say = say  # type: ignore[method-assign]
    before = asyncio.all_tasks()
    task = asyncio.create_task(demo.perform(screen, float("inf"), simulated=True))
    await asyncio.wait_for(began.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert folders_in(tmp_path) == []
    assert asyncio.all_tasks() == before


async def test_without_an_asterisk_it_goes_on_with_simulated_telephones(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LabUnavailable("there is no mirror; set ACD_LAB_MIRROR")

    class Short(demo.Play):
        async def run(self) -> int:
            return 0

    monkeypatch.setattr("examples.demo.asterisk_stage.provision", refuse)
    monkeypatch.setattr(demo, "Play", Short)
    console = Console(file=io.StringIO(), force_terminal=False, width=110)
    assert await demo.perform(Screen(console), 10, simulated=False) == 0
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "There is no Asterisk to be had here: there is no mirror; set ACD_LAB_MIRROR" in text
    assert "simulated telephones" in text


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, 45.0), ({"DEMO_SECONDS": "12"}, 12.0), ({"FOREVER": "1"}, float("inf")), ({"DEMO_SECONDS": "5"}, None)],
)
def test_the_environment_sets_the_length(
    given: dict[str, str], wanted: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEMO_SECONDS", "FOREVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert demo.seconds_wanted() == wanted


async def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    config = tmp_path / "acd.toml"
    config.write_text("[queues.sales]\nstrategy = 'best-fitt'\n", encoding="utf-8")
    engine = EngineProcess(config, tmp_path / "engine.log")
    with pytest.raises(EngineFailed, match="best-fitt"):
        await engine.start()
    assert engine.pid == 0
    assert engine.url == ""
