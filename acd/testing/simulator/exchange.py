"""The exchange: customers and agents' devices, and an account of what truly happened between them.

Owns the world, which survives the engine's crashes and knows no engine: it obeys orders, reports events on whatever
line there is, and keeps its own account. Must not know who picks up or hangs up, and when (`people`).

Orders are idempotent, and an offer that has ended here never rings again.
"""

from typing import Final, Protocol

from msgspec import Struct, field

from acd.core.messages import (
    AcceptOffer,
    Command,
    ConnectInteraction,
    DeclineOffer,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    OfferInteraction,
    Outcome,
    ParkInteraction,
    ReleaseInteraction,
    RequeueInteraction,
    RevokeOffer,
)
from acd.errors import ChannelError
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.referee import Referee

RESEND_US: Final = 3_000_000
"""An arrival that nobody has taken notice of is reported again after this long."""

CROWDED: Final = 200
"""Customers who may be here at once; further ones find the line engaged."""


class Caller(Struct):
    """One customer. The dicts are offer → agent; `ended` are offers that are over here.

    `taken`: the engine has answered the arrival.
    """

    arrival: EnqueueInteraction
    taken: bool = False
    talked: bool = False
    ringing: dict[str, str] = field(default_factory=dict)
    picked: dict[str, str] = field(default_factory=dict)
    talking: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The interaction's id."""
        return self.arrival.interaction_id


class Account(Struct):
    """What truly happened. `answered`: offer → agent who picked up; `talks`: offers that led to a conversation.

    `served`, `gave_up`, `sent_away`, `turned_away` count customers: who talked, who hung up before, whom the engine
    released before, whom it refused at once.
    """

    arrived: int = 0
    rang: int = 0
    served: int = 0
    gave_up: int = 0
    sent_away: int = 0
    turned_away: int = 0
    answered: dict[str, str] = field(default_factory=dict)
    talks: set[str] = field(default_factory=set)


class Line(Protocol):
    """Where events are reported to."""

    def report(self, command: Command) -> None:
        """Tell the engine, if it can be told."""
        ...


