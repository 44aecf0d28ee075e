"""Who was in one bridge with whom, from when to when, by Asterisk's own record: its channel event log (CEL).

Owns: which fields the record has, its parser, and the reckoning of who was together. Must not know: who wanted a
bridge, what a telephone saw, or how Asterisk is started.

Of whether two people could hear each other this is the only witness: SIPp sees each of them talk to the PBX, and a
controller knows what it has asked for. Asterisk stamps an event where it happens and before anybody is told of it, so
that an event which is another's consequence is never the earlier one. Times are microseconds since the epoch by the
clock of this machine, which is SIPp's, too; but SIPp stamps what it sends when it has been sent, which may be late.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

FIELDS = ("EventType", "EventTime", "ChanName", "UniqueID", "LinkedID", "Num", "EventExtra")
"""What a line of the record has, by the names that `cel_custom.conf` has for it."""

_HOLDING = "holding_bridge"


@dataclass(frozen=True, slots=True)
class Stay:
    """One channel in one bridge."""

    bridge_id: str
    is_holding: bool
    """Those in it hear music, and not each other."""
    entered_us: int
    left_us: int | None = None
    """None while it lasts."""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """One channel, from its making to its end."""

    name: str
    channel_id: str
    linked_id: str
    """When it was made: the id of the channel on whose behalf it was, or its own."""
    number: str
    """The caller's, of a channel that came in."""
    made_us: int
    answered_us: int | None = None
    stays: tuple[Stay, ...] = ()
    """In the order in which it entered."""
    ended_us: int | None = None
    """None while it lasts."""
    hung_up_by: str = ""
    """The name of the channel whose far end hung up: its own, or one it was with. Empty when a controller did."""

    @property
    def endpoint(self) -> str:
        """Whose channel it is: `anna` of `PJSIP/anna-0000002f`."""
        return self.name.partition("/")[2].rpartition("-")[0]

    @property
    def left_us(self) -> int | None:
        """Since when nobody can hear it: when it left its last bridge, or ended without one; None while it lasts."""
        return self.stays[-1].left_us if self.stays else self.ended_us

    @property
    def hung_up_itself(self) -> bool:
        """Whether it was its own far end that hung up."""
        return self.hung_up_by == self.name


@dataclass(frozen=True, slots=True)
class Talk:
    """Two channels in one bridge at the same time, able to hear each other."""

    bridge_id: str
    begun_us: int
    ended_us: int | None
    """None while it lasts."""


def parse_record(text: str) -> list[ChannelRecord]:
    """Every channel of the record, in the order in which they were made; a half-written line is left for later.

    A channel id that is made anew, as may happen when Asterisk is restarted within a second, is another channel.
    """
    done: list[ChannelRecord] = []
    open_channels: dict[str, ChannelRecord] = {}
    whole = text[: text.rfind("\n") + 1]
    for line in csv.reader(whole.splitlines(keepends=True)):
        event, time, name, channel_id, linked_id, number, extra = line
        at_us = _microseconds(time)
        if event == "CHAN_START":
            if (earlier := open_channels.get(channel_id)) is not None:
                done.append(earlier)
            open_channels[channel_id] = ChannelRecord(name, channel_id, linked_id, number, at_us)
        elif (known := open_channels.get(channel_id)) is not None:
            open_channels[channel_id] = _advance(known, event, at_us, extra)
    return sorted((*done, *open_channels.values()), key=lambda channel: channel.made_us)


def talks(one: ChannelRecord, other: ChannelRecord) -> list[Talk]:
    """When these two could hear each other, in order."""
    found = [
        Talk(mine.bridge_id, begun_us, ended_us)
        for mine in one.stays
        for theirs in other.stays
        if mine.bridge_id == theirs.bridge_id and not mine.is_holding
        for begun_us, ended_us in _both(mine, theirs)
    ]
    return sorted(found, key=lambda talk: talk.begun_us)


def mixed(record: Iterable[ChannelRecord]) -> list[tuple[ChannelRecord, ChannelRecord]]:
    """Every pair of channels that could ever hear each other."""
    by_bridge: dict[str, list[ChannelRecord]] = {}
    for channel in record:
        for bridge_id in dict.fromkeys(stay.bridge_id for stay in channel.stays if not stay.is_holding):
            by_bridge.setdefault(bridge_id, []).append(channel)
    return [
        (one, other)
        for inside in by_bridge.values()
        for index, one in enumerate(inside)
        for other in inside[index + 1 :]
        if talks(one, other)
    ]


def _both(one: Stay, other: Stay) -> Iterator[tuple[int, int | None]]:
    """The time that two stays have in common, if any."""
    begun_us = max(one.entered_us, other.entered_us)
    ended_us = min((each.left_us for each in (one, other) if each.left_us is not None), default=None)
    if ended_us is None or begun_us < ended_us:
        yield begun_us, ended_us


def _advance(channel: ChannelRecord, event: str, at_us: int, extra: str) -> ChannelRecord:
    match event:
        case "ANSWER":
            return replace(channel, answered_us=at_us)
        case "BRIDGE_ENTER":
            about = json.loads(extra)
            stay = Stay(about["bridge_id"], about["bridge_technology"] == _HOLDING, at_us)
            return replace(channel, stays=(*channel.stays, stay))
        case "BRIDGE_EXIT":
            *earlier, last = channel.stays
            return replace(channel, stays=(*earlier, replace(last, left_us=at_us)))
        case "HANGUP":
            return replace(channel, hung_up_by=json.loads(extra)["hangupsource"])
        case "CHAN_END":
            return replace(channel, ended_us=at_us)
        case _:
            return channel


def _microseconds(time: str) -> int:
    seconds, _, micros = time.partition(".")
    return int(seconds) * 1_000_000 + int(micros.ljust(6, "0"))
