"""The Asterisk channel: the contract of `acd.ports.channel`, on top of one PBX's ARI.

Owns how the parts are put together and what is done in which state of the connection. Must not know paths,
events or bodies.

As long as the PBX is not connected and compared, an effect fails: what it wants is part of the desired state,
and the comparison that follows every connect brings the PBX there.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import structlog
from structlog.contextvars import bind_contextvars

from acd.core.messages import (
    AnnounceInteraction,
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    ReleaseInteraction,
    RevokeOffer,
    SupervisionMode,
)
from acd.errors import ChannelError
from acd.ports.call_names import CallNames
from acd.ports.channel import ChannelHost, Desired
from acd.ports.examination import Fault, Surroundings
from acd.ports.recording import RecordingState
from acd.ports.supervision import Supervisor
from acd_asterisk.ami.queue_log import write_line
from acd_asterisk.ami.states import States
from acd_asterisk.ami.watch import Watch
from acd_asterisk.announcer import Announcer
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.browser_phones import Telling
from acd_asterisk.call import Call
from acd_asterisk.callbacks import Callbacks
from acd_asterisk.codes import FeatureCodes
from acd_asterisk.control import open_client
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.dispositions import Dispositions
from acd_asterisk.doctor.asked import faults
from acd_asterisk.endpoints import Endpoints
from acd_asterisk.exits import Exits
from acd_asterisk.happenings import Replaced, happening
from acd_asterisk.healing import Healer
from acd_asterisk.heartbeat import Heartbeat
from acd_asterisk.holding import Holding
from acd_asterisk.intake import Intake
from acd_asterisk.lamps import Lamps
from acd_asterisk.link import Link
from acd_asterisk.names import Names
from acd_asterisk.notes import Notes
from acd_asterisk.numbers import Numbers
from acd_asterisk.options import Options
from acd_asterisk.orders import Orders
from acd_asterisk.patrol import Patrol
from acd_asterisk.prompts import Prompts
from acd_asterisk.recording import PauseCode, Recorder
from acd_asterisk.supervision import Supervision
from acd_asterisk.survey import Survey
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.transfers import Transfers
from acd_asterisk.translate import is_endpoint
from acd_asterisk.vetoes import Vetoes
from acd_asterisk.voice import Voice
from acd_asterisk.wire import AriEvent

_log = structlog.get_logger(__name__)


class AsteriskChannel:
    """One PBX. Made by `acd_asterisk.plugin.open_channel`."""

    def __init__(self, name: str, options: Options) -> None:
        """Nothing is opened yet."""
        self.name = name
        self._options = options
        self._names = Names(name, options.app)
        self.call_names: CallNames = self._names
        """By which others know calls, who read Asterisk's own records."""
        self._client = open_client(options, self._names)
        self._desk = Desk(name, options, self._names)
        self.browser_phones = Telling(self._desk)
        self._switchboard = Switchboard(self._client, self._names, options)
        self._prompts = Prompts(self._client, self._names, name)
        self._orders = Orders(self._desk, self._switchboard, self._prompts)
        self._intake = Intake(self._desk, self._switchboard, self._orders)
        self._conversations = Conversations(self._desk, self._switchboard, self._orders)
        voice = Voice(self._desk, self._orders)
        self._exits = Exits(self._desk, self._switchboard, self._orders, self._conversations, voice)
        self._announcer = Announcer(self._desk, self._orders, voice, self._exits)
        self._healer = Healer(self._desk, self._switchboard, self._orders, self._intake, self._conversations)
        notes = Notes(self._desk)
        self._recorder = Recorder(self._desk, self._client, self._prompts, notes)
        self._switchboard.before_removal = self._recorder.before_removal
        self._pause_code = PauseCode(self._desk, self._recorder, self._prompts, notes, self._conversations)
        self._orders.dispositions = Dispositions(self._desk, self._prompts)
        self._callbacks = Callbacks(self._desk, self._client, self._switchboard, self._orders, notes, self._announcer)
        self._orders.survey = Survey(self._desk, self._prompts, notes)
        self._codes = FeatureCodes(self._desk, self._switchboard, self._prompts, options.codes)
        self._supervision = Supervision(self._desk, self._client)
        self._transfers = Transfers(self._desk, self._switchboard, self._orders.dismissal)
        self.numbers = Numbers(self._desk, self._orders.dismissal, notes)
        self._lamps = Lamps(self._client, options.app, options.phones.everyone.lamps)
        self._link = Link(name, options, self._client, adopt=self._adopt, handle=self._handle)
        self._comparing = asyncio.Lock()
        self._comparisons = 0
        """Begun so far."""
        self._sound = 0
        """The number of the last one that was brought to its end."""
        self._watch = None if options.ami is None else Watch(name, options.ami)
        self.states = States() if self._watch is None else self._watch.states
        """What the PBX says of its devices and trunks; of none without AMI."""
        self._patrol = Patrol(
            name, options.reconcile_us, look=self._healer.look, heal=self._compare, is_live=lambda: self._link.is_live
        )
        self._heartbeat = Heartbeat(
            self._desk, self._switchboard, self._orders, lambda: self._link.is_live, self._compare
        )
        self._vetoes = Vetoes(
            self._desk, Endpoints(self._client), self._orders.devices, self.states, lambda: self._link.is_live
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What of the options works and had better be otherwise."""
        return tuple(f"channels.{self.name}.{key}: {reason}; {fix}" for key, reason, fix in self._options.cautions)

    # ---- acd.ports.far_ends.Placed

    @property
    def far_end(self) -> str:
        """The PBX and the application there."""
        return self._options.far_end

    @property
    def calls_back(self) -> bool:
        """Whether the callbacks of a queue can be given to it: `acd.ports.calling_back.CallsBack`."""
        return bool(self._options.callbacks.dial)

    @property
    def never_calls_back(self) -> str:
        """Over AMI nobody is."""
        return "is controlled over AMI, which calls nobody back" if self._options.control == "ami" else ""

    @property
    def promises_callbacks(self) -> tuple[str, ...]:
        """The queues with a key for it."""
        return self._options.promising_callbacks

    @property
    def reaches_within_us(self) -> int:
        """Ringing, and the key."""
        return self._options.callbacks.reaches_within_us

    # ---- acd.ports.examination.Examinable

    async def examine(self, around: Surroundings) -> list[Fault]:
        """What `acd doctor` finds at the PBX; nothing is started."""
        return await faults(self.name, self._options, around)

    # ---- acd.ports.addresses.Addressing

    @property
    def medium(self) -> str:
        """Agents' `addresses.voice`."""
        return "voice"

    def address_problem(self, address: str) -> str:
        """Whether it can be dialled at all; whether there is such an endpoint says `acd doctor`."""
        return "" if is_endpoint(address) else f"{address!r} cannot be dialled; write it like PJSIP/anna"

    async def start(self, host: ChannelHost) -> None:
        """Begin to connect, for ever; returns at once."""
        for caution in self.cautions:
            _log.warning(caution, instance=self.name)
        self._desk.start(host)
        if self._watch is not None:
            self._desk.spawn(self._watch.run())
        self._desk.spawn(self._link.run())
        self._desk.spawn(self._heartbeat.run())
        self._desk.spawn(self._patrol.run())
        self._desk.spawn(self._recorder.retention.run(lambda: self._link.is_live))
        if self._options.devices.veto:
            self._desk.spawn(self._vetoes.run())
        self._desk.spawn(self._lamps.follow(host))
        self._desk.spawn(self._lamps.run())
        self._desk.spawn(Holding(self._desk, self._orders.devices, self._conversations).run())

    async def perform(self, effect: Effect) -> None:
        """Carry out one effect. Raises `ChannelError` when that cannot be: then everything is compared anew."""
        if isinstance(effect, OfferInteraction):
            self._desk.offered.note(effect.offer_id, effect.expires_at_us)
        if not self._link.is_live and not (
            self._link.is_connected and await self._link.until_live(self._options.rest_deadline_us / 1e6)
        ):
            raise ChannelError(f"{self.name}: not connected to the PBX: {self._link.error or self._link.state}")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._desk.performing[task] = effect.interaction_id
        call = self._desk.calls.get(effect.interaction_id)
        bind_contextvars(interaction=effect.interaction_id, channel="" if call is None else call.channel_id)
        try:
            await self._perform(effect)
        except AriUnavailable as error:
            raise ChannelError(f"{self.name}: {error}") from None
        finally:
            self._desk.performing.pop(task, None)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:  # noqa: ARG002 - see below
        """Compare the PBX with what is desired and heal every difference. Without a connection: after the next one.

        It may have to wait for a comparison that is under way, and what is desired may be another thing by then: so
        the host is asked at the moment of looking.
        """
        begun = self._comparisons
        if not self._link.tried.is_set():
            # The first attempt is under way, and ends with a comparison.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.rest_deadline_us / 1e6):
                    await self._link.tried.wait()
        if self._link.is_connected and self._sound <= begun:
            with suppress(AriUnavailable):
                await self._compare(begun)

    async def stop(self) -> None:
        """End all tasks and connections. Calls go on; new ones take the dialplan's way without a controller."""
        self._link.state = "stopped"
        await self._desk.stop()
        await self._prompts.stop()
        await self._client.close()

    # ---- acd.ports.recording.Recording

    def recording_of(self, interaction_id: str) -> RecordingState:
        """Whether it is being recorded."""
        return self._recorder.standing(interaction_id)

    async def pause_recording(self, interaction_id: str) -> None:
        """Record nothing until it is resumed, or until a pause is over."""
        await self._recorder.pause(interaction_id)

    async def resume_recording(self, interaction_id: str) -> None:
        """Record again."""
        await self._recorder.resume(interaction_id)

    # ---- acd.ports.supervision.Supervisable

    async def supervise(self, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        """Let a supervisor hear a conversation, by their telephone."""
        await self._supervision.supervise(interaction_id, agent_id, mode)

    def supervisors(self, interaction_id: str) -> tuple[Supervisor, ...]:
        """Who does."""
        return self._supervision.of(interaction_id)

    # ---- acd.ports.queue_log.TakesQueueLog

    async def take_queue_log(self, line: str) -> None:
        """Have Asterisk write a line of a `queue_log`. Raises `ChannelError`."""
        if self._watch is None:
            raise ChannelError(f"{self.name}: has no AMI; write [channels.{self.name}.ami]")
        await write_line(self._watch.link.manager, line)

    def health(self) -> Mapping[str, str | int | bool]:
        """`connected`: events flow, and what is known is true. `state` and `reason` say why not."""
        calls = self._desk.calls.values()
        return {
            "connected": self._link.hears,
            "link": self._link.state,
            "reason": self._link.trouble,
            "version": self._healer.version,
            "calls": sum(call.parent is None for call in calls),
            "waiting": sum(call.is_waiting for call in calls),
            "in_menus": self._intake.menus.callers,
            "menu_hangups": self._intake.menus.hangups,
            "connects": self._link.connects,
            "silences": self._link.silences,
            "events_waiting": self._link.waiting,
            "requests": self._client.requests,
            "requests_over_websocket": self._client.lanes,
            "requests_unanswered": self._client.unanswered,
            "vetoes": self._vetoes.count,
            **self._healer.differences.health(),
            **({} if self._watch is None else self._watch.health()),
            "recording": self._recorder.active,
            "recordings_failed": self._recorder.failures,
        }

    async def _perform(self, effect: Effect) -> None:
        call = self._desk.calls.get(effect.interaction_id)
        self._recorder.before(effect)
        self._supervision.before(effect)
        match effect:
            case ReleaseInteraction():
                if call is not None:
                    await self._exits.release(call, effect)
            case RevokeOffer() if call is not None:
                await self._orders.revoke(call, effect.offer_id)
            case DisconnectAgent():
                if call is not None:
                    await self._orders.part(call, effect.offer_id)
                    await self._orders.tune(call)
            case ParkInteraction():
                await self._park(self._known(call, effect))
            case ReachCustomer():
                await self._callbacks.reach(self._known(call, effect))
            case OfferInteraction():
                await self._orders.ring(self._known(call, effect), effect.offer_id, effect.agent_id)
            case ConnectInteraction():
                await self._orders.connect(self._known(call, effect), effect.offer_id)
            case OpenConsult():
                await self._conversations.open(effect)
            case JoinAgent():
                await self._recorder.merged(effect.consult_id)
                await self._conversations.bring_in(self._known(call, effect), effect)
            case AnnounceInteraction() if call is not None:
                await self._announcer.announce(call, effect.name)

    async def _park(self, call: Call) -> None:
        if not call.is_reached:
            await self._callbacks.rest(call)
        elif call.parent is None:
            self._announcer.wait(call)
        else:
            await self._conversations.wait(call)

    def _known(self, call: Call | None, effect: Effect) -> Call:
        call = call or self._callbacks.open(effect.interaction_id)
        if call is None:
            raise ChannelError(f"{self.name}: no caller is there for this interaction")
        return call

    def _handle(self, event: AriEvent) -> None:
        try:
            what = happening(event, self._names)
            if isinstance(what, Replaced):
                self._link.replaced()
            elif what is not None:
                self._prompts.handle(what)
                self._codes.handle(what)
                self._transfers.handle(what)
                self._intake.handle(what)
                self._recorder.handle(what)
                self._pause_code.handle(what)
                self._supervision.handle(what)
                self._callbacks.handle(what)
        except Exception as error:  # noqa: BLE001 - one event must not stop those that follow
            self._desk.report(error)

    async def _adopt(self) -> None:
        """After every connect."""
        self._healer.is_new |= await self._switchboard.prepare()  # Until a comparison has made use of it.
        await self._link.hear()
        await self._compare()
        self._vetoes.look_again()
        self._lamps.reconnected()

    async def _compare(self, earlier: int | None = None) -> None:
        """Compare and heal, while events wait and no effect is performed. Raises `AriUnavailable`.

        What cannot be brought to its end is done anew with a new connection: events would wait for ever. `earlier`: one
        that begins after so many is as good, whoever wanted it.
        """
        async with self._comparing:
            if not self._link.is_connected or (earlier is not None and self._sound > earlier):
                return  # Lost, or another controller's, while an earlier comparison went on; or it has been done.
            begun = time.monotonic()
            self._comparisons += 1
            number, connection = self._comparisons, self._link.connects
            self._link.begin_adoption()
            if self._desk.performing:
                await asyncio.wait(tuple(self._desk.performing), timeout=self._options.rest_deadline_us / 1e6)
            desired = self._desk.host.desired()
            try:
                await self._healer.heal()
                self._announcer.take_over()
            except BaseException as error:
                if connection == self._link.connects:
                    self._link.drop(str(error) if isinstance(error, AriUnavailable) else "a comparison failed")
                raise
            finally:
                self._desk.comparison_seconds = time.monotonic() - begun
            if connection == self._link.connects:
                self._sound = number
                self._link.end_adoption()
                self._desk.spawn(self._recorder.heal(desired, is_new=self._healer.was_restarted))
                self._desk.spawn(self._supervision.heal())