class Folk(Protocol):
    """Who lives here."""

    def rang(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        """A device has begun to ring."""
        ...

    def joined(self, caller: Caller, offer_id: str) -> None:
        """Two have begun to talk."""
        ...


class Judge(Protocol):
    """Who knows what the engine has decided for good."""

    @property
    def released_by(self) -> dict[str, str]:
        """Interaction → kind of the command that released it."""
        ...

    def lives(self, interaction_id: str) -> bool:
        """Whether the interaction waits, rings or talks."""
        ...


class Exchange:
    """Everybody and everything outside of the engine."""

    def __init__(
        self, loop: SimulatedLoop, referee: Referee, judge: Judge, *, parties: int = 1, rings: int = 1
    ) -> None:
        """`parties` agents may talk to one customer at once, and `rings` devices ring for one."""
        self.callers: dict[str, Caller] = {}
        self.account = Account()
        self.line: Line | None = None
        self.folk: Folk | None = None
        self._loop = loop
        self._referee = referee
        self._judge = judge
        self._parties = parties
        self._rings = rings
        self._commands = 0

    # ---- what people do

    def arrive(self, arrival: EnqueueInteraction) -> None:
        """A customer calls."""
        if len(self.callers) >= CROWDED:
            return
        self.account.arrived += 1
        caller = self.callers[arrival.interaction_id] = Caller(arrival)
        self._announce(caller)

    def pick_up(self, caller: Caller, offer_id: str) -> None:
        """The agent answers."""
        agent_id = caller.ringing.pop(offer_id)
        caller.picked[offer_id] = agent_id
        self.account.answered[offer_id] = agent_id
        self._report(AcceptOffer(self.command_id(), offer_id, agent_id))

    def decline(self, caller: Caller, offer_id: str) -> None:
        """The agent refuses."""
        agent_id = caller.ringing.pop(offer_id)
        caller.ended.add(offer_id)
        self._report(DeclineOffer(self.command_id(), offer_id, agent_id))

    def fail(self, caller: Caller, offer_id: str, why: str) -> None:
        """The device cannot be rung: `busy`, `unreachable` or `failed`."""
        caller.ringing.pop(offer_id)
        caller.ended.add(offer_id)
        assert why in ("busy", "unreachable", "failed")  # noqa: S101 - `people` draws from these
        self._report(FailOffer(self.command_id(), offer_id, why))  # type: ignore[arg-type]

    def hang_up(self, caller: Caller, *, by_agent: bool = False) -> None:
        """The customer leaves, or the agent ends the conversation and with it the call."""
        if not caller.talked:
            self.account.gave_up += 1
        self._leave(caller)
        self._report(EndInteraction(self.command_id(), caller.id, by="agent" if by_agent else "customer"))

    def break_leg(self, caller: Caller, offer_id: str) -> None:
        """The agent's device fails in the middle of a conversation; the customer is still there."""
        caller.talking.pop(offer_id)
        caller.ended.add(offer_id)
        if not caller.talking:
            self._report(RequeueInteraction(self.command_id(), caller.id, "device failed"))

    # ---- what the engine says

    def obey(self, effect: Effect) -> None:
        """Carry out an order. Raises `ChannelError`, `Violation`."""
        if isinstance(effect, ReleaseInteraction):
            self.release(effect.interaction_id)
            return
        caller = self.callers.get(effect.interaction_id)
        if caller is None:
            raise ChannelError(f"there is no {effect.interaction_id} any more")
        match effect:
            case ParkInteraction():
                self.park(caller)
            case OfferInteraction():
                self.ring(caller, effect.offer_id, effect.agent_id)
            case RevokeOffer():
                self.unring(caller, effect.offer_id)
            case ConnectInteraction():
                self.connect(caller, effect.offer_id, effect.agent_id)
            case _:
                # A policy's order that this exchange has no equipment for.
                return

    def park(self, caller: Caller) -> None:
        """Nobody rings, nobody talks; music."""
        for offers in (caller.ringing, caller.picked, caller.talking):
            caller.ended.update(offers)
            offers.clear()

    def ring(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        """Let a device ring."""
        if offer_id in caller.ended or offer_id in caller.ringing or offer_id in caller.picked:
            return
        caller.ringing[offer_id] = agent_id
        self.account.rang += 1
        both = {**caller.ringing, **caller.picked}
        self._referee.require(len(both) <= self._rings, f"{caller.id} rings at several agents: {both}")
        if self.folk is not None:
            self.folk.rang(caller, offer_id, agent_id)

    def unring(self, caller: Caller, offer_id: str) -> None:
        """Let it ring no more; whoever has picked up hears that it is over."""
        caller.ringing.pop(offer_id, None)
        caller.picked.pop(offer_id, None)
        caller.ended.add(offer_id)

    def connect(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        """Let them talk."""
        if offer_id in caller.talking or offer_id in caller.ended:
            return
        picked_up = self.account.answered.get(offer_id)
        self._referee.require(picked_up == agent_id, f"{offer_id} connects {agent_id}, {picked_up} picked it up")
        caller.picked.pop(offer_id, None)
        caller.talking[offer_id] = agent_id
        self._referee.require(len(caller.talking) <= self._parties, f"{caller.id} talks to {caller.talking} at once")
        caller.talked = True
        self.account.talks.add(offer_id)
        if self.folk is not None:
            self.folk.joined(caller, offer_id)

    def release(self, interaction_id: str) -> None:
        """Let go of the customer. Whoever is let go before having talked must not be waited for by the engine."""
        caller = self.callers.get(interaction_id)
        if caller is None:
            return
        require = self._referee.require
        require(not self._judge.lives(interaction_id), f"{interaction_id} was let go, and is still in the engine")
        if not caller.talked:
            how = self._judge.released_by.get(interaction_id, "nothing")
            # Only a customer who is gone ends an interaction from here, and this one is still there.
            require(how != "EndInteraction", f"{interaction_id} was let go unserved, as if the customer had left")
            self.account.sent_away += 1
        self._leave(caller)

    def taken(self, interaction_id: str, outcome: Outcome) -> None:
        """The engine has answered an arrival."""
        caller = self.callers.get(interaction_id)
        if caller is None or caller.taken:
            return
        caller.taken = True
        if outcome.refusal is not None:
            lives = self._judge.lives(interaction_id)
            self._referee.require(not lives, f"{interaction_id} was turned away, and is in the engine")
            self.account.turned_away += 1
            del self.callers[interaction_id]

    def over(self, offer_id: str) -> None:
        """The engine did not take the agent's answer."""
        for caller in self.callers.values():
            if offer_id in caller.picked:
                self.unring(caller, offer_id)

    def command_id(self) -> str:
        """A fresh id for a report."""
        self._commands += 1
        return f"x-{self._commands}"

    # ---- pieces of the above

    def _announce(self, caller: Caller) -> None:
        """Report the arrival until somebody takes notice, always under the same id."""
        if caller.taken or self.callers.get(caller.id) is not caller:
            return
        self._report(caller.arrival)
        self._loop.after(RESEND_US, self._announce, caller)

    def _leave(self, caller: Caller) -> None:
        self.account.served += caller.talked
        del self.callers[caller.id]

    def _report(self, command: Command) -> None:
        if self.line is not None:
            self.line.report(command)
