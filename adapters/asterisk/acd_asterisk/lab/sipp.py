"""The telephones: SIPp playing many agents, and SIPp playing many callers, against one PBX.

Owns: the SIPp processes, their ports and files, and knowing when they listen and when they are done.
Must not know: scenarios' text (`_scenario`), what a log line means (`dialogs`), the adapter or the engine.

Every process is bounded by a time limit and dies with this one.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from acd_asterisk.lab import _process
from acd_asterisk.lab._config import LabAgent, check_name
from acd_asterisk.lab._ports import is_open, lease_ports
from acd_asterisk.lab._scenario import (
    VOICE,
    AgentBehaviour,
    CallSpec,
    agents_scenario,
    callers_scenario,
    injected_file,
)
from acd_asterisk.lab.dialogs import AgentDialog, CallerDialog, parse_agents, parse_callers
from acd_asterisk.lab.provision import Provisioned
from acd_asterisk.lab.tones import tone

DEFAULT_TIMEOUT_SECONDS = 600.0
VOICE_MS = 1_000
"""What is said again and again lasts so long: whole waves of every multiple of 10 Hz."""

_LISTEN_TIMEOUT_SECONDS = 10.0
_END_PATIENCE_SECONDS = 0.5
_POLL_SECONDS = 0.02
_SLOWEST_POLL_SECONDS = 0.2
_HEADING = "The following events occurred:"
_ERRORS_SHOWN = 2_000

_Dialog = TypeVar("_Dialog", AgentDialog, CallerDialog)


class SippFailed(Exception):
    """SIPp did not start, ended early, or did not finish in time; the text ends with its complaints."""


class SippAgents:
    """The telephones of many agents. Use as an async context manager.

    One SIPp process for each group of agents that behave alike.
    """

    def __init__(
        self,
        provisioned: Provisioned,
        groups: Sequence[tuple[Sequence[str], AgentBehaviour]],
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Choose ports for the groups; nothing is started yet.

        Args:
            provisioned: what `provision()` gave.
            groups: names of agents, and how they behave.
            timeout_seconds: when SIPp ends by itself, whatever happens.
        """
        self._groups = [
            (
                tuple(check_name(name) for name in names),
                _Sipp(provisioned, agents_scenario(how), timeout_seconds, trace=how.trace),
            )
            for names, how in groups
        ]
        for (_, sipp), (_, how) in zip(self._groups, groups, strict=True):
            sipp.add_voice(how.voice_hz)

    async def __aenter__(self) -> Self:
        """Start, and return when all telephones can be reached."""
        try:
            await asyncio.gather(*(sipp.start_listening() for _, sipp in self._groups))
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def telephones(self) -> list[LabAgent]:
        """Every agent with the address of its telephone, as `Pbx(agents=…)` takes them."""
        return [LabAgent(name, "127.0.0.1", sipp.port) for names, sipp in self._groups for name in names]

    @property
    def pids(self) -> list[int]:
        """The running processes."""
        return [sipp.pid for _, sipp in self._groups if sipp.pid is not None]

    def dialogs(self) -> list[AgentDialog]:
        """What the telephones have seen so far, in the order of the INVITEs."""
        found = (dialog for _, sipp in self._groups for dialog in parse_agents(sipp.log()))
        return sorted(found, key=lambda dialog: dialog.invited_us)

    async def wait_for(
        self, condition: Callable[[list[AgentDialog]], bool], *, seconds: float = 10.0
    ) -> list[AgentDialog]:
        """Wait until the dialogs seen so far meet the condition, and give them.

        Raises:
            TimeoutError: they did not in time.
            SippFailed: a process has ended.
        """
        return await _until(self.dialogs, condition, [sipp for _, sipp in self._groups], seconds)

    def errors(self) -> str:
        """What SIPp complained of: messages that its scenario did not expect. Ideally empty."""
        return "".join(sipp.errors() for _, sipp in self._groups)

    def messages(self) -> str:
        """Every message of telephones whose behaviour says `trace`, as SIPp wrote it down."""
        return "".join(sipp.messages() for _, sipp in self._groups)

    async def stop(self) -> None:
        """End all processes. What they saw stays available."""
        await asyncio.gather(*(sipp.stop() for _, sipp in self._groups))


