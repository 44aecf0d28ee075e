"""Supervisors who hear a conversation: a telephone of theirs, and a channel beside the agent's leg.

Owns who supervises which call, how far it has come, and its end. Must not know events of ARI, nor who may do it. The
supervisor's telephone is no agent's leg and no caller: nothing about the call depends on it. To listen and to whisper,
it is in a bridge of its own with a channel that hears the agent's leg; to barge in, in the talk bridge. It ends with
the agent's part; what an earlier process has left is let go, because nobody knows any more what was asked for.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog

from acd.core.messages import DisconnectAgent, Effect, JoinAgent, ParkInteraction, ReleaseInteraction, SupervisionMode
from acd.errors import ChannelError
from acd.ports.supervision import NotSupervisable, Supervisor
from acd_asterisk import wire
from acd_asterisk.abreast import abreast
from acd_asterisk.ari import AriClient, AriUnavailable, part
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import BesideArrived, BesideLeft, Happening
from acd_asterisk.ringing import SUPERVISES, page_variables
from acd_asterisk.snapshot import STASIS
from acd_asterisk.translate import is_endpoint

MAX_SUPERVISORS: Final = 4
"""Of one conversation."""

RING_SECONDS: Final = 30
"""How long a supervisor's telephone rings."""

ATTEMPTS: Final = 2
"""Tries of a request that may be carried out twice."""

ENTER_TRIES: Final = 20
ENTER_GAP_SECONDS: Final = 0.05
"""How often, and how far apart, it is tried to put a supervisor into a bridge."""

