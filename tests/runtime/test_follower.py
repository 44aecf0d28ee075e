"""The follower: what its loop does, and that the process lives and dies as it should."""

import asyncio
import os
import select
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acd.core.messages import SignInAgent
from acd.runtime.follower import EXIT_CORRUPT, Follower
from acd.runtime.following import Following, Progress, SnapshotPace
from acd.runtime.journal import SqliteJournal, SqliteJournalReader
from acd.runtime.replay import load
from acd.runtime.snapshots import snapshots
from tests.runtime.journaled import record, traffic

SOON = 20.0


class Bench:
    """A journal, its follower's loop, and a clock in seconds."""

    def __init__(self, directory: Path, pace: SnapshotPace) -> None:
        self.directory = directory / "snapshots"
        self.journal = SqliteJournal(directory / "journal", "d")
        self.reader = SqliteJournalReader(directory / "journal")
        self.seconds = 0.0
        self.told: list[Progress] = []
        self.pace = pace
        self.following = self.follow()

    def follow(self) -> Following:
        return Following(self.reader, self.directory, self.pace, lambda: self.seconds, self.told.append)

    def taken(self) -> list[int]:
        return [snapshot.header.seq for snapshot in snapshots(self.directory, "d")]

    def close(self) -> None:
        self.reader.close()
        self.journal.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(Bench(tmp_path, SnapshotPace(every_rows=50, every_seconds=60, keep=2))) as bench:
        yield bench


def test_a_snapshot_after_so_many_rows(bench: Bench) -> None:
    commands = traffic(120)
    engine = record(bench.journal, commands[:49])
    assert bench.following.step() == 49
    assert bench.taken() == []
    record(bench.journal, commands[49:51], engine)
    assert bench.following.step() == 2
    assert bench.taken() == [51]
    assert bench.told[-1] == Progress(51, 51)
    assert load(bench.journal, bench.directory).engine.digest() == engine.digest()


def test_a_snapshot_after_so_many_seconds_if_there_is_anything_new(bench: Bench) -> None:
    record(bench.journal, traffic(3))
    bench.following.step()
    bench.seconds = 59.0
    assert bench.following.step() == 0
    assert bench.taken() == []
    bench.seconds = 60.0
    bench.following.step()
    assert bench.taken() == [3]
    bench.seconds = 600.0
    bench.following.step()
    assert bench.told == [Progress(0, 0), Progress(3, 3)]


def test_finish_catches_up_and_leaves_a_snapshot_of_the_end(bench: Bench) -> None:
    record(bench.journal, traffic(2_300))
    bench.following.finish()
    assert bench.taken()[0] == bench.journal.tail()[0] == 2_300
    assert load(bench.journal, bench.directory).replayed == 0


def test_the_next_follower_begins_at_the_newest_snapshot(bench: Bench) -> None:
    engine = record(bench.journal, traffic(60))
    bench.following.step()
    record(bench.journal, [SignInAgent("late", "anna")], engine)
    again = bench.follow()
    assert bench.told[-1] == Progress(60, 60)
    assert again.step() == 1


