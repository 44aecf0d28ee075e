"""People: customers who call, lose patience and talk, agents who answer or do not.

Owns their habits and their timers. Must not know the engine: they see devices and hear voices. Once `willing`, every
agent answers, nobody loses patience and nobody new comes: that is what liveness is measured with.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from acd.core.messages import EnqueueInteraction
from acd.testing.simulator.account import Caller
from acd.testing.simulator.exchange import Exchange
from acd.testing.simulator.line import NAME
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.policies import AHEAD, INSTEAD, KINDS, Choices

SECOND: Final = 1_000_000

TALK_US: Final = (SECOND, 20 * SECOND)
PATIENCE_US: Final = (10 * SECOND, 90 * SECOND)
ANSWER_US: Final = (SECOND // 4, 4 * SECOND)
BETWEEN_US: Final = (SECOND // 20, 3 * SECOND)
RUSH_US: Final = (SECOND // 20, SECOND)
CALM_US: Final = (15 * SECOND, 40 * SECOND)
"""Least and most: of a conversation, of a customer's patience, until an agent reacts, between two arrivals."""

REACTIONS: Final = (("answer", 78), ("decline", 7), ("ignore", 7), ("busy", 3), ("unreachable", 3), ("failed", 2))
"""What happens when a device rings, with weights."""

CUSTOMER_ENDS: Final = 0.6
AGENT_ENDS: Final = 0.95
"""Who ends a conversation: the customer below the first, the agent below the second, else a device fails."""


HANGS_ON: Final = 0.6
"""How often a talk goes on that would have ended while the agent asks for advice."""


class People:
    """Everybody. Everything is by chance, from the seed."""

    def __init__(
        self, seed: int, loop: SimulatedLoop, now_us: Callable[[], int], exchange: Exchange, arrivals: Choices
    ) -> None:
        """`arrivals` is drawn from for every customer; appointments are made by the engine's clock, `now_us`."""
        self._arrivals = arrivals
        self.willing = False
        self._now_us = now_us
        self._loop = loop
        self._exchange = exchange
        self._dice = Random(f"{seed}/people")  # noqa: S311 - behaviour, not secrecy
        self._count = 0
        self._rush = 0

    def begin(self) -> None:
        """Customers come from now on."""
        self._loop.after(self._span(BETWEEN_US), self._arrive)

    # ---- acd.testing.simulator.exchange.Folk

    def rang(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        """An agent decides what to do about it."""
        del agent_id
        names, weights = zip(*REACTIONS, strict=True)
        reaction = "answer" if self.willing else self._dice.choices(names, weights)[0]
        if reaction != "ignore":
            self._loop.after(self._span(ANSWER_US), self._react, caller, offer_id, reaction)

    def joined(self, caller: Caller, offer_id: str) -> None:
        """They talk for a while."""
        self._loop.after(self._span(TALK_US), self._end_talk, caller, offer_id, self._dice.random())

    # ---- pieces of the above

    def _arrive(self) -> None:
        if self.willing:
            return
        dice = self._dice
        self._count += 1
        kind = dice.choices(KINDS, [each.share for each in KINDS])[0]
        caller_id = f"call-{self._count}"
        drawn = {name: dice.choice(values) for name, values in self._arrivals.items()}
        ahead_us = drawn.pop(AHEAD, 0)
        instead_us = drawn.pop(INSTEAD, 0)
        if instead_us:
            drawn["customer"] = drawn.get("customer") or caller_id  # a place is its own customer's
        arrival = EnqueueInteraction(
            f"arrival-{self._count}",
            caller_id,
            kind.channel,
            kind.queue,
            requirement=kind.requirement,
            instance=NAME,
            not_before_us=self._now_us() + ahead_us if ahead_us else 0,
            **drawn,
        )
        self._exchange.arrive(arrival)
        if ahead_us and dice.random() < 0.2:  # noqa: PLR2004 - some think better of it
            self._loop.after(dice.randrange(ahead_us), self._exchange.call_off, caller_id)
        if instead_us:
            self._loop.after(ahead_us + instead_us, self._call_instead, caller_id)
        self._loop.after(ahead_us + self._span(PATIENCE_US), self._lose_patience, caller_id)
        self._loop.after(self._pause(), self._arrive)

    def _pause(self) -> int:
        """Until the next customer: now and then everybody calls at once, now and then nobody does."""
        dice = self._dice
        if not self._rush and dice.random() < 0.02:  # noqa: PLR2004 - a rush
            self._rush = dice.randrange(10, 40)
        elif not self._rush and dice.random() < 0.02:  # noqa: PLR2004 - a calm
            return self._span(CALM_US)
        self._rush = max(0, self._rush - 1)
        return self._span(RUSH_US if self._rush else BETWEEN_US)

    def _call_instead(self, caller_id: str) -> None:
        """Whoever still waits for an agent comes in another time, as the same person.

        Either lets go of the first, or has the engine end it, which says so: then it is over by that very arrival.
        """
        caller = self._exchange.callers.get(caller_id)
        if caller is None or caller.talked or caller.picked or self.willing:
            return
        first, reason = caller.arrival, self._dice.choice(("", "called"))
        again = msgspec.structs.replace(
            first,
            id=f"{first.id}-instead",
            interaction_id=f"{caller_id}-instead",
            not_before_us=0,
            place_of=caller_id,
            end_reason=reason,
        )
        self._exchange.arrive(again)
        if not reason:
            self._exchange.hang_up(caller)
        self._loop.after(self._span(PATIENCE_US), self._lose_patience, again.interaction_id)

    def _lose_patience(self, caller_id: str) -> None:
        caller = self._exchange.callers.get(caller_id)
        if caller is not None and not caller.talked and not caller.picked and not self.willing:
            self._exchange.hang_up(caller)

    def _react(self, caller: Caller, offer_id: str, reaction: str) -> None:
        if offer_id not in caller.ringing or self._exchange.callers.get(caller.id) is not caller:
            return
        if reaction == "answer" or self.willing:
            self._exchange.pick_up(caller, offer_id)
        elif reaction == "decline":
            self._exchange.decline(caller, offer_id)
        else:
            self._exchange.fail(caller, offer_id, reaction)

    def _end_talk(self, caller: Caller, offer_id: str, chance: float) -> None:
        if offer_id not in caller.talking or self._exchange.callers.get(caller.id) is not caller:
            return
        if not self.willing and self._exchange.is_asked_about(caller.id) and self._dice.random() < HANGS_ON:
            self._loop.after(self._span(TALK_US), self._end_talk, caller, offer_id, chance)
            return
        if chance < CUSTOMER_ENDS:
            self._exchange.hang_up(caller)
        elif chance < AGENT_ENDS or self.willing:
            self._exchange.hang_up(caller, by_agent=True)
        else:
            self._exchange.break_leg(caller, offer_id)

    def _span(self, span: tuple[int, int]) -> int:
        return self._dice.randrange(*span)
