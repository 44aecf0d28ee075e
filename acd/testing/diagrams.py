"""The state diagrams of ARCHITECTURE.md, drawn from the tables that the engine runs on.

    python -m acd.testing.diagrams            writes them between the markers, or at the end when there are none
    python -m acd.testing.diagrams --check    changes nothing; fails when the document is stale

Owns the drawing (Mermaid). Must not know what the states mean.
"""

import sys
from pathlib import Path
from typing import Final

from acd.core.states import TABLES, Table

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
    before, begin, rest = document.partition(BEGIN)
    if not begin:
        if END in document:
            raise ValueError(f"the marker {BEGIN} is missing")
        return f"{document.rstrip()}\n\n{section()}\n"
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the marker {END} is missing")
    return before + section() + after


def main(arguments: list[str]) -> int:
    """Write or check; the document may be named as the last argument. 0, or 1 when stale or unusable."""
    check = "--check" in arguments
    names = [each for each in arguments if each != "--check"]
    path = Path(names[-1] if names else DOCUMENT)
    try:
        document = path.read_text(encoding="utf-8")
        wanted = updated(document)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 1
    if check:
        if document != wanted:
            sys.stderr.write(f"{path}: the state diagrams are stale; run: python -m acd.testing.diagrams\n")
        return int(document != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0


def _alias(state: str) -> str:
    """Mermaid's identifiers have no hyphens, and `end` is a word of its grammar."""
    return "end_" if state == "end" else state.replace("-", "_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
