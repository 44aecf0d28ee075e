"""The single writer: the only one who applies commands, and the order in which everything becomes true.

Owns the inbox, the stamping, the batches, the ticks and what happens when a commit or a command fails.
Must not know channels, projections or files. Nothing leaves before its commit; while a batch is being
committed nothing is applied, so that there is never anything to roll back but the batch itself. Group
commit gives the throughput: whatever comes in meanwhile is the next batch.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Final, assert_never

from acd.core import limits
from acd.core.messages import Command, EnqueueInteraction, Outcome, Tick
from acd.core.messages.codec import encode
from acd.core.state import EngineState
from acd.core.window import Window
from acd.errors import AcdError, JournalUnavailable, OutcomeUnknown, RouterClosed, RouterOverloaded
from acd.ports.journal import AppendResult, Committed, Entry, Fenced, Rejected, Unknown
from acd.runtime.batch import Audience, Batch, Request, quarantined
from acd.runtime.clock import Backoff, Timeline, Timer
from acd.runtime.ledger import EngineLike, Ledger
from acd.runtime.log import Logger
from acd.runtime.meter import Meter
from acd.runtime.replay import outcome_digest

MAX_BATCH: Final = limits.OUTCOME_WINDOW // 2
"""Commands of one commit, whatever the configuration says: the outcomes of a whole batch must be found again."""

NEW_SHARE_PERCENT: Final = 90
"""Share of the inbox that new interactions may take."""

MAX_QUARANTINED: Final = 4_096
"""Ids of quarantined commands that are remembered, and refused when they come again."""

RETRY_FIRST_US: Final = 100_000
RETRY_MOST_US: Final = 5_000_000
"""Pauses between attempts at a journal that cannot be written or read: doubled from the first to the most."""

PATIENCE: Final = 5
"""Failed attempts at reading the journal, 3.1 s, after which whoever waits is told that nothing is known."""

_UNKNOWN: Final = "it is not known whether the command was carried out: hand it in again with the same id"

_log = Logger(__name__)


class Writer:
    """Applies commands to the engine, one batch after another, for as long as `run` runs."""

    def __init__(
        self, ledger: Ledger, timeline: Timeline, audience: Audience, meter: Meter, *, inbox: int, batch: int
    ) -> None:
        """`ledger` has been opened. `inbox` and `batch` are the most that may wait, and that one commit takes."""
        self._ledger = ledger
        self._timeline = timeline
        self._audience = audience
        self._meter = meter
        self._most_waiting = inbox
        self._most_new = max(1, inbox * NEW_SHARE_PERCENT // 100)
        self._most = max(1, min(batch, MAX_BATCH))
        self._engine: EngineLike = ledger.engine
        self._last_us = ledger.at_us
        self._inbox: deque[Request] = deque()
        self._current = Batch(0)
        self._quarantined: Window[str] = Window(MAX_QUARANTINED)
        self.set_aside = 0
        self.status = "running"
        self.outage = ""
        self._fallback: EngineState | None = None
        self._retry = Backoff(RETRY_FIRST_US, RETRY_MOST_US)
        self._ticking = False
        self._ticks = 0
        self._stuck_us: int | None = None
        self._cut = 0
        self._closing = False
        self._wake: asyncio.Future[None] | None = None
        self._timer: Timer | None = None
        self._timer_us = 0

    # ---- from outside

    def submit(self, command: Command, raw: bytes, origin: str) -> "asyncio.Future[Outcome]":
        """Take a validated command. The future gives its committed outcome, or the reason why there is none."""
        if self._closing or self.status != "running":
            raise RouterClosed(self.closed_reason())
        if self.outage:
            raise JournalUnavailable(self.outage)
        if self._quarantined.get(command.id) is not None:
            raise quarantined(command.id)
        # The last places are for whoever is at work already: a flood of newcomers must not keep agents from answering.
        most = self._most_new if isinstance(command, EnqueueInteraction) else self._most_waiting
        if len(self._inbox) >= most:
            raise RouterOverloaded(f"{len(self._inbox)} commands wait already; try again shortly")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._inbox.append(Request(command, raw, origin, future))
        self._stir()
        return future

    def begin_ticks(self) -> None:
        """From now on time passes: due deadlines are handled before every command."""
        self._ticking = True
        self._stir()

    def close(self) -> None:
        """Take no more; `run` returns when the inbox is empty."""
        self._closing = True
        self._stir()

    def abandon(self) -> None:
        """Take no more, and answer whoever waits that nothing is known."""
        self._closing = True
        self._cancel_timer()
        self._fail_all(RouterClosed(self.closed_reason()))

    def state(self) -> EngineState:
        """The engine's state. Only where it equals what has been committed: while the audience is being told."""
        return self._engine.state()

    @property
    def waiting(self) -> int:
        """Commands in the inbox."""
        return len(self._inbox)

    @property
    def stuck_us(self) -> int | None:
        """A deadline that no Tick can handle because the engine raises, or None."""
        return self._stuck_us

    def closed_reason(self) -> str:
        """A sentence for whoever is refused."""
        if self.status == "fenced":
            return "another engine has taken over the journal; this one has stopped"
        if self.status == "failed":
            return "the router has stopped because of an error; see its log"
        return "the router is stopping, or has stopped"

    # ---- the loop

    async def run(self) -> None:
        """Until closed, fenced or failed; then nobody is left waiting."""
        try:
            while self.status == "running":
                if self.outage:
                    if not await self._pause(self._retry.next_us()):
                        break
                    if self._stuck_us is not None:
                        # A Tick would raise: let the next command find out how the journal is.
                        self.outage = ""
                        continue
                elif not self._inbox and not self._due(self._timeline.now_us()):
                    if self._closing:
                        break
                    self._arm()
                    await self._sleep()
                    continue
                await self._step()
        except Exception:  # noqa: BLE001 - nobody must be left waiting, whatever it was
            # First this: writing a traceback is somebody else's code, and may fail on the same full disk.
            self._end("failed")
            _log.exception("the writer failed; no further command is taken")
        finally:
            self._closing = True
            self._cancel_timer()
            self._fail_all(RouterClosed(self.closed_reason()))

    async def _step(self) -> None:
        """Fill a batch and commit it."""
        batch = self._current = self._fill()
        if batch.poison is not None:
            await self._set_aside(batch, batch.poison)
        elif batch.entries:
            await self._commit(batch)
        else:
            batch.answer()

    def _fill(self) -> Batch:
        """Apply what waits and what is due, up to the bound. Due ticks go before every command."""
        now_us = self._last_us = max(self._last_us, self._timeline.now_us())
        batch = Batch(now_us)
        engine, inbox, meter = self._engine, self._inbox, self._meter
        probing = bool(self.outage)
        most, self._cut = self._cut or self._most, 0
        while len(batch.taken) < most:
            if probing or self._due(now_us):
                request = self._tick()
                probing = False
            elif inbox:
                request = inbox.popleft()
            else:
                break
            command = request.command
            recorded = engine.recorded(command.id)
            if recorded is not None:
                batch.taken.append((request, recorded))
                continue
            if self._quarantined.get(command.id) is not None:
                request.fail(quarantined(command.id))
                continue
            began = perf_counter()
            try:
                outcome = engine.apply(command, now_us)
            except Exception as error:  # noqa: BLE001 - whatever it is, the state cannot be trusted any more
                batch.poison = (request, error)
                break
            meter.decision(perf_counter() - began)
            batch.taken.append((request, outcome))
            batch.outcomes.append(outcome)
            batch.entries.append(Entry(command.id, request.origin, now_us, request.raw, outcome_digest(outcome)))
        return batch

    async def _commit(self, batch: Batch) -> None:
        began = perf_counter()
        result: AppendResult
        try:
            result = await self._ledger.append(batch.entries)
        except JournalUnavailable as error:
            result = Unknown(str(error))
        match result:
            case Committed():
                self._meter.commit(perf_counter() - began, len(batch.entries))
                self._publish(batch)
            case Rejected(reason=reason):
                if await self._begin_outage(reason):
                    batch.answer_as_recorded(self._engine, reason)
            case Unknown(reason=reason):
                await self._find_out(batch, reason)
            case Fenced(epoch=epoch):
                _log.error("another engine has taken over the journal", epoch=epoch, mine=self._ledger.epoch)
                self._end("fenced")
            case _:
                assert_never(result)

    def _publish(self, batch: Batch) -> None:
        """The batch is durable: now it may be told, and answered."""
        first_seq = self._ledger.seq - len(batch.entries) + 1
        self._audience.committed(first_seq, batch)
        batch.answer()
        self._fallback = None
        if self.outage:
            _log.warning("the journal can be written again", outage=self.outage)
            self.outage = ""
            self._retry.reset()
            self._audience.recovered()

    # ---- ticks and sleep

    def _due(self, now_us: int) -> bool:
        if not self._ticking:
            return False
        deadline_us = self._engine.next_deadline()
        return deadline_us is not None and deadline_us <= now_us and deadline_us != self._stuck_us

    def _tick(self) -> Request:
        self._ticks += 1
        tick = Tick(f"tick-{self._ledger.epoch}-{self._ticks}")
        return Request(tick, encode(tick), tick.ORIGIN, None)

    def _arm(self) -> None:
        """Let the one timer fire no later than the next deadline; firing early is cheaper than a new timer."""
        deadline_us = self._engine.next_deadline() if self._ticking else None
        if deadline_us is None or deadline_us == self._stuck_us:
            return
        if self._timer is not None:
            if self._timer_us <= deadline_us:
                return
            self._timer.cancel()
        self._timer_us = deadline_us
        self._timer = self._timeline.call_at(deadline_us, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._stir()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _sleep(self) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _pause(self, us: int) -> bool:
        """Wait that long; False as soon as the writer is to close."""
        until_us = self._timeline.now_us() + us
        timer = self._timeline.call_at(until_us, self._stir)
        try:
            while not self._closing and self._timeline.now_us() < until_us:
                await self._sleep()
        finally:
            timer.cancel()
        return not self._closing

    # ---- when something fails

    async def _find_out(self, batch: Batch, reason: str) -> None:
        """It is not known what was written: read it, and answer accordingly."""
        _log.warning("it is not known whether a batch was written; rereading the journal", reason=reason)
        before = self._ledger.seq
        if not await self._reload():
            return
        if self._ledger.seq == before + len(batch.entries) and batch.held_by(self._engine):
            self._publish(batch)
            return
        if self._ledger.seq == before:
            self._fallback = self._engine.state()
            await self._begin_outage(reason)
        else:
            self._audience.reread(self._engine.state(), self._ledger.seq)
        batch.answer_as_recorded(self._engine, reason)

    async def _begin_outage(self, reason: str) -> bool:
        """Nothing was written. Back to the state before, refuse everything, and try again after a pause.

        False when the writer is to close.
        """
        if not self.outage:
            _log.error("the journal cannot be written; commands are refused until it can", reason=reason)
        self.outage = reason
        if self._fallback is not None:
            # Nothing has been written since: no need to read it all again before every further attempt.
            self._engine = self._ledger.revive(self._fallback)
        elif await self._reload():
            self._fallback = self._engine.state()
        else:
            return False
        for request in self._inbox:
            recorded = self._engine.recorded(request.command.id)
            if recorded is None:
                request.fail(JournalUnavailable(reason))
            else:
                request.answer(recorded)
        self._inbox.clear()
        return True

    async def _set_aside(self, batch: Batch, poison: tuple[Request, Exception]) -> None:
        """A command made the engine raise: back to the last commit, without it. The others are applied anew."""
        request, error = poison
        command = request.command
        reason = f"{type(error).__name__}: {error}"
        _log.error(
            "a command made the engine raise", command_id=command.id, kind=type(command).__name__, exc_info=error
        )
        self._quarantined.remember(command.id, reason)
        self.set_aside += 1
        for other, _ in reversed(batch.taken):
            if other.future is not None:
                self._inbox.appendleft(other)
        try:
            await self._ledger.quarantine(Entry(command.id, request.origin, batch.at_us, request.raw, ""), reason)
        except JournalUnavailable as failure:
            _log.warning("the quarantine cannot be written", command_id=command.id, reason=str(failure))
        finally:
            request.fail(quarantined(command.id))
        if not await self._reload() or not isinstance(command, Tick):
            return
        if batch.entries:
            # What went before it in this batch is committed first, alone: only then is it seen which deadline it was.
            self._cut = len(batch.entries)
        else:
            # The same deadline would be due at once, again and again. It waits until a command has removed it.
            self._stuck_us = self._engine.next_deadline()

    async def _reload(self) -> bool:
        """Make the engine anew from the journal, however long that takes; False when the writer is to close."""
        retry = Backoff(RETRY_FIRST_US, RETRY_MOST_US)
        while True:
            try:
                await self._ledger.reload()
            except JournalUnavailable as error:
                _log.error("the journal cannot be read; trying again", reason=str(error))
                self.outage = self.outage or str(error)
                if retry.attempts == PATIENCE:
                    self._fail_all(OutcomeUnknown(f"{error}; {_UNKNOWN}"))
                if not await self._pause(retry.next_us()):
                    return False
            else:
                self._engine = self._ledger.engine
                return True

    def _end(self, status: str) -> None:
        self.status = status
        self._audience.ended(status)

    def _fail_all(self, error: AcdError) -> None:
        """Those who have not been answered yet."""
        self._current.fail(error)
        while self._inbox:
            self._inbox.popleft().fail(error)