def test_a_snapshot_that_cannot_be_written_is_tried_again_later(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.directory.write_text("in the way")
    commands = traffic(120)
    engine = record(bench.journal, commands[:60])
    bench.following.step()
    bench.following.step()
    assert capsys.readouterr().out.count("snapshot not written") == 1
    bench.directory.unlink()
    record(bench.journal, commands[60:], engine)
    bench.following.step()
    assert bench.taken() == [120]


def test_the_pipe_says_when_to_stop(bench: Bench) -> None:
    record(bench.journal, traffic(10))
    for said, expected in ((b"", []), (b"pps", [10])):
        read_end, write_end = os.pipe()
        os.write(write_end, said)
        os.close(write_end)
        bench.following.run(read_end)
        os.close(read_end)
        assert bench.taken() == expected


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal", "d")) as journal:
        yield journal


class Watched:
    """A follower process whose progress can be awaited."""

    def __init__(self, directory: Path) -> None:
        self.problems: list[str] = []
        self._progress: asyncio.Queue[Progress] = asyncio.Queue()
        self.follower = Follower(
            directory / "journal",
            directory / "snapshots",
            SnapshotPace(every_rows=10, poll_seconds=0.02),
            restart_seconds=0.01,
            on_progress=self._progress.put_nowait,
            on_problem=self.problems.append,
        )

    async def until_snapshot(self, seq: int) -> None:
        self.follower.poke()
        async with asyncio.timeout(SOON):
            while (await self._progress.get()).snapshot_seq < seq:
                pass


async def test_the_process_follows_a_living_writer_and_leaves_a_last_snapshot(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    watched = Watched(tmp_path)
    follower = watched.follower
    commands = traffic(65)
    engine = record(journal, commands[:30])
    await follower.start()
    await watched.until_snapshot(30)
    record(journal, commands[30:62], engine)
    await watched.until_snapshot(62)
    record(journal, commands[62:], engine)
    await follower.stop()
    await follower.stop()
    assert (follower.state, follower.pid, watched.problems) == ("stopped", None, [])
    restored = load(journal, tmp_path / "snapshots")
    assert (restored.snapshot_seq, restored.replayed) == (65, 0)
    assert restored.engine.digest() == engine.digest()


async def test_a_killed_process_is_started_again(journal: SqliteJournal, tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    follower = watched.follower
    commands = traffic(60)
    engine = record(journal, commands[:20])
    await follower.start()
    await watched.until_snapshot(20)
    first = follower.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    record(journal, commands[20:], engine)
    await watched.until_snapshot(60)
    assert follower.pid not in (None, first)
    await follower.stop()
    assert watched.problems == []


async def test_a_wrong_journal_is_told_once_and_not_tried_again(journal: SqliteJournal, tmp_path: Path) -> None:
    record(journal, traffic(30))
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal")) as connection:
        connection.execute("UPDATE journal SET at_us = at_us + 1 WHERE seq = 7")
        connection.commit()
    told: asyncio.Queue[str] = asyncio.Queue()
    follower = Follower(tmp_path / "journal", tmp_path / "snapshots", on_problem=told.put_nowait)
    await follower.start()
    problem = await asyncio.wait_for(told.get(), SOON)
    assert "row 7 " in problem
    assert (follower.state, follower.progress.problem) == ("failed", problem)
    await follower.stop()
    assert told.empty()


async def test_a_journal_that_is_not_there_is_given_up_after_some_tries(tmp_path: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    follower = Follower(tmp_path / "none", tmp_path / "snapshots", restart_seconds=0.001, on_problem=told.put_nowait)
    await follower.start()
    assert "ended 6 times in a row" in await asyncio.wait_for(told.get(), SOON * 2)
    await follower.stop()
    assert follower.state == "failed"


PARENT = """
import asyncio, sys
from acd.runtime.follower import Follower
async def run():
    follower = Follower(sys.argv[1], sys.argv[2])
    await follower.start()
    print(follower.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(run())
"""


def test_the_process_dies_with_its_parent(journal: SqliteJournal, tmp_path: Path) -> None:
    record(journal, traffic(10))
    arguments = [sys.executable, "-c", PARENT, str(tmp_path / "journal"), str(tmp_path / "snapshots")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        try:
            parent.kill()
            poll = select.poll()
            poll.register(watch)
            assert poll.poll(SOON * 1_000), "the follower outlives its parent"
        finally:
            os.close(watch)


def test_the_child_reports_damage_by_its_status(journal: SqliteJournal, tmp_path: Path) -> None:
    record(journal, traffic(10))
    journal.close()
    os.truncate(tmp_path / "journal", 5_000)
    command = [sys.executable, "-m", "acd.runtime.follower", f"--journal={tmp_path / 'journal'}"]
    child = subprocess.run(
        [*command, f"--snapshots={tmp_path}"], stdin=subprocess.PIPE, capture_output=True, timeout=SOON, check=False
    )
    assert child.returncode == EXIT_CORRUPT, child.stderr
    assert b'"problem":"' in child.stdout
