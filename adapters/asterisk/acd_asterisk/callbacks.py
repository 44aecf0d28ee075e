"""Calls customers back: for agents who have accepted their callbacks, or before any agent is asked.

Dials, hears of the answer, and lets the two meet; or tells the engine that the customer is there, and waits.

Owns the customer's end of a callback until they are there; from then on it is a caller's like any other. Must not know
how telephones are dialled (`customer_line`, `orders`), nor when anybody is called again: attempts, pauses and hours are
the engine's.

Nobody is called twice for one offer: the channel's id follows from the offer, and that it was dialled is left as word
at the agent's channel, for whoever comes after this process. Where no agent is asked before, the id follows from the
attempt, and the word is left with the interaction. There who has been reached is noted, too.
"""

from functools import partial
from typing import Final

import structlog

from acd.core.messages import NoteReached
from acd.ports.channel import InteractionStanding
from acd_asterisk.adopt import KnownBack
from acd_asterisk.announcer import Announcer
from acd_asterisk.ari import AriClient
from acd_asterisk.call import Back, Call, Leg
from acd_asterisk.customer_line import DIALLED, CustomerLine, is_dialled, is_noted
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.dialling import reason_of
from acd_asterisk.greeting import Greeting
from acd_asterisk.happenings import CallerLeft, CustomerAnswered, CustomerGone, Happening
from acd_asterisk.mending import Keep
from acd_asterisk.names import attempt_of, is_nameable
from acd_asterisk.notes import Notes
from acd_asterisk.orders import Orders
from acd_asterisk.switchboard import Switchboard

NOTED: Final = "ACD_CALLED_BACK"
"""The variable of an agent's channel that says for which offer the customer has been dialled."""

