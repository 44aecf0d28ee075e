"""Generated sections of documents: replaced between two markers, or found to be stale.

Owns the replacing, and the command that does it. Must not know what a section says.
"""

import sys
from pathlib import Path

from msgspec import Struct


class Section(Struct, frozen=True):
    """`text` is today's section, markers included; `what` and `remedy` name it and its command when it is stale."""

    document: str
    begin: str
    end: str
    text: str
    what: str
    remedy: str


def updated(document: str, section: Section) -> str:
    """The document with today's section, at its end if it had none. Raises `ValueError`: only one marker is there."""
    before, begin, rest = document.partition(section.begin)
    if not begin:
        if section.end in document:
            raise ValueError(f"the marker {section.begin} is missing")
        return f"{document.rstrip()}\n\n{section.text}\n"
    _, end, after = rest.partition(section.end)
    if not end:
        raise ValueError(f"the marker {section.end} is missing")
    return before + section.text + after


def write_or_check(section: Section, arguments: list[str]) -> int:
    """Write, or with `--check` compare; the document may be named as the last argument. 0, or 1: stale or unusable."""
    check = "--check" in arguments
    names = [each for each in arguments if each != "--check"]
    path = Path(names[-1] if names else section.document)
    try:
        document = path.read_text(encoding="utf-8")
        wanted = updated(document, section)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 1
    if check:
        if document != wanted:
            sys.stderr.write(f"{path}: {section.what} stale; run: {section.remedy}\n")
        return int(document != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0
