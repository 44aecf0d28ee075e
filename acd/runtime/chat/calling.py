"""Conversations and the calls that have gone on from them: in their place, or beside them.

Owns the reason that customers are told whose conversation is over by that, and whether somebody who writes nothing
talks. Must not know how a call begins, nor which channel has it (`acd.ports.continuing`).
"""

from typing import Final

from acd.core.states.interaction import TABLE
from acd.ports.channel import ChannelHost
from acd.ports.continuing import BESIDE, CALLED_REASON
from acd.runtime.chat.rooms import Room

ENDS: Final = frozenset(state for state, ways in TABLE.items() if not ways)
"""States of an interaction from which there is no way on."""


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
