"""The journal's tables. Owns the SQL of the schema and its migrations; must not know who reads or writes.

`head` is one row, updated in the transaction of every append: it says how many rows there must be, so
that rows missing from the end show too.
"""

from typing import Final

from acd.errors import JournalCorrupt, JournalUnavailable
from acd.runtime.database import DatabaseKind

JOURNAL: Final = DatabaseKind(
    name="journal",
    application_id=0x4143444A,
    migrations=(
        (
            """
            CREATE TABLE journal (
                seq INTEGER PRIMARY KEY,
                domain TEXT NOT NULL,
                epoch INTEGER NOT NULL,
                command_id TEXT NOT NULL,
                origin TEXT NOT NULL,
                at_us INTEGER NOT NULL,
                schema INTEGER NOT NULL,
                command BLOB NOT NULL,
                outcome TEXT NOT NULL,
                chain BLOB NOT NULL
            )
            """,
            """
            CREATE TABLE head (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                domain TEXT NOT NULL,
                epoch INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                chain BLOB NOT NULL
            )
            """,
            """
            CREATE TABLE quarantine (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                command_id TEXT NOT NULL,
                origin TEXT NOT NULL,
                at_us INTEGER NOT NULL,
                schema INTEGER NOT NULL,
                command BLOB NOT NULL,
                error TEXT NOT NULL
            )
            """,
        ),
    ),
    unavailable=JournalUnavailable,
    corrupt=JournalCorrupt,
)
