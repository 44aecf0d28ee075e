"""Callers who are put where they wait: a few at a time, and called off when an agent is quicker.

Owns who is on the way there, and in which order they go. Must not know ARI, nor when somebody has to wait.

Each costs Asterisk more than a telephone that is to ring, and in a rush there are many: whoever is put to wait goes
behind whatever somebody waits for now (`patient`, see `turns`). Among them those who have been answered go first, since
they hear nothing meanwhile; newcomers hear what they hear before they are answered. Nobody is passed by for ever. A
caller whose agent picks up before it was their turn goes straight to the agent. Telephones that are to ring at this
moment do so first (`ring_first`).
"""

import asyncio
from typing import Final

from acd_asterisk.answering import Answering
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.music import Music
from acd_asterisk.prompts import Prompts
from acd_asterisk.ring_first import RingFirst
from acd_asterisk.turns import Turns

MAX_AT_ONCE: Final = 8
"""Callers on the way at a time, each with two requests or three; the others wait for their turn."""


class Parking:
    """For the callers of one channel instance."""

    def __init__(self, desk: Desk, music: Music, prompts: Prompts, answering: Answering, ring_first: RingFirst) -> None:
        """Nobody is on the way."""
        self._desk = desk
        self._music = music
        self._prompts = prompts
        self._answering = answering
        self._ring_first = ring_first
        self._turns = Turns(MAX_AT_ONCE)

    def begin(self, call: Call) -> None:
        """Have a caller answered and put where music is; returns at once. Nothing, if they are on the way already."""
        if call.is_present and not call.is_being_parked:
            call.parking = self._desk.spawn(self._put(call))

    async def call_off(self, call: Call) -> None:
        """Nobody is on the way when this returns: who has not been moved will not be, and the others are there."""
        parking = call.parking
        if parking is None or parking.done():
            return
        if not call.is_on_the_way:
            parking.cancel()
        await asyncio.wait((parking,))

    async def _put(self, call: Call) -> None:
        await self._ring_first.others()
        async with self._turns.turn(patient=not call.is_up):
            if not call.is_present:
                return  # They have gone meanwhile.
            call.is_on_the_way = True
            try:
                # All of it is over when this is, whatever fails: nobody may be moved afterwards.
                ends = await asyncio.gather(
                    self._music.hold(call),
                    self._prompts.hush(call.channel_id),
                    self._answering.when_due(call),
                    return_exceptions=True,
                )
            finally:
                call.is_on_the_way = False
            for end in ends:
                if end is not None:
                    raise end
            self._prompts.moved(call.channel_id)
