"""What to do after a reconnect or a restart: the world compared with what the engine desires. Pure.

Owns the comparison and its order. Must not know REST, nor how a repair is carried out. Asterisk never
repeats a missed event, so everything is derived from one snapshot: which channels are in the application,
which bridges are ours, and since when Asterisk has been running.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct, structs

from acd.ports.channel import Desired
from acd_asterisk.mending import (
    NOT_FOLLOWED,
    Accept,
    Answer,
    CallBack,
    Destroy,
    End,
    Enqueue,
    Fail,
    HangUp,
    Hold,
    Join,
    Keep,
    KeptLeg,
    Leave,
    LetGo,
    Park,
    Repair,
    Requeue,
    Ring,
    Welcome,
)
from acd_asterisk.names import Names, attempt_of, first_visit, interaction_of_offer, visit_of
from acd_asterisk.snapshot import World, is_answered
from acd_asterisk.wire import AriChannel, Info


class KnownBack(Struct, frozen=True):
    """A callback as the engine has it: whether its customer was reached at the present attempt, and which that is."""

    is_reached: bool
    attempt: int


NO_BACKS: Final[Mapping[str, KnownBack]] = {}

_NOBODY: Final = AriChannel("")

_STATES: Final = ("waiting", "offered", "connected")

_STARTED_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%f%z"
_EPOCH: Final = re.compile(r"-([0-9]{9,11})\.[0-9]+(?:~[0-9]+)?$")


def compare(
    names: Names,
    world: World,
    desired: Iterable[Desired],
    *,
    has_rung: Callable[[str], bool],
    is_held: Callable[[str, str], bool],
    busy: Container[str],
    handed_in: Container[str],
    was_restarted: bool,
    backs: Mapping[str, KnownBack] = NO_BACKS,
) -> list[Repair]:
    """Every difference between the world and what is desired, in the order in which they are to be healed.

    `has_rung`: whether an offer without a leg had one, as far as can be known. `is_held`: whether an agent has put an
    interaction's customer on hold. `busy`: channels that are being seen to at this moment: callers' that are being
    enqueued or asked, codes', and agents' who are asked. `handed_in`: callers' that this process has enqueued.
    `was_restarted`: Asterisk is known to be another one than before. `backs`: the callbacks among what is desired.
    """
    by_interaction = {names.interaction(channel.id): channel for channel in world.callers.values()}
    started = _started_at(world.info)
    repairs: list[Repair] = []
    keeps: dict[str, Keep] = {}
    claimed: set[str] = set()
    wishes = {wish.interaction_id: wish for wish in desired}
    consults = [wish for wish in wishes.values() if wish.parent]
    callers = [wish for wish in wishes.values() if not wish.parent and wish.interaction_id not in backs]
    # The last visit of a channel is the one that counts. Those who wait come first: if their calls are gone, nobody
    # may be offered to an agent whose own call turns out to be gone after that.
    for wish in sorted(callers, key=lambda each: (-visit_of(each.interaction_id), _STATES.index(each.state))):
        channel = by_interaction.get(first_visit(wish.interaction_id))
        if channel is None or channel.id in claimed:
            repairs.append(_ended(wish.interaction_id, started, was_restarted=was_restarted))
            continue
        claimed.add(channel.id)
        keep = keeps[wish.interaction_id] = _keep(world, wish, channel)
        repairs.append(keep)
        repairs.extend(_differences_and_holds(world, keep, has_rung, *_apart(wish, consults, is_held)))
    for wish in (wish for wish in wishes.values() if wish.interaction_id in backs):
        ended = _ended(wish.interaction_id, started, was_restarted=was_restarted)
        found = _Back(wish, backs[wish.interaction_id], ended, *_apart(wish, consults, is_held))
        repairs.extend(_compare_back(world, found, has_rung, keeps))
    claimed |= {keep.channel.id for keep in keeps.values()}
    repairs.extend(_compare_consults(world, consults, wishes, keeps, has_rung))
    others = [channel for channel in world.callers.values() if channel.id not in claimed and channel.id not in busy]
    repairs.extend(_undesired(world, keeps, claimed, busy))
    repairs.extend(_undesired_callers(world, others, handed_in))
    return repairs


class _Back(Struct, frozen=True):
    """A callback that is desired. `ended`: what to say if its customer was there, and is not any more."""

    wish: Desired
    known: KnownBack
    ended: End
    asking: frozenset[str]
    holding: frozenset[str]


def _apart(
    wish: Desired, consults: Iterable[Desired], is_held: Callable[[str, str], bool]
) -> tuple[frozenset[str], frozenset[str]]:
    """Of the agents who are to talk with somebody: who asks for advice meanwhile, and who has put them on hold."""
    asking = frozenset(each.asking for each in consults if each.parent == wish.interaction_id)
    holding = frozenset(agent_id for agent_id in wish.offers().values() if is_held(agent_id, wish.interaction_id))
    return asking, holding - asking


def _differences_and_holds(
    world: World,
    keep: Keep,
    has_rung: Callable[[str], bool],
    asking: frozenset[str],
    holding: frozenset[str],
) -> Iterable[Repair]:
    yield from _differences(world, keep, has_rung, asking | holding)
    yield from _not_apart(world, keep, holding)


def _compare_back(
    world: World, back: _Back, has_rung: Callable[[str], bool], keeps: dict[str, Keep]
) -> Iterable[Repair]:
    """A callback: its customer is there once called, and until then there are only agents.

    `keeps`: to which it is added if it is kept.
    """
    wish = back.wish
    channel = _customer(world, wish, back.known.attempt)
    is_there = channel is not None and is_answered(channel)
    keep = structs.replace(_keep(world, wish, channel or _NOBODY), is_back=True)
    is_reached = back.known.is_reached or keep.met
    is_due = wish.state == "reaching"
    if is_reached and not is_there and not is_due:
        yield back.ended
        return
    if not is_there and not is_due and not (wish.state == "connected" and keep.legs):
        # Whoever was to talk with them is gone, so that nobody's telephone needs to ring any more.
        keep = structs.replace(keep, channel=_NOBODY)
    keeps[wish.interaction_id] = keep
    yield keep
    if is_due:
        # It is the customer's turn, before any agent is asked.
        if is_there:
            yield Welcome(wish.interaction_id)
        elif channel is None:
            yield CallBack(wish.interaction_id)
        return
    if is_reached:
        yield from _differences_and_holds(world, keep, has_rung, back.asking, back.holding)
        return
    if is_there:
        yield Welcome(wish.interaction_id)
    elif wish.state == "connected" and not keep.channel.id and any(is_answered(leg.channel) for leg in keep.legs):
        yield CallBack(wish.interaction_id)
    yield from _ringing(keep, has_rung) if wish.state != "connected" else _left(keep)


def _customer(world: World, wish: Desired, attempt: int) -> AriChannel | None:
    """Of whom we have called for a callback: who has answered, whenever that was; else who is being called now.

    Who rings for an earlier attempt, or for an agent who is gone, is being hung up, which says nothing of this one.
    """
    now = {attempt_of(wish.interaction_id, attempt)} if wish.state == "reaching" else set(wish.offers())
    found = [
        (is_answered(channel), len(offer_id), offer_id, channel)
        for offer_id, channel in world.backs.items()
        if interaction_of_offer(offer_id) == wish.interaction_id and (is_answered(channel) or offer_id in now)
    ]
    return max(found, key=lambda each: each[:3])[3] if found else None


def _compare_consults(
    world: World,
    consults: Iterable[Desired],
    wishes: Container[str],
    keeps: dict[str, Keep],
    has_rung: Callable[[str], bool],
) -> Iterable[Repair]:
    """`keeps`: the calls they are about, to which those are added that are kept."""
    for wish in consults:
        if wish.parent not in wishes:
            yield End(wish.interaction_id, "system", "consult-over")
        elif (found := _keep_consult(world, wish, keeps.get(wish.parent), consults)) is not None:
            keeps[wish.interaction_id] = found
            yield found
            yield from _differences(world, found, has_rung, frozenset())


def _keep(world: World, wish: Desired, channel: AriChannel, asking: str = "", *, elsewhere: bool = False) -> Keep:
    bridge = world.talks.get(wish.interaction_id) if wish.state == "connected" else None
    inside = bridge or frozenset()
    met = channel.id in inside or elsewhere
    # An agent's leg that is being hung up has left the bridge before it is gone.
    legs = tuple(
        KeptLeg(offer_id, agent_id, leg, talking=met and leg.id in inside)
        for offer_id, agent_id in wish.offers().items()
        if (leg := world.legs.get(offer_id)) is not None
    )
    others = (other for each in inside - {channel.id} if (other := world.callers.get(each)) is not None)
    replaced = met and any(other.is_of_asterisk for other in others)
    return Keep(wish, channel, legs, met, bridge is not None, asking, replaced=replaced)


def _keep_consult(world: World, wish: Desired, parent: Keep | None, consults: Iterable[Desired]) -> Keep | None:
    """None when nobody is there who could ask: what becomes of the parent ends its consults, too."""
    legs = () if parent is None or parent.desired.state != "connected" else parent.legs
    asking = next((leg for leg in legs if leg.agent_id == wish.asking), None)
    if asking is None:
        return None
    # Who asks several people talks with one of them, and is nowhere else.
    others = [each.interaction_id for each in consults if each.parent == wish.parent and each is not wish]
    elsewhere = any(asking.channel.id in world.talks.get(other, ()) for other in others)
    return _keep(world, wish, asking.channel, asking.offer_id, elsewhere=elsewhere)


def _differences(world: World, keep: Keep, has_rung: Callable[[str], bool], away: Container[str]) -> Iterable[Repair]:
    """`away`: agents who are in a consult or have put the caller on hold, and so are not with them."""
    wish, channel = keep.desired, keep.channel
    if wish.state == "connected":
        yield from _differences_of_talk(keep, away)
        return
    if channel.id not in world.held and not keep.met:
        yield Park(wish.interaction_id)
    elif not channel.is_up:
        yield Answer(wish.interaction_id)
    yield from _ringing(keep, has_rung)


def _ringing(keep: Keep, has_rung: Callable[[str], bool]) -> Iterable[Repair]:
    wish = keep.desired
    there = {leg.offer_id: leg.channel for leg in keep.legs}
    for offer_id, agent_id in wish.ringing():
        leg = there.get(offer_id)
        if leg is not None:
            if is_answered(leg):
                yield Accept(wish.interaction_id, offer_id)
        elif has_rung(offer_id):
            yield Fail(offer_id)
        else:
            yield Ring(wish.interaction_id, offer_id, agent_id)


def _differences_of_talk(keep: Keep, away: Container[str]) -> Iterable[Repair]:
    interaction_id = keep.desired.interaction_id
    if keep.replaced and not any(leg.talking for leg in keep.legs):
        # Nobody has hung up on the caller: a telephone transferred them while no engine was there to follow.
        yield Requeue(interaction_id, NOT_FOLLOWED)
        return
    if not keep.legs:
        # Whether anybody had ever been joined shows in where the caller is.
        yield End(interaction_id, "agent", "agent-hung-up") if keep.met else Requeue(interaction_id)
        return
    if not keep.channel.is_up and not keep.asking:
        yield Answer(interaction_id)
    if not all(leg.talking or (keep.met and leg.agent_id in away) for leg in keep.legs):
        yield Join(interaction_id)
    yield from _left(keep)


def _left(keep: Keep) -> Iterable[Repair]:
    """Of those who are to talk with somebody, who is gone; all of them: nobody was ever reached."""
    interaction_id = keep.desired.interaction_id
    there = {leg.offer_id for leg in keep.legs}
    if not there:
        yield Requeue(interaction_id)
        return
    for offer_id, agent_id in keep.desired.offers().items():
        if offer_id not in there:
            yield Leave(interaction_id, agent_id)


def _not_apart(world: World, keep: Keep, holding: Container[str]) -> Iterable[Repair]:
    for leg in keep.legs:
        if leg.agent_id in holding and leg.channel.id not in world.aside:
            yield Hold(keep.desired.interaction_id, leg.offer_id)


def _undesired(
    world: World, keeps: Mapping[str, Keep], claimed: Container[str], busy: Container[str]
) -> Iterable[Repair]:
    kept_legs = {leg.offer_id for keep in keeps.values() for leg in keep.legs}
    kept_talks = {key for key, keep in keeps.items() if keep.desired.state == "connected"}
    for offer_id, leg in world.legs.items():
        if offer_id not in kept_legs and leg.id not in busy:
            yield HangUp(leg.id)
    for channel_id in sorted(each.id for each in world.backs.values()):
        if channel_id not in claimed and channel_id not in busy:
            yield HangUp(channel_id)
    for interaction_id in world.talks:
        if interaction_id not in kept_talks:
            yield Destroy(interaction_id)
    for channel_id in sorted(world.codes):
        if channel_id not in busy:
            yield HangUp(channel_id)  # Whoever dialled a code while nobody listened dials it again.


def _undesired_callers(world: World, callers: Iterable[AriChannel], handed_in: Container[str]) -> Iterable[Repair]:
    """Those the engine is done with, and those who came while nobody listened, in the order of their arrival."""
    talked = frozenset[str]().union(*world.talks.values())
    for channel in sorted(callers, key=lambda each: (each.creationtime, each.id)):
        if channel.id in handed_in:
            yield LetGo(channel.id)
        elif channel.id in talked:
            # An earlier process of ours died before it could let go of them.
            yield HangUp(channel.id)
        else:
            yield Enqueue(channel)


def _ended(interaction_id: str, started: float, *, was_restarted: bool) -> End:
    """Why a caller is gone: Asterisk's channel ids begin with the second in which the channel was made."""
    born = _EPOCH.search(interaction_id)
    # A call of the very second of the start is an earlier one only if another Asterisk was known before.
    if int(born[1]) < int(started) + was_restarted if born else was_restarted:
        return End(interaction_id, "system", "pbx-restarted")
    return End(interaction_id, "customer", "gone-while-away")


def _started_at(info: Info) -> float:
    """When Asterisk was started, in seconds since the epoch; 0 when it does not say."""
    try:
        return datetime.strptime(info.status.startup_time, _STARTED_FORMAT).timestamp()  # noqa: DTZ007 - the format has %z
    except ValueError:
        return 0.0
