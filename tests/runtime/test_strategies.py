"""Strategies of one's own: found, hashed, tried out; and a journal that is only replayed with the code it knew."""

import functools
import subprocess
import sys
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from acd.core.messages import (
    AgentSettings,
    Demand,
    EnqueueInteraction,
    Profile,
    QueueSettings,
    ScoreFunction,
    SignInAgent,
)
from acd.errors import ConfigError, StrategyError
from acd.runtime import strategies as under_test
from acd.runtime.config import Config, check_text, loads
from acd.runtime.follower import EXIT_CORRUPT
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.replay import load, verify
from acd.runtime.router import Router
from acd.runtime.snapshots import write_snapshot
from acd.runtime.strategies import Strategies, make_score
from acd.testing import ManualClock

TEXT = """
[agents.anna]
skills = { english = 3 }
[agents.ben]
skills = { english = 9, german = 9 }
[queues.sales]
requirement = "skills.english >= 1"
strategy = "score:modest"
"""


def modest(demand: Demand, profile: Profile) -> int:
    """The least proficient first."""
    return -sum(profile.proficiency(skill) for skill in demand.skills)


def modest_no_more(demand: Demand, profile: Profile) -> int:
    """The most proficient first."""
    return sum(profile.proficiency(skill) for skill in demand.skills)


def picky(_demand: Demand, profile: Profile) -> int:
    """Fails for whoever has one skill."""
    return 1 // (len(profile.skills) - 1)


def wordy(_demand: Demand, _profile: Profile) -> int:
    """Says something else than a number."""
    return "many"  # type: ignore[return-value]  # that is the mistake


calls: list[Profile] = []


def moody(_demand: Demand, profile: Profile) -> int:
    """Never says the same twice."""
    calls.append(profile)
    return len(calls)


def config(folder: Path, text: str = TEXT) -> Config:
    return loads(text, base=folder)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, under_test.GROUP)


def test_a_hash_follows_the_source_of_the_function_alone() -> None:
    assert make_score(modest).function is modest
    assert make_score(modest).code_hash == make_score(modest).code_hash
    assert len({make_score(each).code_hash for each in (modest, modest_no_more, picky, wordy)}) == 4


def test_what_depends_on_more_than_its_arguments_is_no_score() -> None:
    much = 3

    def closure(_demand: Demand, _profile: Profile) -> int:
        return much

    def preset(_demand: Demand, _profile: Profile, weight: int = 3) -> int:
        return weight

    for function in (closure, preset):
        with pytest.raises(StrategyError, match="depends on more than its arguments"):
            make_score(function)
    with pytest.raises(StrategyError, match="is not a plain function"):
        make_score(functools.partial(modest))
    namespace: dict[str, ScoreFunction] = {}
    exec("def typed_in(demand, profile): return 1", namespace)  # noqa: S102 - a function without a source
    with pytest.raises(StrategyError, match="source of typed_in cannot be read"):
        make_score(namespace["typed_in"])


def test_a_queue_that_asks_nothing_may_have_a_strategy_of_its_own(tmp_path: Path) -> None:
    text = TEXT.replace('requirement = "skills.english >= 1"\n', "")
    settings = Strategies({"modest": modest}).settings(config(tmp_path, text))
    assert [name for name, _ in settings.scores] == ["modest"]


def test_what_is_installed_is_found_and_what_cannot_be_used_only_matters_to_whoever_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = (
        point("unicode", "unicodedata:name"),
        point("lost", "acd_no_such_package:score"),
        point("spelling", "textwrap:dedent"),
    )
    monkeypatch.setattr(under_test, "entry_points", lambda group: points if group == under_test.GROUP else ())
    found = Strategies({"modest": modest})
    assert sorted(found.scores) == ["modest", "spelling"]
    queues = [QueueSettings(name, strategy=f"score:{name}") for name in ("unicode", "lost", "spelling", "modest")]
    agents = [AgentSettings("anna")]
    said = dict(found.problems([*queues, QueueSettings("m", strategy="score:modst"), QueueSettings("plain")], agents))
    assert said["unicode"].endswith("is not a plain function; write it with def")
    assert 'queues.lost.strategy: the strategy "lost" cannot be used: it cannot be loaded (No module' in said["lost"]
    assert "raises TypeError" in said["spelling"]
    assert said["m"] == 'queues.m.strategy: no strategy "modst" is installed; did you mean "modest"?'
    assert sorted(said) == ["lost", "m", "spelling", "unicode"]


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (picky, r"the strategy \"modest\" raises ZeroDivisionError for Profile\(skills=\(\('english', 3\),\)"),
        (wordy, "says 'many' for .*; give an int within"),
        (moody, "says 1 and then 2 for .*; let it depend on nothing but its arguments"),
    ],
)
def test_a_function_is_tried_before_anybody_waits(function: ScoreFunction, problem: str, tmp_path: Path) -> None:
    calls.clear()
    with pytest.raises(ConfigError, match=problem):
        Router(config(tmp_path), strategies={"modest": function})


