"""The media process from outside: begun, asked whether it is there, ended when it is not, and begun again.

Owns its life, and what is under way to it and back. Must not know recordings. Nothing here waits for it but the one who
asked: a process that hangs is found out by that it does not answer, and one that reads nothing, by what waits for it.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

import msgspec

from acd.errors import ChannelError
from acd.runtime.log import Logger
from acd_webrtc.recording.wire import REPORTS, Answer, Frames, Order, Ping, Prepare, Report, framed

MAX_WAITING_BYTES: Final = 8_388_608
"""Orders that it has not read."""
HEALTHY_SECONDS: Final = 60.0
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
"""Between two starts, doubled while it does not stay healthy for `HEALTHY_SECONDS`."""
STOP_SECONDS: Final = 10.0
"""So long it may take to bring files to their end."""

_READ: Final = 65_536

_PASSED: Final = ("HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "OPENSSL_", "PATH", "PYTHON", "TMPDIR", "TZ", "VIRTUAL_ENV")
"""How variables of the environment begin that it gets: others may be the engine's tokens."""

_log = Logger(__name__)


class MediaGone(ChannelError):
    """The media process ended, or is not there: nothing is recorded."""


class MediaProcess:
    """One channel's. `heard(report)`: what it says unasked. `changed(up)`: it is there, or it is not any more."""

    def __init__(
        self,
        name: str,
        prepare: Prepare,
        hang_us: int,
        heard: Callable[[Report], None],
        changed: Callable[[bool], None],
    ) -> None:
        """Not begun. `name`: the channel's."""
        self._name = name
        self._prepare = prepare
        self._hang_seconds = hang_us / 1e6
        self._heard = heard
        self._changed = changed
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0
        """How often it was begun again."""

    @property
    def pid(self) -> int | None:
        """Its process id while it is there."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Begin it, and see to it from now on. Returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"media process of {self._name}")

    async def stop(self) -> None:
        """Let it bring its files to their end; after `STOP_SECONDS` it is ended."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        process = self._process
        if process is None or process.stdin is None:
            task.cancel()
        else:
            process.stdin.close()
            done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
            if not done:
                self._kill()
        await asyncio.gather(task, return_exceptions=True)

    def number(self) -> int:
        """For a question."""
        return next(self._numbers)

    def tell(self, order: Order) -> None:
        """Hand in an order that has no answer; without a process it is void."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        process.stdin.write(framed(order))
        if process.stdin.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            _log.error("the media process reads nothing; it is ended", instance=self._name)
            self._kill()

    async def ask(self, number: int, order: Order) -> Answer:
        """Hand in a question of this number. Raises `MediaGone` when the process has ended without an answer."""
        if self._process is None:
            raise MediaGone("the media process is not there")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self.tell(order)
            return await answer
        finally:
            self._asked.pop(number, None)

    # ---- inside

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stopping:
            begun = loop.time()
            status: int | str
            try:
                status = await self._live()
            except Exception as error:  # noqa: BLE001 - whatever it was, calls are to be recorded again
                status = type(error).__name__
            if self._stopping:
                return
            if loop.time() - begun > HEALTHY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self.restarts += 1
            _log.error("the media process ended; another one is begun", instance=self._name, status=status, after=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _live(self) -> int:
        """One process, from its beginning to its end; its exit status."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "acd_webrtc.recording.process"),
            stdin=pipe,
            stdout=pipe,
            env={name: value for name, value in os.environ.items() if name.startswith(_PASSED)},
            # A session of its own: Ctrl-C is for the engine, by whose end the process ends.
            start_new_session=True,
        )
        self._process = process
        asking = asyncio.create_task(self._ask_on())
        try:
            self.tell(self._prepare)
            self._changed(True)  # noqa: FBT003 - there, or not
            await self._read(process)
            return await process.wait()
        finally:
            asking.cancel()
            self._process = None
            self._end(process)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(MediaGone("the media process has ended"))
            self._changed(False)  # noqa: FBT003 - likewise

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        frames = Frames()
        while process.stdout is not None and (data := await process.stdout.read(_READ)):
            try:
                for each in frames.feed(data):
                    self._take(REPORTS.decode(each))
            except (ValueError, msgspec.DecodeError):
                _log.error("the media process says what cannot be read; it is ended", instance=self._name)
                self._end(process)
                return

    def _take(self, report: Report) -> None:
        if not isinstance(report, Answer):
            self._heard(report)
        elif (answer := self._asked.get(report.number)) is not None and not answer.done():
            answer.set_result(report)

    async def _ask_on(self) -> None:
        """Whether it is there, for as long as it is."""
        while True:
            number = self.number()
            try:
                async with asyncio.timeout(self._hang_seconds):
                    await self.ask(number, Ping(number))
            except TimeoutError:
                _log.error("the media process does not answer; it is ended", instance=self._name)
                self._kill()
                return
            except MediaGone:
                return
            await asyncio.sleep(self._hang_seconds / 4)

    def _kill(self) -> None:
        if self._process is not None:
            self._end(self._process)

    def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
        if process.stdin is not None:
            process.stdin.close()
