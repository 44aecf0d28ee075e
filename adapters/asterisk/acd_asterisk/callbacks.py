"""Calls customers back for agents who have accepted their callbacks: dials, hears of the answer, lets the two meet.

Owns the customer's end of a callback until they are there; from then on it is a caller's like any other. Must not know
how agents are rung, nor when anybody is called again: attempts, pauses and hours are the engine's.

Nobody is called twice for one offer: the channel's id follows from the offer, and that it was dialled is left as word
at the agent's channel, for whoever comes after this process. Who has been reached is noted with the interaction.
"""

from functools import partial
from typing import Final

import structlog

from acd.core.messages import FailCallback, LeaveInteraction
from acd.errors import PersonalStoreError
from acd.ports.channel import InteractionStanding, Personal
from acd_asterisk.announcer import Announcer
from acd_asterisk.ari import AriClient, part
from acd_asterisk.call import Back, Call, Leg
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.happenings import CallerLeft, CustomerAnswered, CustomerGone, Happening
from acd_asterisk.mending import Keep
from acd_asterisk.names import is_nameable
from acd_asterisk.notes import Notes
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import Question
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import Party

NOTED: Final = "ACD_CALLED_BACK"
"""The variable of an agent's channel that says for which offer the customer has been dialled."""

REACHED: Final = "callback.reached"
"""The attribute of a callback that says at which attempt the customer was there."""

LONGEST_PROMPT_SECONDS: Final = 60.0

_CONFLICT: Final = 409

_REASONS: Final = {1: "unknown-number", 17: "busy", 21: "rejected", 22: "unknown-number", 28: "unknown-number"}
_NO_ANSWER: Final = frozenset({0, 16, 18, 19})
"""Causes of a call that has rung until somebody gave it up, we or the network."""

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
        back.state = "dialling"
        channel_id = call.channel_id = self._desk.names.back(leg.offer_id)
        call.lost = call.hangup_requested = call.is_up = False
        self._desk.by_channel[channel_id] = call
        await self.recall(call)
        if not _is_dialled(call, channel_id):
            return  # The agent has gone meanwhile.
        endpoint = self._desk.options.callbacks.endpoint(call.party.number)
        if not endpoint:
            _log.warning(
                "nobody can be called back: no number that may be dialled", instance=self._desk.name, **call.keys
            )
            await self._fail(call, channel_id, "no-number")
            return
        self._hear_progress(leg)
        await self._switchboard.set_variables(self._desk.names.leg(leg.offer_id), {NOTED: leg.offer_id})
        if not _is_dialled(call, channel_id):
            return
        answer = await self._client.request("POST", f"channels/{part(channel_id)}", self._body(endpoint))
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
                    reason = "no-answer" if cause in _NO_ANSWER else _REASONS.get(cause, "unreachable")
                    self._desk.in_lane(call, partial(self._fail, call, channel_id, reason))
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
        """An agent waits, and nobody is called. If somebody was for this agent, they have not been reached."""
        for leg in call.live_legs():
            if leg.state == "answered" and leg.accepted:
                agents = self._desk.names.leg(leg.offer_id)
                if (await self._switchboard.variables(agents, (NOTED,))).get(NOTED) == leg.offer_id:
                    await self._tell_failed(call.interaction_id, "lost")
                else:
                    await self._orders.join(call, leg)
                return

    def welcome(self, call: Call) -> None:
        """The customer has picked up meanwhile."""
        self._answered(call.channel_id)

    def is_forgotten(self, interaction_id: str) -> bool:
        """Whether an agent waits for the customer, and nobody is asking the customer anything."""
        call = self._desk.calls.get(interaction_id)
        if call is None or call.is_reached or call.is_asked:
            return False
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

    def _body(self, endpoint: str) -> dict[str, object]:
        options = self._desk.options
        body: dict[str, object] = {
            "endpoint": endpoint,
            "app": options.app,
            "appArgs": "callback",
            "timeout": -(-options.callbacks.ring_us // 1_000_000),
        }
        if options.callbacks.caller_id:
            body["callerId"] = options.callbacks.caller_id
        return body

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
            is_there = await self._is_somebody(channel_id)
        except BaseException:
            if call.back is not None and call.back.state == "asking" and call.channel_id == channel_id:
                call.back.state = "dialling"
            raise
        # Whoever is gone has said so by an event.
        if is_there:
            self._desk.in_lane(call, partial(self._meet, call, channel_id))

    async def _is_somebody(self, channel_id: str) -> bool:
        options = self._desk.options.callbacks
        if options.key:
            return await self._has_pressed(channel_id)
        prompts = self._orders.prompts
        played = await prompts.play(channel_id, options.prompt, longest_seconds=LONGEST_PROMPT_SECONDS)
        return played != "gone"

    async def _has_pressed(self, channel_id: str) -> bool:
        """Whether it is somebody; a voicemail is hung up."""
        options = self._desk.options.callbacks
        question = Question(media=options.prompt, first_seconds=options.answer_us / 1e6)
        for _ in range(options.tries):
            answer = await self._orders.prompts.ask(channel_id, question)
            if answer.end == "gone" or answer.keys == options.key:
                return answer.end != "gone"
        await self._switchboard.hang_up(channel_id)
        return False

    async def _meet(self, call: Call, channel_id: str) -> None:
        """The customer is there. If no agent is any more, they wait as any caller does."""
        back = call.back
        if back is None or back.state != "asking" or call.channel_id != channel_id or call.is_ended or call.lost:
            return
        back.state = "there"
        standing = self._standing(call.interaction_id)
        if standing is not None:
            self._notes.put(call.interaction_id, {REACHED: str(standing.attempts + 1)})
        for leg in call.live_legs():
            if leg.accepted and leg.state == "answered":
                await self._orders.prompts.hush(self._desk.names.leg(leg.offer_id))
                await self._orders.join(call, leg)
        if not call.is_talking:
            self._announcer.wait(call)

    async def _fail(self, call: Call, channel_id: str, reason: str) -> None:
        """This attempt has reached nobody. If the agent has left before, none was made, as far as the engine knows."""
        if call.is_ended or call.is_reached or call.channel_id != channel_id:
            return
        self._put_down(call)
        _log.debug("customer not reached", instance=self._desk.name, reason=reason, **call.keys)
        await self._tell_failed(call.interaction_id, reason)

    async def _tell_failed(self, interaction_id: str, reason: str) -> None:
        """The engine sets aside what one agent has: advisers who were brought in meanwhile leave before."""
        wish = self._desk.host.wish(interaction_id)
        for _, agent_id in () if wish is None or wish.state != "connected" else wish.others:
            await self._desk.tell(LeaveInteraction(self._desk.host.new_id(), interaction_id, agent_id, reason))
        await self._desk.tell(FailCallback(self._desk.host.new_id(), interaction_id, reason))

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
