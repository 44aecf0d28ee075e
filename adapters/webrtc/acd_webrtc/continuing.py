"""A customer who writes, and would rather talk: the call takes the conversation's place in line, or goes to its agent.

Owns which of the two it is, and what the call has from its conversation. Must not know sockets, nor how a call is begun
(`reception`).

While somebody waits for an answer in writing, the conversation is over by the very command with which the call begins:
the engine looks up its place then, and decides nothing between the two. So no agent is asked to write to whom another
one is asked to talk, and a call that cannot begin leaves the conversation as it is. With whom an agent writes already,
that agent is asked first, and the conversation goes on beside the call.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from acd.core.limits import MAX_ATTRIBUTES
from acd.core.messages import NoteInteraction
from acd.errors import AcdError
from acd.ports.channel import ChannelHost, InteractionStanding
from acd.ports.continuing import BESIDE, CONTINUES, Origin

_WAITS: Final = "queued"
_NO_PLACE: Final = "no-such-place"


class Refused(NamedTuple):
    """Not done, and why."""

    code: str
    detail: str


class From(NamedTuple):
    """What the call has from its conversation. `place_of`: the one that is over by it, whose place it takes."""

    queue: str
    customer: str
    attributes: tuple[tuple[str, str], ...]
    preferred: str
    requirement: str
    priority: int
    place_of: str = ""


Enqueue = Callable[[From], Awaitable[Refused | None]]

UNAVAILABLE: Final = Refused("unavailable", "This cannot be done just now; try again in a few seconds.")
_BEING_ASKED: Final = Refused("agent-asked", "An agent is being asked just now; try again in a second.")
_OVER: Final = Refused("conversation-over", "The conversation is over, or is none that waits; call without it.")


class Continuing:
    """Those of one channel."""

    def __init__(self, host: Callable[[], ChannelHost]) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._host = host

    async def begin(self, origin: Origin, call_id: str, enqueue: Enqueue) -> Refused | None:
        """Begin the call by `enqueue`. Not to be cancelled but by a stop. Raises `ChannelError`."""
        standing = self._host().interaction(origin.conversation)
        if standing is None or standing.kind != "live":
            return _OVER
        if standing.state == "active":
            found = _from(origin, standing)._replace(preferred=standing.agent_id)
            return await self._beside(origin, call_id, found, enqueue)
        if standing.state == "offered":
            return _BEING_ASKED
        if standing.state != _WAITS:
            return _OVER
        refusal = await enqueue(_from(origin, standing)._replace(place_of=origin.conversation))
        # It has been offered meanwhile, or moved: another attempt finds out.
        return _BEING_ASKED if refusal is not None and refusal.code == _NO_PLACE else refusal

    # ---- inside

    async def _beside(self, origin: Origin, call_id: str, found: From, enqueue: Enqueue) -> Refused | None:
        """With the agent who writes with the customer; who talks is not taken for silent there."""
        refusal = await enqueue(found)
        if refusal is None:
            host = self._host()
            with suppress(AcdError):  # then they may be taken for silent, after a while
                await host.submit(NoteInteraction(host.new_id(), origin.conversation, ((BESIDE, call_id),)))
        return refusal


def _from(origin: Origin, standing: InteractionStanding) -> From:
    """All that is known of the conversation, and which one it is."""
    known = tuple(each for each in standing.attributes if each[0] not in {CONTINUES, BESIDE})
    attributes = (*known[: MAX_ATTRIBUTES - 1], (CONTINUES, origin.conversation))
    return From(standing.queue, standing.customer, attributes, "", origin.requirement, origin.priority)
