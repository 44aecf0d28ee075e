"""`[channels.NAME.transfers.outside]`: numbers to which agents may transfer callers from their desks; without it none.

Owns the names and defaults of these options, and that there is a list of what may be dialled. Must not know ARI, calls
or agents. What a number is, and in which form it is dialled, is as in callbacks (`options.callbacks`).
"""

import re
from typing import Final

from msgspec import Struct

from acd_asterisk.options.callbacks import (
    CallbackOptions,
    NumberForm,
    never_begins,
    read_prefixes,
    read_region,
    unchecked,
)
from acd_asterisk.options.reader import Reader

_CONTEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,79}")


class OutsideOptions(Struct, frozen=True, kw_only=True):
    """All of it. `context`: of the dialplan, where the number is dialled."""

    context: str
    only: tuple[str, ...]
    """Beginnings of numbers that may be dialled, in the form in which they are; never empty."""
    number: NumberForm = "national"
    region: str = "CN"

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """What works and had better be otherwise: key, reason, fix."""
        return unchecked(self.number, self.only, self.region)

    def allowed(self, number: str) -> str:
        """The number as it is dialled: digits, perhaps behind a +; empty if it is none, or none that may be."""
        rules = CallbackOptions(number=self.number, region=self.region, only=self.only)
        return rules.allowed(number) if self.only else ""


def read_outside(table: Reader, context: str) -> OutsideOptions | None:
    """Read the table; problems are the reader's. `context`: that of transfers by telephone, the default."""
    if not table.names():
        return None
    options = OutsideOptions(
        context=table.pattern("context", context, _CONTEXT, "the name of a context of the dialplan")
        if table.has("context")
        else context,
        only=read_prefixes(table),
        number=table.choice("number", "national", "e164", "as-known"),
        region=read_region(table),
    )
    if not options.only:
        reason = "is missing: nothing may be dialled unless it is named"
        table.problem("only", reason, 'name how numbers begin, as they are dialled: only = ["13", "021"]')
    if not options.context:
        table.problem("context", "is missing", "name the context of the dialplan that dials these numbers")
    for reason, fix in never_begins(options.only, options.number, options.region):
        table.problem("only", reason, fix)
    return options
