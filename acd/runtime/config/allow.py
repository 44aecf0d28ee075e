"""`allow = ["strict-ordering"]` of a queue, or of `[domain]` for the whole file: findings that are meant.

Owns this key. Must not know how anything is found.
"""

from acd.runtime.config.codes import CODES
from acd.runtime.config.problems import Key, did_you_mean, quoted
from acd.runtime.config.table import Table


def read_allow(table: Table, section: Key) -> None:
    """Silence what the table allows from now on, in this section of the document (`()`: everywhere)."""
    named = table.ids("allow", "code", len(CODES))
    for code in named:
        if code not in CODES:
            reason = f"{quoted(code)} is not the code of a finding"
            table.problems.error(table.at("allow"), reason, did_you_mean(code, CODES))
    table.problems.allow(section, [code for code in CODES if code in named])
