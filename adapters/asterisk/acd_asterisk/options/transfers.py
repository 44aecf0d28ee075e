"""`[channels.NAME.transfers]`: what becomes of transfers that agents make with their telephones, and to which numbers.

Owns their names, bounds and defaults; those of numbers are `options.outside`'s. Must not know ARI, calls or agents.
"""

import re
from typing import Final, Literal

from msgspec import Struct

from acd_asterisk.options.outside import OutsideOptions, read_outside
from acd_asterisk.options.reader import Reader

_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")


class TransferOptions(Struct, frozen=True, kw_only=True):
    """All of it."""

    by_phone: Literal["asterisk", "engine"] = "asterisk"
    """Who carries them out: Asterisk, whom the engine follows, or the engine, to whom Asterisk leaves them.

    Asterisk 22.10.1 dies of a REFER with `Refer-Sub: false` that is left to a controller (its issue 2021, mended in
    22.11): nothing that one telephone may do by default.
    """
    context: str = ""
    """The dialplan's context for numbers that are no agent's and no queue's; empty: nobody is transferred there."""

    outside: OutsideOptions | None = None
    """Numbers to which agents transfer from their desks; None: to none."""

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """What works and had better be otherwise: key, reason, fix."""
        of_numbers = () if self.outside is None else self.outside.cautions
        found = tuple((f"outside.{key}", reason, fix) for key, reason, fix in of_numbers)
        if self.by_phone == "asterisk":
            return found
        reason = "before 22.11 Asterisk dies of a telephone's REFER with `Refer-Sub: false` (its issue 2021)"
        return (*found, ("by_phone", reason, 'use "asterisk" unless yours is newer'))


def read_transfers(table: Reader) -> TransferOptions:
    """Read the table; problems are the reader's."""
    context = (
        table.pattern("context", "", _CONTEXT, "the name of a context of the dialplan") if table.has("context") else ""
    )
    return TransferOptions(
        by_phone=table.choice("by_phone", "asterisk", "engine"),
        context=context,
        outside=read_outside(table.table("outside", "transfers to numbers"), context),
    )