def test_a_name_is_needed() -> None:
    (error,) = check_text('[queues.q]\nstrategy = "score:"').errors
    assert str(error) == 'acd.toml:2: queues.q.strategy: names no strategy of your own; write it like "score:NAME"'
    with pytest.raises(ConfigError, match='no strategy "x" is installed'):
        Router(loads('[queues.q]\nstrategy = "score:x"'))


async def test_a_router_decides_by_it_and_a_journal_is_only_replayed_with_it(tmp_path: Path) -> None:
    assert await chosen(tmp_path, "i1", modest) == "anna"
    journal = tmp_path / "acd-journal.db"
    assert verify(journal, Strategies({"modest": modest}).scores).ok
    assert (
        "row 1: this engine was not given the strategy score:modest; a journal is replayed" in verify(journal).problem
    )
    with pytest.raises(StrategyError, match=r"the code of score:modest is not what .* what has changed under another"):
        await chosen(tmp_path, "i2", modest_no_more)


async def test_a_follower_without_the_function_says_so_and_is_not_started_again(tmp_path: Path) -> None:
    await chosen(tmp_path, "i1", modest)
    told = follow(tmp_path)
    assert told.returncode == EXIT_CORRUPT, told.stderr
    assert b"was not given the strategy score:modest" in told.stdout


async def test_a_snapshot_is_only_taken_up_with_its_functions(tmp_path: Path) -> None:
    given = Strategies({"modest": modest}).scores
    await chosen(tmp_path, "i1", modest)
    with closing(SqliteJournalReader(tmp_path / "acd-journal.db")) as journal:
        whole = load(journal, None, given)
        folder = tmp_path / "acd-snapshots"
        folder.mkdir(exist_ok=True)
        write_snapshot(folder, whole.engine, whole.seq, whole.chain, keep=3)
        assert load(journal, folder, given).snapshot_seq == whole.seq
        with pytest.raises(StrategyError, match=r"\.snapshot: this engine was not given .* give this one again"):
            load(journal, folder, {})
    assert await chosen(tmp_path, "i2", modest, sign_in=False) == "ben"


async def test_changed_code_gets_another_name_and_both_are_kept(tmp_path: Path) -> None:
    assert await chosen(tmp_path, "i1", modest) == "anna"
    both = {"modest": modest, "bold": modest_no_more}
    text = TEXT.replace("score:modest", "score:bold")
    async with Router(config(tmp_path, text), clock=ManualClock(), strategies=both) as router:
        assert await asked(router, "i2") == "ben"
        await router.reconfigure(config(tmp_path))
        with pytest.raises(ConfigError, match='no strategy "unheard-of" is installed'):
            await router.reconfigure(config(tmp_path, TEXT.replace("score:modest", "score:unheard-of")))
    assert verify(tmp_path / "acd-journal.db", Strategies(both).scores).ok


async def chosen(folder: Path, interaction_id: str, function: ScoreFunction, *, sign_in: bool = True) -> str:
    """Whom a router of its own offers an interaction to."""
    async with Router(config(folder), clock=ManualClock(), strategies={"modest": function}) as router:
        for agent in ("ben", "anna") if sign_in else ():
            await router.submit(SignInAgent(router.new_id(), agent, ready=True))
        return await asked(router, interaction_id)


async def asked(router: Router, interaction_id: str) -> str:
    await router.submit(EnqueueInteraction(router.new_id(), interaction_id, "voice", "sales"))
    return router.view.decisions[-1].offer.agent_id


def follow(folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A follower process that is told at once to end."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "acd.runtime.follower",
            f"--journal={folder / 'acd-journal.db'}",
            f"--snapshots={folder / 'snapshots'}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
