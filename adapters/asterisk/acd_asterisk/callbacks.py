"""Calls customers back: for agents who have accepted their callbacks, or before any agent is asked.

Dials, hears of the answer, and lets the two meet; or tells the engine that the customer is there, and waits.

Owns the customer's end of a callback until they are there; from then on it is a caller's like any other. Must not know
how agents are rung, nor when anybody is called again: attempts, pauses and hours are the engine's.

Nobody is called twice for one offer: the channel's id follows from the offer, and that it was dialled is left as word
at the agent's channel, for whoever comes after this process. Where no agent is asked before, the id follows from the
attempt, and the word is left with the interaction. There who has been reached is noted, too.
"""

from functools import partial
from typing import Final

import structlog

from acd.core.messages import FailCallback, NoteInteraction, NoteReached, Outcome
from acd.errors import PersonalStoreError
from acd.ports.channel import InteractionStanding, Personal
from acd_asterisk.announcer import Announcer
from acd_asterisk.ari import AriClient, part
from acd_asterisk.call import Back, Call, Leg
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.dialling import reason_of, request_body
from acd_asterisk.greeting import Greeting
from acd_asterisk.happenings import CallerLeft, CustomerAnswered, CustomerGone, Happening
from acd_asterisk.mending import Keep
from acd_asterisk.names import is_nameable
from acd_asterisk.notes import Notes
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import Party

NOTED: Final = "ACD_CALLED_BACK"
"""The variable of an agent's channel that says for which offer the customer has been dialled."""

DIALLED: Final = "callback.dialled"
"""The attribute of a callback that says for which attempt the customer has been dialled before any agent."""

REACHED: Final = "callback.reached"
"""The attribute of a callback that says at which attempt the customer was there."""

_CONFLICT: Final = 409

_log = structlog.get_logger(__name__)


