"""The engine: one domain, one mutator.

Owns `Engine.apply`, the window of recorded outcomes, the clock that is told to it, and its state as a
message. Must not know what single commands do (`handlers`) nor anything outside the core.
"""

from collections.abc import Mapping
from typing import Self

from acd.core import digest, limits
from acd.core.domain import Domain
from acd.core.handlers import HANDLERS
from acd.core.messages import Command, Effect, Event, Outcome, Score
from acd.core.reserving import place_risen
from acd.core.restore import restore
from acd.core.snapshot import take
from acd.core.state import EngineState
from acd.core.window import Window


class Engine:
    """Decides which agent gets which interaction. The same commands at the same times give the same outcomes.

    >>> from acd.core.engine import Engine
    >>> Engine("main").next_deadline() is None
    True
    """

    def __init__(
        self,
        domain: str = "default",
        *,
        max_classes: int = limits.MAX_CLASSES,
        strategies: Mapping[str, Score] | None = None,
    ) -> None:
        """`domain` names the tenant or site. `max_classes` bounds interned requirements; it changes no decision.

        `strategies`: what queues may name as `score:NAME`, once a configuration lists it in its `scores`.
        """
        self._domain = self._new_domain(domain, max_classes, dict(strategies or {}))
        self._outcomes: Window[Outcome] = Window(limits.OUTCOME_WINDOW)

    def _new_domain(self, name: str, max_classes: int, strategies: Mapping[str, Score]) -> Domain:
        """What decides; `acd.core.explain` puts one in its place that looks on."""
        return Domain(name, max_classes, strategies)

    def apply(self, command: Command, now_us: int) -> Outcome:
        """Carry out one command at `now_us` (µs, never less than before) and return what follows from it.

        A refused command has changed nothing. A command whose id is among the last `limits.OUTCOME_WINDOW` ones
        returns the outcome recorded then. Anything raised means a bug, and the state can no longer be trusted.
        """
        domain = self._domain
        assert now_us >= domain.now_us, f"the clock went back from {domain.now_us} to {now_us}"
        domain.now_us = now_us
        command_id = command.id
        outcome = self._outcomes.get(command_id)
        if outcome is not None:
            return outcome
        effects: list[Effect] = []
        events: list[Event] = []
        domain.effects = effects
        domain.events = events
        refusal = HANDLERS[type(command)](domain, command)
        if domain.classes.risen:
            place_risen(domain)
        outcome = Outcome(tuple(effects), tuple(events)) if refusal is None else Outcome((), (), refusal)
        self._outcomes.add(command_id, outcome)
        return outcome

    def next_deadline(self) -> int | None:
        """When the next Tick is due (µs), or None."""
        first = self._domain.deadlines.first()
        return None if first is None else first.key

    def recorded(self, command_id: str) -> Outcome | None:
        """The outcome of a recent command, or None."""
        return self._outcomes.get(command_id)

    def state(self) -> EngineState:
        """The whole state as a message. O(everything)."""
        return take(self._domain, self._outcomes.items())

    @classmethod
    def from_state(
        cls,
        state: EngineState,
        *,
        max_classes: int = limits.MAX_CLASSES,
        strategies: Mapping[str, Score] | None = None,
    ) -> Self:
        """An engine that goes on exactly where `state` was taken.

        Raises `StrategyError` when the state was made with a strategy that is not among `strategies`, or has changed.
        """
        engine = cls(state.domain, max_classes=max_classes, strategies=strategies)
        restore(engine._domain, state)
        for command_id, outcome in state.outcomes:
            engine._outcomes.remember(command_id, outcome)
        return engine

    def digest(self) -> str:
        """SHA-256 of the state: equal digests, equal engines."""
        return digest.state_digest(self.state())

    @property
    def domain(self) -> str:
        """The domain's name."""
        return self._domain.name

    @property
    def scores(self) -> tuple[tuple[str, str], ...]:
        """(name, code hash) of every strategy that this engine was given, sorted: for `CoreSettings.scores`."""
        return tuple(sorted((name, score.code_hash) for name, score in self._domain.strategies.items()))

    @property
    def settings_hash(self) -> str:
        """The hash of the configuration in force; empty before the first."""
        return self._domain.in_force()[1]

    @property
    def now_us(self) -> int:
        """The time of the last command (µs)."""
        return self._domain.now_us

    @property
    def seq(self) -> int:
        """The last tie-breaker given out."""
        return self._domain.seq
