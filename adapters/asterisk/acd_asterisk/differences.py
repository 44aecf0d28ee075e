"""How often the PBX was found to be otherwise than desired, by kind: what a comparison had to heal.

Owns the kinds' names, the counts, and what a difference is about. Must not know how differences are found or healed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from acd_asterisk import mending
from acd_asterisk.mending import Repair
from acd_asterisk.names import Names, interaction_of_offer

KINDS: Final[Mapping[type[Repair], str]] = {
    mending.End: "call-gone",
    mending.Fail: "ringing-gone",
    mending.Requeue: "agent-gone",
    mending.Leave: "colleague-gone",
    mending.Ring: "not-rung",
    mending.Accept: "answer-missed",
    mending.Join: "not-joined",
    mending.Park: "not-held",
    mending.Hold: "hold-missed",
    mending.Answer: "not-answered",
    mending.Enqueue: "unknown-caller",
    mending.CallBack: "not-called-back",
    mending.Welcome: "customer-missed",
    mending.LetGo: "caller-kept",
    mending.HangUp: "orphaned-channel",
    mending.Destroy: "orphaned-bridge",
}
"""For figures and logs. What is kept is no difference."""


def interaction_of(names: Names, repair: Repair) -> str:
    """The interaction that a repair is about; empty when it is about none. Of who has come again: the first."""
    match repair:
        case mending.Keep():
            return repair.desired.interaction_id
        case mending.Enqueue(channel):
            return names.interaction(channel.id)
        case mending.LetGo(channel_id):
            return names.interaction(channel_id)
        case mending.Fail(offer_id):
            return interaction_of_offer(offer_id)
        case mending.HangUp(channel_id):
            return interaction_of_offer(names.offer_of(channel_id) or names.back_of(channel_id) or "")
        case _:
            return repair.interaction_id


PREFIX: Final = "difference_"


class Differences:
    """Those of one channel instance, since the process began."""

    def __init__(self) -> None:
        """None so far."""
        self._counts: Counter[str] = Counter(dict.fromkeys(KINDS.values(), 0))

    def note(self, repairs: Iterable[Repair]) -> int:
        """Count what is to be healed; returns how many."""
        found = [KINDS[type(repair)] for repair in repairs if type(repair) in KINDS]
        self._counts.update(found)
        return len(found)

    def health(self) -> dict[str, int]:
        """`difference_orphaned-bridge = 3`; every kind, so that a figure does not begin with its first rise."""
        return {f"{PREFIX}{kind}": count for kind, count in self._counts.items()}
