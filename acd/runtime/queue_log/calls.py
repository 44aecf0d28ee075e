"""What becomes of calls, as app_queue would tell it: from committed events to lines.

Owns which event is which line, and positions in the line. Must not know agents' presence, files, nor where events come
from. The same events give the same lines, always: that is how a line is found again after a crash.

Seconds are differences of whole seconds of the clock, as app_queue counts them.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection
from typing import Any, Final, Literal

from msgspec import Struct, field

from acd.core.messages import (
    ConsultMerged,
    CustomerReached,
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionDue,
    InteractionFailed,
    InteractionMoved,
    InteractionOverflowed,
    InteractionQueued,
    InteractionRelaxed,
    InteractionReprioritized,
    InteractionRequeued,
    InteractionScheduled,
    InteractionTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    QueueSettings,
)
from acd.core.ordering import key_us
from acd.ports.call_names import CallNames
from acd.ports.channel import KEY_REASON, TRANSFERRED_OUT
from acd.runtime.queue_log.layout import ENTERQUEUE, Line

CONTEXT: Final = "acd"
"""Stands where app_queue writes the dialplan's context into BLINDTRANSFER."""

OUTSIDE: Final = "outside"
"""Stands there for a number that is no queue's: it may be a person's, and is in no journal."""

_UNSTAFFED: Final = frozenset({"unstaffed", "queue-unstaffed"})
_RANG_OUT: Final = frozenset({"busy", "unreachable", "failed", "late", "recovered"})
"""Why an offer is revoked after which app_queue writes RINGNOANSWER; else RINGCANCELED."""

_US: Final = 1_000_000

NamesOf = Callable[[str], CallNames | None]
"""What the far end of a channel instance calls things; None if it says nothing of that."""

State = Literal["aside", "entering", "waiting", "talking", "passing", "elsewhere", "unreached"]


class Call(Struct):
    """One live call.

    `since_s`: when it entered the queue; `first`: its position then; `held_s`: how long it had waited when the agent
    answered, at `answered_s`. `offers`: agent and moment (µs) of those that are pending. `elsewhere`: handed on within
    a consult, after which app_queue tells nothing more. `is_back`: a callback; nothing is told of it while it is
    `unreached`: until its customer, who was called before any agent, is there.
    """

    id: str
    queue: str
    customer: str
    instance: str
    priority: int
    place_at_us: int
    order: int
    state: State = "entering"
    since_s: int = 0
    first: int = 0
    agent: str = ""
    answered_s: int = 0
    held_s: int = 0
    offers: dict[str, tuple[str, int]] = field(default_factory=dict)
    is_back: bool = False


