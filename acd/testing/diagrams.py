"""The state diagrams of ARCHITECTURE.md, drawn from the tables that the engine runs on.

    python -m acd.testing.diagrams            writes them between the markers, or at the end when there are none
    python -m acd.testing.diagrams --check    changes nothing; fails when the document is stale

Owns the drawing (Mermaid). Must not know what the states mean.
"""

import sys
from typing import Final

from acd.core.states import TABLES, Table
from acd.testing import sections

DOCUMENT: Final = "ARCHITECTURE.md"
BEGIN: Final = "<!-- state diagrams: begin; written by `python -m acd.testing.diagrams`, do not edit -->"
END: Final = "<!-- state diagrams: end -->"

_TITLES: Final = {
    "presence": "An agent's presence",
    "interaction": "An interaction",
    "work": "A work item",
    "offer": "An offer",
}


def section() -> str:
    """The whole section, markers included."""
    parts = [BEGIN, "", "## State machines"]
    for name, (initial, table) in TABLES.items():
        parts += ["", f"### {_TITLES.get(name, name)}", "", draw(initial, table)]
    return "\n".join([*parts, "", END])


def draw(initial: str, table: Table) -> str:
    """One state machine as a Mermaid diagram; states that nothing leaves are final."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state}" as {_alias(state)}' for state in table if _alias(state) != state]
    lines.append(f"    [*] --> {_alias(initial)}")
    for state, row in table.items():
        lines += [f"    {_alias(state)} --> {_alias(following)}: {trigger}" for trigger, following in row.items()]
        if not row:
            lines.append(f"    {_alias(state)} --> [*]")
    return "\n".join([*lines, "```"])


def updated(document: str) -> str:
    """The document with today's section. Raises `ValueError` when only one of the markers is there."""
    return sections.updated(document, _section())


def main(arguments: list[str]) -> int:
    """Write or check; the document may be named as the last argument. 0, or 1 when stale or unusable."""
    return sections.write_or_check(_section(), arguments)


def _section() -> sections.Section:
    return sections.Section(DOCUMENT, BEGIN, END, section(), "the state diagrams are", "python -m acd.testing.diagrams")


def _alias(state: str) -> str:
    """Mermaid's identifiers have no hyphens, and `end` is a word of its grammar."""
    return "end_" if state == "end" else state.replace("-", "_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
