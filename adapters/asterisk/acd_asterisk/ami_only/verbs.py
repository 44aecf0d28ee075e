"""What can be done to a call over AMI, each verb answered by the status that ARI would have given.

Owns actions and what their refusals mean. Must not know paths, nor events but those that say whether a telephone that
is being dialled has a channel yet.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from acd_asterisk.ami.connection import Manager
from acd_asterisk.ami.errors import Unsendable
from acd_asterisk.ami.wire import Message, Value, text_of
from acd_asterisk.ami_only import dialplan
from acd_asterisk.names import Names

OK: Final = 200
NO_CONTENT: Final = 204
BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
FAILED: Final = 500
NOT_IMPLEMENTED: Final = 501

_SPECIAL: Final = re.compile(r'[,"\\()\[\]]')
"""What parts one variable from the next in a line of AMI."""

MAX_DIALLED: Final = 2_048
"""Legs that are remembered as having been dialled, a kilobyte each: more than there can be on their way, and who asks
once more for want of an answer does so within seconds."""

APPEAR_SECONDS: Final = 1.0
"""How long a telephone that has just been dialled may have no channel yet."""


class Verbs:
    """Of one application, by one connection."""

    def __init__(self, names: Names, app: str, music: str, manager: Manager) -> None:
        """Nothing is done yet."""
        self._names = names
        self._context = dialplan.context_of(app)
        self._app = app
        self._music = music
        self._manager = manager
        self._dialled: OrderedDict[str, asyncio.Event] = OrderedDict()
        """Legs, and whether what became of each is known: a channel, or none."""
        manager.register_event("Newchannel", self._appeared)
        manager.register_event("OriginateResponse", self._answered)

    async def know(self) -> int:
        """Make sure that this Asterisk knows us; `CONFLICT` when it did already."""
        name = dialplan.known_of(self._app)
        if await self.variable("", name):
            return CONFLICT
        return await self.set_variable("", name, "1")

    async def hold(self, channel_ids: Sequence[str], bridge_id: str) -> int:
        """Let callers hear the music of a hold bridge, and answer them."""
        if any(self._names.is_own(each) for each in channel_ids):
            return NOT_IMPLEMENTED  # An agent who waits: their customer would be left alone.
        music = dialplan.music_of(bridge_id, self._names.hold) or self._music
        for channel_id in channel_ids:
            await self.set_variable(channel_id, dialplan.MUSIC, music)
            status = await self._redirect(channel_id, dialplan.HOLD)
            if status != NO_CONTENT:
                return BAD_REQUEST
        return NO_CONTENT

    async def join(self, interaction_id: str, channel_ids: Sequence[str]) -> int:
        """Let a caller talk with an agent; those who talk already go on."""
        legs = [each for each in channel_ids if self._names.offer_of(each) is not None]
        callers = [each for each in channel_ids if each not in legs]
        if len(callers) != 1 or len(legs) != 1:
            return NOT_IMPLEMENTED  # A conference takes a bridge that has a name.
        caller, leg = callers[0], legs[0]
        reply = await self._manager.ask_list("CoreShowChannels")
        bridges = {text_of(each, "Uniqueid"): text_of(each, "BridgeId") for each in reply.items}
        if caller not in bridges or leg not in bridges:
            return BAD_REQUEST
        if bridges[caller] and bridges[caller] == bridges[leg]:
            return NO_CONTENT
        await self.set_variable(caller, dialplan.INTERACTION, interaction_id)
        await self.set_variable(caller, dialplan.JOINED_LEG, leg)
        status = await self._redirect(caller, dialplan.TALK)
        return status if status == NO_CONTENT else BAD_REQUEST

    async def ring(
        self, leg: str, endpoint: str, caller_id: str, seconds: int, variables: Mapping[str, str] = MappingProxyType({})
    ) -> int:
        """Let a telephone ring; once, however often it is asked for. `variables` are its channel's."""
        if leg in self._dialled or await self.exists(leg) == OK:
            return CONFLICT
        self._dialled[leg] = asyncio.Event()
        if len(self._dialled) > MAX_DIALLED:
            self._dialled.popitem(last=False)
        asked: dict[str, Value] = {
            "ActionID": leg,
            "Channel": endpoint,
            "ChannelId": leg,
            "Context": self._context,
            "Exten": dialplan.LEG,
            "Priority": 1,
            "Timeout": seconds * 1_000,
            "Async": "true",
        }
        if caller_id:
            asked["CallerID"] = caller_id
        if variables:
            asked["Variable"] = [_assignment(name, value) for name, value in variables.items()]
        try:
            reply = await self._manager.ask("Originate", asked)
        except Unsendable:
            self._dialled[leg].set()
            return BAD_REQUEST
        if not reply.is_success:
            self._dialled[leg].set()
            return FAILED
        return OK

    async def hang_up(self, channel_id: str) -> int:
        """End a channel; one that is about to appear, when it has appeared.

        A caller whom an agent's telephone has transferred is somewhere else in the dialplan, and not ours to end.
        """
        await self._until_appeared(channel_id)
        if not self._names.is_own(channel_id) and await self.variable(channel_id, "CONTEXT") != self._context:
            return NOT_FOUND
        return NO_CONTENT if (await self._manager.ask("Hangup", {"Channel": channel_id})).is_success else NOT_FOUND

    async def exists(self, channel_id: str) -> int:
        """Whether there is such a channel."""
        known = self._dialled.get(channel_id)
        if known is not None and not known.is_set():
            return OK
        # Not Status, whose answer has the number that was dialled, line breaks and all.
        reply = await self._manager.ask("Getvar", {"Channel": channel_id, "Variable": "CHANNEL(state)"})
        return OK if reply.is_success else NOT_FOUND

    async def back(self, channel_id: str) -> int:
        """Let a caller go on where their dialplan came from."""
        return await self._redirect(channel_id, dialplan.BACK)

    async def variable(self, channel_id: str, name: str) -> str:
        """A channel's variable, or with no channel a global one; empty when there is none."""
        asked = {"Variable": name, **({"Channel": channel_id} if channel_id else {})}
        return text_of((await self._manager.ask("Getvar", asked)).response, "Value")

    async def set_variable(self, channel_id: str, name: str, value: str) -> int:
        """Set a channel's, or with no channel a global one."""
        asked = {"Variable": name, "Value": value, **({"Channel": channel_id} if channel_id else {})}
        return NO_CONTENT if (await self._manager.ask("Setvar", asked)).is_success else NOT_FOUND

    async def _redirect(self, channel_id: str, exten: str) -> int:
        asked: dict[str, Value] = {"Channel": channel_id, "Context": self._context, "Exten": exten, "Priority": 1}
        return NO_CONTENT if (await self._manager.ask("Redirect", asked)).is_success else NOT_FOUND

    async def _until_appeared(self, channel_id: str) -> None:
        """Asterisk dials in a thread of its own, and cannot yet end what it has been told to dial."""
        known = self._dialled.get(channel_id)
        if known is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(APPEAR_SECONDS):
                    await known.wait()

    def _appeared(self, _manager: object, event: Message) -> None:
        self._is_known(text_of(event, "Uniqueid"))

    def _answered(self, _manager: object, event: Message) -> None:
        self._is_known(text_of(event, "ActionID"))

    def _is_known(self, leg: str) -> None:
        known = self._dialled.get(leg)
        if known is not None:
            known.set()


def _assignment(name: str, value: str) -> str:
    """One variable as `Originate` takes it, and never two; a function's name keeps the comma within its brackets."""
    return f"{name}={_SPECIAL.sub(' ', value)}"
