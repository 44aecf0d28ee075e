"""One call as this adapter knows it: the caller's leg, the agents' legs, where they stand; and its lane.

Owns the state of a call and the order of what is done about it. Must not know ARI, REST or commands.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from acd_asterisk.wire import Party

MAX_LANE: Final = 64
"""Steps that may wait in one call's lane; a call has about ten in its life."""

MAX_LEGS: Final = 40
"""Agents' legs of one call that are remembered: of a broadcast, of a conference, and the last that are over."""

Step = Callable[[], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class LaneFull(Exception):
    """Too much has happened to one call at once; what is true must be looked up anew."""


class Lane:
    """Runs the steps of one call one after another; those of different calls run side by side."""

    def __init__(self, spawn: Spawn, report: Callable[[Exception], None]) -> None:
        """`spawn` starts a task that its owner keeps and ends; `report` is told of a step that raised."""
        self._spawn = spawn
        self._report = report
        self._steps: deque[Step] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, step: Step) -> None:
        """Run `step` when all earlier ones are done. Raises `LaneFull`."""
        if len(self._steps) >= MAX_LANE:
            raise LaneFull
        self._steps.append(step)
        if self._task is None:
            self._task = self._spawn(self._run())

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits to be run."""
        return self._task is None

    async def idle(self) -> None:
        """Wait until nothing is left to run."""
        while (task := self._task) is not None:
            await asyncio.wait((task,))

    async def _run(self) -> None:
        try:
            while self._steps:
                try:
                    await self._steps.popleft()()
                except Exception as error:  # noqa: BLE001 - the steps that follow are to run all the same
                    self._report(error)
        finally:
            self._task = None


LegState = Literal["dialling", "confirming", "answered", "gone"]
"""`confirming`: picked up, but a key has to say by whom."""


@dataclass(slots=True)
class Leg:
    """An agent's end of a call, for one offer. `accepted`: the engine has said so."""

    offer_id: str
    agent_id: str
    state: LegState = "dialling"
    accepted: bool = False
    revoked: bool = False
    """The engine took the offer back: its end says nothing of the agent."""
    briefed: bool = False
    """Its agent has heard what is coming, or does at this moment."""
    joining: bool = False
    """Asterisk has been told to join it with the caller: not to be told again."""
    joined: bool = False
    """The agent and the caller have been in one bridge, by Asterisk's word for it."""
    reported: bool = False
    """The engine has been told of its end."""
    refers: bool = False
    """Its telephone has asked for a transfer, and has yet to be told that it was done."""
    held: bool = False
    """Its agent has put the customer on hold, and is not with them."""
    held_by_phone: bool = False
    """Likewise, by the telephone: Asterisk knows, and has seen to it."""
    away: list[str] = field(default_factory=list)
    """The consults in which its agent asks for advice meanwhile, oldest first: it is not with the customer."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has ended or Asterisk has been told to end it; `ended_at` says when, on the monotonic clock."""
    ended_at: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it rings or has been picked up, as far as is known."""
        return self.state != "gone"

    @property
    def is_talking(self) -> bool:
        """Whether it has been joined with the caller, or is about to be.

        One that has talked counts when it has ended, too: the caller does not wait again unless the engine says so.
        """
        return self.joined or (self.joining and self.is_live)

    def end(self) -> None:
        """It is no more, as far as we are concerned. Idempotent."""
        self.state = "gone"
        if not self.ended.is_set():
            self.ended_at = time.monotonic()
            self.ended.set()


BackState = Literal["away", "dialling", "asking", "there"]
"""`asking`: picked up, and is told who calls; perhaps a key has to say that it is no voicemail."""


@dataclass(slots=True)
class Back:
    """The customer's end of a callback: nobody is there before we have called them."""

    customer: str
    """The opaque reference; empty: nobody known."""
    state: BackState = "away"
    welcoming: "asyncio.Task[None] | None" = None
    """The telling and asking of whoever has picked up last."""
    attempt: int = 0
    """The engine's, if the customer is called before any agent; 0: for an agent who waits."""


