"""`[channels.NAME.transfers]`: what becomes of transfers that agents make with their telephones.

Owns their names, bounds and defaults. Must not know ARI, calls or agents.
"""

import re
from typing import Final, Literal

from msgspec import Struct

from acd_asterisk.options.reader import Reader

_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")


class TransferOptions(Struct, frozen=True, kw_only=True):
    """All of it."""

    by_phone: Literal["engine", "asterisk"] = "engine"
    """Who carries them out: the engine, which then knows who has the customer, or Asterisk."""
    context: str = ""
    """The dialplan's context for numbers that are no agent's and no queue's; empty: nobody is transferred there."""


def read_transfers(table: Reader) -> TransferOptions:
    """Read the table; problems are the reader's."""
    return TransferOptions(
        by_phone=table.choice("by_phone", "engine", "asterisk"),
        context=table.pattern("context", "", _CONTEXT, "the name of a context of the dialplan")
        if table.has("context")
        else "",
    )
