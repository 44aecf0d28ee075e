"""The simulated channel: callers and agents who behave like people, and no telephone.

Owns their behaviour: how long it rings, who answers, how long they talk, when a caller loses patience. A true
channel (entry point `simulated`): it works through effects and commands like any other. For the demo, for
examples, for trying out a configuration. Random, from a seed.

    [channels.lab]
    type = "simulated"
    ring = ["2s", "6s"]
    talk = ["20s", "90s"]
    patience = ["30s", "180s"]
    back = ["10s", "30s"]
    no_answer = 0.05
    decline = 0.03
    seed = 7
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from msgspec import Struct

from acd.core.messages import (
    AcceptOffer,
    Command,
    DeclineOffer,
    Effect,
    EndInteraction,
    RevokeOffer,
    SetPresence,
)
from acd.errors import AcdError, ChannelError, ConfigError
from acd.ports.channel import Channel, ChannelHost, Personal
from acd.runtime.config import parse_duration
from acd.runtime.config.problems import did_you_mean, quoted
from acd.testing.world_channel import Call, WorldChannel

MAX_CALLS: Final = 100_000
"""Simulated callers at a time."""

MAX_SPAN_SECONDS: Final = 86_400.0
"""Longest simulated behaviour: a day."""

AGENT_HANGS_UP: Final = 0.3
"""Share of conversations that the agent ends."""

Span = tuple[float, float]

_log = structlog.get_logger(__name__)


class Behaviour(Struct, frozen=True):
    """How people behave. Spans in seconds, least and most; shares from 0 to 1, of offers.

    `back`: how long an agent who let it ring stays not-ready before coming back.
    """

    ring: Span = (2.0, 6.0)
    talk: Span = (20.0, 90.0)
    patience: Span = (30.0, 180.0)
    back: Span = (10.0, 30.0)
    no_answer: float = 0.05
    decline: float = 0.03
    seed: int = 1


def open_channel(name: str, options: Mapping[str, object]) -> Channel:
    """The entry point: construct, contact nothing. Raises `ConfigError` with every problem."""
    problems: list[str] = []
    defaults = Behaviour()
    unknown = [key for key in options if key not in Behaviour.__struct_fields__]
    for key in unknown:
        advice = did_you_mean(key, Behaviour.__struct_fields__)
        problems.append(f"channels.{name}.{key}: there is no such option; {advice}")

    def span(key: str, default: Span) -> Span:
        return _span(f"channels.{name}.{key}", options.get(key, default), problems)

    def share(key: str, default: float) -> float:
        return _share(f"channels.{name}.{key}", options.get(key, default), problems)

    behaviour = Behaviour(
        ring=span("ring", defaults.ring),
        talk=span("talk", defaults.talk),
        patience=span("patience", defaults.patience),
        back=span("back", defaults.back),
        no_answer=share("no_answer", defaults.no_answer),
        decline=share("decline", defaults.decline),
        seed=_seed(f"channels.{name}.seed", options.get("seed", defaults.seed), problems),
    )
    if behaviour.no_answer + behaviour.decline > 1:
        problems.append(f"channels.{name}.decline: together with no_answer it is more than 1; lower one of them")
    if problems:
        raise ConfigError(tuple(problems))
    return SimulatedChannel(name, behaviour)


class SimulatedChannel(WorldChannel):
    """Callers come by `call`; whatever an agent is offered is answered, declined or left to ring, by chance."""

    def __init__(self, name: str, behaviour: Behaviour | None = None, media: str = "voice") -> None:
        """`media` is the channel that interactions are enqueued for."""
        super().__init__(name, media)
        self.behaviour = behaviour or Behaviour()
        self._random = random.Random(self.behaviour.seed)  # noqa: S311 - behaviour, not secrecy
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._submitting: set[asyncio.Task[None]] = set()

    async def call(
        self,
        number: str,
        queue: str,
        requirement: str = "",
        priority: int = 0,
        attributes: Sequence[tuple[str, str]] = (),
    ) -> str:
        """A caller dials in; returns the interaction's id. Raises `ChannelError` when the call is refused."""
        host = self.hosted()
        if len(self.calls) >= MAX_CALLS:
            raise ChannelError(f"channel {self.name} has {MAX_CALLS} simulated callers already")
        customer = await host.remember(Personal(number=number)) if number else ""
        call = Call(host.new_id())
        self._lose_patience_later(call)
        await self.announce(
            call, queue, requirement=requirement, priority=priority, attributes=tuple(attributes), customer=customer
        )
        return call.interaction_id

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Everyone goes on from where they are."""
        await super().start(host)
        for call in self.calls.values():
            if call.standing == "connected":
                self.joined(call)
            else:
                self._lose_patience_later(call)
                for offer_id, agent_id in call.ringing.items():
                    self.rang(call, offer_id, agent_id)

    async def perform(self, effect: Effect) -> None:
        """As usual; an agent who let it ring comes back after a while."""
        await super().perform(effect)
        if isinstance(effect, RevokeOffer) and effect.reason == "expired":
            agent_id = effect.agent_id
            self._later("back", agent_id, self.behaviour.back, lambda: self._come_back(agent_id))

    async def stop(self) -> None:
        """Nobody answers or hangs up any more; everyone stays where they are."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        submitting = tuple(self._submitting)
        for task in submitting:
            task.cancel()
        await asyncio.gather(*submitting, return_exceptions=True)
        await super().stop()

    # ---- how people behave

    def rang(self, call: Call, offer_id: str, agent_id: str) -> None:
        """The agent decides, by chance, what to do about it, and after a while does it."""
        behaviour = self.behaviour
        chance = self._random.random()
        if chance < behaviour.no_answer:
            return
        declines = chance < behaviour.no_answer + behaviour.decline

        def decide() -> None:
            if offer_id not in call.ringing or call.standing != "ringing":
                return
            new_id = self.hosted().new_id()
            if declines:
                self._submit(DeclineOffer(new_id, offer_id, agent_id))
            else:
                call.standing, call.offer_id, call.agent_id = "answered", offer_id, agent_id
                self._submit(AcceptOffer(new_id, offer_id, agent_id))

        self._later("ring", offer_id, behaviour.ring, decide)

    def silenced(self, call: Call, offer_id: str) -> None:  # noqa: ARG002 - a hook's arguments
        """Nobody decides about it any more."""
        self._no_longer("ring", offer_id)

    def rested(self, call: Call) -> None:
        """No more ringing; whoever was thrown back into the line becomes impatient anew."""
        self._no_longer("talk", call.interaction_id)
        if ("patience", call.interaction_id) not in self._timers:
            self._lose_patience_later(call)

    def joined(self, call: Call) -> None:
        """They talk for a while."""
        self._no_longer("patience", call.interaction_id)
        by_agent = self._random.random() < AGENT_HANGS_UP
        self._later("talk", call.interaction_id, self.behaviour.talk, lambda: self._hang_up(call, by_agent=by_agent))

    def left(self, call: Call) -> None:
        """Nothing more is to happen to this caller."""
        for what in ("talk", "patience"):
            self._no_longer(what, call.interaction_id)

    def _lose_patience_later(self, call: Call) -> None:
        patience = self.behaviour.patience
        self._later("patience", call.interaction_id, patience, lambda: self._hang_up(call, by_agent=False))

    def _hang_up(self, call: Call, *, by_agent: bool) -> None:
        host = self.hosted()
        # Gone first: should the engine not take the news now, a reconcile will find nobody there.
        self._release(call.interaction_id)
        self._submit(EndInteraction(host.new_id(), call.interaction_id, by="agent" if by_agent else "customer"))

    def _come_back(self, agent_id: str) -> None:
        self._submit(SetPresence(self.hosted().new_id(), agent_id, "ready"))

    # ---- timers and commands

    def _later(self, what: str, who: str, span: Span, action: Callable[[], None]) -> None:
        self._no_longer(what, who)
        key = (what, who)

        def due() -> None:
            del self._timers[key]
            action()

        delay = self._random.uniform(*span)
        self._timers[key] = asyncio.get_running_loop().call_later(delay, due)

    def _no_longer(self, what: str, who: str) -> None:
        timer = self._timers.pop((what, who), None)
        if timer is not None:
            timer.cancel()

    def _submit(self, command: Command) -> None:
        task = asyncio.create_task(self._tell(command))
        self._submitting.add(task)
        task.add_done_callback(self._submitting.discard)

    async def _tell(self, command: Command) -> None:
        host = self.hosted()
        try:
            await host.submit(command)
        except AcdError as error:
            _log.warning("the engine did not take a command", channel=self.name, reason=type(error).__name__)
            host.request_reconcile()


def _span(place: str, value: object, problems: list[str]) -> Span:
    """`["2s", "6s"]`, or `"5s"` for always the same."""
    parts = list(value) if isinstance(value, (list, tuple)) else [value, value]
    micros = [parse_duration(part) for part in parts]
    least, most = (micros[0], micros[-1]) if len(micros) == 2 else (None, None)  # noqa: PLR2004 - least and most
    if least is None or most is None or least > most or most > MAX_SPAN_SECONDS * 1_000_000:
        problems.append(f'{place}: is no span of time; write least and most, like ["2s", "6s"], of a day at most')
        return (0.0, 0.0)
    return (least / 1_000_000, most / 1_000_000)


def _share(place: str, value: object, problems: list[str]) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    problems.append(f"{place}: {quoted(value)} is no share; write a number from 0 to 1, like 0.05")
    return 0.0


def _seed(place: str, value: object, problems: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    problems.append(f"{place}: {quoted(value)} is not a whole number; write one, like 7")
    return 0