_CONFLICT: Final = 409
_WHISPERS: Final = {"listen": "none", "whisper": "out"}
"""Mode → into which direction of the agent's leg the supervisor speaks."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watch:
    """One supervisor of one call.

    `offer_id`: of the agent who is heard; `done`: what has been brought about; `is_ending`: nothing more is to be.
    """

    interaction_id: str
    agent_id: str
    offer_id: str
    mode: SupervisionMode
    is_called: bool = False
    is_there: bool = False
    is_ending: bool = False
    done: SupervisionMode = "off"
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervision:
    """The supervisors of one channel instance."""

    def __init__(self, desk: Desk, client: AriClient) -> None:
        """There are none."""
        self._desk = desk
        self._client = client
        self._watches: dict[str, Watch] = {}
        """By the channel id of the telephone."""
        self._may_be_left = True
        """Something may be on the PBX that is nobody's: of an earlier process, or of an end that had no answer."""

    # ---- orders

    async def supervise(self, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        """Begin it, change it, or end it. Raises `ChannelError`."""
        if self._desk.options.control == "ami" and mode != "off":
            raise NotSupervisable("listening takes ARI")
        phone = self._name("boss", agent_id, interaction_id)
        known = self._watches.get(phone)
        try:
            if known is not None and (mode == "off" or known.is_ending):
                await self._end(known)
                known = None
            if mode == "off":
                return
            if known is not None:
                known.mode = mode
                await self._bring_about(known)
            else:
                await self._call(phone, interaction_id, agent_id, mode)
        except AriUnavailable as error:
            self._desk.reconcile_soon()
            raise ChannelError(f"it is not known whether it was done: {error}") from None

    def of(self, interaction_id: str) -> tuple[Supervisor, ...]:
        """Who supervises a call, and how: as it is, not as it was asked for."""
        return tuple(
            Supervisor(
                each.agent_id, each.mode if each.done == "off" else each.done, "there" if each.is_there else "calling"
            )
            for each in self._watches.values()
            if each.interaction_id == interaction_id
        )

    # ---- what happens

    def handle(self, what: Happening) -> None:
        """React to what has happened to a supervisor's telephone."""
        match what:
            case BesideArrived():
                if (watch := self._watches.get(what.channel_id)) is not None:
                    watch.is_there = True
                    self._desk.spawn(self._bring_about(watch))
            case BesideLeft():
                if (watch := self._watches.get(what.channel_id)) is not None and not watch.is_ending:
                    self._desk.spawn(self._end(watch))
            case _:
                pass

    def before(self, effect: Effect) -> None:
        """An effect is about to be carried out, which may be the end of an agent's part."""
        if not self._watches or not isinstance(
            effect, ParkInteraction | ReleaseInteraction | DisconnectAgent | JoinAgent
        ):
            return
        # A consult whose adviser is brought in is no more; whoever listens to it has no part in what follows.
        over = effect.consult_id if isinstance(effect, JoinAgent) else effect.interaction_id
        for watch in tuple(self._watches.values()):
            gone = not isinstance(effect, DisconnectAgent) or effect.offer_id == watch.offer_id
            if watch.interaction_id == over and gone:
                self._desk.spawn(self._end(watch))

    async def heal(self) -> None:
        """Events have been missed: those whose telephone or call is gone end, and what is nobody's goes."""
        if not self._may_be_left:
            return
        # Whose telephone is being called meanwhile is not in what is found.
        known = [(phone, watch) for phone, watch in self._watches.items() if watch.is_called or watch.is_ending]
        answer = await self._client.request("GET", "channels", attempts=ATTEMPTS, large=True)
        there = {each.id: each for each in wire.decode_channels(answer.body)} if answer.is_success else {}
        for phone, watch in known:
            call = self._desk.calls.get(watch.interaction_id)
            leg = None if call is None else call.leg_for(watch.offer_id)
            if watch.is_ending or phone not in there or leg is None or not leg.is_live:
                await self._end(watch)
            elif there[phone].dialplan.app_name == STASIS:
                watch.is_there = True
                await self._bring_about(watch)
        kept = {name for watch in self._watches.values() for name in self._names(watch)}
        names = self._desk.names
        await abreast(self._hang_up, [each for each in there if names.is_supervising(each) and each not in kept])
        answer = await self._client.request("GET", "bridges", attempts=ATTEMPTS, large=True)
        for bridge in wire.decode_bridges(answer.body) if answer.is_success else ():
            if names.is_supervising(bridge.id) and bridge.id not in kept:
                await self._client.remove_bridge(bridge.id)
        self._may_be_left = bool(self._watches)

    # ---- one supervisor

    async def _call(self, phone: str, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        call = self._desk.calls.get(interaction_id)
        leg = None if call is None else next((each for each in call.live_legs() if each.joined), None)
        if call is None or leg is None:
            raise ChannelError("nobody talks with the caller just now")
        if any(each.agent_id == agent_id for each in call.live_legs()):
            raise ChannelError("the supervisor has a part in this conversation already")
        if len(self.of(interaction_id)) >= MAX_SUPERVISORS:
            raise ChannelError(f"{MAX_SUPERVISORS} supervise this conversation already")
        endpoint = self._desk.host.address(agent_id, "voice")
        if not is_endpoint(endpoint):
            raise ChannelError("the supervisor has no usable address for voice; set addresses.voice")
        self._may_be_left = True
        watch = self._watches[phone] = Watch(interaction_id, agent_id, leg.offer_id, mode)
        app, variables = (
            self._desk.options.app,
            page_variables(self._desk.options, endpoint, SUPERVISES, interaction_id),
        )
        body: dict[str, object] = {"endpoint": endpoint, "app": app, "appArgs": "supervisor", "timeout": RING_SECONDS}
        if variables:
            body["variables"] = variables
        try:
            answer = await self._client.request("POST", f"channels/{part(phone)}", body)
        except AriUnavailable:
            await self._end(watch)
            raise
        if not answer.is_success and answer.status != _CONFLICT:
            self._watches.pop(phone, None)
            raise ChannelError("the supervisor's telephone cannot be reached")
        watch.is_called = True
        _log.info("a supervisor is called", instance=self._desk.name, agent=agent_id, **self._desk.keys(interaction_id))

    async def _bring_about(self, watch: Watch) -> None:
        """What is wanted, as soon as the telephone has been picked up."""
        async with watch.changing:
            phone = self._name("boss", watch.agent_id, watch.interaction_id)
            if not watch.is_there or watch.is_ending or watch.done == watch.mode:
                return
            wanted, before = watch.mode, watch.done
            if wanted == "barge":
                done = await self._enter(self._desk.names.talk(watch.interaction_id), phone)
            else:
                done = await self._listen(watch, phone, wanted)
            if before in _WHISPERS:
                await self._hang_up(self._name(f"spy-{before}", watch.agent_id, watch.interaction_id))
            watch.done = wanted
        if not done:
            await self._end(watch)
        elif watch.mode != wanted:
            await self._bring_about(watch)

    async def _listen(self, watch: Watch, phone: str, mode: str) -> bool:
        spy = self._name(f"spy-{mode}", watch.agent_id, watch.interaction_id)
        heard = self._desk.names.leg(watch.offer_id)
        body = {"spy": "both", "whisper": _WHISPERS[mode], "app": self._desk.options.app, "appArgs": "spy"}
        # Refused, too, when it is there already: whether it is says the bridge.
        await self._client.request("POST", f"channels/{part(heard)}/snoop/{part(spy)}", body)
        bridge = self._name("watch", watch.agent_id, watch.interaction_id)
        made = {"type": "mixing", "name": "acd-watch"}
        await self._client.request("POST", f"bridges/{part(bridge)}", made, attempts=ATTEMPTS)
        return await self._enter(bridge, phone, spy)

    async def _enter(self, bridge_id: str, *channel_ids: str) -> bool:
        """A channel that has just been made is not in the application at once: a few tries."""
        body = {"channel": list(channel_ids)}
        for _ in range(ENTER_TRIES):
            path = f"bridges/{part(bridge_id)}/addChannel"
            if (await self._client.request("POST", path, body, attempts=ATTEMPTS)).is_success:
                return True
            await asyncio.sleep(ENTER_GAP_SECONDS)
        return False

    async def _end(self, watch: Watch) -> None:
        """Let go of everything that is there for one supervisor, who is known until that has been answered.

        Idempotent. Raises `AriUnavailable`.
        """
        watch.is_ending = True
        phone, *others = self._names(watch)
        async with watch.changing:
            await abreast(self._hang_up, [phone, *others[1:]])
            if watch.done != "off":
                await self._client.remove_bridge(others[0])
                watch.done = "off"
        if self._watches.get(phone) is watch:
            del self._watches[phone]

    def _names(self, watch: Watch) -> tuple[str, ...]:
        """Of the telephone, the bridge, and the channels beside the agent's leg."""
        kinds = ("boss", "watch", *(f"spy-{mode}" for mode in _WHISPERS))
        return tuple(self._name(kind, watch.agent_id, watch.interaction_id) for kind in kinds)

    def _name(self, kind: str, agent_id: str, interaction_id: str) -> str:
        return self._desk.names.supervising(kind, agent_id, interaction_id)

    async def _hang_up(self, channel_id: str) -> None:
        await self._client.request("DELETE", f"channels/{part(channel_id)}", attempts=ATTEMPTS)
