"""The follower process, seen from the engine's side: started, watched, started again, stopped.

Owns the child process and its pipes. Must not read the journal itself. Snapshots come from this process
because taking one of a large engine lasts tens of milliseconds, which the writer cannot spare; it is also a
second engine that repeats every decision, and says so when one differs.

`python -m acd.runtime.follower --journal FILE --snapshots DIRECTORY` is the child. It ends when its
standard input ends, so that it dies with its parent, however that dies.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from acd.errors import JournalCorrupt, JournalError, StrategyError
from acd.runtime.following import POKE, STOP, Following, Progress, SnapshotPace
from acd.runtime.journal.reader import SqliteJournalReader

MAX_RESTARTS: Final = 5
"""Times in a row that a follower which fails is started again."""

STOP_SECONDS: Final = 10.0
"""How long a follower may take for its last snapshot before it is killed."""

HEALTHY_SECONDS: Final = 60.0
"""A follower that has run this long has earned a fresh count of restarts."""

EXIT_CORRUPT: Final = 3
"""Exit status of a follower that found the journal wrong: starting it again would find the same."""

_NICE: Final = 10

_log = structlog.get_logger(__name__)


class Follower:
    """One follower process for one journal. `start` and `stop` from the event loop's thread.

    `restart_seconds` is the first delay before another start; it doubles with every failure in a row.
    `on_progress` is called with every snapshot;
    `on_problem` is called once, with a sentence, when the journal turns out wrong or a decision does not repeat.
    """

    def __init__(
        self,
        journal: Path | str,
        snapshots: Path | str,
        pace: SnapshotPace | None = None,
        *,
        restart_seconds: float = 1.0,
        on_progress: Callable[[Progress], None] | None = None,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is started yet."""
        self._command = _command(Path(journal), Path(snapshots), pace or SnapshotPace())
        self._restart_seconds = restart_seconds
        self._on_progress = on_progress
        self._on_problem = on_problem
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.state: Literal["stopped", "running", "failed"] = "stopped"
        self.progress = Progress()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and watch it. The journal must exist."""
        if self._task is None:
            process = await self._spawn()
            self._task = asyncio.create_task(self._watch(process), name="journal follower")

    def poke(self) -> None:
        """Let the follower look for new rows now rather than at its next poll."""
        self._say(POKE)

    async def stop(self) -> None:
        """Let it write a last snapshot and end; kill it after `STOP_SECONDS`. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._process is None:
            # Between two starts.
            task.cancel()
        else:
            self._say(STOP)
            done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
            if not done:
                _log.warning("follower killed", after_seconds=STOP_SECONDS)
                self._kill()
        await asyncio.gather(task, return_exceptions=True)
        self._kill()
        if self.state == "running":
            self.state = "stopped"

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A session of its own: Ctrl-C is for the engine, which then says STOP.
            start_new_session=True,
        )
        self.state = "running"
        return self._process

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        failures = 0
        while True:
            begun = time.monotonic()
            status = await self._listen(process)
            if self._task is None and status == 0:
                return
            if status == EXIT_CORRUPT:
                self._fail(self.progress.problem)
                return
            failures = 1 if time.monotonic() - begun > HEALTHY_SECONDS else failures + 1
            if failures > MAX_RESTARTS or self._task is None:
                self._fail(f"the follower process ended {failures} times in a row, the last time with status {status}")
                return
            delay = self._restart_seconds * 2 ** (failures - 1)
            _log.warning("follower ended; starting it again", status=status, delay_seconds=delay)
            await asyncio.sleep(delay)
            process = await self._spawn()

    async def _listen(self, process: asyncio.subprocess.Process) -> int:
        """Take in what the child tells until it ends; returns its exit status."""
        try:
            if process.stdout is not None:
                async for line in process.stdout:
                    self._take_in(line)
            return await process.wait()
        finally:
            if process.stdin is not None:
                process.stdin.close()
            if process.returncode is not None:
                self._process = None

    def _take_in(self, line: bytes) -> None:
        # The last line of a killed child may be half a line.
        with suppress(msgspec.DecodeError):
            self.progress = msgspec.json.decode(line, type=Progress)
            if self._on_progress is not None:
                self._on_progress(self.progress)

    def _fail(self, problem: str) -> None:
        self.state = "failed"
        self.progress = msgspec.structs.replace(self.progress, problem=problem)
        _log.error("follower failed", problem=problem)
        if self._on_problem is not None:
            self._on_problem(problem)

    def _say(self, word: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        # A follower that is far behind does not read; one byte more would say nothing new.
        if word == STOP or process.stdin.transport.get_write_buffer_size() == 0:
            process.stdin.write(word)

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()


def _command(journal: Path, snapshots: Path, pace: SnapshotPace) -> tuple[str, ...]:
    return (
        sys.executable,
        "-m",
        "acd.runtime.follower",
        f"--journal={journal}",
        f"--snapshots={snapshots}",
        f"--every-rows={pace.every_rows}",
        f"--every-seconds={pace.every_seconds}",
        f"--keep={pace.keep}",
        f"--poll-seconds={pace.poll_seconds}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The child: follow until standard input ends. Exit status `EXIT_CORRUPT` when the journal is wrong."""
    pace = SnapshotPace()
    parser = argparse.ArgumentParser(prog="python -m acd.runtime.follower", description="Write snapshots of a journal.")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--snapshots", type=Path, required=True)
    parser.add_argument("--every-rows", type=int, default=pace.every_rows)
    parser.add_argument("--every-seconds", type=float, default=pace.every_seconds)
    parser.add_argument("--keep", type=int, default=pace.keep)
    parser.add_argument("--poll-seconds", type=float, default=pace.poll_seconds)
    given = parser.parse_args(arguments)
    pace = SnapshotPace(given.every_rows, given.every_seconds, given.keep, given.poll_seconds)
    # Standard output belongs to the parent.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    os.nice(_NICE)
    try:
        with closing(SqliteJournalReader(given.journal)) as journal:
            Following(journal, given.snapshots, pace, time.monotonic, _tell).run(sys.stdin.fileno())
    except (JournalCorrupt, StrategyError) as error:
        _tell(Progress(problem=str(error)))
        return EXIT_CORRUPT
    except JournalError as error:
        _log.warning("journal not readable", reason=str(error))
        return 1
    except BrokenPipeError:
        return 1
    return 0


def _tell(progress: Progress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(progress) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
