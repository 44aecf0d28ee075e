"""The line between engine and exchange: a channel instance as the runtime sees it, and all that can happen on it.

Owns the channel's side of the contract (`acd.ports.channel.Channel`), the line's faults and the questions to the
auditor. Must not know how the exchange works inside. One line belongs to one life of the process; the exchange
stays. Every `AUDIT_US` it asks for a reconcile, as an adapter does that does not trust its events.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Final

import msgspec

from acd.core.messages import (
    AcceptOffer,
    Command,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    LeaveInteraction,
    Outcome,
    RequeueInteraction,
)
from acd.errors import AcdError, ChannelError, PersonalStoreError
from acd.ports.channel import ChannelHost, Desired, Personal
from acd.testing.simulator.account import Caller
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.exchange import Exchange
from acd.testing.simulator.process import Process
from acd.testing.simulator.teller import Teller

NAME: Final = "exchange"

AUDIT_US: Final = 20_000_000
"""How often everything is compared although nothing seems wrong."""

_LATENCY_US: Final = 1_000
_DURABLE: Final = 0.5


class ExchangeLine:
    """`acd.ports.channel.Channel` of one life."""

    name = NAME

    def __init__(self, process: Process, exchange: Exchange, auditor: Auditor, dice: Random) -> None:
        self._process = process
        self._exchange = exchange
        self._auditor = auditor
        self._dice = dice
        self._host: ChannelHost | None = None
        self._teller: Teller | None = None
        self._cut_until_us = 0

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Begin to listen. Raises `ChannelError` while the line is cut."""
        self._reach()
        self._host = host
        self._teller = Teller(self._process, self._auditor, self._submit)
        self._exchange.line = self
        self._process.call_at(self._process.loop.now_us + AUDIT_US, self._audit)

    async def perform(self, effect: Effect) -> None:
        """Carry it out, or fail as told."""
        process, faults = self._process, self._process.faults
        process.point("before-effect")
        self._auditor.performed(effect)
        self._reach()
        if faults.strikes("effect-failed"):
            raise ChannelError("simulated: the exchange refuses")
        if faults.strikes("effect-lost"):
            return
        if faults.strikes("effect-timeout"):
            await process.loop.create_future()
        delay_us = self._dice.randrange(_LATENCY_US)
        if faults.strikes("effect-delayed"):
            delay_us = faults.dice("effect-delayed").randrange(4_500_000)
        await asyncio.sleep(delay_us / 1_000_000)
        if not process.alive:
            raise ChannelError("simulated: the process is no more")
        self._reach()
        self._exchange.obey(effect)
        if faults.strikes("effect-doubled"):
            self._again(effect)
        process.point("after-effect")

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Compare and heal, as the contract says."""
        self._process.point("reconciling")
        self._auditor.wished(desired)
        self._reach()
        wanted = {each.interaction_id for each in desired}
        # Looked up before anything is awaited: who is taken later is not in `desired` yet.
        unwanted = [caller for caller in self._exchange.callers.values() if caller.taken and caller.id not in wanted]
        # Consults last: an adviser may have to be brought from there to the customer.
        consults = [caller for caller in unwanted if caller.parent]
        for caller in [each for each in unwanted if not each.parent]:
            await self._step()
            self._exchange.release(caller.id)
        for each in desired:
            await self._step()
            await self._see_to(each)
        for caller in consults:
            await self._step()
            self._exchange.release(caller.id)
        self._process.point("reconciled")

    async def stop(self) -> None:
        """No longer listen."""
        self._hush()

    def health(self) -> Mapping[str, str | int | bool]:
        """Connected unless cut."""
        return {"connected": not self._is_cut()}

    # ---- what the exchange reports

    def report(self, command: Command) -> None:
        """Take an event into the engine, if it comes through."""
        faults = self._process.faults
        if self._is_cut() or not self._process.alive or faults.strikes("event-lost"):
            return
        delay_us = _LATENCY_US
        if faults.strikes("event-delayed"):
            delay_us = faults.dice("event-delayed").randrange(5_000_000)
        self._send(command, delay_us)
        if faults.strikes("event-doubled"):
            self._send(command, delay_us + faults.dice("event-doubled").randrange(2_000_000))

    # ---- for the weather

    def cut(self, us: int) -> None:
        """Neither orders nor events come through; when they do again, everything is compared."""
        self._cut_until_us = self._process.loop.now_us + us
        self._process.call_at(self._cut_until_us, self._mended)

    def close(self) -> None:
        """The process is being torn down."""
        self._hush()
        if self._teller is not None:
            self._teller.close()

    # ---- pieces of the above

    def _is_cut(self) -> bool:
        return self._process.faults.active and self._process.loop.now_us < self._cut_until_us

    def _reach(self) -> None:
        if self._is_cut() or not self._process.alive:
            raise ChannelError("simulated: the line is cut")

    async def _step(self) -> None:
        """One more question to the exchange."""
        await asyncio.sleep(self._dice.randrange(_LATENCY_US) / 1_000_000)
        self._process.point("reconciling")
        self._reach()

    async def _see_to(self, wanted: Desired) -> None:
        exchange, name = self._exchange, wanted.interaction_id
        here = exchange.find(name)
        if here is None and wanted.parent in exchange.callers and name not in exchange.given_up:
            exchange.open_consult(name, wanted.parent)
            here = exchange.find(name)
        if here is None:
            await self._ask(EndInteraction(exchange.command_id(), name, by="system"))
        else:
            await self._heal(here, wanted)

    async def _heal(self, caller: Caller, wanted: Desired) -> None:
        exchange = self._exchange
        if wanted.state == "waiting":
            exchange.park(caller)
            return
        ringing = dict(wanted.ringing())
        talking = {} if ringing else {wanted.offer_id: wanted.agent_id, **dict(wanted.others)}
        for stale in [*caller.ringing, *caller.picked, *caller.talking]:
            if stale not in ringing and stale not in talking:
                exchange.unring(caller, stale)
        if wanted.state == "offered":
            for each, agent_id in ringing.items():
                await self._heal_offer(caller, each, agent_id)
        for each, agent_id in talking.items():
            await self._heal_talk(caller, each, agent_id, alone=len(talking) == 1)

    async def _heal_talk(self, caller: Caller, offer_id: str, agent_id: str, *, alone: bool) -> None:
        """The agent talks with the customer, or does not any more."""
        exchange = self._exchange
        consult = exchange.where_else(caller, offer_id)
        if offer_id.rpartition(".")[0] == caller.id and offer_id not in caller.ended:
            exchange.connect(caller, offer_id, agent_id)
        else:
            exchange.join(caller, offer_id, agent_id, consult)
        if offer_id in caller.talking:
            return
        if alone:
            await self._ask(RequeueInteraction(exchange.command_id(), caller.id, "device failed"))
        else:
            await self._ask(LeaveInteraction(exchange.command_id(), caller.id, agent_id, "device failed"))

    async def _heal_offer(self, caller: Caller, offer_id: str, agent_id: str) -> None:
        exchange = self._exchange
        if offer_id in caller.picked or offer_id in caller.talking:
            await self._ask(AcceptOffer(exchange.command_id(), offer_id, agent_id))
        elif offer_id in caller.ended:
            await self._ask(FailOffer(exchange.command_id(), offer_id, "failed"))
        else:
            exchange.ring(caller, offer_id, agent_id)

    async def _ask(self, command: Command) -> Outcome:
        if self._host is None:
            raise ChannelError("the line has been stopped")
        outcome = await self._host.submit(command)
        if self._process.alive:
            self._auditor.answered(command.id, outcome)
        return outcome

    async def _submit(self, command: Command) -> Outcome:
        """As the host does; a new customer is remembered first, if that can be done."""
        host = self._host
        if host is None:
            raise ChannelError("the line has been stopped")
        if isinstance(command, EnqueueInteraction):
            with suppress(PersonalStoreError):
                person = Personal(number=command.customer or command.interaction_id)
                customer = await host.remember(person, durable=self._dice.random() < _DURABLE)
                command = msgspec.structs.replace(command, customer=customer)
        return await host.submit(command)

    def _send(self, command: Command, delay_us: int) -> None:
        process = self._process
        process.loop.after(delay_us, process.enter, lambda: self._take_in(command))

    def _take_in(self, command: Command) -> None:
        if self._teller is not None and self._process.alive and self._host is not None:
            self._teller.tell(command, self._told)

    def _told(self, command: Command, outcome: Outcome | AcdError) -> None:
        """What became of a report."""
        if isinstance(outcome, AcdError):
            if self._host is not None:
                self._host.request_reconcile()
        elif isinstance(command, EnqueueInteraction):
            self._exchange.taken(command.interaction_id, outcome)
        elif isinstance(command, LeaveInteraction):
            # The last agent cannot leave: whoever compares says that nobody is there any more.
            if outcome.refusal is not None and self._host is not None:
                self._host.request_reconcile()
        elif isinstance(command, AcceptOffer) and outcome.refusal is not None and not self._wishes(command.offer_id):
            self._exchange.over(command.offer_id)

    def _wishes(self, offer_id: str) -> bool:
        """Whether the engine wants this offer all the same: a reconcile has reported the answer before."""
        return self._host is not None and any(
            each.offer_id == offer_id for each in self._host.desired() if each.state == "connected"
        )

    def _again(self, effect: Effect) -> None:
        try:
            self._exchange.obey(effect)
        except ChannelError:
            # The first time has ended it.
            return

    def _audit(self) -> None:
        if self._host is not None and self._process.alive:
            self._host.request_reconcile()
            self._process.call_at(self._process.loop.now_us + AUDIT_US, self._audit)

    def _mended(self) -> None:
        if self._host is not None and self._process.alive:
            self._host.request_reconcile()

    def _hush(self) -> None:
        self._host = None
        if self._exchange.line is self:
            self._exchange.line = None
