"""Dispatch: from committed effects to the channels that carry them out.

Owns the desired state of the world and who is responsible for which part of it. Must not know any
channel, nor the journal: what it is given has been committed. History never comes here: after a
restart it begins with `desired_of(state)`, and every channel reconciles.
"""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from msgspec.structs import replace

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
)
from acd.core.state import EngineState, WorkState
from acd.ports.channel import Channel, Desired
from acd.runtime.clock import Clock
from acd.runtime.host import HostServices
from acd.runtime.instance import Instance
from acd.runtime.log import Logger

MAX_UNKNOWN: Final = 256
"""Instance names without a channel that are remembered, so that each is logged once."""

_log = Logger(__name__)

Wishes = dict[str, dict[str, Desired]]
"""Instance → interaction → how it should stand."""


def desired_of(state: EngineState) -> Wishes:
    """What the world should look like by the engine's state: every live interaction that has an instance."""
    talks: dict[str, list[WorkState]] = {}
    for work in sorted(state.work, key=lambda each: (each.offered_at_us, each.deadline_seq)):
        if work.state in ("offered", "active", "held"):
            talks.setdefault(work.interaction_id, []).append(work)
    wishes: Wishes = {}
    for interaction in state.interactions:
        request = interaction.request
        instance, interaction_id = request.instance, request.interaction_id
        if not instance or interaction.state not in ("queued", "offered", "active", "reaching"):
            continue
        offers = tuple((work.offer_id, work.agent_id) for work in talks.get(interaction_id, ()))
        if interaction.state == "active":
            guests = interaction.participants
            owner = next(offer for offer in offers if offer[0] not in guests)
            agent_of = dict(offers)
            others = tuple((offer_id, agent_of[offer_id]) for offer_id in guests)
            desired = Desired(interaction_id, "connected", *owner, others)
        elif interaction.state == "reaching":
            desired = Desired(interaction_id, "reaching")
        else:
            desired = _offered(interaction_id, offers)
        wishes.setdefault(instance, {})[interaction_id] = desired
    for interaction in state.interactions:
        request = interaction.request
        wish = wishes.get(request.instance, {}).get(request.interaction_id)
        if request.parent and wish is not None:
            # A consult has its parent's instance.
            asking = wishes[request.instance][request.parent].agent_id
            wishes[request.instance][wish.interaction_id] = replace(wish, parent=request.parent, asking=asking)
    return wishes


def fold(wishes: dict[str, Desired], effect: Effect) -> None:
    """Bring one instance's wishes up to date with an effect."""
    interaction_id = effect.interaction_id
    before = wishes.get(interaction_id)
    _fold(wishes, effect)
    if before is not None and before.parent and interaction_id in wishes:
        wishes[interaction_id] = replace(wishes[interaction_id], parent=before.parent, asking=before.asking)


def _fold(wishes: dict[str, Desired], effect: Effect) -> None:
    interaction_id = effect.interaction_id
    match effect:
        case OpenConsult():
            asking = effect.agent_id
            wishes[interaction_id] = Desired(interaction_id, "waiting", parent=effect.parent_id, asking=asking)
        case ParkInteraction():
            wishes[interaction_id] = Desired(interaction_id, "waiting")
        case ReachCustomer():
            wishes[interaction_id] = Desired(interaction_id, "reaching")
        case OfferInteraction():
            wish = wishes.get(interaction_id)
            ringing = () if wish is None else wish.ringing()
            wishes[interaction_id] = _offered(interaction_id, (*ringing, (effect.offer_id, effect.agent_id)))
        case RevokeOffer():
            wish = wishes.get(interaction_id)
            # A broadcast that somebody has won: the revoked ones were too slow, and the winner talks.
            if wish is None or wish.state != "connected":
                ringing = () if wish is None else wish.ringing()
                rest = tuple(offer for offer in ringing if offer[0] != effect.offer_id)
                wishes[interaction_id] = _offered(interaction_id, rest)
        case DisconnectAgent():
            wish = wishes.get(interaction_id)
            if wish is not None:
                wishes[interaction_id] = _without(wish, effect.offer_id)
        case JoinAgent():
            wishes.pop(effect.consult_id, None)
            wish = wishes.get(interaction_id)
            if wish is not None:
                wishes[interaction_id] = replace(wish, others=(*wish.others, (effect.offer_id, effect.agent_id)))
        case ConnectInteraction():
            wishes[interaction_id] = Desired(interaction_id, "connected", effect.offer_id, effect.agent_id)
        case ReleaseInteraction():
            wishes.pop(interaction_id, None)
        case AnnounceInteraction():
            pass  # Said once, or not at all: nothing that a channel would have to heal.
        case _:
            assert_never(effect)


