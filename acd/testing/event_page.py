"""The list of kinds in EVENTS.md, made of the events that the engine knows.

    python -m acd.testing.event_page            writes it between the markers
    python -m acd.testing.event_page --check    changes nothing; fails when the document is stale

Owns the list's form. Must not know what the events mean.
"""

import sys
from typing import Final

import msgspec

from acd.runtime.events.cloud import TYPE_PREFIX
from acd.runtime.events.kinds import KINDS
from acd.testing.sections import Section, write_or_check

DOCUMENT: Final = "EVENTS.md"
COMMAND: Final = "python -m acd.testing.event_page"
BEGIN: Final = f"<!-- kinds: begin; written by `{COMMAND}`, do not edit -->"
END: Final = "<!-- kinds: end -->"


def section() -> Section:
    """Every kind with its meaning and an example of its data."""
    parts = [BEGIN, "", "## Kinds"]
    for kind in KINDS.values():
        example = msgspec.json.format(msgspec.json.encode(kind.example), indent=0).decode()
        parts += ["", f"### `{TYPE_PREFIX}{kind.name}`", "", kind.meaning, "", "```json", example, "```"]
    return Section(DOCUMENT, BEGIN, END, "\n".join([*parts, "", END]), "the list of kinds is", COMMAND)


if __name__ == "__main__":
    sys.exit(write_or_check(section(), sys.argv[1:]))