@dataclass(slots=True)
class Call:
    """One caller in the application, and whoever rings or talks for them."""

    interaction_id: str
    channel_id: str
    """The caller's; empty when the caller's leg is gone or not known."""
    party: Party
    lane: Lane
    is_up: bool = False
    """The caller's channel has been answered."""
    hold: str = ""
    """The bridge in which the caller was put to wait last."""
    greeted: bool = False
    """The caller has been told what everybody is told who comes in."""
    announced: bool = False
    """Both have been told that they are recorded."""
    language: str = ""
    """In which the caller is spoken to; empty: as their queue has it."""
    way_out: "dict[str, str] | None" = None
    """What the dialplan is told when the caller leaves because of a key: variables."""
    hangup_requested: bool = False
    is_ended: bool = False
    """The engine has let go of it, or was never interested."""
    is_enqueued: bool = False
    """The engine knows of it."""
    in_menu: bool = False
    """Choosing in a menu; the engine does not know of it yet."""
    has_talked: bool = False
    after: str | None = None
    """What the dialplan wants when the agent has hung up; None when that is not known yet."""
    legs: dict[str, Leg] = field(default_factory=dict)
    """The agents' ends, by offer, oldest first. A talk is the legs that are talking."""
    parking: "asyncio.Task[None] | None" = None
    """The putting of the caller to where they wait, the last time; it may have to wait for its turn."""
    is_on_the_way: bool = False
    """Asterisk has been asked to put them there, and has not answered."""
    bridging: "asyncio.Task[None] | None" = None
    """The making of the talk bridge, as long as it is of interest."""
    has_bridge: bool = False
    """There is a talk bridge, or may be."""
    beat_due: float = 0.0
    """When the dead-man's switch is to be wound up next, on the event loop's clock."""
    switch_off: bool = False
    """The dead-man's switch must be cleared, and that has not been confirmed."""
    lost: bool = False
    """The caller's leg has left the application."""
    in_lot: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an agent's telephone has parked the caller in a lot of Asterisk's: they are its, and not gone."""
    lingers: bool = False
    """The engine has let go of it, and the caller is still told or asked something."""
    music: bool | None = False
    """Whether the caller hears music in the talk bridge, where nobody is with them; None when that is not known."""
    onward: str = ""
    """Where the caller goes when the engine has let go of them: `NUMBER@CONTEXT` of the dialplan."""
    parent: "Call | None" = None
    """Of a consult: the call that it is about. Its caller is the agent who asks: `channel_id` is that agent's leg."""
    asking: str = ""
    """Of a consult: the offer of that leg, among the parent's."""
    back: Back | None = None
    """Of a callback; then `channel_id` is empty as long as nobody is called."""
    tuning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while that music is begun or ended."""
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while somebody is moved between the bridges of this call and its consults, which have it in common."""

    @property
    def keys(self) -> dict[str, str]:
        """By which log lines about it are found; nothing personal."""
        return {"interaction": self.interaction_id, "channel": self.channel_id}

    @property
    def is_present(self) -> bool:
        """Whether the caller's leg is in the application."""
        return not self.lost and not self.is_ended

    @property
    def is_waiting(self) -> bool:
        """Whether a caller waits for an agent: known to the engine, and not joined with one or about to be."""
        is_caller = self.is_enqueued and self.parent is None and self.is_reached
        return self.is_present and is_caller and not self.is_talking

    @property
    def is_being_parked(self) -> bool:
        """Whether the caller is on the way to where they wait, or it is about to be their turn."""
        return self.parking is not None and not self.parking.done()

    @property
    def is_reached(self) -> bool:
        """Whether there is a customer: always, but for a callback whose customer has not answered."""
        return self.back is None or self.back.state == "there"

    @property
    def is_asked(self) -> bool:
        """Whether a customer who has picked up is told who calls at this moment, or what they answered is in hand."""
        if self.back is None or self.back.state != "asking":
            return False
        welcoming = self.back.welcoming
        return not self.lane.is_idle or (welcoming is not None and not welcoming.done())

    @property
    def is_left_alone(self) -> bool:
        """Whether the caller talks with agents, and none of them is there at the moment."""
        talking = [leg for leg in self.live_legs() if leg.is_talking]
        return bool(talking) and all(leg.away or leg.held for leg in talking)

    @property
    def is_guarded(self) -> bool:
        """Whether the dead-man's switch watches over the caller: as long as nobody talks with them."""
        is_spoken_to = self.in_menu or (self.back is not None and self.back.state == "asking")
        return self.is_waiting or (self.is_present and is_spoken_to) or (self.lingers and not self.lost)

    @property
    def is_talking(self) -> bool:
        """Whether the caller talks with an agent, or is about to."""
        return any(leg.is_talking for leg in self.legs.values())

    def leg_for(self, offer_id: str) -> Leg | None:
        """The leg of this offer, if there is or has been one."""
        return self.legs.get(offer_id)

    def leg_of(self, agent_id: str) -> Leg | None:
        """The leg of this agent that rings or has been picked up."""
        return next((leg for leg in self.live_legs() if leg.agent_id == agent_id), None)

    def live_legs(self) -> tuple[Leg, ...]:
        """Those that ring or have been picked up, oldest first."""
        return tuple(leg for leg in self.legs.values() if leg.is_live)

    def add_leg(self, leg: Leg) -> Leg:
        """One more. The oldest of those that are over is forgotten when there are too many."""
        self.legs[leg.offer_id] = leg
        if len(self.legs) > MAX_LEGS:
            over = next((each.offer_id for each in self.legs.values() if not each.is_live), "")
            self.legs.pop(over, None)
        return leg
