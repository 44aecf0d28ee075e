"""The exchange: customers and agents' devices, and an account of what truly happened between them.

Owns the world, which survives the engine's crashes and knows no engine: it obeys orders, reports events on whatever
line there is, and keeps its own account. Must not know who picks up or hangs up, and when (`people`).

Orders are idempotent, and an offer that has ended here never rings again. Whoever has an appointment is not here yet:
they come when the engine calls for them, which it must not do before their time.
"""

from typing import Final, Protocol, assert_never

from acd.core import limits
from acd.core.messages import (
    AcceptOffer,
    AnnounceInteraction,
    Command,
    ConnectInteraction,
    DeclineOffer,
    DisconnectAgent,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    InteractionCancelled,
    JoinAgent,
    LeaveInteraction,
    OfferInteraction,
    OpenConsult,
    Outcome,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RequeueInteraction,
    RevokeOffer,
)
from acd.errors import ChannelError
from acd.testing.simulator.account import Account, Caller
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.referee import Referee

RESEND_US: Final = 3_000_000
"""An arrival that nobody has taken notice of is reported again after this long."""

CROWDED: Final = 200
"""Customers who may be here at once; further ones find the line engaged."""

_OWN: Final = "x-"
"""What the ids of reports from here begin with."""


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
    def released_by(self) -> dict[str, Command]:
        """Interaction → the command that released it."""
        ...

    def lives(self, interaction_id: str) -> bool:
        """Whether the interaction waits, rings, talks or has an appointment."""
        ...

    def is_aside(self, interaction_id: str) -> bool:
        """Whether the interaction is scheduled, and its time has not come."""
        ...

    def talks(self, offer_id: str) -> bool:
        """Whether the agent of this offer talks with the customer."""
        ...


