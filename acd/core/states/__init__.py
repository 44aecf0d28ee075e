"""The four state machines, as tables: presence, interaction, work item, offer. One file each.

Every change of state in the engine goes through one of these tables; an entry that is missing is a
bug, and raises KeyError. `make check` regenerates the diagrams of ARCHITECTURE.md from them.
"""

from typing import Final

from acd.core.states import interaction, offer, presence, work

Table = dict[str, dict[str, str]]

TABLES: Final[dict[str, tuple[str, Table]]] = {
    "presence": (presence.INITIAL, presence.TABLE),
    "interaction": (interaction.INITIAL, interaction.TABLE),
    "work": (work.INITIAL, work.TABLE),
    "offer": (offer.INITIAL, offer.TABLE),
}
"""Name → (initial state, state → trigger → next state)."""