class SippCallers:
    """Callers, each making one call of a list at a steady rate. Use as an async context manager."""

    def __init__(
        self,
        provisioned: Provisioned,
        calls: Sequence[CallSpec],
        *,
        sip_port: int,
        rate: float = 10.0,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Write the scenario; nothing is started yet.

        Args:
            provisioned: what `provision()` gave.
            calls: the calls, in the order in which they are made.
            sip_port: the PBX's.
            rate: calls begun per second.
            timeout_seconds: when SIPp ends by itself, whatever happens.
        """
        if not calls or rate <= 0:
            raise ValueError("at least one call, and a positive rate")
        if len({call.voice_hz for call in calls}) > 1:
            raise ValueError("the callers of a run have one voice")
        self._calls = tuple(calls)
        self._sip_port = sip_port
        self._rate = rate
        self._sipp = _Sipp(provisioned, callers_scenario(calls), timeout_seconds)
        self._sipp.add_file("calls.csv", injected_file(calls, self._sipp.deaf_port))
        self._sipp.add_voice(self._calls[0].voice_hz)

    async def __aenter__(self) -> Self:
        """Start calling."""
        count = len(self._calls)
        try:
            await self._sipp.start(
                *(f"127.0.0.1:{self._sip_port}", "-inf", "calls.csv", "-m", str(count), "-l", str(count)),
                *("-r", f"{self._rate:g}", "-rp", "1000"),
            )
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, which drops calls that still last without a BYE."""
        await self.stop()

    @property
    def pids(self) -> list[int]:
        """The running process, if it runs."""
        return [] if self._sipp.pid is None else [self._sipp.pid]

    def dialogs(self) -> list[CallerDialog]:
        """What the callers have seen so far, in the order of the INVITEs."""
        return parse_callers(self._sipp.log())

    async def wait_for(
        self, condition: Callable[[list[CallerDialog]], bool], *, seconds: float = 10.0
    ) -> list[CallerDialog]:
        """Wait until the dialogs seen so far meet the condition, and give them.

        Raises:
            TimeoutError: they did not in time.
            SippFailed: the process has ended with the condition unmet.
        """
        return await _until(self.dialogs, condition, [self._sipp], seconds)

    async def finished(self, *, seconds: float) -> list[CallerDialog]:
        """Wait until every call of the list is over, and give them all.

        Raises:
            SippFailed: they were not in time.
        """

        def all_over(dialogs: list[CallerDialog]) -> bool:
            return len(dialogs) == len(self._calls) and all(dialog.how is not None for dialog in dialogs)

        try:
            return await self.wait_for(all_over, seconds=seconds)
        except TimeoutError:
            over = sum(dialog.how is not None for dialog in self.dialogs())
            raise SippFailed(
                f"{over} of {len(self._calls)} calls were over after {seconds:.0f} s\n{self.errors()}"
            ) from None

    def errors(self) -> str:
        """What SIPp complained of: messages that its scenario did not expect. Ideally empty."""
        return self._sipp.errors()

    async def stop(self) -> None:
        """End the process. What it saw stays available."""
        await self._sipp.stop()


class _Sipp:
    """One SIPp process with a folder and ports of its own."""

    def __init__(self, provisioned: Provisioned, scenario: str, timeout_seconds: float, *, trace: bool = False) -> None:
        self._provisioned = provisioned
        self._trace = ("-trace_msg", "-message_file", "messages.log") if trace else ()
        self._timeout_seconds = timeout_seconds
        self._ports = lease_ports("sipp")
        self.port = self._ports.first
        self.deaf_port = self._ports.first + 2
        """For media that nobody listens to."""
        self._folder = Path(tempfile.mkdtemp(prefix="acd-sipp-"))
        self._process: asyncio.subprocess.Process | None = None
        self._final_log: str | None = None
        self._final_errors = ""
        self._final_messages = ""
        self.add_file("scenario.xml", scenario)

    @property
    def pid(self) -> int | None:
        """While it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    def add_file(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def add_voice(self, hertz: int) -> None:
        if hertz:
            (self._folder / VOICE).write_bytes(tone(hertz, VOICE_MS))

    async def start(self, *arguments: str) -> None:
        first, last = self._ports.first, self._ports.last
        self._process = await _process.spawn(
            self._provisioned.sipp_command(
                *("-sf", "scenario.xml", "-i", "127.0.0.1", "-bind_local", "-p", str(first)),
                *("-ci", "127.0.0.1", "-cp", str(first + 1)),
                *("-mi", "127.0.0.1", "-min_rtp_port", str(first + 2), "-max_rtp_port", str(last)),
                *("-nostdin", "-aa", "-timer_resol", "1", "-deadcall_wait", "0"),
                *("-timeout", f"{self._timeout_seconds:.0f}s", "-timeout_error"),
                *("-trace_err", "-error_file", "errors.log", "-trace_logs", "-log_file", "events.log"),
                *self._trace,
                *arguments,
            ),
            environment=self._provisioned.environment(),
            folder=self._folder,
            output=self._folder / "console.log",
        )

    async def start_listening(self) -> None:
        """Start, and wait until the SIP port is open."""
        await self.start()
        deadline = time.monotonic() + _LISTEN_TIMEOUT_SECONDS
        while not is_open(self.port):
            self.require_running()
            if time.monotonic() > deadline:
                raise SippFailed(f"SIPp did not open its port\n{self.errors()}")
            await asyncio.sleep(_POLL_SECONDS)

    def require_running(self) -> None:
        """Raise `SippFailed` if the process has ended."""
        if self.pid is None:
            status = None if self._process is None else self._process.returncode
            raise SippFailed(f"SIPp ended with status {status}\n{self.errors()}\n{self._read('console.log')}")

    def log(self) -> str:
        return self._read("events.log") if self._final_log is None else self._final_log

    def errors(self) -> str:
        return complaints(self._read("errors.log") or self._final_errors)[:_ERRORS_SHOWN]

    def messages(self) -> str:
        return self._read("messages.log") or self._final_messages

    async def stop(self) -> None:
        """End it, keep what it saw, and remove its folder."""
        if self._process is not None:
            await _process.end(self._process, patience_seconds=_END_PATIENCE_SECONDS)
        if self._final_log is None:
            self._final_log, self._final_errors = self._read("events.log"), self._read("errors.log")
            self._final_messages = self._read("messages.log")
        self._ports.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(errors="replace")
        except OSError:
            return ""


async def _until(
    dialogs: Callable[[], list[_Dialog]],
    condition: Callable[[list[_Dialog]], bool],
    processes: Sequence[_Sipp],
    seconds: float,
) -> list[_Dialog]:
    pause = _POLL_SECONDS
    async with asyncio.timeout(seconds):
        while True:
            # Whether it runs is looked up before what it saw, so that the last line is never missed.
            ended = [sipp for sipp in processes if sipp.pid is None]
            seen = dialogs()
            if condition(seen):
                return seen
            for sipp in ended:
                sipp.require_running()
            await asyncio.sleep(pause)
            # Reading a long log often would take processor time from what is being measured.
            pause = min(pause * 1.2, _SLOWEST_POLL_SECONDS)


def complaints(log: str) -> str:
    """SIPp's error log without what it says of the machine: that it had to wait for a processor itself."""
    lines = [line for line in log.splitlines(keepends=True) if line.strip() and "watchdog timer" not in line]
    return "" if all(line.startswith(_HEADING) for line in lines) else "".join(lines)
