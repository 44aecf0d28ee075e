"""Capacity: the ready-made profiles, and `[capacities.NAME]` of one's own.

Owns what the profiles mean. Must not know agents. Units are per agent, 100 in the ready-made profiles.

- `exclusive`, the default: whatever the agent has in hand fills them.
- `parallel`: one call beside two written conversations (chat, messages, mail), or four of these without a
  call. Whoever writes first may thereby keep calls waiting.
- `reserved-voice`: one call beside two written conversations, and never more than two of these: half of the
  agent is kept for a call, so that chats can never starve calls.
"""

from collections.abc import Mapping
from typing import Final

from acd.core import limits
from acd.core.messages import Capacity, ChannelShare
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

DEFAULT: Final = "exclusive"

PROFILES: Final[dict[str, Capacity]] = {
    "exclusive": Capacity(100, (ChannelShare("*", 100, 1),)),
    "parallel": Capacity(100, (ChannelShare("*", 25, 4), ChannelShare("voice", 50, 1))),
    "reserved-voice": Capacity(100, (ChannelShare("*", 25, 2), ChannelShare("voice", 50, 1))),
}
"""Name → capacity, channel shares sorted by channel."""

MAX_CAPACITIES: Final = 1_000
"""Profiles that one file may define."""


def read_capacities(root: Table) -> dict[str, Capacity]:
    """`[capacities]` and the ready-made ones, by name."""
    found = dict(PROFILES)
    for name, table in root.named("capacities", "capacity", MAX_CAPACITIES):
        if name in PROFILES:
            root.problems.error(table.key, f"{quoted(name)} is a ready-made profile", "give yours another name")
        else:
            found[name] = _capacity(table)
    return found


def _capacity(table: Table) -> Capacity:
    total = table.integer("total", 100, 1, limits.MAX_CAPACITY)
    if not table.has("channels"):
        table.problems.error(
            table.key, "says nothing about channels", "add channels = { voice = { cost = 50, most = 1 } }"
        )
    shares = []
    for channel, share in table.named("channels", "channel", limits.MAX_CHANNELS):
        cost = share.integer("cost", total, 1, limits.MAX_CAPACITY)
        most = share.integer("most", 1, 1, limits.MAX_CAPACITY)
        if cost > total:
            reason = f"{cost} is more than the total of {total}, so that nothing of this channel ever fits"
            table.problems.error(share.at("cost"), reason, f"use 1 to {total}")
        interrupts = share.ids("interrupts", "channel", limits.MAX_CHANNELS)
        share.finish()
        shares.append(ChannelShare(channel, cost, most, interrupts))
    _check_interrupts(table, {share.channel: share for share in shares})
    table.finish()
    return Capacity(total, tuple(shares))


def _check_interrupts(table: Table, shares: Mapping[str, ChannelShare]) -> None:
    """Interrupting oneself, one another or what is never there is a slip."""
    for share in shares.values():
        for channel in share.interrupts:
            other = shares.get(channel) or shares.get("*")
            if other is share:
                reason = f"{quoted(channel)} falls under {quoted(share.channel)} itself and cannot interrupt it"
                fix = "leave it out; how many run at once is said by most"
            elif other is None:
                reason = f"{quoted(channel)} is no channel of this capacity, so there is nothing to interrupt"
                fix = f"use some of {', '.join(name for name in shares if name != share.channel) or 'none'}"
            elif share.channel in other.interrupts:
                reason = (
                    f"{quoted(share.channel)} and {quoted(channel)} interrupt each other, so that neither has a limit"
                )
                fix = "let one of them wait for the other"
            else:
                continue
            table.problems.error(table.at("channels", share.channel, "interrupts"), reason, fix)
