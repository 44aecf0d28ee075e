"""One channel instance under supervision: started, kept in step with what is wished, given its effects.

Owns order, concurrency, deadlines, retries and the decision when to reconcile. Must not know what a
channel does, nor other instances: whatever happens here blocks nobody else.

As long as all goes well, effects are performed as they come. After a failure they are not: what they wanted is
part of the wishes, and one reconcile brings the world there. Performing and reconciling never overlap.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Collection, Mapping
from typing import Final, Literal

from structlog.contextvars import bind_contextvars

from acd.core.messages import Effect
from acd.errors import ChannelError
from acd.ports.channel import Channel, Desired
from acd.runtime.clock import Backoff, Clock, Deadline, pause
from acd.runtime.effect_turns import EffectTurns
from acd.runtime.host import Host, HostServices
from acd.runtime.log import Logger

MAX_CONCURRENT: Final = 64
"""Interactions of one instance whose effects are being performed at a time."""

MAX_QUEUED: Final = 10_000
"""Interactions of one instance that wait for their turn; beyond it a reconcile replaces them all."""

MAX_IN_LANE: Final = 32
"""Effects of one interaction that wait for their turn; beyond it likewise."""

MAX_HELD: Final = 10_000
"""Effects that are kept while a reconcile runs; beyond it another reconcile replaces them."""

RECONCILE_EACH_US: Final = 20_000
RECONCILE_MOST_US: Final = 60_000_000
"""What a reconcile may take beyond the deadline for each interaction that is wished for, and at most: after an overload
there may be something to heal for every single one, and a limit that does not grow with them would never be kept."""

RECONCILE_GAP_US: Final = 100_000
RECONCILE_GAP_MOST_US: Final = 1_000_000
"""Least time from the end of a reconcile to the beginning of the next: as long as it took, between these two. Where
there is more to do than the machine can, each leads to the next, and effects would never be performed again."""

RETRY_FIRST_US: Final = 250_000
RETRY_MOST_US: Final = 10_000_000
"""Pauses between failed attempts to start or to reconcile: doubled from the first to the most."""

ABORT_SECONDS: Final = 1.0
"""How long cancelled tasks may take after an abort."""

State = Literal["starting", "stale", "reconciling", "ready", "stopped"]

_log = Logger(__name__)


class Instance:
    """A channel, its wishes and its lanes: one lane per interaction that has effects to perform."""

    def __init__(
        self,
        channel: Channel,
        services: HostServices,
        clock: Clock,
        deadline_us: int,
        wishes: Mapping[str, Desired],
    ) -> None:
        self.wishes = dict(wishes)
        """Interaction → how it should stand. The dispatcher keeps it up to date."""
        self.tried_start = asyncio.Event()
        self.tried_reconcile = asyncio.Event()
        self._channel = channel
        self._host = Host(services, self.wishes, self.request_reconcile)
        self._clock = clock
        self._deadline_us = deadline_us
        self._state: State = "starting"
        self._error = ""
        self._failures = 0
        self._reconciles = 0
        self._lanes: dict[str, deque[Effect]] = {}
        self._turns = EffectTurns()
        self._performing: set[asyncio.Task[None]] = set()
        self._held: list[Effect] = []
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    # ---- called by the dispatcher

    def begin(self) -> None:
        """Start and supervise the channel from now on."""
        self._supervisor = asyncio.create_task(self._supervise(), name=f"channel {self._channel.name}")

    def deliver(self, effect: Effect) -> None:
        """Perform one effect, unless a reconcile is going to see to it."""
        if self._state == "ready":
            self._queue(effect)
        elif self._state == "reconciling":
            if len(self._held) >= MAX_HELD:
                self._held.clear()
                self._wanted.set()
            self._held.append(effect)

    def request_reconcile(self) -> None:
        """Reconcile soon."""
        self._wanted.set()
        if self._state == "ready":
            self._go_stale()

    def begin_stop(self, *, at_once: bool = False) -> None:
        """No more reconciles; stop when the effects that are under way have ended, or `at_once`. Idempotent."""
        if self._stopping is not None or self._state == "stopped":
            return
        if at_once:
            self._state = "stopped"
        self._stopping = asyncio.create_task(self._stop(), name=f"stopping channel {self._channel.name}")

    def abort(self) -> None:
        """Stop acting at once."""
        self._state = "stopped"
        self._release_waiters()
        for task in self._tasks():
            task.cancel()

    async def stopped(self) -> None:
        """Wait for the end after `begin_stop` or `abort`."""
        if self._stopping is not None:
            await asyncio.wait((self._stopping,))
        elif tasks := self._tasks():
            await asyncio.wait(tasks, timeout=ABORT_SECONDS)

    def health(self) -> Mapping[str, str | int | bool]:
        """State, counters, the last error, and what the channel says."""
        own: dict[str, str | int | bool] = {
            "state": self._state,
            "live": len(self.wishes),
            "pending": len(self._lanes),
            "failures": self._failures,
            "reconciles": self._reconciles,
            "error": self._error,
        }
        try:
            return {"connected": False, **self._channel.health(), **own}
        except Exception as error:  # noqa: BLE001 - a channel that cannot tell its health must not break everyone's
            return {"connected": False, **own, "error": _text(error)}

    # ---- performing effects

    def _queue(self, effect: Effect) -> None:
        interaction_id = effect.interaction_id
        lane = self._lanes.get(interaction_id)
        if lane is not None:
            lane.append(effect)
            if len(lane) > MAX_IN_LANE:
                self._fail(f"more than {MAX_IN_LANE} effects of one interaction wait")
            return
        self._lanes[interaction_id] = deque((effect,))
        if len(self._performing) < MAX_CONCURRENT:
            self._run(interaction_id)
            return
        self._turns.add(effect)
        if len(self._turns) > MAX_QUEUED:
            self._fail(f"effects of more than {MAX_QUEUED} interactions wait")

    def _run(self, interaction_id: str) -> None:
        self._quiet.clear()
        task = asyncio.create_task(self._perform(interaction_id))
        self._performing.add(task)
        task.add_done_callback(self._performed)

    async def _perform(self, interaction_id: str) -> None:
        """Perform the lane's effects in order until none is left or one fails."""
        # Whatever is logged in this task is about this interaction.
        bind_contextvars(interaction=interaction_id)
        lane = self._lanes[interaction_id]
        try:
            while lane:
                await self._perform_one(lane.popleft())
        finally:
            # Here and not in `_performed`, which comes a moment later: an effect that is delivered in between
            # would join a lane that nobody works on any more.
            del self._lanes[interaction_id]

    async def _perform_one(self, effect: Effect) -> None:
        try:
            async with Deadline(self._clock, self._deadline_us):
                await self._channel.perform(effect)
        except TimeoutError:
            self._fail(f"{type(effect).__name__} took longer than {self._deadline_us / 1e6:g} s")
        except asyncio.CancelledError:
            if self._state == "stopped":
                raise
            self._fail(f"{type(effect).__name__} was cancelled from within")
        except BaseException as error:  # noqa: BLE001 - whatever a channel raises, one reconcile is the answer
            _let_pass(error)
            self._fail(f"{type(effect).__name__}: {_text(error)}")

    def _performed(self, task: asyncio.Task[None]) -> None:
        self._performing.discard(task)
        if self._turns:
            self._run(self._turns.take())
        elif not self._performing:
            self._quiet.set()

    def _fail(self, reason: str) -> None:
        self._note(reason, "effect failed")
        self._wanted.set()
        if self._state == "ready":
            self._go_stale()

    def _go_stale(self) -> None:
        """From now on the wishes count, not single effects: drop those that have not begun."""
        self._state = "stale"
        for interaction_id in self._turns.drain():
            del self._lanes[interaction_id]
        for lane in self._lanes.values():
            lane.clear()

    # ---- starting, reconciling, stopping

    async def _supervise(self) -> None:
        retry = Backoff(RETRY_FIRST_US, RETRY_MOST_US)
        while not await self._attempt_start():
            await pause(self._clock, retry.next_us())
        retry.reset()
        while self._stopping is None:
            await self._wanted.wait()
            await self._quiet.wait()
            begun_us = self._clock.monotonic_us()
            if await self._attempt_reconcile():
                retry.reset()
                took_us = self._clock.monotonic_us() - begun_us
                await pause(self._clock, min(max(took_us, RECONCILE_GAP_US), RECONCILE_GAP_MOST_US))
            else:
                await pause(self._clock, retry.next_us())

    async def _attempt_start(self) -> bool:
        try:
            async with Deadline(self._clock, self._deadline_us):
                await self._channel.start(self._host)
        except TimeoutError:
            self._note(f"start took longer than {self._deadline_us / 1e6:g} s", "channel did not start")
        except BaseException as error:  # noqa: BLE001 - tried again, and shown in the health
            _let_pass(error)
            self._note(_text(error), "channel did not start")
        else:
            self._state = "stale"
            self.tried_start.set()
            return True
        self._release_waiters()
        return False

    async def _attempt_reconcile(self) -> bool:
        self._wanted.clear()
        self._state = "reconciling"
        self._held.clear()
        self._reconciles += 1
        deadline_us = self._deadline_us + min(len(self.wishes) * RECONCILE_EACH_US, RECONCILE_MOST_US)
        try:
            async with Deadline(self._clock, deadline_us):
                await self._channel.reconcile(tuple(self.wishes.values()))
        except TimeoutError:
            self._note(f"reconcile took longer than {deadline_us / 1e6:g} s", "reconcile failed")
        except BaseException as error:  # noqa: BLE001 - tried again, and shown in the health
            _let_pass(error)
            self._note(_text(error), "reconcile failed")
        else:
            self._after_reconcile()
            return True
        finally:
            self.tried_reconcile.set()
        self._state = "stale"
        self._wanted.set()
        return False

    def _after_reconcile(self) -> None:
        if self._wanted.is_set():
            self._state = "stale"
            return
        self._state = "ready"
        self._error = ""
        held, self._held = self._held, []
        for effect in held:
            # One of them may be too much, and then the rest is no longer performed either.
            self.deliver(effect)

    async def _stop(self) -> None:
        self._release_waiters()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await self._within("a start or reconcile", _ended((self._supervisor,)))
        if self._state != "stopped":
            await self._within("effects", self._quiet.wait())
            self._state = "stopped"
        for task in tuple(self._performing):
            task.cancel()
        await self._within("cancelled effects", _ended(tuple(self._performing)))
        await self._within("stop", self._channel.stop())

    async def _within(self, what: str, awaitable: Awaitable[object]) -> None:
        """Wait for it until the deadline. Whatever comes of it, the stop goes on."""
        try:
            async with Deadline(self._clock, self._deadline_us):
                await awaitable
        except TimeoutError:
            self._note(f"{what} took longer than {self._deadline_us / 1e6:g} s", "channel did not stop in time")
        except BaseException as error:  # noqa: BLE001 - the others are to be stopped all the same
            _let_pass(error)
            self._note(_text(error), "channel did not stop well")

    def _tasks(self) -> list["asyncio.Task[None]"]:
        own = (self._supervisor, self._stopping, *self._performing)
        return [task for task in own if task is not None]

    def _release_waiters(self) -> None:
        self.tried_start.set()
        self.tried_reconcile.set()

    def _note(self, reason: str, what: str) -> None:
        self._error = reason
        self._failures += 1
        _log.warning(what, instance=self._channel.name, reason=reason)


async def _ended(tasks: Collection["asyncio.Task[None]"]) -> None:
    if tasks:
        await asyncio.wait(tasks)


def _let_pass(error: BaseException) -> None:
    """Raise it again when it is meant for us or for the program, rather than an accident inside a channel.

    A cancellation that nobody has asked this task for comes from within: something that the channel awaited was
    cancelled. It must not end the supervisor, or the instance would never be reconciled again.
    """
    task = asyncio.current_task()
    cancelled = isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
    if cancelled or isinstance(error, KeyboardInterrupt | SystemExit):
        raise error


def _text(error: BaseException) -> str:
    """An error for health and log. Only our own errors are known to hold no personal data."""
    return str(error) if isinstance(error, ChannelError) else type(error).__name__
