"""A router whose commands and effects have spans.

Owns what is said of a command (from being handed in to being answered, which is after its commit) and of an effect (as
long as its channel takes over it), and how they hang together: an effect belongs to the command that led to it, and is
linked to the one by which its interaction came in. Must not know where spans go. Core and writer know nothing of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from acd.core.messages import Command, Effect, EnqueueInteraction, Origin, Outcome, ReleaseInteraction
from acd.core.messages.command_base import CommandBase
from acd.ports.channel import Channel, ChannelHost, Desired
from acd.ports.journal import Journal
from acd.runtime.batch import Batch
from acd.runtime.channels import open_channels
from acd.runtime.config import Config
from acd.runtime.router import Router
from acd.telemetry.tracing import Recent, Tracing, context_of, context_under, trace_of

MAX_FOLLOWED: Final = 10_000
"""Interactions of which it is remembered by which command they came in, and effects whose cause is."""

_IDS: Final = ("interaction_id", "offer_id", "agent_id", "queue", "instance", "parent_id", "consult_id", "to_agent")
"""Fields of commands and effects that are ids, and nothing else."""


class TracedRouter(Router):
    """As `Router`; `tracing` stays the caller's."""

    def __init__(
        self,
        config: Config,
        tracing: Tracing,
        *,
        channels: Iterable[Channel] | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`channels`, `journal`: as for `Router`. Raises ConfigError."""
        wanted = open_channels(config.channels) if channels is None else channels
        self._tracer = tracing.tracer
        self._under_way: dict[str, SpanContext] = {}
        self._came_in: Recent[str, SpanContext] = Recent(MAX_FOLLOWED)
        self._causes: Recent[int, tuple[Effect, SpanContext | None]] = Recent(MAX_FOLLOWED)
        super().__init__(config, channels=[TracedChannel(each, self) for each in wanted], journal=journal)

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        """As `Router.submit`. The command goes into the journal with its span's trace."""
        if not isinstance(command, CommandBase):
            return await super().submit(command, origin)
        with self._spanned(command) as (span, traced):
            return _told(span, await super().submit(traced, origin))

    async def _order(self, command: Command) -> Outcome:
        """What the router hands in itself: configurations, opening hours."""
        with self._spanned(command) as (span, traced):
            return _told(span, await super()._order(traced))

    @contextmanager
    def _spanned(self, command: Command) -> Iterator[tuple[Span, Command]]:
        """The command's span, and the command with its trace."""
        kind = type(command).__name__
        with self._tracer.start_as_current_span(
            f"command {kind}",
            context_of(command.trace),
            attributes={"acd.command": kind, "acd.command_id": command.id, **ids_of(command)},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            place = span.get_span_context()
            self._under_way[command.id] = place
            if isinstance(command, EnqueueInteraction):
                self._came_in.put(command.interaction_id, place)
            try:
                yield span, replace(command, trace=trace_of(span) or command.trace)
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise
            finally:
                if self._under_way.get(command.id) is place:
                    del self._under_way[command.id]

    def committed(self, first_seq: int, batch: Batch) -> None:
        """Called by the writer, never by anybody else."""
        for entry, outcome in zip(batch.entries, batch.outcomes, strict=True):
            if outcome.effects:
                cause = self._under_way.get(entry.command_id)
                for effect in outcome.effects:
                    self._causes.put(id(effect), (effect, cause))
        super().committed(first_seq, batch)

    def channel(self, name: str) -> Channel | None:
        """The channel instance of this name itself."""
        found = super().channel(name)
        return found.itself if isinstance(found, TracedChannel) else found

    async def carry_out(self, channel: Channel, effect: Effect) -> None:
        """Have the channel do it, under a span."""
        kept = self._causes.pop(id(effect))
        cause = None if kept is None else kept[1]
        is_last = isinstance(effect, ReleaseInteraction)
        came_in = (self._came_in.pop if is_last else self._came_in.get)(effect.interaction_id)
        links = [Link(came_in)] if came_in is not None and came_in is not cause else []
        kind = type(effect).__name__
        with self._tracer.start_as_current_span(
            f"effect {kind}",
            context_under(cause),
            SpanKind.CLIENT,
            {"acd.effect": kind, **ids_of(effect)},
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await channel.perform(effect)
            except BaseException as error:
                # Its text may be about somebody.
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise


class TracedChannel:
    """A channel whose effects have spans; all else is its own. `itself`: the channel."""

    def __init__(self, channel: Channel, router: TracedRouter) -> None:
        """`router` has the spans."""
        self.itself = channel
        self.name = channel.name
        self._router = router

    async def start(self, host: ChannelHost) -> None:
        """As the channel does."""
        await self.itself.start(host)

    async def perform(self, effect: Effect) -> None:
        """As the channel does, under a span."""
        await self._router.carry_out(self.itself, effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """As the channel does."""
        await self.itself.reconcile(desired)

    async def stop(self) -> None:
        """As the channel does."""
        await self.itself.stop()

    def health(self) -> Mapping[str, str | int | bool]:
        """What the channel says."""
        return self.itself.health()


def _told(span: Span, outcome: Outcome) -> Outcome:
    """The outcome, once the span has been told of a refusal."""
    if outcome.refusal is not None:
        span.set_attribute("acd.refusal", outcome.refusal.code)
    return outcome


def ids_of(message: Command | Effect) -> dict[str, str]:
    """The ids that a command or an effect names, as attributes."""
    found = {f"acd.{name.removesuffix('_id')}": getattr(message, name, "") for name in _IDS}
    return {name: value for name, value in found.items() if isinstance(value, str) and value}
