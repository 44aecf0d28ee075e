"""The stage with a real Asterisk: SIPp plays callers and telephones, `acd serve` runs beside it.

Owns the order of starting and stopping, and the reading of what SIPp saw. Must not know what is shown.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from acd.cli.init import TOKEN_BYTES
from acd.runtime.keyfile import create_key
from acd.runtime.replay import verify
from acd_asterisk.lab import (
    AgentBehaviour,
    AgentDialog,
    CallerDialog,
    CallSpec,
    Dialplan,
    Pbx,
    Provisioned,
    SippAgents,
    SippCallers,
    overlapping,
    provision,
)
from examples.demo.cast import AGENTS, RING_SECONDS, TALK_SECONDS, PlannedCall, configuration
from examples.demo.engine_process import EngineProcess
from examples.demo.pages import Pages
from examples.demo.stage import Caller, Say, Seen, Talk

SIPP_SECONDS: Final = 24 * 3600.0
"""SIPp ends by itself after a day, whatever happens."""

RETRIES: Final = 60
"""Seconds that a caller waits in the dialplan for an engine that is away."""

_WAIT_FOR_ENGINE: Final = (
    "Wait(1)",
    "Set(ACD_TRIES=$[0${ACD_TRIES} + 1])",
    f"GotoIf($[${{ACD_TRIES}} < {RETRIES}]?acd-inbound,${{ACD_DID}},1)",
)
"""The dialplan's fallback here: wait and try again. A real one would go to a `Queue()` or to voicemail at last."""

_CHANNEL: Final = """\
[channels.pbx]
type = "asterisk"
url = "{url}"
user = "{user}"
password_file = "ari.password"
"""


_BEHAVIOUR: Final = AgentBehaviour(
    ring_ms=(int(RING_SECONDS[0] * 1_000), int(RING_SECONDS[1] * 1_000)),
    talk_ms=(int(TALK_SECONDS[0] * 1_000), int(TALK_SECONDS[1] * 1_000)),
    hang_up_chance=1.0,
    no_answer_chance=0.04,
    decline_chance=0.03,
)


class AsteriskStage:
    """See `examples.demo.stage.Stage`."""

    def __init__(self, behaviour: AgentBehaviour = _BEHAVIOUR) -> None:
        """Nothing is started yet."""
        self._behaviour = behaviour
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.pages = Pages()
        self._folder = Path(tempfile.mkdtemp(prefix="acd-demo-"))
        self._stack = AsyncExitStack()
        self._provisioned: Provisioned | None = None
        self._pbx: Pbx | None = None
        self._phones: SippAgents | None = None
        self._callers: list[SippCallers] = []
        self._engine = EngineProcess(self._folder / "acd.toml", self._folder / "engine.log")

    @property
    def title(self) -> str:
        """Versions."""
        found = self._provisioned
        return f"Asterisk {found.asterisk_version}, SIPp {found.sipp_version}" if found else "Asterisk"

    def url(self) -> str:
        """While the engine runs."""
        return self._engine.url

    async def open(self, say: Say) -> None:
        """Telephones, Asterisk, engine. Raises `LabUnavailable`, `PbxFailed`, `SippFailed`, `EngineFailed`."""
        loop = asyncio.get_running_loop()

        def report(line: str) -> None:
            loop.call_soon_threadsafe(say, line)

        say("Looking for Asterisk and SIPp (fetched from your Debian mirror the first time; no root needed) …")
        provisioned = await asyncio.to_thread(provision, report=report)
        self._provisioned = provisioned
        say(f"{self.title}: starting {len(AGENTS)} telephones and the PBX …")
        self._phones = await self._stack.enter_async_context(
            SippAgents(provisioned, [(_names(), self._behaviour)], timeout_seconds=SIPP_SECONDS)
        )
        dialplan = Dialplan(fallback=_WAIT_FOR_ENGINE)
        pbx = Pbx(provisioned, agents=self._phones.telephones, dialplan=dialplan)
        self._pbx = await self._stack.enter_async_context(pbx)
        say(f"Asterisk is up (process {pbx.pid}); starting the engine: acd serve …")
        await self.pages.open()
        self._write_configuration(pbx)
        await self._engine.start()
        say(f"The engine is up (process {self._engine.pid}), its API at {self._engine.url}.")

    async def call(self, calls: Sequence[PlannedCall], rate: float) -> None:
        """One SIPp process for each batch."""
        assert self._provisioned is not None
        assert self._pbx is not None
        callers = SippCallers(
            self._provisioned,
            [_spec(call) for call in calls],
            sip_port=self._pbx.sip_port,
            rate=rate,
            timeout_seconds=SIPP_SECONDS,
        )
        self._callers.append(await self._stack.enter_async_context(callers))

    def seen(self) -> Seen:
        """From SIPp's logs."""
        if self._phones is None:
            return Seen()
        callers = {each.caller: each for group in self._callers for each in group.dialogs()}
        rung = self._phones.dialogs()
        talks = tuple(_talk(dialog, callers.get(dialog.caller)) for dialog in rung if dialog.is_answered)
        return Seen(tuple(_caller(each) for each in callers.values()), talks, len(overlapping(rung)))

    async def crash(self) -> str:
        """`kill -9`."""
        pid = self._engine.pid
        await self._engine.kill()
        return f"kill -9 {pid}"

    async def revive(self) -> str:
        """`acd serve` again."""
        await self._engine.start()
        return f"acd serve, process {self._engine.pid}"

    async def leave(self) -> str:
        """Stop the engine, replay its journal."""
        status = await self._engine.stop()
        if status:
            return f"the engine ended with status {status}: {self._engine.log_tail()}"
        return await self.verify()

    async def verify(self) -> str:
        """As `acd replay` does."""
        report = await asyncio.to_thread(verify, self._folder / "acd-journal.db")
        return "" if report.ok else report.problem

    async def close(self) -> None:
        """The engine, then SIPp and Asterisk, then the folder."""
        try:
            await self._engine.stop()
        finally:
            try:
                await self.pages.close()
                await self._stack.aclose()
            finally:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _write_configuration(self, pbx: Pbx) -> None:
        folder = self._folder
        _write_private(folder / "api.token", self.token)
        _write_private(folder / "ari.password", pbx.ari_password)
        create_key(folder / "acd-personal.key")
        channel = _CHANNEL.format(url=pbx.ari_url, user=pbx.ari_user)
        more = self.pages.configuration(folder)
        text = configuration(channel, token_file="api.token", port=self.pages.port, more=more)  # noqa: S106 - its name
        (folder / "acd.toml").write_text(text, encoding="utf-8")


def _names() -> tuple[str, ...]:
    return tuple(person.id for person in AGENTS)


def _spec(call: PlannedCall) -> CallSpec:
    headers = {}
    if call.priority:
        headers["X-ACD-Priority"] = str(call.priority)
    if call.requirement:
        headers["X-ACD-Requirement"] = call.requirement
    return CallSpec(call.number, call.queue, hang_up_after_ms=int(call.patience_seconds * 1_000), headers=headers)


def _caller(dialog: CallerDialog) -> Caller:
    return Caller(dialog.caller, dialog.invited_us, dialog.ended_us, failed=dialog.how == "failed")


def _talk(dialog: AgentDialog, caller: CallerDialog | None) -> Talk:
    # The PBX hangs up on the agent when the caller has hung up; if the caller has not, nobody wanted it.
    cut = dialog.how == "pbx" and (caller is None or caller.how not in {"caller", "limit", "abandoned"})
    return Talk(dialog.caller, dialog.agent, dialog.answered_us or 0, dialog.ended_us, cut)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{text}\n", encoding="utf-8")
