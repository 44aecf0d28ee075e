"""Putting customers' and agents' pages through to each other: who is at which end, and what signalling wants done.

Owns talks: when one begins and ends, what its pages are told, and what the engine is told of it. Must not know how
pages' texts travel, nor how a call begins (`reception`) or why agents are chosen (the engine).
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from acd.core.messages import Command, EndInteraction, HoldWork, ResumeWork, SupervisionMode
from acd.errors import AcdError
from acd.ports.channel import AgentStanding, ChannelHost, Desired
from acd.ports.pages import Ending, Heard
from acd.runtime.log import Logger
from acd_webrtc import advising, conferring, watching
from acd_webrtc.besides import Besides, is_hello
from acd_webrtc.lines import Line, Lines, Talk
from acd_webrtc.messages import CallTold, IceTold, Sampled, Signal, SignalTold, State, TalkTold
from acd_webrtc.options import WebrtcOptions
from acd_webrtc.pages import AgentPage, CustomerPage, PageBase, SupervisorPage
from acd_webrtc.quality import Sample
from acd_webrtc.recording.recorder import Recorder
from acd_webrtc.signalling import NORMAL, REPLACED, Call, Close, Ended, Send, Step
from acd_webrtc.translate import end_of_talk, heard
from acd_webrtc.turn import IceServer, TurnServer, ice_servers

LOST: Final = "lost"
"""Why a call is over of which nobody knows any more."""

_REPLACED: Final = Ending(REPLACED, "replaced", "Another page has taken this one's place; do not connect again.")
_WORDS: Final = {4400: "malformed", REPLACED: "replaced", 4429: "too-fast"}

_log = Logger(__name__)


class Exchange:
    """One channel's. Everything but `signal` and `tick` returns at once."""

    def __init__(
        self,
        name: str,
        options: WebrtcOptions,
        lines: Lines,
        host: Callable[[], ChannelHost],
        turn: Callable[[], TurnServer | None],
    ) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._options = options
        self._lines = lines
        self._host = host
        self._turn = turn
        self._now_us = 0
        self.recorder = Recorder(name, options.recording, host)
        self._besides = Besides(options, self.now_us, turn)
        self.ends: dict[str, int] = {}
        """How many talks have ended, by why."""

    def now_us(self) -> int:
        """The engine's time, which does not go back here. Without an engine it stands still."""
        with suppress(AcdError):
            self._now_us = max(self._now_us, self._host().now_us())
        return self._now_us

    # ---- who is there

    def customer_came(self, line: Line, page: CustomerPage) -> None:
        """The customer's page; it takes the place of any other."""
        before, line.customer, line.gone_us = line.customer, page, None
        page.line = line
        line.place = None  # as far as this page has been told
        if before is not None and before is not page:
            before.end(_REPLACED)
        self._tell_customer(line)
        self._tell_talk(line, page)
        self._besides.came(line, page)

    def agent_came(self, line: Line, page: AgentPage) -> None:
        """The page of an agent who is asked, or talks."""
        before, line.agents[page.agent_id] = line.agents.get(page.agent_id), page
        page.line = line
        if before is not None and before is not page:
            before.end(_REPLACED)
        page.tell(CallTold(line.id, "", self._state(line, page)))
        self._tell_talk(line, page)
        self._besides.came(line, page)

    def adviser_came(self, line: Line, page: AgentPage) -> None:
        """The page of an agent who is asked for advice."""
        before = advising.came(line, page)
        if before is not None:
            before.end(_REPLACED)
        self._besides.came(line, page)

    def supervisor_came(self, line: Line | None, page: SupervisorPage) -> None:
        """The page of somebody who supervises; nobody but them has been told."""
        if line is None or not watching.came(line, page):
            page.end(watching.OVER)
            return
        self._look_after(line)
        self._besides.came(line, page)

    def parted(self, page: SupervisorPage) -> None:
        """They have left."""
        if page.line is not None:
            self.supervise(page.line, page.supervisor_id, "off")

    def supervise(self, line: Line, agent_id: str, mode: SupervisionMode) -> None:
        """Have somebody hear the call, be heard in it, or leave it. Raises `ChannelError`."""
        watching.order(line, agent_id, mode, self.now_us())
        self._look_after(line)

    def left(self, page: PageBase) -> None:
        """A page's socket is gone. Idempotent."""
        line, page.line = page.line, None
        if line is None:
            return
        if line.customer is page:
            line.customer, line.gone_us = None, self.now_us()
        for agent_id in [agent_id for agent_id, each in line.agents.items() if each is page]:
            del line.agents[agent_id]
        if isinstance(page, SupervisorPage):
            watching.left(line, page, self.now_us())
        elif isinstance(page, AgentPage):
            advising.left(line, page)
        self._besides.left(line, page)
        if line.talk is not None and (link := line.talk.dropped(page)) is not None:
            self._carry_out(line.talk, line.talk.call.disconnected(link, now_us=self.now_us()))

    # ---- what the engine wants

    def heal(self, line: Line, wish: Desired) -> None:
        """Have the call stand as it should."""
        line.ringing = dict(wish.ringing())
        line.talking = wish.offers() if wish.state == "connected" else {}
        self.settle(line)

    def settle(self, line: Line) -> None:
        """Have those hear each other who should, and nobody else; tell every page how the call stands."""
        wanted = next(iter(line.talking.items()), None)
        talk = line.talk
        if talk is not None and (wanted is None or talk.offer_id != wanted[0]):
            self._end_talk(line)
        if wanted is not None and line.talk is None:
            line.talk = Talk(*wanted, Call(now_us=self.now_us(), limits=self._options.limits))
            self.recorder.began(line)
            for page in (line.customer, line.agents.get(wanted[1])):
                if page is not None:
                    self._tell_talk(line, page)
        self._tell_customer(line)
        there = {*line.ringing.values(), *line.talking.values()}
        for agent_id, page in tuple(line.agents.items()):
            state = self._state(line, page)
            page.tell(CallTold(line.id, "", state))
            if agent_id not in there:
                page.over("left")
        advising.tell(line)
        self._look_after(line)

    def end(self, line: Line, reason: str) -> tuple[Heard, ...]:
        """The call is over. Returns how well both sides heard each other."""
        reason = line.why or reason or LOST
        self._end_talk(line)
        self._lines.drop(line, reason)
        line.advice.clear()
        advising.tell(line)
        self._look_after(line)
        for page in tuple(line.agents.values()):
            page.tell(CallTold(line.id, "", "over", reason=reason))
            page.over(reason)
        if line.customer is not None:
            line.customer.tell(CallTold(line.id, line.key, "over", reason=reason))
            line.customer.line = None
            line.customer = None
        return self.heard(line)

    def heard(self, line: Line) -> tuple[Heard, ...]:
        """How well both sides have heard each other so far."""
        return tuple(heard(side, quality.figures()) for side, quality in line.quality.items())

    def follow(self, standing: AgentStanding) -> None:
        """Whether the agent holds customers is said over the API, too."""
        states = dict(standing.work)
        for line in self._lines:
            held, agent_id = states.get(line.id) == "held", standing.agent_id
            if not line.holding and held != (agent_id in line.held):
                (line.held.add if held else line.held.discard)(agent_id)
                self._look_after(line)

    # ---- what pages say

    async def signal(self, page: PageBase, said: Signal) -> None:
        """A text of signalling. One of a talk that is over is passed over: the page has been told, or will be."""
        line = page.line
        talk = None if line is None else line.talk
        if line is None or talk is None or talk.id != said.talk or not talk.is_end(page):
            if line is not None:
                self._besides.signal(line, page, said)
            return
        call, text, held = talk.call, bytes(said.text), talk.call.held
        link = talk.link_of.get(page)
        if link is not None and is_hello(text):
            # The page begins anew on the same socket.
            talk.dropped(page)
            call.disconnected(link, now_us=self.now_us())
            link = None
        if link is None:
            link, steps = call.connect(page.side, text, now_us=self.now_us())
            talk.connected(page, link)
        else:
            steps = call.receive(link, text, now_us=self.now_us())
        ended = self._carry_out(talk, steps)
        if call.held != held:
            (line.held.add if call.held else line.held.discard)(talk.agent_id)
            self._hold(line)
            await self._tell_hold(line, talk, held=not held)
        if ended:
            await self._tell_end(line, talk)

    def sampled(self, page: PageBase, said: Sampled) -> None:
        """How a page has heard the other. What comes too often is passed over."""
        line = page.line
        if line is None or line.talk is None or line.talk.id != said.talk or not line.talk.is_end(page):
            return
        sample = Sample(
            self.now_us(),
            said.packets_received,
            said.packets_lost,
            said.jitter,
            said.round_trip_time,
            said.packets_discarded,
            said.jitter_buffer_delay,
            said.jitter_buffer_emitted_count,
        )
        try:
            line.quality[page.side].add(sample)
        except ValueError:
            return

    def tell_servers(self, page: PageBase, leg: str = "") -> None:
        """New credentials, for whoever is in a talk: nobody else is to have a relay, for nothing."""
        if page.line is not None and leg:
            self._besides.tell_servers(page.line, page, leg)
            return
        talk = None if page.line is None else page.line.talk
        if page.line is not None and talk is not None and talk.is_end(page):
            page.tell(IceTold(self._servers(page.line, page), self._options.relay_only))

    async def tick(self, line: Line) -> None:
        """Time has passed."""
        self._besides.tick(line)
        if line.watches:
            self._look_after(line)
        for command in (*advising.lost(line, self._host().new_id), *conferring.lost(line, self._host().new_id)):
            await self._submit(command)
        talk = line.talk
        if talk is None:
            return
        due_us = talk.call.next_deadline_us
        if due_us is not None and due_us <= self.now_us():
            self._carry_out(talk, talk.call.tick(now_us=self.now_us()))
        if talk.call.ended is not None:
            await self._tell_end(line, talk)  # once more, if the engine could not be told before

    # ---- inside

    def _look_after(self, line: Line) -> None:
        """Those who are in it without being in the talk."""
        watching.sweep(line, self.now_us(), self._options.limits.resume_us)
        self._besides.settle(
            line,
            [*conferring.pairings(line), *advising.pairings(line), *watching.pairings(line)],
        )
        self._hold(line)

    def _hold(self, line: Line) -> None:
        """The customer hears nobody while the agent holds them, or asks for advice."""
        talk = line.talk
        if talk is not None:
            held = talk.agent_id in line.held or advising.is_asked(line)
            self._carry_out(talk, talk.call.hold(held=held, now_us=self.now_us()))

    def _carry_out(self, talk: Talk, steps: list[Step]) -> bool:
        """Do what signalling wants; whether the talk has ended by it."""
        ended = False
        for step in steps:
            match step:
                case Send():
                    page = talk.links.get(step.link)
                    if page is not None:
                        page.tell(SignalTold(talk.id, msgspec.Raw(step.text.encode())))
                case Close():
                    page = talk.links.get(step.link)
                    if page is not None and step.code != NORMAL:
                        talk.dropped(page)
                        page.end(Ending(step.code, _WORDS.get(step.code, "malformed"), step.reason))
                case Ended():
                    ended = True
                    name = step.reason if talk.call.ended_by is None else f"{step.reason}_{talk.call.ended_by}"
                    self.ends[name] = self.ends.get(name, 0) + 1
        return ended

    def _end_talk(self, line: Line) -> None:
        talk, line.talk = line.talk, None
        if talk is not None:
            self.recorder.ended(line)
            self._carry_out(talk, talk.call.end(now_us=self.now_us()))

    async def _tell_end(self, line: Line, talk: Talk) -> None:
        """The pages have ended the talk, or were lost: what the engine makes of it comes back as effects."""
        reason = talk.call.ended
        if reason is None or line.talk is not talk:
            return
        command = end_of_talk(self._host().new_id(), line.id, reason, talk.call.ended_by)
        if isinstance(command, EndInteraction):
            line.why = command.reason
        if command is not None:
            await self._submit(command)

    async def _tell_hold(self, line: Line, talk: Talk, *, held: bool) -> None:
        kind = HoldWork if held else ResumeWork
        line.holding += 1
        try:
            await self._submit(kind(self._host().new_id(), talk.agent_id, line.id))
        finally:
            line.holding -= 1

    async def _submit(self, command: Command) -> None:
        try:
            await self._host().submit(command)
        except AcdError as error:
            # The next look, or the next comparison, finds the same.
            _log.warning("the engine could not be told of a call", instance=self._name, error=type(error).__name__)

    def _state(self, line: Line, page: AgentPage) -> State:
        if page.agent_id in line.talking.values():
            return "talking"
        return "offered" if page.agent_id in line.ringing.values() else "over"

    def _tell_customer(self, line: Line) -> None:
        if line.customer is not None:
            agent = "" if line.talk is None else self._options.names.get(line.talk.agent_id, "")
            line.customer.tell(CallTold(line.id, line.key, "waiting" if line.talk is None else "talking", agent))

    def _tell_talk(self, line: Line, page: PageBase) -> None:
        talk = line.talk
        if talk is not None and talk.is_end(page):
            page.tell(TalkTold(talk.id, talk.offer_id, self._servers(line, page), self._options.relay_only))
            self.recorder.tell(line, page)

    def _servers(self, line: Line, page: PageBase) -> list[IceServer]:
        turn = self._turn()
        return [] if turn is None else ice_servers(turn, f"{line.id}-{page.side}", now_us=self.now_us())
