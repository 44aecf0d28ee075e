"""Conversations and the calls that have gone on from them: in their place, or beside them.

Owns the reason that customers are told whose conversation is over by that; what becomes, with the start, of those that
an earlier release left out of everybody's reach when its process came to its end (over if the call has begun, else back
within reach, at the place that they have kept); and whether somebody who writes nothing talks. Must not know how a call
begins, nor which channel has it (`acd.ports.continuing`).
"""

from collections.abc import Iterable
from typing import Final

from acd.core.messages import EndInteraction, UpdateInteraction
from acd.core.states.interaction import TABLE
from acd.ports.channel import ChannelHost
from acd.ports.continuing import BEFORE, BESIDE, CALLED, CALLED_REASON
from acd.runtime.chat.rooms import Room

ENDS: Final = frozenset(state for state, ways in TABLE.items() if not ways)
"""States of an interaction from which there is no way on."""


async def give_back(host: ChannelHost, rooms: Iterable[Room]) -> None:
    """Have no customer left aside. Raises what the host raises; then it is to be called again."""
    for room in rooms:
        standing = host.interaction(room.id) if room.waits else None
        known = {} if standing is None else dict(standing.attributes)
        call_id = known.get(CALLED)
        if call_id is None:
            continue
        if host.interaction(call_id) is not None:
            await host.submit(EndInteraction(host.new_id(), room.id, by="system", reason=CALLED_REASON))
        else:
            before = known.get(BEFORE, "")
            await host.submit(UpdateInteraction(host.new_id(), room.id, (), (CALLED, BEFORE), requirement=before))


def why_over(host: ChannelHost, room: Room) -> str:
    """That a call has taken its place, if it has; else empty."""
    standing = host.interaction(room.id)
    return CALLED_REASON if standing is not None and standing.reason == CALLED_REASON else ""


def is_calling(host: ChannelHost, room: Room) -> bool:
    """Whether a call goes on beside it."""
    standing = host.interaction(room.id)
    call_id = None if standing is None else dict(standing.attributes).get(BESIDE)
    call = None if call_id is None else host.interaction(call_id)
    return call is not None and call.state not in ENDS