class Calls:
    """All live calls of the channels that are told of."""

    def __init__(self, channels: Collection[str], names: NamesOf, calls: tuple[Call, ...] = (), order: int = 0) -> None:
        """`channels`: the kinds that are told of. `calls` and `order`: what `kept` and `order` were."""
        self.order = order
        self._channels = frozenset(channels)
        self._names = names
        self._calls = {call.id: call for call in calls}
        self._settings: dict[str, QueueSettings] = {}
        self._lines: dict[str, list[tuple[int, int]]] = {}
        self._told: list[Line] = []
        self._at_us = 0
        self._folds = self._table()

    @property
    def kept(self) -> tuple[Call, ...]:
        """All of them, to go on from."""
        return tuple(self._calls.values())

    def configure(self, queues: tuple[QueueSettings, ...]) -> None:
        """How those are ordered who wait."""
        self._settings = {queue.id: queue for queue in queues}
        self._lines.clear()
        for call in self._calls.values():
            if call.state == "waiting":
                insort(self._lines.setdefault(call.queue, []), self._key(call))

    def row(self, at_us: int, events: tuple[Event, ...]) -> list[Line]:
        """What one committed command's events are in the log."""
        self._told, self._at_us = [], at_us
        for event in events:
            fold = self._folds.get(type(event))
            if fold is not None:
                fold(event)
        # Only now: where a queue takes nobody, nobody has been in it, and app_queue does not tell of it.
        for call in map(self._about, events):
            if call is not None and call.state == "entering":
                self._enter(call)
        return self._told

    def _about(self, event: Event) -> Call | None:
        """The call that there is something to tell of."""
        call = self._calls.get(getattr(event, "interaction_id", ""))
        return None if call is None or call.state == "unreached" else call

    def _unreached(self, event: Event) -> Call | None:
        """The callback of which there is nothing to tell yet."""
        call = self._calls.get(getattr(event, "interaction_id", ""))
        return call if call is not None and call.state == "unreached" else None

    def _enter(self, call: Call) -> None:
        call.state, call.since_s = "waiting", self._at_us // _US
        insort(self._lines.setdefault(call.queue, []), self._key(call))
        call.first = self._position(call)
        self._tell(call, "", ENTERQUEUE, "", call.customer, call.first, customer=call.customer)

    # ---- events, in the order of a call's life

    def _queued(self, event: InteractionQueued) -> None:
        if event.channel not in self._channels or event.parent:
            return
        self.order += 1
        is_back = event.kind != "live"
        self._calls[event.interaction_id] = Call(
            event.interaction_id,
            event.queue,
            event.customer,
            event.instance,
            event.priority,
            event.place_at_us or self._at_us,
            self.order,
            "unreached" if is_back else "entering",
            is_back=is_back,
        )

    def _scheduled(self, event: InteractionScheduled) -> None:
        if call := self._about(event):
            self._hang_up(call)
            self._leave(call)
            call.state = "unreached" if call.is_back else "aside"

    def _due(self, event: InteractionDue) -> None:
        if call := self._calls.get(event.interaction_id):
            call.place_at_us, call.priority = event.place_at_us, event.priority
            call.state = "unreached" if call.is_back else "entering"

    def _reached(self, event: CustomerReached) -> None:
        if call := self._unreached(event):
            call.state = "entering"

    def _reprioritized(self, event: InteractionReprioritized | InteractionRelaxed) -> None:
        if unreached := self._unreached(event):
            unreached.priority = event.priority
        call = self._about(event)
        if call is None or call.state != "waiting":
            return
        self._leave(call)
        call.priority = event.priority
        insort(self._lines.setdefault(call.queue, []), self._key(call))

    def _relaxed(self, event: InteractionRelaxed) -> None:
        if event.applied:
            self._reprioritized(event)

    def _offered(self, event: OfferMade) -> None:
        if call := self._about(event):
            call.offers[event.offer_id] = (event.agent_id, self._at_us)

    def _rang_out(self, event: OfferDeclined | OfferExpired) -> None:
        self._offer_over(event, "RINGNOANSWER")

    def _revoked(self, event: OfferRevoked) -> None:
        self._offer_over(event, "RINGNOANSWER" if event.reason in _RANG_OUT else "RINGCANCELED")

    def _offer_over(self, event: OfferDeclined | OfferExpired | OfferRevoked, verb: str) -> None:
        call = self._about(event)
        offer = None if call is None else call.offers.pop(event.offer_id, None)
        if call is not None and offer is not None:
            agent, since_us = offer
            self._tell(call, agent, verb, (self._at_us - since_us) // 1_000)

    def _rescinded(self, event: OfferRescinded) -> None:
        if call := self._about(event):
            call.offers.pop(event.offer_id, None)

    def _accepted(self, event: OfferAccepted) -> None:
        call = self._about(event)
        if call is None:
            return
        self._leave(call)
        call.offers.pop(event.offer_id, None)
        call.state, call.agent, call.answered_s = "talking", event.agent_id, self._at_us // _US
        call.held_s = call.answered_s - call.since_s
        names = self._names(call.instance)
        leg = event.offer_id if names is None else names.leg(event.offer_id)
        self._tell(call, call.agent, "CONNECT", call.held_s, leg, event.rang_us // _US)

    def _requeued(self, event: InteractionRequeued) -> None:
        call = self._about(event)
        if call is not None and call.state in ("talking", "elsewhere"):
            self._talk_over(call, "COMPLETEAGENT")
            call.state = "entering"

    def _transferred(self, event: InteractionTransferred) -> None:
        """Whither is said by the InteractionMoved that follows."""
        call = self._about(event)
        if call is not None:
            call.agent = "" if call.state == "elsewhere" else call.agent
            call.state = "passing"

    def _moved(self, event: InteractionMoved) -> None:
        call = self._calls.get(event.interaction_id)
        if call is None:
            return
        if call.state == "waiting":
            self._exit(call, event.reason)
        elif call.state == "passing" and call.agent:
            self._talk_over(call, "BLINDTRANSFER", event.to_queue, CONTEXT)
        call.queue, call.place_at_us, call.priority = event.to_queue, event.place_at_us, event.priority
        if call.state != "unreached":
            call.state = "entering"

    def _merged(self, event: ConsultMerged) -> None:
        call = self._about(event)
        if call is None or call.state != "talking" or event.how != "transfer":
            return
        names = self._names(call.instance)
        where = call.id if names is None else names.talk(call.id)
        self._talk_over(call, "ATTENDEDTRANSFER", "BRIDGE", where)
        call.state = "elsewhere"

    # ---- ends

    def _completed(self, event: InteractionCompleted) -> None:
        call = self._calls.pop(event.interaction_id, None)
        if call is None or call.state != "talking":
            return
        if event.reason == TRANSFERRED_OUT:
            self._talk_over(call, "BLINDTRANSFER", OUTSIDE, CONTEXT)
        else:
            self._talk_over(call, "COMPLETECALLER" if event.by == "customer" else "COMPLETEAGENT")

    def _abandoned(self, event: InteractionAbandoned) -> None:
        self._given_up(event, "ABANDON")

    def _cancelled(self, event: InteractionCancelled) -> None:
        key = event.reason.removeprefix(KEY_REASON)
        if key == event.reason:
            self._given_up(event, "WITHDRAW", event.reason)
        else:
            self._given_up(event, "EXITWITHKEY", first=(key,))

    def _overflowed(self, event: InteractionOverflowed) -> None:
        self._given_up(event, _exit_verb(event.reason))

    def _failed(self, event: InteractionFailed) -> None:
        if call := self._about(event):
            self._hang_up(call)
        self._given_up(event, "WITHDRAW", event.reason)

    def _given_up(self, event: Event, verb: str, *more: str, first: tuple[str, ...] = ()) -> None:
        call = self._calls.pop(getattr(event, "interaction_id", ""), None)
        if call is not None and call.state == "waiting":
            self._out(call, verb, *more, first=first)

    # ---- lines

    def _exit(self, call: Call, reason: str) -> None:
        """Out of one queue, and into another one."""
        overdue = self._settings[call.queue].when_overdue if call.queue in self._settings else None
        if overdue is None or reason == (overdue.reason or "overdue") or reason in _UNSTAFFED:
            self._out(call, _exit_verb(reason))
        else:
            self._out(call, "WITHDRAW", reason)

    def _out(self, call: Call, verb: str, *more: str, first: tuple[str, ...] = ()) -> None:
        position = self._position(call)
        self._leave(call)
        self._tell(call, "", verb, *first, position, call.first, self._at_us // _US - call.since_s, *more)

    def _hang_up(self, call: Call) -> None:
        """The agent says that it is not the customer who has answered."""
        if call.state == "talking":
            self._talk_over(call, "COMPLETEAGENT")

    def _talk_over(self, call: Call, verb: str, *first: str) -> None:
        if call.agent:
            talked_s = self._at_us // _US - call.answered_s
            self._tell(call, call.agent, verb, *first, call.held_s, talked_s, call.first)
        call.agent = ""

    def _tell(self, call: Call, agent: str, verb: str, *data: str | int, customer: str = "") -> None:
        names = self._names(call.instance)
        # A callback is a call of its own, also where its id is made of the caller's.
        name = call.id if names is None or call.is_back else names.caller(call.id)
        texts = tuple(map(str, data))
        self._told.append(Line(self._at_us // _US, name, call.queue, agent, verb, texts, customer))

    # ---- places

    def _key(self, call: Call) -> tuple[int, int]:
        settings = self._settings.get(call.queue)
        return call.place_at_us if settings is None else key_us(settings, call.place_at_us, call.priority), call.order

    def _position(self, call: Call) -> int:
        return bisect_left(self._lines.get(call.queue, []), self._key(call)) + 1

    def _leave(self, call: Call) -> None:
        if call.state != "waiting":
            return
        line = self._lines.get(call.queue, [])
        place = bisect_left(line, self._key(call))
        if line[place : place + 1] == [self._key(call)]:
            del line[place]
        if not line:
            self._lines.pop(call.queue, None)

    def _table(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            InteractionQueued: self._queued,
            InteractionScheduled: self._scheduled,
            InteractionDue: self._due,
            CustomerReached: self._reached,
            InteractionReprioritized: self._reprioritized,
            InteractionRelaxed: self._relaxed,
            OfferMade: self._offered,
            OfferDeclined: self._rang_out,
            OfferExpired: self._rang_out,
            OfferRevoked: self._revoked,
            OfferRescinded: self._rescinded,
            OfferAccepted: self._accepted,
            InteractionRequeued: self._requeued,
            InteractionTransferred: self._transferred,
            InteractionMoved: self._moved,
            ConsultMerged: self._merged,
            InteractionCompleted: self._completed,
            InteractionAbandoned: self._abandoned,
            InteractionCancelled: self._cancelled,
            InteractionOverflowed: self._overflowed,
            InteractionFailed: self._failed,
        }


def _exit_verb(reason: str) -> str:
    return "EXITEMPTY" if reason in _UNSTAFFED else "EXITWITHTIMEOUT"
