"""What Asterisk has of ours at one moment, sorted: callers, agents' legs, customers called back, bridges. Pure.

Owns which channel and which bridge is what. Must not know REST, nor what is desired.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from acd_asterisk.happenings import CALLED_BACK, code_dialled
from acd_asterisk.names import Names
from acd_asterisk.wire import AriBridge, AriChannel, Info

STASIS: Final = "Stasis"
_BEFORE: Final = frozenset({"", "AppDial2"})
"""Where Asterisk says that a channel is which it dials for us."""


class World(Struct, frozen=True):
    """What Asterisk has of ours, at one moment."""

    info: Info
    callers: Mapping[str, AriChannel]
    """Callers' channels in the application, by channel id."""
    legs: Mapping[str, AriChannel]
    """Agents' legs, by offer id."""
    talks: Mapping[str, frozenset[str]]
    """Channel ids in each talk bridge, by interaction id."""
    held: Mapping[str, str]
    """Who is in a hold bridge, by channel id: in which."""
    spoken_to: Mapping[str, str] = {}
    """Bridges in which somebody hears a prompt, or has heard one, and waits all the same: each with its channel."""
    aside: frozenset[str] = frozenset()
    """Channel ids of agents who have put customers on hold."""
    backs: Mapping[str, AriChannel] = {}
    """Customers who are or were called back, by the offer whose agent has accepted."""
    codes: frozenset[str] = frozenset()
    """Channels of telephones that have dialled a feature code."""


def survey(
    names: Names,
    info: Info,
    application: Iterable[str],
    channels: Iterable[AriChannel],
    bridges: Iterable[AriBridge],
) -> World:
    """Sort a snapshot. `application` are the ids of the application's channels."""
    members = frozenset(application)
    bridges = tuple(bridges)
    elsewhere = frozenset(each for bridge in bridges if not names.is_own(bridge.id) for each in bridge.channels)
    callers: dict[str, AriChannel] = {}
    legs: dict[str, AriChannel] = {}
    backs: dict[str, AriChannel] = {}
    codes: set[str] = set()
    for channel in channels:
        offer_id = names.offer_of(channel.id)
        back_of = names.back_of(channel.id)
        if offer_id is not None:
            legs[offer_id] = channel
        elif back_of is not None and channel.id in elsewhere:
            continue  # In a parking lot, for one: nothing else about the channel says so.
        elif back_of is not None and not _has_gone_on(channel):
            backs[back_of] = channel
        elif (
            channel.id in members
            and channel.dialplan.app_name == STASIS
            and (back_of is not None or not names.is_own(channel.id))
        ):
            if is_code(channel):
                codes.add(channel.id)
            else:
                callers[channel.id] = channel
    talks: dict[str, frozenset[str]] = {}
    held, spoken_to, aside = dict[str, str](), dict[str, str](), frozenset[str]()
    for bridge in bridges:
        interaction_id = names.talk_of(bridge.id)
        if interaction_id is not None:
            talks[interaction_id] = frozenset(bridge.channels)
        elif names.is_hold(bridge.id):
            held |= dict.fromkeys(bridge.channels, bridge.id)
        elif listener := names.listener_of(bridge.id):
            held |= dict.fromkeys(bridge.channels, bridge.id)
            spoken_to[bridge.id] = listener
        elif bridge.id == names.aside:
            aside = frozenset(bridge.channels)
    return World(info, callers, legs, talks, held, spoken_to, aside, backs, frozenset(codes))


def is_answered(leg: AriChannel) -> bool:
    """Whether an agent's leg has been picked up and is in the application."""
    return leg.dialplan.app_name == STASIS


def is_code(channel: AriChannel) -> bool:
    """Whether a channel found in the application has dialled a feature code."""
    return code_dialled(channel, _arguments(channel)) is not None


def _has_gone_on(back: AriChannel) -> bool:
    """Whether a customer who was called back is in the dialplan by now, or has come out of it again as a caller."""
    if back.dialplan.app_name == STASIS:
        return _arguments(back) != CALLED_BACK
    return back.is_up and back.dialplan.app_name not in _BEFORE


def _arguments(channel: AriChannel) -> tuple[str, ...]:
    """With which a channel has come into the application that it is in."""
    _app, *arguments = channel.dialplan.app_data.split(",")
    return tuple(arguments)
