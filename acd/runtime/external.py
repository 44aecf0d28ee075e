"""The channel of type `external`: a process of the user's own, in any language, that connects over the API.

Owns which connection is the channel's, and what happens while there is none. Must not know sockets nor the form of
messages (`acd.api.external`): a connection is a `Line`.

    [channels.web]
    type = "external"
    media = "chat"
    recall = true

As long as nobody is connected, an effect fails: what it wants is part of the desired state, and the comparison that
follows every connect brings the process there. The newest connection is the channel's; the one before is hung up.
A customer who is to be called then is given back: nobody could call them, which is no attempt.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from acd.core.messages import Effect, FailCallback, ReachCustomer, ReleaseInteraction
from acd.core.messages.types import Id
from acd.errors import ChannelError, ConfigError
from acd.ports.channel import Channel, ChannelHost, Desired
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.log import Logger

OPTIONS: Final = ("media", "recall")

Ended = Literal["superseded", "unanswered", "stopped"]
"""Why the channel ends a line: another one has taken over, it let a comparison wait too long, or the engine stops."""

_log = Logger(__name__)


class Line(Protocol):
    """A connection to the process, after its greeting."""

    async def carry_out(self, effect: Effect) -> None:
        """Have it done. Raises `ChannelError` when it cannot be, or when the connection ends before the answer."""
        ...

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Have it compared. Raises likewise."""
        ...

    def hang_up(self, why: Ended) -> None:
        """End the connection. Nothing that comes from it counts any more. Idempotent."""
        ...


class ExternalChannel:
    """`acd.ports.channel.Channel` over whoever is connected."""

    def __init__(self, name: str, media: str = "voice", *, may_recall: bool = False) -> None:
        """`media`: the channel that its interactions are enqueued for. `may_recall`: people's data may be asked for."""
        self.name = name
        self.media = media
        self.may_recall = may_recall
        self._host: ChannelHost | None = None
        self._line: Line | None = None
        self._connects = 0
        self._told: dict[str, int] = {}
        """Of interactions whose customer is to be called: the attempt that a process may have been told to make."""

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """From now on a process may connect."""
        self._host = host
        # What was told before this process nobody knows any more.
        self._told = self._attempts(host.desired())

    async def perform(self, effect: Effect) -> None:
        """Hand it to the process, and wait for its answer."""
        if self._line is None:
            raise ChannelError(f"{self.name}: no process is connected")
        if isinstance(effect, ReachCustomer):
            self._told[effect.interaction_id] = effect.attempt
        elif isinstance(effect, ReleaseInteraction):
            self._told.pop(effect.interaction_id, None)
        await self._line.carry_out(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Have the process compare. Without one there is nothing to compare: it follows the next connect."""
        line, attempts = self._line, self._attempts(desired)
        if line is None:
            self._told = dict(self._told.items() & attempts.items())
            await self._give_back(attempts.items() - self._told.items())
            return
        self._told = attempts
        answered = False
        try:
            await line.reconcile(desired)
            answered = True
        except ChannelError:
            answered = True
            raise
        finally:
            if not answered:
                # The deadline has passed. A process that hangs must not seem to be connected.
                line.hang_up("unanswered")
                self.detach(line)

    async def stop(self) -> None:
        """Let go of the process; its conversations go on."""
        line, self._line, self._host = self._line, None, None
        if line is not None:
            line.hang_up("stopped")

    def health(self) -> Mapping[str, str | int | bool]:
        """`connected`: a process is there. `connects`: how often one has come."""
        return {"connected": self._line is not None, "connects": self._connects}

    # ---- for the API

    @property
    def host(self) -> ChannelHost:
        """The engine's side. Raises `ChannelError` before the start and after the stop."""
        if self._host is None:
            raise ChannelError(f"{self.name}: the engine is starting, or is stopping")
        return self._host

    def attach(self, line: Line, software: str = "") -> None:
        """This connection is the channel's from now on. `software`: what it calls itself. Raises as `host` does."""
        host, before = self.host, self._line
        self._line = line
        self._connects += 1
        if before is not None:
            _log.info("another process has taken over an external channel", instance=self.name, software=software)
            before.hang_up("superseded")
        else:
            _log.info("an external channel is connected", instance=self.name, software=software)
        host.request_reconcile()

    def detach(self, line: Line) -> None:
        """It has ended. What it was doing has failed, so the next one begins with a comparison. Idempotent."""
        if self._line is line:
            self._line = None
            _log.warning("an external channel is no longer connected", instance=self.name)

    # ---- inside

    def _attempts(self, desired: tuple[Desired, ...]) -> dict[str, int]:
        """Those that are to be made now."""
        due = (self.host.interaction(each.interaction_id) for each in desired if each.state == "reaching")
        return {each.interaction_id: each.attempts + 1 for each in due if each is not None}

    async def _give_back(self, attempts: set[tuple[str, int]]) -> None:
        """Nobody has been told of these: no customer is called."""
        for interaction_id, attempt in sorted(attempts):
            await self.host.submit(
                FailCallback(self.host.new_id(), interaction_id, "no-process", attempt, called=False)
            )


def open_channel(name: str, options: Mapping[str, object]) -> Channel:
    """The entry point: construct, contact nobody. Raises `ConfigError` with every problem."""
    place = f"channels.{name}"
    problems = [
        f"{place}.{key}: there is no such option; {did_you_mean(key, OPTIONS)}" for key in options if key not in OPTIONS
    ]
    media = _converted(options.get("media", "voice"), Id)
    if media is None:
        problems.append(f'{place}.media: {quoted(options["media"])} is no channel; write a word, like media = "chat"')
    recall = options.get("recall", False)
    if not isinstance(recall, bool):
        problems.append(f"{place}.recall: {quoted(recall)} is neither true nor false; write one of them")
    if problems:
        raise ConfigError(tuple(problems))
    return ExternalChannel(name, str(media), may_recall=recall is True)


def _converted(value: object, kind: Any) -> Any:  # noqa: ANN401 - an annotation, and what it allows
    """The value if it is of that kind, else None."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
