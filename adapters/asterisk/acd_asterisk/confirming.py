"""Press 1 to accept: who picks up a telephone of some addresses has not accepted before a key says so.

Owns the question and what comes of the answer. Must not know which addresses these are (`options.confirm`), nor how an
offer is accepted. A voicemail that picks up hears the question, presses nothing, and never gets a caller: the offer
ends by its time, as one that nobody answered.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final

from acd.core.messages import DeclineOffer
from acd_asterisk.call import Call, Leg
from acd_asterisk.desk import Desk
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import Question

MAX_TIMES: Final = 100
"""How often the question is put, if the engine never takes the offer back."""

GAP_SECONDS: Final = 2.0
"""From the end of the question to its beginning."""

MAX_CONFIRMED: Final = 1_000
"""Offers that are remembered as accepted by key."""


class Confirming:
    """The questions that are put to agents of one PBX."""

    def __init__(self, desk: Desk, orders: Orders) -> None:
        """Nobody is asked."""
        self._desk = desk
        self._orders = orders
        self._asked: dict[str, Leg] = {}
        """By offer: the leg that the answer counts for. After a comparison it is another one."""
        self._confirmed: OrderedDict[str, None] = OrderedDict()
        """Offers whose agents have pressed the key: they are not asked again."""

    def is_needed(self, leg: Leg) -> bool:
        """Whether picking up is not enough."""
        if leg.offer_id in self._confirmed:
            return False
        options = self._desk.options
        address = self._desk.host.address(leg.agent_id, "voice")
        return options.confirm.is_needed(options.phones.agents.get(leg.agent_id), address)

    def begin(self, leg: Leg, confirmed: Callable[[Call, Leg], None]) -> None:
        """Ask; `confirmed` is called when the right key is pressed. Asked already: the answer counts for this leg."""
        leg.state = "confirming"
        is_new = leg.offer_id not in self._asked
        self._asked[leg.offer_id] = leg
        if is_new:
            self._desk.spawn(self._ask(leg.offer_id, confirmed))

    async def _ask(self, offer_id: str, confirmed: Callable[[Call, Leg], None]) -> None:
        """Whose call it is says the answer's moment: an adviser may have been brought in to the customer meanwhile."""
        options = self._desk.options.confirm
        question = Question(media=options.prompt, most=1, first_seconds=GAP_SECONDS)
        channel_id = self._desk.names.leg(offer_id)
        try:
            for _ in range(MAX_TIMES):
                answer = await self._orders.prompts.ask(channel_id, question)
                if answer.end == "gone" or self._asked[offer_id].state != "confirming":
                    return
                if answer.keys == options.accept:
                    self._note(offer_id)
                    if (found := self._desk.find(offer_id)) is not None:
                        confirmed(*found)
                    return
                if answer.keys == options.decline:
                    break
            if (found := self._desk.find(offer_id)) is not None:
                self._desk.in_lane(found[0], partial(self._decline, *found))
        finally:
            del self._asked[offer_id]

    async def _decline(self, call: Call, leg: Leg) -> None:
        if leg.state != "confirming" or call.is_ended:
            return
        await self._orders.end_leg(leg)
        if leg.accepted:
            # At the desk, while the telephone rang: the caller waits again.
            await self._orders.lose_leg(call, leg)
        else:
            await self._desk.tell(DeclineOffer(self._desk.host.new_id(), leg.offer_id, leg.agent_id))

    def _note(self, offer_id: str) -> None:
        self._confirmed[offer_id] = None
        if len(self._confirmed) > MAX_CONFIRMED:
            self._confirmed.popitem(last=False)