class Callbacks:
    """Those of one PBX. What asks Asterisk raises `AriUnavailable`."""

    def __init__(
        self,
        desk: Desk,
        client: AriClient,
        switchboard: Switchboard,
        orders: Orders,
        notes: Notes,
        announcer: Announcer,
    ) -> None:
        """Nobody is called. `announcer`: with whom customers wait whose agents are not there any more."""
        self._desk = desk
        self._client = client
        self._switchboard = switchboard
        self._orders = orders
        self._notes = notes
        orders.callbacks = self
        self._announcer = announcer
        self._greeting = Greeting(orders.prompts, switchboard)

    # ---- calls

    def open(self, interaction_id: str) -> Call | None:
        """The call of a callback, made if there is none yet; None for what is no callback, or cannot be called."""
        call = self._desk.calls.get(interaction_id)
        if call is not None:
            return call
        standing = self._standing(interaction_id)
        if standing is None:
            return None
        try:
            return self._add(standing)
        except NotTaken:
            return None

    def is_back(self, interaction_id: str) -> bool:
        """Whether an interaction is a callback."""
        return self._standing(interaction_id) is not None

    def is_reached(self, interaction_id: str) -> bool:
        """Whether the customer was there at the present attempt, by anybody's word."""
        call, standing = self._desk.calls.get(interaction_id), self._standing(interaction_id)
        if call is not None and call.back is not None and call.back.state == "there":
            return True
        return standing is not None and dict(standing.attributes).get(REACHED) == str(standing.attempts + 1)

    async def recall(self, call: Call) -> None:
        """Find out who is to be called, for the agent's telephone to show."""
        back = call.back
        if back is None or not back.customer or call.party.number:
            return
        try:
            person = await self._desk.host.recall(back.customer) or Personal()
        except PersonalStoreError:
            _log.warning("the personal store does not say who is to be called back", instance=self._desk.name)
            return
        call.party = Party(person.name, person.number)

    # ---- the customer's telephone

    async def dial(self, call: Call, leg: Leg) -> None:
        """Call the customer for an agent who has picked up and accepted. Twice is once."""
        back = call.back
        if back is None or back.state != "away" or call.is_ended:
            return
        back.attempt = 0
        channel_id = self._expect(call, back, leg.offer_id)
        endpoint = await self._endpoint(call, channel_id)
        if not endpoint:
            return
        self._hear_progress(leg)
        await self._switchboard.set_variables(self._desk.names.leg(leg.offer_id), {NOTED: leg.offer_id})
        if _is_dialled(call, channel_id):
            await self._ring(call, channel_id, endpoint)

    async def reach(self, call: Call) -> None:
        """Call the customer before any agent is asked, if the engine wants that now. Twice is once."""
        back, standing = call.back, self._standing(call.interaction_id)
        if back is None or back.state != "away" or call.is_ended or standing is None or standing.state != "reaching":
            return
        back.attempt = standing.attempts + 1
        channel_id = self._expect(call, back, f"{call.interaction_id}.c{back.attempt}")
        endpoint = await self._endpoint(call, channel_id)
        if not endpoint:
            return
        noted = await self._note(call, DIALLED)
        if not _is_dialled(call, channel_id):
            return
        if noted is None:
            self._put_down(call)  # The engine takes nothing at the moment: nobody is called without a word left.
        elif noted.refusal is not None:
            why, code = "nobody can be called back: no word can be left with the interaction", noted.refusal.code
            _log.warning(why, instance=self._desk.name, code=code, **call.keys)
            await self._fail(call, channel_id, "unreachable")
        else:
            await self._ring(call, channel_id, endpoint)

    def _expect(self, call: Call, back: Back, named_by: str) -> str:
        """Be ready for what happens at the customer's end: events may come before the answer."""
        back.state = "dialling"
        channel_id = call.channel_id = self._desk.names.back(named_by)
        call.lost = call.hangup_requested = call.is_up = False
        self._desk.by_channel[channel_id] = call
        return channel_id

    async def _endpoint(self, call: Call, channel_id: str) -> str:
        """Where the customer is dialled; empty if nowhere, or if it is over meanwhile: then all is said."""
        await self.recall(call)
        if not _is_dialled(call, channel_id):
            return ""
        endpoint = self._desk.options.callbacks.endpoint(call.party.number)
        if not endpoint:
            _log.warning(
                "nobody can be called back: no number that may be dialled", instance=self._desk.name, **call.keys
            )
            await self._fail(call, channel_id, "no-number")
        return endpoint

    async def _note(self, call: Call, name: str) -> Outcome | None:
        """Leave word with the interaction of what has been done at this attempt; None if that was not taken."""
        said = ((name, str(0 if call.back is None else call.back.attempt)),)
        return await self._desk.tell(NoteInteraction(self._desk.host.new_id(), call.interaction_id, said))

    async def _ring(self, call: Call, channel_id: str, endpoint: str) -> None:
        body = request_body(self._desk.options, endpoint)
        answer = await self._client.request("POST", f"channels/{part(channel_id)}", body)
        _log.debug("customer dialled", instance=self._desk.name, status=answer.status, **call.keys)
        if not answer.is_success and answer.status != _CONFLICT:
            await self._fail(call, channel_id, "unreachable")
        elif call.is_ended or call.channel_id != channel_id:
            await self._switchboard.hang_up(channel_id)  # It is over, and was when nothing could be hung up yet.

    async def rest(self, call: Call) -> None:
        """Nobody is to talk with the customer at the moment: whoever has not picked up is called another time."""
        back = call.back
        for leg in call.live_legs():
            if leg.accepted:
                await self._orders.part(call, leg.offer_id)
        if back is not None and back.state == "dialling":
            channel_id = call.channel_id
            self._put_down(call)
            if channel_id:
                await self._switchboard.hang_up(channel_id)

    def handle(self, what: Happening) -> None:
        """React to something that has just happened at a customer's end."""
        match what:
            case CustomerAnswered(channel_id):
                self._answered(channel_id)
            case CustomerGone(channel_id, cause):
                call = self._desk.by_channel.get(channel_id)
                if call is not None and call.back is not None and call.back.state == "dialling":
                    self._desk.in_lane(call, partial(self._fail, call, channel_id, reason_of(cause)))
            case CallerLeft(channel_id):
                call = self._desk.by_channel.get(channel_id)
                if call is not None and not call.is_reached:
                    reason = "no-key" if self._desk.options.callbacks.key else "hung-up"
                    self._desk.in_lane(call, partial(self._fail, call, channel_id, reason))
            case _:
                pass

    # ---- after a comparison

    def take_over(self, repair: Keep) -> Call:
        """What is known of a callback's call, by what was found. Raises `NotTaken`."""
        wish, channel = repair.desired, repair.channel
        call = self._desk.calls.get(wish.interaction_id)
        if call is None:
            standing = self._standing(wish.interaction_id)
            call = self._add(standing or InteractionStanding(wish.interaction_id, wish.state, ""))
        else:
            self._end_if_unusable(call)
        back = call.back
        if back is None:
            return call
        if wish.state == "reaching":
            standing = self._standing(wish.interaction_id)
            back.attempt = 1 if standing is None else standing.attempts + 1
        is_asked = call.is_asked and channel.id == call.channel_id
        if channel.id != call.channel_id:
            self._put_down(call)
        if not channel.id:
            back.state = "away"
            return call
        call.channel_id = channel.id
        self._desk.by_channel[channel.id] = call
        if repair.met or self.is_reached(wish.interaction_id):
            back.state, call.is_up = "there", True
        else:
            back.state = "asking" if is_asked else "dialling"
        return call

    async def resume(self, call: Call) -> None:
        """An agent waits, or it is the customer's turn, and nobody is called.

        If somebody was, for this agent or at this attempt, they have not been reached.
        """
        standing = self._standing(call.interaction_id)
        if standing is not None and standing.state == "reaching":
            if dict(standing.attributes).get(DIALLED) == str(standing.attempts + 1):
                await self._tell_failed(call, "lost")
            else:
                await self.reach(call)
            return
        for leg in call.live_legs():
            if leg.state == "answered" and leg.accepted:
                agents = self._desk.names.leg(leg.offer_id)
                if (await self._switchboard.variables(agents, (NOTED,))).get(NOTED) == leg.offer_id:
                    await self._tell_failed(call, "lost")
                else:
                    await self._orders.join(call, leg)
                return

    def welcome(self, call: Call) -> None:
        """The customer has picked up meanwhile; or is there, and the engine has not taken that yet."""
        if call.is_reached:
            self._desk.in_lane(call, partial(self._arrive, call))
        else:
            self._answered(call.channel_id)

    def is_forgotten(self, interaction_id: str) -> bool:
        """Whether the customer is waited for, by an agent or by the engine, and nobody is asking them anything."""
        call, standing = self._desk.calls.get(interaction_id), self._standing(interaction_id)
        is_due = standing is not None and standing.state == "reaching"
        if call is None or call.is_reached or call.is_asked:
            return is_due and call is None
        if is_due:
            return True
        return any(leg.accepted and leg.state == "answered" for leg in call.live_legs())

    def accompany(self, call: Call) -> None:
        """The customer's telephone still rings: the agent goes on hearing that."""
        if call.back is not None and call.back.state == "dialling":
            for leg in call.live_legs():
                is_silent = not self._orders.prompts.is_playing(self._desk.names.leg(leg.offer_id))
                if leg.accepted and leg.state == "answered" and is_silent:
                    self._hear_progress(leg)

    # ---- steps

    def _standing(self, interaction_id: str) -> InteractionStanding | None:
        standing = self._desk.host.interaction(interaction_id)
        return standing if standing is not None and standing.kind == "callback" else None

    def _add(self, standing: InteractionStanding) -> Call:
        call = self._desk.add_back(standing.interaction_id, Back(standing.customer))
        self._end_if_unusable(call)
        return call

    def _end_if_unusable(self, call: Call) -> None:
        """Nobody's telephone is to ring for what could not be found again on the PBX."""
        if not is_nameable(call.interaction_id):
            call.is_ended = True
            self._desk.spawn(self._desk.end_unusable(call.interaction_id))

    def _hear_progress(self, leg: Leg) -> None:
        media = self._desk.options.callbacks.progress
        if media:
            self._desk.spawn(self._play_progress(self._desk.names.leg(leg.offer_id), media))

    async def _play_progress(self, channel_id: str, media: tuple[str, ...]) -> None:
        await self._orders.prompts.play(channel_id, media)

    def _answered(self, channel_id: str) -> None:
        call = self._desk.by_channel.get(channel_id)
        back = None if call is None else call.back
        if call is None or back is None or call.is_ended or call.channel_id != channel_id or back.state == "away":
            self._desk.spawn(self._switchboard.hang_up(channel_id))
        elif back.state == "dialling":
            back.state = "asking"
            call.is_up = True
            back.welcoming = self._desk.spawn(self._welcome(call, channel_id))

    async def _welcome(self, call: Call, channel_id: str) -> None:
        """Say who calls, and have the key pressed if one is needed.

        If the PBX does not answer, the comparison that follows finds them picked up and told nothing.
        """
        try:
            is_there = await self._greeting.is_somebody(channel_id, self._desk.options.callbacks)
        except BaseException:
            if call.back is not None and call.back.state == "asking" and call.channel_id == channel_id:
                call.back.state = "dialling"
            raise
        # Whoever is gone has said so by an event.
        if is_there:
            self._desk.in_lane(call, partial(self._meet, call, channel_id))

    async def _meet(self, call: Call, channel_id: str) -> None:
        """The customer is there. If no agent is any more, they wait as any caller does."""
        back = call.back
        if back is None or back.state != "asking" or call.channel_id != channel_id or call.is_ended or call.lost:
            return
        back.state = "there"
        if back.attempt:
            await self._arrive(call)
            return
        standing = self._standing(call.interaction_id)
        if standing is not None:
            self._notes.put(call.interaction_id, {REACHED: str(standing.attempts + 1)})
        for leg in call.live_legs():
            if leg.accepted and leg.state == "answered":
                await self._orders.prompts.hush(self._desk.names.leg(leg.offer_id))
                await self._orders.join(call, leg)
        if not call.is_talking:
            self._announcer.wait(call)

    async def _arrive(self, call: Call) -> None:
        """Tell the engine that the customer is there. What it wants then, it says: to let them wait, for a start."""
        back = call.back
        if back is None or call.is_ended or call.lost:
            return
        # Who cannot be noted, with too many attributes, is there all the same.
        if await self._note(call, REACHED) is not None:
            await self._desk.tell(NoteReached(self._desk.host.new_id(), call.interaction_id, back.attempt))

    async def _fail(self, call: Call, channel_id: str, reason: str) -> None:
        """This attempt has reached nobody. If the agent has left before, none was made, as far as the engine knows."""
        if call.is_ended or call.is_reached or call.channel_id != channel_id:
            return
        self._put_down(call)
        _log.debug("customer not reached", instance=self._desk.name, reason=reason, **call.keys)
        await self._tell_failed(call, reason)

    async def _tell_failed(self, call: Call, reason: str) -> None:
        attempt = 0 if call.back is None else call.back.attempt
        await self._desk.tell(FailCallback(self._desk.host.new_id(), call.interaction_id, reason, attempt))

    def _put_down(self, call: Call) -> None:
        """Nobody is being called any more."""
        if self._desk.by_channel.get(call.channel_id) is call:
            del self._desk.by_channel[call.channel_id]
        call.channel_id = ""
        call.lost = call.hangup_requested = call.is_up = False
        if call.back is not None:
            call.back.state = "away"


def _is_dialled(call: Call, channel_id: str) -> bool:
    """Whether the customer is still to be called on this channel."""
    return (
        call.back is not None and call.back.state == "dialling" and not call.is_ended and call.channel_id == channel_id
    )
