"""How callers who wait leave before an agent answers: by a key, or let go by the engine, and what they are told then.

Owns what a key leads to, and the last words. Must not know when callers are spoken to otherwise (`announcer`), nor how
a channel is let go (`orders`). Every way out is the engine's to grant: a key is a command, and what follows its effect.
"""

from functools import partial
from typing import Final, assert_never

from acd.core.messages import CallBackInteraction, CancelInteraction, ReleaseInteraction
from acd.ports.channel import KEY_REASON
from acd_asterisk.call import Call
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.options.waiting import KeyAction
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.voice import Voice

LAST_WORDS_SECONDS: Final = 60.0
"""The longest that a caller who is let go is told why."""


class Exits:
    """The ways out of the queues of one channel instance."""

    def __init__(
        self, desk: Desk, switchboard: Switchboard, orders: Orders, conversations: Conversations, voice: Voice
    ) -> None:
        """Nobody leaves yet."""
        self._desk = desk
        self._switchboard = switchboard
        self._orders = orders
        self._conversations = conversations
        self._voice = voice

    def pressed(self, call: Call, key: str) -> None:
        """A caller has pressed a key; of interest while they wait, and if it is one of their queue's."""
        action = self._voice.waiting(call).keys.get(key)
        if call.back is not None and action != "callback":
            return  # We have called them: there is no dialplan that they could go on in.
        if action is not None and call.is_waiting and call.way_out is None:
            self._desk.in_lane(call, partial(self._act, call, key, action))

    async def release(self, call: Call, effect: ReleaseInteraction) -> None:
        """Let go of a call; a caller whom nobody has answered is told why, if anything is configured for that."""
        media = () if call.has_talked or call.parent is not None else self._voice.named(call, effect.reason)
        if media and call.is_present and call.is_reached and not call.hangup_requested:
            call.is_ended = True
            self._desk.attended.add(call.channel_id)  # No comparison is to cut that off.
            self._desk.spawn(self._say_and_release(call, media))
        else:
            await self._conversations.release(call)

    async def _act(self, call: Call, key: str, action: KeyAction) -> None:
        if not call.is_waiting:
            return
        match action:
            case "leave" | "message":
                await self._leave(call, key, "key" if action == "leave" else "message")
            case "callback":
                await self._call_back(call)
            case _:
                assert_never(action)

    async def _leave(self, call: Call, key: str, result: str) -> None:
        """On in the dialplan. Nobody whom an agent answers at this moment is taken away: then it is refused."""
        call.way_out = {"ACD_RESULT": result, "ACD_KEY": key}
        command = CancelInteraction(self._desk.host.new_id(), call.interaction_id, reason=f"{KEY_REASON}{key}")
        outcome = await self._desk.tell(command)
        if outcome is None or outcome.refusal is not None:
            call.way_out = None

    async def _call_back(self, call: Call) -> None:
        """The engine lets them go and keeps their place. Else they go on waiting, and hear why."""
        options = self._desk.options.callbacks
        if options.dial and not options.endpoint(call.party.number):
            await self._voice.say(call, self._voice.named(call, "callback-impossible"))
            return
        command = CallBackInteraction(self._desk.host.new_id(), call.interaction_id)
        outcome = await self._desk.tell(command)
        if outcome is not None and outcome.refusal is not None and call.is_waiting:
            await self._voice.say(call, self._voice.named(call, outcome.refusal.code))

    async def _say_and_release(self, call: Call, media: tuple[str, ...]) -> None:
        """They have not been answered, perhaps, nor put anywhere, and the dead-man's switch is wound up on."""
        call.lingers = True
        try:
            await self._orders.parking.call_off(call)
            if not call.is_up:
                await self._orders.answering.now(call)
            await self._orders.dismissal.note_unanswered(call)
            await self._voice.say(call, media, longest_seconds=LAST_WORDS_SECONDS)
            call.lingers = False
            if self._desk.calls.get(call.interaction_id) is call:
                await self._conversations.release(call)
        finally:
            call.lingers = False
            self._desk.attended.discard(call.channel_id)
