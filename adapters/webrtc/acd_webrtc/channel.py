"""The channel of type `webrtc`: what the engine decides about customers who call from a web page.

Owns the engine's side: effects, comparisons, and what time does to calls. Must not know sockets, nor the form of texts.

The world of this channel is the pages: what they say when they come back, after a restart, is what there is. Until then
a call stands as the engine knows it, and one whose pages do not come back in time is over. What the two say to each
other goes from browser to browser, and on while there is no engine.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, assert_never

from acd.core.messages import (
    AnnounceInteraction,
    Command,
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    EndInteraction,
    FailCallback,
    JoinAgent,
    NoteInteraction,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
    SupervisionMode,
)
from acd.errors import AcdError, ChannelError, ConfigError, PersonalStoreError
from acd.ports.channel import ChannelHost, Desired
from acd.ports.continuing import Origin
from acd.ports.pages import Claimed, Heard, Page, Rated
from acd.ports.recording import RecordingState
from acd.ports.supervision import Supervisor
from acd.runtime.keyfile import MasterKey, create_key, read_key
from acd.runtime.log import Logger
from acd_webrtc import advising, watching
from acd_webrtc.exchange import LOST, Exchange
from acd_webrtc.lines import Line, Lines
from acd_webrtc.messages import MAX_BYTES, Announced
from acd_webrtc.options import WebrtcOptions
from acd_webrtc.pages import CustomerPage, PageBase
from acd_webrtc.places import Places
from acd_webrtc.ratings import Ratings
from acd_webrtc.reception import Reception
from acd_webrtc.seating import agent_page, supervisor_page
from acd_webrtc.tickets import Tickets
from acd_webrtc.translate import quality_attributes
from acd_webrtc.turn import TurnServer

SWEEP_SECONDS: Final = 1.0
"""How often is looked at who has been gone for too long, and who stands where."""

_log = Logger(__name__)


class WebrtcChannel:
    """`acd.ports.channel.Channel` and `acd.ports.pages.BrowserCalls` over pages."""

    def __init__(self, name: str, options: WebrtcOptions) -> None:
        """Nothing is read yet."""
        self.name = name
        self.media = options.media
        self.options = options
        self.lines = Lines()
        self.pages: set[PageBase] = set()
        self.exchange = Exchange(name, options, self.lines, lambda: self.host, lambda: self._turn)
        self.reception = Reception(name, options, self.lines, self.exchange, lambda: self.host)
        self.tickets = Tickets(name)
        self._host: ChannelHost | None = None
        self._key: MasterKey | None = None
        self._turn: TurnServer | None = None
        self._ratings = Ratings()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._places = Places()

    # ---- acd.ports.channel.Channel

    async def start(self, host: ChannelHost) -> None:
        """Read the key and the secret. Files that cannot be read are tried again with every comparison."""
        self._host = host
        self.tickets.begin(host.now_us())
        try:
            await self._open()
        except ChannelError as error:
            _log.error("calls cannot be taken", instance=self.name, reason=str(error))
        sweeping = asyncio.create_task(self._sweep_on(), name=f"looking after {self.name}")
        following = asyncio.create_task(self._follow(host), name=f"agents of {self.name}")
        self._tasks = (sweeping, following)
        self.exchange.recorder.start()

    async def perform(self, effect: Effect) -> None:
        """Carry out one effect."""
        if self._key is None:
            raise ChannelError(f"{self.name}: no key is open; see the log for what is in the way")
        if isinstance(effect, ReachCustomer):
            await self._cannot_call(effect.interaction_id, effect.attempt)
            return
        line = self.lines.get(effect.interaction_id)
        if line is None or isinstance(effect, OpenConsult):
            self._advise(effect)
        else:
            await self._apply(line, effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Compare the calls there are with `desired`. Of one that is new here the pages have yet to come back."""
        await self._open()
        for line in self.lines:
            if not line.beginning and self.host.wish(line.id) is None:
                standing = self.host.interaction(line.id)
                await self._end(line, standing.reason if standing is not None else "")
        for each in desired:
            if each.state == "reaching":
                standing = self.host.interaction(each.interaction_id)
                await self._cannot_call(each.interaction_id, 1 if standing is None else standing.attempts + 1)
            elif not each.parent:
                self.exchange.heal(self.lines.get(each.interaction_id) or self._found(each.interaction_id), each)
        for consult_id in (*self.lines.consults, *(each.interaction_id for each in desired if each.parent)):
            about = advising.look(self.lines, self.host, consult_id)
            if about is not None:
                self.exchange.settle(about)
            elif self.host.wish(consult_id) is not None:
                await self._submit(EndInteraction(self.host.new_id(), consult_id, by="system", reason=LOST))

    async def stop(self) -> None:
        """Pages are told to come back; what they hear of each other goes on without us."""
        await self.exchange.recorder.stop()
        self._host = None
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for page in tuple(self.pages):
            page.stopped()

    def health(self) -> Mapping[str, str | int | bool]:
        """`connected`: calls can be taken. `calls` that have not ended, `talks` of them, `pages` that are connected.

        `ends_WHY`: how many talks have ended so. Where calls are recorded, what `Recorder.health` says of that.
        """
        return {
            "connected": self._key is not None and self._host is not None,
            "calls": len(self.lines),
            "talks": sum(line.talk is not None for line in self.lines),
            "pages": len(self.pages),
            **{f"ends_{why}": count for why, count in self.exchange.ends.items()},
            **self.exchange.recorder.health(),
        }

    # ---- acd.ports.pages.BrowserCalls

    @property
    def origins(self) -> tuple[str, ...]:
        """Of customers' pages."""
        return self.options.origins

    @property
    def queues(self) -> tuple[str, ...]:
        """Those that a page may ask for."""
        return self.options.queues

    @property
    def connections(self) -> int:
        """Customers' pages at a time."""
        return self.options.connections

    @property
    def most_bytes(self) -> int:
        """Of one text of a page."""
        return MAX_BYTES

    @property
    def host(self) -> ChannelHost:
        """The engine's side. Raises `ChannelError` before the start and after the stop."""
        if self._host is None:
            raise ChannelError(f"{self.name}: the engine is starting, or is stopping")
        return self._host

    def now_us(self) -> int:
        """The engine's time. Raises `ChannelError` likewise."""
        return self.host.now_us()

    @property
    def per_address(self) -> int:
        """Customers' pages of one address at a time; 0 for any number."""
        return self.options.per_address

    def customer_page(self, address: str) -> Page:
        """A customer's page has connected."""
        return CustomerPage(self, self._opened, address)

    def agent_page(self, interaction_id: str, agent_id: str) -> Page:
        """An agent's page has connected for a call."""
        return agent_page(self, interaction_id, agent_id)

    def claimed(self, interaction_id: str) -> Claimed:
        """What the customer's page said of them when it began a call that is going on."""
        line = self.lines.get(interaction_id)
        return Claimed() if line is None else line.claimed

    def heard(self, interaction_id: str) -> tuple[Heard, ...]:
        """How well both sides hear each other in a call that is going on."""
        line = self.lines.get(interaction_id)
        return () if line is None else self.exchange.heard(line)

    def rated(self) -> tuple[Rated, ...]:
        """How well they did in the calls that have ended."""
        return self._ratings.rated()

    # ---- acd.ports.supervision.SupervisedByPage

    async def supervise(self, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        """Have a supervisor's page hear it, who is heard as the mode has it. Raises `ChannelError`."""
        line = self.lines.get(interaction_id)
        if line is not None:
            self.exchange.supervise(line, agent_id, mode)
        elif mode != "off":
            raise ChannelError("there is no customer to be heard, only agents")

    def supervisors(self, interaction_id: str) -> tuple[Supervisor, ...]:
        """Those of one call."""
        line = self.lines.get(interaction_id)
        return () if line is None else watching.supervisors(line)

    def supervisor_page(self, interaction_id: str, agent_id: str) -> Page:
        """Their page has connected."""
        return supervisor_page(self, interaction_id, agent_id)

    # ---- acd.ports.recording.Recording

    def recording_of(self, interaction_id: str) -> RecordingState:
        """Whether it is being recorded."""
        return self.exchange.recorder.standing(interaction_id)

    async def pause_recording(self, interaction_id: str) -> None:
        """On return nothing that is said is recorded. Raises `ChannelError`."""
        await self.exchange.recorder.pause(interaction_id)

    async def resume_recording(self, interaction_id: str) -> None:
        """Go on. Raises `ChannelError`."""
        await self.exchange.recorder.resume(interaction_id)

    # ---- acd.ports.continuing.Continuing

    def ticket(self, origin: Origin) -> str:
        """For a page that is in a web chat. Raises `ChannelError` while there is no key."""
        return self.tickets.issue(self._opened(), origin, self.now_us())

    def may_call(self, page: str) -> bool:
        """Whether it is listed."""
        return page.lower() in self.options.origins

    # ---- time

    async def sweep(self) -> None:
        """What time does to calls: whoever is gone for too long has left; places in line are told."""
        now_us, waiting = self.now_us(), []
        for line in self.lines:
            if line.beginning:
                continue
            if line.talk is not None:
                await self.exchange.tick(line)
            elif line.gone_us is not None and now_us - line.gone_us >= self.options.away_us:
                line.why = "away"
                await self._submit(EndInteraction(self.host.new_id(), line.id, by="customer", reason="away"))
            elif line.customer is not None:
                waiting.append(line)
        self._places.tell(waiting, self.host)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except AcdError as error:
                _log.warning("calls could not be looked after", instance=self.name, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - the next sweep is to come all the same
                _log.error("a fault in looking after calls", instance=self.name, error=type(error).__name__)

    async def _follow(self, host: ChannelHost) -> None:
        """Who holds whom, from how agents stand."""
        async for standings in host.watch_agents():
            for standing in standings:
                self.exchange.follow(standing)

    # ---- inside

    async def _open(self) -> None:
        """The key, which is made when there is none, and coturn's secret. Raises `ChannelError`."""
        if self._key is not None:
            return
        path, turn = self.options.key, self.options.turn

        def read() -> tuple[MasterKey, TurnServer | None]:
            if not path.exists():
                create_key(path)
            return read_key(path), None if turn is None else turn.server()

        try:
            self._key, self._turn = await asyncio.to_thread(read)
        except (PersonalStoreError, ConfigError) as error:
            raise ChannelError(f"{self.name}: {error}") from error

    def _opened(self) -> MasterKey:
        if self._key is None:
            raise ChannelError(f"{self.name}: no key is open")
        return self._key

    def _advise(self, effect: Effect) -> None:
        """What is about no call may be about a consult. Raises `ChannelError` for what needs a call."""
        line = advising.carry_out(self.lines, self.host, effect)
        if line is not None:
            self.exchange.settle(line)
        elif isinstance(effect, OpenConsult | ParkInteraction | OfferInteraction | ConnectInteraction | JoinAgent):
            raise ChannelError(f"{self.name}: there is no call {effect.interaction_id}")

    def _found(self, interaction_id: str) -> Line:
        """A call from before the start, whose pages have as long to come back as any."""
        line = Line(interaction_id)
        line.gone_us = self.exchange.now_us()
        self.lines.add(line)
        return line

    async def _apply(
        self,
        line: Line,
        effect: ParkInteraction
        | OfferInteraction
        | ConnectInteraction
        | JoinAgent
        | ReleaseInteraction
        | RevokeOffer
        | DisconnectAgent
        | AnnounceInteraction,
    ) -> None:
        match effect:
            case ParkInteraction():
                line.ringing.clear()
                line.talking.clear()
            case OfferInteraction():
                if effect.offer_id not in line.talking:
                    line.ringing[effect.offer_id] = effect.agent_id
            case RevokeOffer():
                line.ringing.pop(effect.offer_id, None)
            case ConnectInteraction() | JoinAgent():
                if isinstance(effect, JoinAgent):
                    advising.drop(self.lines, effect.consult_id)
                line.ringing.pop(effect.offer_id, None)
                line.talking[effect.offer_id] = effect.agent_id
            case DisconnectAgent():
                line.talking.pop(effect.offer_id, None)
            case AnnounceInteraction():
                if line.customer is not None:
                    line.customer.tell(Announced(effect.name))
                return
            case ReleaseInteraction():
                await self._end(line, effect.reason)
                return
            case _:
                assert_never(effect)
        self.exchange.settle(line)

    async def _end(self, line: Line, reason: str) -> None:
        sides = self.exchange.end(line, reason)
        for each in sides:
            self._ratings.add(each)
        attributes = quality_attributes(sides)
        if attributes:
            await self._submit(NoteInteraction(self.host.new_id(), line.id, attributes))

    async def _cannot_call(self, interaction_id: str, attempt: int) -> None:
        """Nobody can be called on a web page, which is no attempt."""
        command = FailCallback(self.host.new_id(), interaction_id, "not-a-telephone", attempt, called=False)
        await self._submit(command)

    async def _submit(self, command: Command) -> None:
        try:
            await self.host.submit(command)
        except ChannelError:
            raise
        except AcdError as error:
            # Nothing of it is lost: the next comparison, or the next sweep, finds the same.
            raise ChannelError(f"{self.name}: {type(error).__name__}") from error
