"""The router: one domain's engine, live, inside somebody's event loop.

Owns the order of starting and stopping, and the public surface. Must not know HTTP, nor any channel. It owns
no event loop, no signal handling and no logging set-up. What can be read here has been committed.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, get_args

from acd.core.engine import Engine
from acd.core.messages import Command, Origin, Outcome, Recover, ScoreFunction
from acd.core.messages.codec import encode
from acd.core.state import EngineState
from acd.errors import CommandInvalid, RouterClosed
from acd.ports.channel import Channel, Personal
from acd.ports.journal import Journal
from acd.ports.machine import Machine
from acd.ports.stores import OutboxMessage, PersonStore, Sender
from acd.runtime.admission import detach
from acd.runtime.batch import Batch
from acd.runtime.channels import open_channels
from acd.runtime.clock import Clock, SystemClock, Timeline
from acd.runtime.config import AgentEdit, Config, load
from acd.runtime.dispatch import Dispatcher, desired_of
from acd.runtime.estimate_notes import EstimateNotes
from acd.runtime.feed import DEFAULT_BUFFER, Subscription
from acd.runtime.in_force import Asked, InForce
from acd.runtime.journal import SqliteJournal
from acd.runtime.ledger import EngineType, Ledger
from acd.runtime.log import Logger
from acd.runtime.machine import SystemMachine
from acd.runtime.meter import Meter
from acd.runtime.opening import OpeningHours
from acd.runtime.outgoing import Outgoing
from acd.runtime.people import People
from acd.runtime.projections import Projections, Readings
from acd.runtime.readiness import unready
from acd.runtime.webhooks.feeding import Webhooks
from acd.runtime.writer import Writer

RESERVED_IDS: Final = ("tick-", "config-", "recover-", "calendar-", "estimate-")
"""Beginnings of command ids that are the router's own."""

_ORIGINS: Final = frozenset(get_args(Origin))

CLOCK_BEHIND_US: Final = 1_000_000
"""A wall clock that is further behind the journal than this is worth a warning."""

_log = Logger(__name__)