def _without(wish: Desired, offer_id: str) -> Desired:
    """One agent less in a conversation; waiting when nobody is left."""
    (owner, *others) = ((wish.offer_id, wish.agent_id), *wish.others)
    rest = [each for each in (owner, *others) if each[0] != offer_id]
    if not rest:
        return Desired(wish.interaction_id, "waiting")
    return Desired(wish.interaction_id, wish.state, *rest[0], tuple(rest[1:]))


def _offered(interaction_id: str, ringing: tuple[tuple[str, str], ...]) -> Desired:
    """Ringing for these offers, or waiting when there are none."""
    if not ringing:
        return Desired(interaction_id, "waiting")
    (offer_id, agent_id), *others = ringing
    return Desired(interaction_id, "offered", offer_id, agent_id, tuple(others))


class Dispatcher:
    """All channel instances of one domain, by name."""

    def __init__(
        self, channels: Iterable[Channel], services: HostServices, clock: Clock, deadline_us: int, wishes: Wishes
    ) -> None:
        """`deadline_us`: how long a channel may take over a start, one effect, a reconcile or a stop."""
        self._instances = {
            channel.name: Instance(channel, services, clock, deadline_us, wishes.get(channel.name, {}))
            for channel in channels
        }
        self._unknown: dict[str, int] = {}
        for name, wanted in wishes.items():
            if name not in self._instances:
                self._miss(name, len(wanted))

    def publish(self, effects: tuple[Effect, ...]) -> None:
        """Hand out committed effects; returns at once. Those of instance "" are for nobody."""
        for effect in effects:
            name = effect.instance
            if not name:
                continue
            instance = self._instances.get(name)
            if instance is None:
                self._miss(name, 1)
                continue
            fold(instance.wishes, effect)
            instance.deliver(effect)

    def replace(self, wishes: Wishes) -> None:
        """Forget what was wished and take this instead; everybody reconciles."""
        for name, instance in self._instances.items():
            instance.wishes.clear()
            instance.wishes.update(wishes.get(name, {}))
            instance.request_reconcile()

    def request_reconcile(self) -> None:
        """Let every channel compare the world with what is wished."""
        for instance in self._instances.values():
            instance.request_reconcile()

    async def start(self) -> None:
        """Start every channel; returns when each has started, failed or let its deadline pass. Goes on trying those."""
        for instance in self._instances.values():
            instance.begin()
        for instance in self._instances.values():
            await instance.tried_start.wait()

    async def settled(self) -> None:
        """Wait until every channel has tried to start and to reconcile once."""
        for instance in self._instances.values():
            await instance.tried_reconcile.wait()

    def begin_stop(self, *, at_once: bool = False) -> None:
        """Let what is being carried out end (unless `at_once`), then stop every channel, all within deadlines."""
        for instance in self._instances.values():
            instance.begin_stop(at_once=at_once)

    def abort(self) -> None:
        """Stop acting at once; no channel is called any more, not even to stop."""
        for instance in self._instances.values():
            instance.abort()

    async def stopped(self) -> None:
        """Wait for the end after `begin_stop` or `abort`."""
        for instance in self._instances.values():
            await instance.stopped()

    def health(self) -> dict[str, Mapping[str, str | int | bool]]:
        """Each instance's state, its troubles and what the channel says of itself."""
        return {name: instance.health() for name, instance in self._instances.items()}

    def unknown_instances(self) -> dict[str, int]:
        """Instance names that no channel has, with the number of effects that nobody could carry out."""
        return dict(self._unknown)

    def settled_now(self) -> bool:
        """Whether `settled` would return at once."""
        return all(instance.tried_reconcile.is_set() for instance in self._instances.values())

    def _miss(self, name: str, count: int) -> None:
        if name not in self._unknown:
            if len(self._unknown) >= MAX_UNKNOWN:
                return
            self._unknown[name] = 0
            _log.warning("no channel has this name; its effects are carried out by nobody", instance=name)
        self._unknown[name] += count
