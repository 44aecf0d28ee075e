"""The third account of the same calls, Asterisk's own, beside SIPp's: which channel was whose, and who was joined.

Owns the pairing, and what a talk must be like. Must not know how anything is run, nor the journal: this is the account
by which the engine's is judged. Times are µs since 1970, on one machine's clock.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from acd_asterisk.lab import AgentDialog, CallerDialog, ChannelRecord, Talk, mixed, talks

TRUNK = "trunk"
"""The endpoint by which callers come in."""


@dataclass(frozen=True)
class Rung:
    """An agent's telephone rung for a caller: as the telephone saw it, and as Asterisk did."""

    dialog: AgentDialog
    leg: ChannelRecord
    talks: Sequence[Talk]
    """With the caller for whom it was rung."""


@dataclass(frozen=True)
class Told:
    """Everything that Asterisk and SIPp say of one call."""

    caller: CallerDialog
    channel: ChannelRecord
    rung: Sequence[Rung]


def pair(
    callers: Iterable[CallerDialog], dialogs: Iterable[AgentDialog], record: Sequence[ChannelRecord]
) -> dict[str, Told]:
    """By caller. Asserts that it works out: a channel for each dialog, and no two dialogs for one channel."""
    channels: dict[str, ChannelRecord] = {}
    legs: dict[tuple[str, str], list[ChannelRecord]] = {}
    for channel in record:
        assert channel.ended_us is not None, f"it is still there: {channel}"
        if channel.endpoint == TRUNK:
            assert channel.number not in channels, f"two channels of one caller: {channel}"
            channels[channel.number] = channel
        else:
            legs.setdefault((channel.endpoint, channel.linked_id), []).append(channel)
    rung: dict[str, list[Rung]] = {}
    for dialog in dialogs:
        caller = channels[dialog.caller]
        # Asterisk makes the channel, then sends the INVITE; and it makes one for a caller only when the last is gone.
        made = [leg for leg in legs[dialog.agent, caller.channel_id] if leg.made_us < dialog.invited_us]
        rung.setdefault(dialog.caller, []).append(Rung(dialog, made[-1], talks(caller, made[-1])))
    found = {each.caller: Told(each, channels[each.caller], rung.get(each.caller, ())) for each in callers}
    # Not by its id: an offer whose dialling nobody lived to note is dialled once more, by the same id.
    taken = Counter(each.leg.name for told in found.values() for each in told.rung)
    assert taken.most_common(1)[0][1] == 1, f"two dialogs of one channel: {taken.most_common(1)}"
    return found


def assert_nobody_else_listened(told: Mapping[str, Told], record: Iterable[ChannelRecord]) -> None:
    """An agent is joined with the caller for whom the telephone rang, and with no one else."""
    wanted = {frozenset((each.channel.name, one.leg.name)) for each in told.values() for one in each.rung}
    strangers = [(one.name, other.name) for one, other in mixed(record) if {one.name, other.name} not in wanted]
    assert not strangers, strangers


def assert_whole(told: Told, rung: Rung) -> None:
    """A talk is one talk, and lasts until one of the two hangs up, whatever becomes of the engine meanwhile."""
    (talk,) = rung.talks
    leg_us, caller_us = rung.leg.left_us, told.channel.left_us
    assert leg_us is not None, rung
    assert caller_us is not None, told
    assert told.channel.answered_us is not None, f"the caller's telephone still rang: {told}"
    assert told.channel.answered_us < talk.begun_us, f"the caller's telephone still rang: {told}"
    assert talk.ended_us == min(leg_us, caller_us), f"cut short: {told}"
    if leg_us < caller_us:
        assert (rung.leg.hung_up_itself, rung.dialog.how) == (True, "agent"), told
    else:
        assert (told.channel.hung_up_itself, told.caller.how) == (True, "caller"), told


def is_too_late(told: Told, rung: Rung) -> bool:
    """Whether the caller was gone before the agent's end was: nobody was left to be joined with."""
    assert rung.leg.left_us is not None, rung
    assert told.channel.left_us is not None, told
    return told.channel.left_us <= rung.leg.left_us and told.channel.hung_up_itself and told.caller.how == "caller"
