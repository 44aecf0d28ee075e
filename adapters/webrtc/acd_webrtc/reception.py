"""What customers do about calls: begin one, come back to it, leave.

Owns what may be done, and within which limits. Must not know sockets, nor what happens between the two ends.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final

from acd.core.messages import EndInteraction, EnqueueInteraction
from acd.errors import AcdError
from acd.ports.channel import ChannelHost
from acd.ports.continuing import CALLED_REASON, Origin
from acd.ports.pages import Claimed
from acd.runtime.log import Logger
from acd_webrtc.allowance import Allowance
from acd_webrtc.continuing import UNAVAILABLE, Continuing, From, Refused
from acd_webrtc.exchange import LOST, Exchange
from acd_webrtc.lines import Line, Lines
from acd_webrtc.messages import Begin, CallTold
from acd_webrtc.options import SECOND_US, WebrtcOptions
from acd_webrtc.pages import CustomerPage
from acd_webrtc.translate import PAGE_ATTRIBUTE, interaction_id

HOUR_US: Final = 3_600 * SECOND_US
MAX_VISITORS: Final = 20_000
"""Visitors whose calls are counted; whoever has not called for longest is forgotten first."""

LEFT: Final = "left"

_log = Logger(__name__)


_TOO_MANY: Final = Refused("too-many-calls", "Too many customers call at the moment; try again later.")
_CROWDED: Final = Refused("too-many-calls", "Too many calls come from this address; try again later.")
_TOO_OFTEN: Final = Refused("too-often", "This visitor has called too often; try again later.")
_ELSEWHERE: Final = Refused("call-active", "This visitor is in a call already; end that one first.")
_NO_TICKET: Final = Refused("no-ticket", "continues: say hello with a ticket of this conversation's first.")


class Reception:
    """All calls of one channel, for those who make them."""

    def __init__(
        self, name: str, options: WebrtcOptions, lines: Lines, exchange: Exchange, host: Callable[[], ChannelHost]
    ) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._options = options
        self._lines = lines
        self._exchange = exchange
        self._host = host
        self._begun: OrderedDict[str, Allowance] = OrderedDict()
        self._origins: OrderedDict[str, Origin] = OrderedDict()
        self._tasks: set[asyncio.Task[Refused | None]] = set()
        self.continuing = Continuing(host)

    def comes_from(self, origin: Origin) -> None:
        """The visitor has shown a ticket, and is about to call."""
        self._origins[origin.visitor] = origin
        self._origins.move_to_end(origin.visitor)
        if len(self._origins) > MAX_VISITORS:
            self._origins.popitem(last=False)

    async def begin(self, page: CustomerPage, wanted: Begin) -> Refused | None:
        """A new call, or the one that was begun with this key. Raises `ChannelError`."""
        queue = wanted.queue or self._options.queues[0]
        if queue not in self._options.queues and not wanted.continues:
            return Refused("unknown-queue", "queue: is none that this page may ask for; leave it out.")
        call_id = interaction_id(page.visitor, wanted.id)
        living = self._lines.of_visitor(page.visitor)
        if living is not None and living.beginning:
            # Another page of theirs was faster; what comes of that decides.
            await living.settled.wait()
            living = self._lines.of_visitor(page.visitor)
        if living is not None and living.id != call_id:
            return _ELSEWHERE
        if living is not None or self._is_known(call_id):
            self.resume(page, wanted.id)
            return None
        if len(self._lines) >= self._options.calls:
            return _TOO_MANY
        if self._options.per_address and self._lines.of_address[page.address] >= self._options.per_address:
            return _CROWDED
        origin = self._origins.get(page.visitor) if wanted.continues else None
        if wanted.continues and (origin is None or (origin.conversation, origin.key) != (wanted.continues, wanted.id)):
            return _NO_TICKET
        if origin is None and not self._may_begin(page.visitor):
            return _TOO_OFTEN
        claimed = Claimed(wanted.name, wanted.number)
        line = Line(call_id, page.visitor, wanted.id, address=page.address, claimed=claimed, beginning=True)
        self._lines.add(line)
        task = asyncio.create_task(self._begin_call(page, line, queue, wanted, origin), name="beginning a call")
        self._tasks.add(task)
        task.add_done_callback(self._begins_no_more)
        return await asyncio.shield(task)

    def resume(self, page: CustomerPage, key: str) -> None:
        """The page has come back to the call that it began with this key; without one it has none."""
        if not key:
            return
        host, call_id = self._host(), interaction_id(page.visitor, key)
        line = self._lines.get(call_id)
        wish = host.wish(call_id)
        if line is None and wish is not None and not self._lines.why(call_id):
            # The engine has been started anew, and knows of the call before it has been compared.
            line = Line(call_id)
            self._lines.add(line)
            self._exchange.heal(line, wish)
        if line is None:
            standing = host.interaction(call_id)
            reason = self._lines.why(call_id) or (standing.reason if standing is not None else "")
            page.tell(CallTold(call_id, key, "over", reason=reason or LOST))
            return
        if line.beginning:
            return  # what comes of it is told to the page that has asked
        self._lines.known(line, page.visitor, key)
        self._exchange.customer_came(line, page)

    async def leave(self, page: CustomerPage) -> None:
        """The customer hangs up. Raises `ChannelError`, or what the engine raises: then it is to be said again."""
        line, host = page.line, self._host()
        if line is not None:
            line.why = LEFT
            await host.submit(EndInteraction(host.new_id(), line.id, by="customer", reason=LEFT))

    async def _begin_call(
        self, page: CustomerPage, line: Line, queue: str, wanted: Begin, origin: Origin | None
    ) -> Refused | None:
        """A new call. It begins also when its page is gone meanwhile, which may come back to it."""
        try:
            refusal = await self._ask(line, queue, wanted, origin)
        except BaseException:
            self._lines.drop(line)
            raise
        finally:
            line.beginning = False
            line.settled.set()
        if refusal is not None:
            self._lines.drop(line)
        elif page.ended.done():
            line.gone_us = self._exchange.now_us()
        elif self._lines.get(line.id) is line:
            self._exchange.customer_came(line, page)
        else:
            self.resume(page, wanted.id)  # it has ended already
        return refusal

    def _begins_no_more(self, task: "asyncio.Task[Refused | None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, if only here: whoever asked may be gone.

    async def _ask(self, line: Line, queue: str, wanted: Begin, origin: Origin | None) -> Refused | None:
        """For an agent: any, or as the conversation says from which the customer comes."""
        if origin is not None:
            return await self.continuing.begin(origin, line.id, partial(self._go_on, line))
        attributes = tuple((PAGE_ATTRIBUTE + name, text) for name, text in sorted(wanted.attributes.items()))
        return await self._enqueue(line, From(queue, line.visitor, attributes, "", "", 0))

    async def _go_on(self, line: Line, found: From) -> Refused | None:
        """Counted only now: while an agent is being asked, a page tries again every second."""
        return await self._enqueue(line, found) if self._may_begin(line.visitor) else _TOO_OFTEN

    async def _enqueue(self, line: Line, found: From) -> Refused | None:
        host = self._host()
        command = EnqueueInteraction(
            host.new_id(),
            line.id,
            self._options.media,
            found.queue,
            found.requirement,
            priority=found.priority,
            attributes=found.attributes,
            customer=found.customer,
            instance=self._name,
            preferred_agent=found.preferred,
            place_of=found.place_of,
            end_reason=CALLED_REASON if found.place_of else "",
        )
        try:
            outcome = await host.submit(command)
        except AcdError as error:
            # It may have been carried out: then the comparison that follows says that nobody is there.
            _log.warning("a call could not begin", instance=self._name, error=type(error).__name__)
            host.request_reconcile()
            return UNAVAILABLE
        if outcome.refusal is not None:
            return Refused(outcome.refusal.code, "Nobody can be reached here at the moment; try again later.")
        return None

    def _is_known(self, call_id: str) -> bool:
        """Whether there is, or was, such a call: then nothing begins."""
        host = self._host()
        return bool(self._lines.why(call_id)) or host.interaction(call_id) is not None or host.wish(call_id) is not None

    def _may_begin(self, visitor: str) -> bool:
        most = self._options.per_visitor
        allowance = self._begun.setdefault(visitor, Allowance(most, period_us=HOUR_US // most))
        self._begun.move_to_end(visitor)
        if len(self._begun) > MAX_VISITORS:
            self._begun.popitem(last=False)
        return allowance.take(self._exchange.now_us())