REACHED: Final = "callback.reached"
"""The attribute of a callback that says at which attempt the customer was there."""

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
        self._line = CustomerLine(desk, client, switchboard)
        self.recall = self._line.recall
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
        standing = self._line.standing(interaction_id)
        if standing is None:
            return None
        try:
            return self._add(standing)
        except NotTaken:
            return None

    def is_back(self, interaction_id: str) -> bool:
        """Whether an interaction is a callback."""
        return self._line.standing(interaction_id) is not None

    def is_reached(self, interaction_id: str) -> bool:
        """Whether the customer was there at the present attempt, by anybody's word."""
        call, standing = self._desk.calls.get(interaction_id), self._line.standing(interaction_id)
        if call is not None and call.back is not None and call.back.state == "there":
            return True
        return standing is not None and dict(standing.attributes).get(REACHED) == str(standing.attempts + 1)

    def known(self, interaction_id: str) -> KnownBack:
        """What a comparison has to know of a callback."""
        standing = self._line.standing(interaction_id)
        return KnownBack(self.is_reached(interaction_id), 1 if standing is None else standing.attempts + 1)

    # ---- the customer's telephone

    async def dial(self, call: Call, leg: Leg) -> None:
        """Call the customer for an agent who has picked up and accepted. Twice is once."""
        back = call.back
        if back is None or back.state != "away" or call.is_ended:
            return
        back.attempt = 0
        channel_id = self._line.expect(call, back, leg.offer_id)
        endpoint = await self._line.endpoint(call, channel_id)
        if not endpoint:
            return
        self._hear_progress(leg)
        await self._switchboard.set_variables(self._desk.names.leg(leg.offer_id), {NOTED: leg.offer_id})
        if is_dialled(call, channel_id) and not await self._line.ring(call, channel_id, endpoint):
            await self._line.fail(call, channel_id, "unreachable")

    async def reach(self, call: Call) -> None:
        """Call the customer before any agent is asked, if the engine wants that now. Twice is once."""
        back, standing = call.back, self._line.standing(call.interaction_id)
        if back is None or back.state != "away" or call.is_ended or standing is None or standing.state != "reaching":
            return
        back.attempt = standing.attempts + 1
        channel_id = self._line.expect(call, back, attempt_of(call.interaction_id, back.attempt))
        endpoint = await self._line.endpoint(call, channel_id)
        if not endpoint:
            return
        noted = await self._line.note(call, DIALLED, back.attempt)
        if not is_dialled(call, channel_id):
            return
        if noted is None:
            self._line.put_down(call)  # The engine takes nothing at the moment: nobody is called without a word left.
        elif noted.refusal is not None:
            why, code = "nobody can be called back: no word can be left with the interaction", noted.refusal.code
            _log.warning(why, instance=self._desk.name, code=code, **call.keys)
            await self._line.fail(call, channel_id, "unreachable")
        elif not await self._line.ring(call, channel_id, endpoint, standing.due_us):
            await self._line.give_back(call, channel_id)

    async def spare(self, until_us: int) -> None:
        """The PBX is away: give back the turns that end before then, at which nobody could be called."""
        for wish in self._desk.host.desired():
            standing = self._line.standing(wish.interaction_id) if wish.state == "reaching" else None
            if standing is None or is_noted(standing) or not 0 < standing.due_us <= until_us:
                continue
            call = self._desk.calls.get(wish.interaction_id)
            if call is None or call.back is None or call.back.state == "away":
                await self._line.tell_uncalled(standing)

    async def rest(self, call: Call) -> None:
        """Nobody is to talk with the customer at the moment: whoever has not picked up is called another time."""
        back = call.back
        for leg in call.live_legs():
            if leg.accepted:
                await self._orders.part(call, leg.offer_id)
        if back is not None and back.state == "dialling":
            channel_id = call.channel_id
            self._line.put_down(call)
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
                    self._desk.in_lane(call, partial(self._line.fail, call, channel_id, reason_of(cause)))
            case CallerLeft(channel_id):
                call = self._desk.by_channel.get(channel_id)
                if call is not None and not call.is_reached:
                    reason = "no-key" if self._desk.options.callbacks.key else "hung-up"
                    self._desk.in_lane(call, partial(self._line.fail, call, channel_id, reason))
            case _:
                pass

    # ---- after a comparison

    def take_over(self, repair: Keep) -> Call:
        """What is known of a callback's call, by what was found. Raises `NotTaken`."""
        wish, channel = repair.desired, repair.channel
        call = self._desk.calls.get(wish.interaction_id)
        if call is None:
            standing = self._line.standing(wish.interaction_id)
            call = self._add(standing or InteractionStanding(wish.interaction_id, wish.state, ""))
        else:
            self._end_if_unusable(call)
        back = call.back
        if back is None:
            return call
        if wish.state == "reaching":
            standing = self._line.standing(wish.interaction_id)
            back.attempt = 1 if standing is None else standing.attempts + 1
        is_asked = call.is_asked and channel.id == call.channel_id
        if channel.id != call.channel_id:
            self._line.put_down(call)
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
        standing = self._line.standing(call.interaction_id)
        if standing is not None and standing.state == "reaching":
            within_us = self._desk.options.callbacks.reaches_within_us
            if is_noted(standing):
                await self._line.tell_failed(call, "lost")
            elif 0 < standing.due_us < self._desk.host.now_us() + within_us:
                await self._line.tell_uncalled(standing)  # They could not answer in time, and it would be an attempt.
            else:
                await self.reach(call)
            return
        for leg in call.live_legs():
            if leg.state == "answered" and leg.accepted:
                agents = self._desk.names.leg(leg.offer_id)
                if (await self._switchboard.variables(agents, (NOTED,))).get(NOTED) == leg.offer_id:
                    await self._line.tell_failed(call, "lost")
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
        call, standing = self._desk.calls.get(interaction_id), self._line.standing(interaction_id)
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
            call.beat_due = 0.0
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
        standing = self._line.standing(call.interaction_id)
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
        if await self._line.note(call, REACHED, back.attempt) is not None:
            await self._desk.tell(NoteReached(self._desk.host.new_id(), call.interaction_id, back.attempt))
