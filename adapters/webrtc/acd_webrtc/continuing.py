"""A customer who writes, and would rather talk: the call takes the conversation's place in line, or goes to its agent.

Owns the order in which that is done, so that nobody is asked twice, and a conversation whose call cannot begin has its
place as before. Must not know sockets, nor how a call is begun (`reception`).

While somebody waits for an answer in writing, the conversation is first put out of everybody's reach, where it keeps
its place; then the call begins; then the conversation is over, or, without a call, within reach again. So no agent is
asked to write to whom another one is asked to talk. With whom an agent writes already, that agent is asked first, and
the conversation goes on beside the call.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from acd.core.limits import MAX_ATTRIBUTES, MAX_TEXT
from acd.core.messages import Command, EndInteraction, NoteInteraction, UpdateInteraction
from acd.errors import AcdError
from acd.ports.channel import ChannelHost, InteractionStanding
from acd.ports.continuing import BEFORE, BESIDE, CALLED, CALLED_REASON, CONTINUES, NOBODY, Origin
from acd.runtime.log import Logger

_WAITS: Final = "queued"


class Refused(NamedTuple):
    """Not done, and why."""

    code: str
    detail: str


class From(NamedTuple):
    """What the call has from its conversation."""

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

_log = Logger(__name__)


class _Aside(NamedTuple):
    """A conversation that is out of reach: what makes an end of it, and what gives it its place back."""

    call_id: str
    over: Command
    back: Command


class Continuing:
    """Those of one channel."""

    def __init__(self, name: str, host: Callable[[], ChannelHost]) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._host = host
        self._owed: dict[str, _Aside] = {}
        """Conversations, of which the engine could not be told what becomes of them, or of their calls."""

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
        return await self._instead(origin, call_id, enqueue)

    async def say_again(self) -> None:
        """What the engine could not be told before."""
        for conversation in tuple(self._owed):
            await self._settle(conversation)

    # ---- inside

    async def _beside(self, origin: Origin, call_id: str, found: From, enqueue: Enqueue) -> Refused | None:
        """With the agent who writes with the customer; who talks is not taken for silent there."""
        refusal = await enqueue(found)
        if refusal is None:
            host = self._host()
            with suppress(AcdError):  # then they may be taken for silent, after a while
                await host.submit(NoteInteraction(host.new_id(), origin.conversation, ((BESIDE, call_id),)))
        return refusal

    async def _instead(self, origin: Origin, call_id: str, enqueue: Enqueue) -> Refused | None:
        """In the place of one who waits in line, which the engine looks up when the call begins."""
        if len(origin.requirement) > MAX_TEXT:
            return UNAVAILABLE  # it could not be given back after a fall
        host, conversation = self._host(), origin.conversation
        marks = ((CALLED, call_id), (BEFORE, origin.requirement))
        self._owed[conversation] = _Aside(
            call_id,
            EndInteraction(host.new_id(), conversation, by="system", reason=CALLED_REASON),
            UpdateInteraction(host.new_id(), conversation, (), (CALLED, BEFORE), requirement=origin.requirement),
        )
        try:
            outcome = await host.submit(UpdateInteraction(host.new_id(), conversation, marks, requirement=NOBODY))
        except AcdError as error:
            _log.warning("a conversation could not be put aside", instance=self._name, error=type(error).__name__)
            return UNAVAILABLE
        if outcome.refusal is not None:
            del self._owed[conversation]
            return _BEING_ASKED if outcome.refusal.code == "interaction-active" else _OVER
        # It may have been moved meanwhile, or its customer has become known.
        standing = host.interaction(conversation)
        refusal: Refused | None = _BEING_ASKED
        if standing is not None and standing.state == _WAITS:
            refusal = await enqueue(_from(origin, standing)._replace(place_of=conversation))
        # Of one that is unavailable it is not known whether it has begun: the next look will say.
        if refusal is not UNAVAILABLE:
            await self._settle(conversation)
        return refusal

    async def _settle(self, conversation: str) -> None:
        """The end of the conversation, if its call lives or has been; else its place."""
        host, aside = self._host(), self._owed[conversation]
        begun = host.interaction(aside.call_id) is not None
        try:
            await host.submit(aside.over if begun else aside.back)
        except AcdError as error:
            _log.warning("a conversation is put aside still", instance=self._name, error=type(error).__name__)
            return
        self._owed.pop(conversation, None)


def _from(origin: Origin, standing: InteractionStanding) -> From:
    """All that is known of the conversation, and which one it is."""
    known = tuple(each for each in standing.attributes if each[0] not in {CONTINUES, CALLED, BEFORE, BESIDE})
    attributes = (*known[: MAX_ATTRIBUTES - 1], (CONTINUES, origin.conversation))
    return From(standing.queue, standing.customer, attributes, "", origin.requirement, origin.priority)
