"""What became of every line that was read: mapped, true here anyway, mapped with a difference, or left out.

Owns the account and its wording. Must not know how anything is mapped.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from acd.runtime.config.problems import quoted
from acd_asterisk.importing.conf import Entry
from acd_asterisk.importing.writing import plain

Outcome = Literal["mapped", "anyway", "differs", "left"]

MAX_REMARKS: Final = 1_000
"""Remarks that are kept; further ones are only counted."""

MAX_PLACES: Final = 5
"""Queues or agents that one line of the account names."""

_HEADINGS: Final[dict[Outcome, str]] = {
    "mapped": "taken over",
    "anyway": "so here anyway",
    "differs": "taken over with a difference",
    "left": "left out",
}


class Finding(NamedTuple):
    """One line of a file: `place` is the section it stands in, `text` what it came to, or why not."""

    outcome: Outcome
    place: str
    entry: Entry
    text: str


class Report:
    """Collects findings, and remarks about no single line."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self.findings: list[Finding] = []
        self._remarks: dict[str, None] = {}
        self._dropped = 0

    def add(self, outcome: Outcome, place: str, entry: Entry, text: str) -> None:
        """One line and what became of it."""
        self.findings.append(Finding(outcome, place, entry, text))

    def remark(self, text: str) -> None:
        """Something to know, once."""
        if len(self._remarks) < MAX_REMARKS:
            self._remarks[text] = None
        elif text not in self._remarks:
            self._dropped += 1

    @property
    def remarks(self) -> list[str]:
        """Those that were made, and how many more there were."""
        return [*self._remarks, *([f"{self._dropped} more remarks are not shown"] if self._dropped else [])]

    def counts(self) -> str:
        """`settings: 48, 20 taken over, 18 so here anyway, …`."""
        found = Counter(each.outcome for each in self.findings)
        parts = ", ".join(f"{found[outcome]} {words}" for outcome, words in _HEADINGS.items())
        return f"settings: {len(self.findings)}, {parts}"

    def of_note(self) -> dict[str, list[Finding]]:
        """What differs or was left out, by section."""
        found: dict[str, list[Finding]] = {}
        for each in self.findings:
            if each.outcome in {"differs", "left"}:
                found.setdefault(each.place, []).append(each)
        return found

    def summary(self) -> list[str]:
        """Lines for a terminal: what differs or was left out, each reason once, with its sections; then the remarks."""
        lines: list[str] = []
        for outcome in ("differs", "left"):
            grouped: dict[tuple[str, str], list[Finding]] = {}
            for each in self.findings:
                if each.outcome == outcome:
                    grouped.setdefault((each.entry.name, each.text), []).append(each)
            for (name, text), same in grouped.items():
                places = f"[{_named(dict.fromkeys(each.place for each in same))}]"
                values = _named(dict.fromkeys(quoted(each.entry.value) for each in same))
                lines.append(f"{_HEADINGS[same[0].outcome]}: {places} {name} = {values}: {text}")
        return [plain(line) for line in (*lines, *(f"note: {text}" for text in self.remarks))]


def told(finding: Finding) -> str:
    """One line for a comment in the file."""
    return f"{_HEADINGS[finding.outcome]}: {finding.entry.name} = {quoted(finding.entry.value)}: {finding.text}"


def _named(names: Iterable[str]) -> str:
    some = list(names)
    more = f" and {len(some) - MAX_PLACES} more" if len(some) > MAX_PLACES else ""
    return ", ".join(some[:MAX_PLACES]) + more