class Router(Readings):
    """A running domain: `async with Router("acd.toml") as router: await router.submit(command)`.

    Takes commands one at a time or many at once, from one event loop; a command is durable when `submit` returns.
    Used once: it cannot be started again after it has stopped.
    """

    def __init__(
        self,
        config: Config | str | Path,
        *,
        journal: Journal | None = None,
        clock: Clock | None = None,
        channels: Iterable[Channel] | None = None,
        engine: EngineType = Engine,
        personal: PersonStore | None = None,
        senders: Mapping[str, Sender] | None = None,
        machine: Machine | None = None,
        strategies: Mapping[str, ScoreFunction] | None = None,
    ) -> None:
        """Construct; nothing is opened yet. What is injected replaces what is configured, and stays the caller's.

        `senders` deliver what `post` takes, by the kind of destination: `{"webhook": async_function}`. `machine` gives
        threads and chance. `strategies`: functions that queues name as `score:NAME`, besides those that are installed.

        Raises `ConfigError` with every problem of the file, the channels' options or the strategies.
        """
        config = config if isinstance(config, Config) else load(config)
        self._in_force = InForce(config, strategies)
        self._clock: Clock = clock or SystemClock()
        self._machine: Machine = machine or SystemMachine()
        self.instances = tuple(open_channels(config.channels) if channels is None else channels)
        snapshots, scores, worker = config.snapshots.path, self._in_force.scores, self._machine.worker
        self._ledger = Ledger(journal or self._open_journal, snapshots, engine, scores, worker)
        self.people = People(config.personal, personal, self._machine.worker, self.instances)
        self._closed = asyncio.Event()
        self._started = False
        self._writer: Writer | None = None
        self._writing: asyncio.Task[None] | None = None
        self._dispatcher: Dispatcher | None = None
        self._timeline: Timeline | None = None
        self._opening = OpeningHours(self._order, self.new_id)
        self.meter = Meter()
        self.seq = 0
        """The last committed row; `view` is the picture after it."""
        super().__init__(Projections(config))
        self.webhooks = Webhooks(config.webhooks, config.domain, self.events, self._clock.wall_us)
        self._outgoing = Outgoing(config.outbox, senders or {}, self._machine.chance, self.webhooks)
        self._notes = EstimateNotes(self._projections)

    # ---- starting and stopping

    async def __aenter__(self) -> Self:
        """Take over the journal, load the engine, recover, apply the configuration, start the channels.

        Returns when commands are taken and every channel has started, failed to or let its deadline pass; `ready()`
        waits for the first reconcile too. Raises `JournalError`, `OutboxError`, or `ConfigError` when the engine
        refuses the configuration.
        """
        if self._started:
            raise RuntimeError("a Router is used once; make another")
        self._started = True
        try:
            await self._start()
        except BaseException:
            await self.abort()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take no more commands, finish those that wait, stop the channels, close all. The world stays as it is."""
        try:
            await self._opening.stop()
            if self._writer is not None and self._writing is not None:
                self._writer.close()
                await asyncio.wait((self._writing,))
            if self._dispatcher is not None:
                self._dispatcher.begin_stop()
                await self._dispatcher.stopped()
            await self._outgoing.stop()
        except BaseException:
            await self.abort()
            raise
        await self._close()

    async def abort(self) -> None:
        """Stop at once, as a crash would: no channel is told, nothing that waits is finished. Idempotent."""
        if self._writer is not None:
            self._writer.abandon()
        await self._opening.stop()
        if self._dispatcher is not None:
            self._dispatcher.abort()
            await self._dispatcher.stopped()
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait((self._writing,))
        await self._close()

    async def ready(self) -> None:
        """Wait until every channel has tried once to start and to reconcile; a dead one lets its deadline pass."""
        if self._dispatcher is not None:
            await self._dispatcher.settled()

    async def wait_closed(self) -> str:
        """Wait until no command is taken any more; returns the status: `closed`, or `fenced` or `failed` by itself."""
        await self._closed.wait()
        return self._status()

    # ---- commands

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        """Hand in a command; returns its outcome when it is durable. A refusal is an outcome, too.

        A command whose id was used a short while ago returns what it returned then. When the caller is cancelled, the
        command is carried out all the same. `origin` overrides what is usual for the kind of command.

        Raises `CommandInvalid` (naming the field), `RouterOverloaded`, `RouterClosed`, `CommandQuarantined`, and
        `JournalUnavailable` (a full disk: the command has not been carried out; try again with the same id), and
        `OutcomeUnknown` (a lost disk: it may have been; try again with the same id all the same).
        """
        raw, valid = detach(command)
        if origin is not None and origin not in _ORIGINS:
            raise CommandInvalid(f"origin {origin!r} is not one of {', '.join(sorted(_ORIGINS))}")
        if valid.id.startswith(RESERVED_IDS):
            raise CommandInvalid(f"id {valid.id!r} begins like one of the router's own; use another, or new_id()")
        return await self._hand_in(valid, raw, origin or valid.ORIGIN)

    def recorded(self, command_id: str) -> Outcome | None:
        """What a recent command of this id, which has been committed, led to; None when it is too long ago."""
        return None if self._writer is None else self._ledger.engine.recorded(command_id)

    def new_id(self) -> str:
        """A fresh id for a command or an interaction: 20 random hexadecimal digits."""
        return self._machine.token()

    async def reconfigure(self, config: Config, *, actor: str = "", trace: str = "") -> Outcome:
        """Put agents and queues of another configuration into force; everything else needs a new Router.

        `actor` and `trace` go along. Raises `ConfigError` when the engine refuses it; then all is as before.
        """
        outcome = await self._in_force.apply(self._order, self._asked(actor, trace), config)
        self._projections.configure(config)
        self._opening.change(config.hours(), self.view.queues)
        return outcome

    async def reconfigure_agents(self, edit: AgentEdit, *, actor: str = "", trace: str = "") -> Outcome:
        """As `reconfigure`, for what is in force with some agents changed, at the cost of these agents."""
        outcome = await self._in_force.apply_agents(self._order, self._asked(actor, trace), edit)
        self._projections.configure_agents(self._in_force.config, edit)
        return outcome

    # ---- people

    async def remember(self, person: Personal, *, durable: bool = True) -> str:
        """Store a person; returns the opaque reference. Raises `PersonalStoreError`.

        Not `durable`: as soon as the reference is known, a moment before the person is on disk.
        """
        return await self.people.remember(person, durable=durable)

    async def recall(self, customer: str) -> Personal | None:
        """The person behind a reference; None when unknown or erased. Raises `PersonalStoreError`."""
        return await self.people.recall(customer)

    async def erase(self, customer: str) -> bool:
        """Make a person unreadable for good, with chats and notes; False when there was nothing. As `People.erase`."""
        return await self.people.erase(customer)

    def address(self, agent_id: str, channel: str) -> str:
        """Where the agent is reached on a channel; empty when not configured."""
        return self._in_force.address(agent_id, channel)

    def channel(self, name: str) -> Channel | None:
        """The channel instance of this name."""
        return next((each for each in self.instances if each.name == name), None)

    # ---- outward messages

    async def post(self, key: str, destination: str, payload: bytes) -> bool:
        """Send a message to another system: on disk when this returns, delivered at least once, in order.

        `destination` is `kind` or `kind:where`; the kind's sender delivers, the whole is one line. `key` makes it one
        message however often it is posted: False when it was taken before. Payloads name people by reference only.
        Raises `OutboxFull`, `OutboxError` (also when none is configured), `RouterClosed`.
        """
        return await self._outgoing.post(key, destination, payload)

    async def dead_letters(self, limit: int = 100) -> tuple[tuple[OutboxMessage, str], ...]:
        """Messages that were given up, newest first, each with its last error. Raises `OutboxError`, `RouterClosed`."""
        return await self._outgoing.dead(limit)

    async def resend(self, key: str) -> bool:
        """Try a dead letter again; False when there is none of this key. Raises as `post`."""
        return await self._outgoing.revive(key)

    # ---- watching

    def subscribe(self, buffer: int = DEFAULT_BUFFER) -> Subscription:
        """Follow what is committed after `seq`, which is what `view` shows now. At most `buffer` commits wait unread.

        Yields `Commit`s; a `Gap` when the reader was too slow. Ends when the router stops.
        """
        return self._projections.feed.subscribe(self.seq, buffer)

    def now_us(self) -> int:
        """The engine's time. Microseconds since 1970 as far as the wall clock was right when the router started."""
        return self._clock.wall_us() if self._timeline is None else self._timeline.now_us()

    def health(self) -> Mapping[str, object]:
        """How it is. `ready`: commands are taken, every channel has had its chance, and not all of them are cut off.

        `reason` says why not, in a sentence without anything personal.
        """
        writer, dispatcher = self._writer, self._dispatcher
        status = self._status()
        channels = {} if dispatcher is None else dispatcher.health()
        settled = dispatcher is not None and dispatcher.settled_now()
        reason = unready(status, settled=settled, channels=channels)
        return {
            "ready": not reason,
            "reason": reason,
            "status": status,
            "domain": self._in_force.config.domain,
            "epoch": self._ledger.epoch,
            "seq": self.seq,
            "inbox": 0 if writer is None else writer.waiting,
            "outage": "" if writer is None else writer.outage,
            "appending_seconds": self._ledger.appending_seconds(),
            "quarantined": 0 if writer is None else writer.set_aside,
            "stuck_deadline_us": None if writer is None else writer.stuck_us,
            "channels": channels,
            "unknown_instances": {} if dispatcher is None else dispatcher.unknown_instances(),
            "outbox": self._outgoing.health(),
        }

    # ---- what the writer tells (acd.runtime.batch.Audience)

    def committed(self, first_seq: int, batch: Batch) -> None:
        """Called by the writer, never by anybody else."""
        at_us, outcomes = batch.at_us, batch.outcomes
        self.seq = first_seq + len(outcomes) - 1
        if self._dispatcher is not None:
            for outcome in outcomes:
                if outcome.effects:
                    self._dispatcher.publish(outcome.effects)
        self._projections.fold(first_seq, at_us, outcomes, self._writer_state)
        # After the channels, which begin in the loop's next turn, and before whoever is answered goes on.
        asyncio.get_running_loop().call_soon(self._digest, outcomes)

    def _digest(self, outcomes: Sequence[Outcome]) -> None:
        self._projections.catch_up()
        self._notes.heard(outcomes)

    def reread(self, state: EngineState, seq: int) -> None:
        """Called by the writer, never by anybody else."""
        self.seq = seq
        self._projections.begin(state, seq)
        self._notes.reread(state)
        if self._dispatcher is not None:
            self._dispatcher.replace(desired_of(state))
        self._projections.feed.lose(seq)

    def recovered(self) -> None:
        """Called by the writer, never by anybody else."""
        if self._dispatcher is not None:
            # What the channels had to say meanwhile was refused; a reconcile lets them say it again.
            self._dispatcher.request_reconcile()

    def _writer_state(self) -> EngineState:
        """The state of whatever engine the ledger has when it is asked for."""
        return self._ledger.engine.state()

    def ended(self, status: str) -> None:
        """Called by the writer, never by anybody else."""
        if self._dispatcher is not None:
            self._dispatcher.begin_stop(at_once=True)
        self._projections.close()
        self._closed.set()
        _log.error("the router takes no more commands", status=status, domain=self._in_force.config.domain)

    # ---- pieces of the above

    async def _start(self) -> None:
        config = self._in_force.config
        await self._ledger.open()
        ledger = self._ledger
        state = ledger.engine.state()
        behind_us = ledger.at_us - self._clock.wall_us()
        if behind_us > CLOCK_BEHIND_US:
            what = "the system's clock is behind the journal; check it. Time goes on from the journal's last command"
            _log.warning(what, behind_seconds=behind_us / 1_000_000)
        self._timeline = Timeline(self._clock, ledger.at_us)
        self.seq = ledger.seq
        self._projections.begin(state, ledger.seq)
        self.events.lives.begin(ledger.epoch, ledger.chain)
        bounds = config.router
        self._dispatcher = Dispatcher(self.instances, self, self._clock, bounds.channel_deadline_us, desired_of(state))
        self._writer = Writer(ledger, self._timeline, self, self.meter, inbox=bounds.inbox, batch=bounds.batch)
        self._writing = asyncio.create_task(self._writer.run(), name=f"writer of {config.domain}")
        if ledger.seq:
            recover = Recover(f"recover-{ledger.epoch}", customers=True)
            await self._hand_in(recover, encode(recover), recover.ORIGIN)
        await self._in_force.begin(self._order, self._asked(), ledger.engine.settings_hash)
        await self._opening.begin(self._timeline, config.hours(), self.view.queues)
        self._writer.begin_ticks()
        self._notes.begin(self._writer, self._timeline, ledger.epoch, self._writer_state())
        await self._outgoing.start(self._timeline.now_us)
        await self._dispatcher.start()

    async def _close(self) -> None:
        self._notes.stop()
        self._projections.close()
        self._closed.set()
        try:
            await self._outgoing.stop(at_once=True)
            await self.people.close()
        finally:
            await self._ledger.close()

    async def _hand_in(self, command: Command, raw: bytes, origin: str) -> Outcome:
        if self._writer is None:
            raise RouterClosed("the router has not started; use it with: async with Router(...) as router")
        return await self._writer.submit(command, raw, origin)

    async def _order(self, command: Command) -> Outcome:
        raw, valid = detach(command)
        return await self._hand_in(valid, raw, valid.ORIGIN)

    def _asked(self, actor: str = "", trace: str = "") -> Asked:
        return Asked(f"config-{self._ledger.epoch}-{self.new_id()}", actor, trace)

    def _open_journal(self) -> Journal:
        where = self._in_force.config.journal
        return SqliteJournal(where.path, self._in_force.config.domain, where.durability)

    def _status(self) -> str:
        if self._writer is None:
            return "closed" if self._closed.is_set() else "starting"
        if self._writer.status != "running":
            return self._writer.status
        if self._closed.is_set():
            return "closed"
        return "unavailable" if self._writer.outage else "running"
