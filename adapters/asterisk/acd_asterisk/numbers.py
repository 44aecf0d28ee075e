"""Transfers to a telephone number, from an agent's desk: the caller goes on in the dialplan, which dials it.

Owns which number that may be, and the word that is left of it, so that a caller is led there whoever of us dies. Must
not know who asks, nor how a call is ended. Nothing but digits of an allowed number, perhaps behind a +, reaches the
dialplan. What becomes of whoever is not reached there is the dialplan's to say: they come back as any caller comes.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from acd.errors import ChannelError
from acd.ports.numbers import NoNumbers, NumberNotAllowed
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.dismissal import Dismissal
from acd_asterisk.notes import Notes

TO: Final = "transferred.to"
"""The attribute that says where a caller was transferred to: the last digits, because numbers are in no journal."""

SHOWN: Final = 2

_log = structlog.get_logger(__name__)


class Numbers:
    """Transfers to numbers on one PBX."""

    def __init__(self, desk: Desk, dismissal: Dismissal, notes: Notes) -> None:
        """`desk` has the calls."""
        self._desk = desk
        self._dismissal = dismissal
        self._notes = notes
        self._under_way: set[str] = set()
        """Interactions of which one press is being seen to: of another one nothing is taken back."""

    @property
    def are_there(self) -> bool:
        """Whether any may be dialled."""
        return self._desk.options.transfers.outside is not None and self._desk.options.control != "ami"

    async def transfer(
        self, interaction_id: str, agent_id: str, number: str, end: Callable[[], Awaitable[bool]]
    ) -> None:
        """As `acd.ports.numbers` has it."""
        options = self._desk.options.transfers.outside
        if options is None or not self.are_there:
            raise NoNumbers(f"{self._desk.name}: has no [channels.{self._desk.name}.transfers.outside]")
        dialled = options.allowed(number)
        if not dialled:
            about = {"agent": agent_id, **self._desk.keys(interaction_id)}
            _log.warning("a number is not allowed", instance=self._desk.name, **about)
            raise NumberNotAllowed("this number may not be dialled")
        call, leg = self._talk(interaction_id, agent_id)
        if interaction_id in self._under_way:
            raise ChannelError("the caller is being transferred already")
        self._under_way.add(interaction_id)
        try:
            await self._lead(call, leg, f"{dialled}@{options.context}", end)
        finally:
            self._under_way.discard(interaction_id)

    async def _lead(self, call: Call, leg: Leg, onward: str, end: Callable[[], Awaitable[bool]]) -> None:
        try:
            await self._dismissal.leave_word(call, onward)
        except AriUnavailable as error:
            raise ChannelError(f"{self._desk.name}: {error}") from None
        if not call.is_present or not leg.is_live:
            raise ChannelError("the talk has just ended")
        before, call.onward = call.onward, onward
        if not await end():  # Where that is not known, both stay: nobody is led there by an end of another kind.
            call.onward = before  # If an earlier press has ended it, whose answer is lost.
            if not before:
                with suppress(AriUnavailable):
                    await self._dismissal.take_word_back(call)
            return
        leg.reported = True  # Its end is the transfer's, and no hanging up.
        number = onward.partition("@")[0]
        self._notes.put(call.interaction_id, {TO: f"****{number[-SHOWN:]}"})

    def _talk(self, interaction_id: str, agent_id: str) -> tuple[Call, Leg]:
        """The call and the agent's leg. Raises `ChannelError` unless the two talk, and nobody else."""
        call = self._desk.calls.get(interaction_id)
        leg = None if call is None else call.leg_of(agent_id)
        if call is None or leg is None or not (leg.accepted and leg.is_talking and call.is_present):
            raise ChannelError("the agent does not talk with the caller just now")
        if leg.away or call.parent is not None or any(each.accepted for each in call.live_legs() if each is not leg):
            raise ChannelError("others talk with the agent or the caller, too")
        return call, leg