class Exchange:
    """Everybody and everything outside of the engine."""

    def __init__(
        self, loop: SimulatedLoop, referee: Referee, judge: Judge, *, parties: int = 1, rings: int = 1
    ) -> None:
        """`parties` agents may talk to one customer at once, and `rings` devices ring for one."""
        self.callers: dict[str, Caller] = {}
        self.appointments: dict[str, Caller] = {}
        self.given_up: set[str] = set()
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
        """A customer calls, or wants to be called for later."""
        here = self.appointments if arrival.not_before_us else self.callers
        if len(here) >= CROWDED:
            return
        caller = here[arrival.interaction_id] = Caller(arrival)
        if arrival.not_before_us:
            self.account.booked += 1
        else:
            self.account.arrived += 1
        self.account.instead += bool(arrival.place_of)
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
        if caller.parent:
            self.given_up.add(caller.id)
        elif not caller.talked:
            self.account.gave_up += 1
        self._leave(caller)
        self._report(EndInteraction(self.command_id(), caller.id, by="agent" if by_agent else "customer"))

    def call_off(self, interaction_id: str) -> None:
        """A customer no longer wants the appointment; nothing if they have been called."""
        if self.appointments.pop(interaction_id, None) is not None:
            self.account.called_off += 1
            self._report(EndInteraction(self.command_id(), interaction_id, by="customer", reason="called off"))

    def break_leg(self, caller: Caller, offer_id: str) -> None:
        """The agent's device fails in the middle of a conversation; the customer is still there."""
        agent_id = caller.talking.pop(offer_id)
        caller.ended.add(offer_id)
        if caller.talking:
            self._report(LeaveInteraction(self.command_id(), caller.id, agent_id, "device failed"))
        else:
            self._report(RequeueInteraction(self.command_id(), caller.id, "device failed"))

    # ---- what the engine says

    def obey(self, effect: Effect) -> None:
        """Carry out an order. Raises `ChannelError`, `Violation`."""
        if isinstance(effect, ReleaseInteraction):
            self.release(effect.interaction_id)
            return
        if isinstance(effect, OpenConsult):
            self.open_consult(effect.interaction_id, effect.parent_id)
            return
        caller = self.find(effect.interaction_id)
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
            case DisconnectAgent():
                self.account.handed_on += 1
                self.unring(caller, effect.offer_id)
            case ReachCustomer():
                raise ChannelError("nobody is called from here: callbacks are for the agents' screens")
            case AnnounceInteraction():
                self.account.announced += 1
            case JoinAgent():
                self.join(caller, effect.offer_id, effect.agent_id, effect.consult_id)
            case _:
                assert_never(effect)

    def find(self, interaction_id: str) -> Caller | None:
        """The customer, if they are here, or have an appointment and are called for now. Raises `Violation`."""
        caller = self.callers.get(interaction_id)
        if caller is None and interaction_id in self.appointments:
            early = self._judge.is_aside(interaction_id)
            self._referee.require(not early, f"{interaction_id} was called for before its time")
            caller = self.callers[interaction_id] = self.appointments.pop(interaction_id)
            caller.taken = True
            self.account.called_for += 1
        return caller

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
        """Let it ring no more; whoever has picked up, or talks, hears that it is over."""
        for offers in (caller.ringing, caller.picked, caller.talking):
            offers.pop(offer_id, None)
        caller.ended.add(offer_id)

    def connect(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        """Let them talk."""
        if offer_id in caller.talking or offer_id in caller.ended:
            return
        picked_up = self.account.answered.get(offer_id)
        self._referee.require(picked_up == agent_id, f"{offer_id} connects {agent_id}, {picked_up} picked it up")
        # The orders to let others go may have been lost; one who talks by right must not be pushed out.
        for other in [each for each in caller.talking if not self._judge.talks(each)]:
            self.unring(caller, other)
        caller.picked.pop(offer_id, None)
        caller.talking[offer_id] = agent_id
        own = caller.talking.keys() - caller.joined
        self._referee.require(len(own) <= self._parties, f"{caller.id} talks to {caller.talking} at once")
        caller.talked = True
        self.account.talks.add(offer_id)
        if self.folk is not None:
            self.folk.joined(caller, offer_id)

    def open_consult(self, interaction_id: str, parent_id: str) -> None:
        """Let an agent who talks to a customer wait for advice. Raises `ChannelError` if that customer is gone."""
        if parent_id not in self.callers:
            raise ChannelError(f"there is no {parent_id} any more")
        if interaction_id not in self.callers and interaction_id not in self.given_up:
            asks = EnqueueInteraction("", interaction_id, "", "", parent=parent_id)
            self.callers[interaction_id] = Caller(asks, taken=True)
            self.account.asked += 1

    def join(self, caller: Caller, offer_id: str, agent_id: str, consult_id: str) -> None:
        """Bring an adviser to the customer; nothing is left of the consult."""
        consult = self.callers.pop(consult_id, None)
        if offer_id in caller.talking or offer_id in caller.ended:
            return
        if consult is None or offer_id not in {**consult.talking, **consult.picked}:
            # The adviser's device has failed meanwhile: whoever compares finds out.
            caller.ended.add(offer_id)
            return
        picked_up = self.account.answered.get(offer_id)
        self._referee.require(picked_up == agent_id, f"{offer_id} joins {agent_id}, {picked_up} picked it up")
        caller.talking[offer_id] = agent_id
        caller.joined.add(offer_id)
        together = len(caller.talking)
        self._referee.require(together <= limits.MAX_CONFERENCE, f"{caller.id} talks to {together} at once")
        self.account.brought_in += 1
        self.account.talks.add(offer_id)
        if self.folk is not None:
            self.folk.joined(caller, offer_id)

    def release(self, interaction_id: str) -> None:
        """Let go of the customer. Whoever is let go before having talked must not be waited for by the engine."""
        require = self._referee.require
        caller = self.callers.get(interaction_id)
        if caller is None:
            # An appointment that the engine does not keep.
            self.appointments.pop(interaction_id, None)
            return
        require(not self._judge.lives(interaction_id), f"{interaction_id} was let go, and is still in the engine")
        if not caller.talked and not caller.parent:
            order = self._judge.released_by.get(interaction_id)
            # Only a customer who is gone ends an interaction from here, and this one is still there. What ended an
            # appointment elsewhere may be carried out just as its time has come.
            from_here = isinstance(order, EndInteraction) and order.id.startswith(_OWN)
            require(not from_here, f"{interaction_id} was let go unserved, as if the customer had left")
            self.account.sent_away += 1
        self._leave(caller)

    def taken(self, interaction_id: str, outcome: Outcome) -> None:
        """The engine has answered an arrival."""
        caller = self.callers.get(interaction_id) or self.appointments.get(interaction_id)
        if caller is None or caller.taken:
            return
        caller.taken = True
        replaced = [each for each in outcome.events if isinstance(each, InteractionCancelled) and each.replaced_by]
        self.account.replaced += len(replaced)
        wanted = [caller.arrival.place_of] if caller.arrival.end_reason and outcome.refusal is None else []
        found = [each.interaction_id for each in replaced if each.replaced_by == interaction_id]
        self._referee.require(found == wanted, f"{interaction_id} has put an end to {found} instead of {wanted}")
        if outcome.refusal is not None:
            lives = self._judge.lives(interaction_id)
            self._referee.require(not lives, f"{interaction_id} was turned away, and is in the engine")
            self.account.turned_away += 1
            for here in (self.callers, self.appointments):
                here.pop(interaction_id, None)

    def over(self, offer_id: str) -> None:
        """The engine did not take the agent's answer."""
        for caller in self.callers.values():
            if offer_id in caller.picked:
                self.unring(caller, offer_id)

    def is_asked_about(self, interaction_id: str) -> bool:
        """Whether an agent asks for advice about this customer."""
        return any(each.parent == interaction_id for each in self.callers.values())

    def where_else(self, caller: Caller, offer_id: str) -> str:
        """The consult in which the agent of this offer talks; empty if there is none."""
        others = (each for each in self.callers.values() if each is not caller)
        return next((each.id for each in others if offer_id in {**each.talking, **each.picked}), "")

    def command_id(self) -> str:
        """A fresh id for a report."""
        self._commands += 1
        return f"{_OWN}{self._commands}"

    # ---- pieces of the above

    def _announce(self, caller: Caller) -> None:
        """Report the arrival until somebody takes notice, always under the same id."""
        known = self.callers.get(caller.id) or self.appointments.get(caller.id)
        if caller.taken or known is not caller:
            return
        self._report(caller.arrival)
        self._loop.after(RESEND_US, self._announce, caller)

    def _leave(self, caller: Caller) -> None:
        self.account.served += caller.talked and not caller.parent
        del self.callers[caller.id]

    def _report(self, command: Command) -> None:
        if self.line is not None:
            self.line.report(command)
