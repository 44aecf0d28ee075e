"""The customer's telephone in a callback: who is called, and where; dialled, given up, and what is said of it.

Owns the request, the words that are left of it, and that it is over. Must not know when anybody is called, nor what
follows when somebody answers: that is `callbacks`.
"""

from typing import Final

import structlog

from acd.core.messages import FailCallback, NoteInteraction, Outcome
from acd.errors import PersonalStoreError
from acd.ports.channel import InteractionStanding, Personal
from acd_asterisk.ari import AriClient, part
from acd_asterisk.call import Back, Call
from acd_asterisk.desk import Desk
from acd_asterisk.dialling import request_body
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import Party

DIALLED: Final = "callback.dialled"
"""The attribute of a callback that says for which attempt the customer has been dialled before any agent; 0: none."""

_CONFLICT: Final = 409

_log = structlog.get_logger(__name__)


class CustomerLine:
    """That of one PBX. What asks Asterisk raises `AriUnavailable`."""

    def __init__(self, desk: Desk, client: AriClient, switchboard: Switchboard) -> None:
        """Nobody is called."""
        self._desk = desk
        self._client = client
        self._switchboard = switchboard

    # ---- what the engine knows

    def standing(self, interaction_id: str) -> InteractionStanding | None:
        """How a callback stands; None for what is no callback."""
        standing = self._desk.host.interaction(interaction_id)
        return standing if standing is not None and standing.kind == "callback" else None

    async def note(self, call: Call, name: str, attempt: int) -> Outcome | None:
        """Leave word with the interaction of what has been done at this attempt; None if that was not taken."""
        return await self._desk.tell(
            NoteInteraction(self._desk.host.new_id(), call.interaction_id, ((name, str(attempt)),))
        )

    async def tell_failed(self, call: Call, reason: str) -> None:
        """The customer was called, and not reached."""
        attempt = 0 if call.back is None else call.back.attempt
        await self._desk.tell(FailCallback(self._desk.host.new_id(), call.interaction_id, reason, attempt))

    async def tell_uncalled(self, standing: InteractionStanding) -> None:
        """Nobody could call the customer at the present attempt, which is none."""
        failed = FailCallback(
            self._desk.host.new_id(), standing.interaction_id, "unreachable", standing.attempts + 1, called=False
        )
        await self._desk.tell(failed)

    # ---- the customer's telephone

    async def recall(self, call: Call) -> bool:
        """Find out who is to be called, for the agent's telephone to show; False when nobody says so.

        Each time anew until they are there: they may have been erased, or be known better by now.
        """
        back, standing = call.back, self.standing(call.interaction_id)
        if back is None or (call.is_reached and call.party.number):
            return True
        customer = back.customer if standing is None else standing.customer
        if not customer:
            return True
        try:
            person = await self._desk.host.recall(customer) or Personal()
        except PersonalStoreError:
            _log.warning("the personal store does not say who is to be called back", instance=self._desk.name)
            return False
        call.party = Party(person.name, person.number)
        return True

    def expect(self, call: Call, back: Back, named_by: str) -> str:
        """Be ready for what happens at the customer's end: events may come before the answer. Returns the channel."""
        back.state = "dialling"
        channel_id = call.channel_id = self._desk.names.back(named_by)
        call.lost = call.hangup_requested = call.is_up = False
        self._desk.by_channel[channel_id] = call
        return channel_id

    async def endpoint(self, call: Call, channel_id: str) -> str:
        """Where the customer is dialled; empty if nowhere, or if it is over meanwhile: then all is said."""
        says_who = await self.recall(call)
        if not is_dialled(call, channel_id):
            return ""
        endpoint = self._desk.options.callbacks.endpoint(call.party.number)
        if not (endpoint or says_who) and call.back is not None and call.back.attempt:
            await self.give_back(call, channel_id)
        elif not endpoint:
            _log.warning(
                "nobody can be called back: no number that may be dialled", instance=self._desk.name, **call.keys
            )
            await self.fail(call, channel_id, "no-number")
        return endpoint

    async def ring(self, call: Call, channel_id: str, endpoint: str, until_us: int = 0) -> bool:
        """Have it ring, until this moment of the engine's time at most, if it is not 0. False: the PBX does not."""
        left_seconds = (until_us - self._desk.host.now_us()) / 1e6 if until_us else None
        body = request_body(self._desk.options, endpoint, left_seconds)
        answer = await self._client.request("POST", f"channels/{part(channel_id)}", body)
        _log.debug("customer dialled", instance=self._desk.name, status=answer.status, **call.keys)
        if not answer.is_success and answer.status != _CONFLICT:
            why = "nobody can be called back: the PBX does not dial"
            _log.warning(why, instance=self._desk.name, status=answer.status, **call.keys)
            return False
        if call.is_ended or call.channel_id != channel_id:
            await self._switchboard.hang_up(channel_id)  # It is over, and was when nothing could be hung up yet.
        return True

    async def fail(self, call: Call, channel_id: str, reason: str) -> None:
        """This attempt has reached nobody. If the agent has left before, none was made, as far as the engine knows."""
        if self._give_up(call, channel_id, reason):
            await self.tell_failed(call, reason)

    async def give_back(self, call: Call, channel_id: str) -> None:
        """Nobody could be called at this attempt, for which they were noted."""
        standing = self.standing(call.interaction_id)
        if self._give_up(call, channel_id, "uncalled") and standing is not None:
            await self.note(call, DIALLED, 0)
            await self.tell_uncalled(standing)

    def put_down(self, call: Call) -> None:
        """Nobody is being called any more."""
        if self._desk.by_channel.get(call.channel_id) is call:
            del self._desk.by_channel[call.channel_id]
        call.channel_id = ""
        call.lost = call.hangup_requested = call.is_up = False
        if call.back is not None:
            call.back.state = "away"

    def _give_up(self, call: Call, channel_id: str, reason: str) -> bool:
        if call.is_ended or call.is_reached or call.channel_id != channel_id:
            return False
        self.put_down(call)
        _log.debug("customer not reached", instance=self._desk.name, reason=reason, **call.keys)
        return True


def is_dialled(call: Call, channel_id: str) -> bool:
    """Whether the customer is still to be called on this channel."""
    return (
        call.back is not None and call.back.state == "dialling" and not call.is_ended and call.channel_id == channel_id
    )


def is_noted(standing: InteractionStanding) -> bool:
    """Whether the customer may have been dialled at the present attempt."""
    return dict(standing.attributes).get(DIALLED) == str(standing.attempts + 1)
