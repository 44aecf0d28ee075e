"""What SIPp saw, as typed records: one for each dialog of an agent's telephone or of a caller.

Owns: the line format that the scenarios log, its parsers, and the check for overlapping dialogs.
Must not know: how SIPp is started, or what the PBX believes.

Times are microseconds since the epoch by the clock of this machine, taken by SIPp when it handled the
message: two SIPp processes on one machine can be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

AgentEnd = Literal["pbx", "agent", "limit", "cancelled", "busy", "declined"]
"""Who or what ended it: the PBX by BYE, the agent by BYE, the harness by BYE after its limit, the PBX by
CANCEL, or the agent by 486 or 603."""

CallerEnd = Literal["pbx", "caller", "limit", "abandoned", "failed"]
"""The PBX by BYE, the caller by BYE, the harness by BYE or CANCEL after its limit, the caller by CANCEL,
or the PBX by a final response (see `code`)."""


_PARTS = 5


@dataclass(frozen=True, slots=True)
class AgentDialog:
    """One INVITE that reached an agent's telephone."""

    agent: str
    caller: str
    call_id: str
    invited_us: int
    ringing_us: int | None = None
    answered_us: int | None = None
    ended_us: int | None = None
    how: AgentEnd | None = None
    """None while it lasts."""

    @property
    def is_answered(self) -> bool:
        """Whether the agent picked up."""
        return self.answered_us is not None


@dataclass(frozen=True, slots=True)
class CallerDialog:
    """One call that a caller made."""

    caller: str
    dialled: str
    call_id: str
    invited_us: int
    ringing_us: int | None = None
    answered_us: int | None = None
    """When the PBX answered, which may be long before an agent does."""
    ended_us: int | None = None
    how: CallerEnd | None = None
    """None while it lasts."""
    code: int | None = None
    """The final response's status, of a failed call; 408 when nothing answered at all."""

    @property
    def is_answered(self) -> bool:
        """Whether the PBX answered."""
        return self.answered_us is not None


@dataclass(frozen=True, slots=True)
class _Line:
    event: str
    at_us: int
    call_id: str
    called: str
    caller: str
    detail: str


def parse_agents(log: str) -> list[AgentDialog]:
    """The dialogs in the log of the agents' scenario, in the order of their INVITEs."""
    dialogs: dict[str, AgentDialog] = {}
    for line in _lines(log):
        known = dialogs.get(line.call_id)
        if line.event == "invited":
            dialogs[line.call_id] = AgentDialog(line.called, line.caller, line.call_id, line.at_us)
        elif known is not None and known.ended_us is None:
            dialogs[line.call_id] = _advance_agent(known, line)
    return list(dialogs.values())


def parse_callers(log: str) -> list[CallerDialog]:
    """The dialogs in the log of the callers' scenario, in the order of their INVITEs."""
    dialogs: dict[str, CallerDialog] = {}
    for line in _lines(log):
        known = dialogs.get(line.call_id)
        if line.event == "invited":
            dialogs[line.call_id] = CallerDialog(line.caller, line.called, line.call_id, line.at_us)
        elif known is not None and known.ended_us is None:
            dialogs[line.call_id] = _advance_caller(known, line)
    return list(dialogs.values())


def overlapping(dialogs: Iterable[AgentDialog]) -> list[tuple[AgentDialog, AgentDialog]]:
    """Every pair of dialogs of one agent that rang or talked at the same time; ideally none.

    A dialog lasts from its INVITE to its end, and for ever if it has none. One that was refused as busy
    never rang, and is left out.
    """
    by_agent: defaultdict[str, list[AgentDialog]] = defaultdict(list)
    for dialog in dialogs:
        if dialog.how != "busy":
            by_agent[dialog.agent].append(dialog)
    pairs: list[tuple[AgentDialog, AgentDialog]] = []
    for own in by_agent.values():
        open_dialogs: list[AgentDialog] = []
        for dialog in sorted(own, key=lambda each: each.invited_us):
            open_dialogs = [
                earlier for earlier in open_dialogs if earlier.ended_us is None or earlier.ended_us > dialog.invited_us
            ]
            pairs.extend((earlier, dialog) for earlier in open_dialogs)
            open_dialogs.append(dialog)
    return pairs


def _lines(log: str) -> Iterable[_Line]:
    """`event|date TAB time TAB epoch.micros|call-id|called|caller[|detail]`; a half-written line is skipped."""
    for text in log.splitlines():
        parts = text.split("|")
        if len(parts) == _PARTS:
            parts.append("")
        if len(parts) != _PARTS + 1:
            continue
        seconds, _, micros = parts[1].rpartition("\t")[2].partition(".")
        if seconds.isdigit() and micros.isdigit():
            at_us = int(seconds) * 1_000_000 + int(micros.ljust(6, "0"))
            yield _Line(parts[0], at_us, parts[2], parts[3], parts[4], parts[5])


def _advance_agent(dialog: AgentDialog, line: _Line) -> AgentDialog:
    match line.event:
        case "ringing":
            return replace(dialog, ringing_us=line.at_us)
        case "answered":
            return replace(dialog, answered_us=line.at_us)
        case "pbx" | "agent" | "limit" | "cancelled" | "busy" | "declined" as how:
            return replace(dialog, ended_us=line.at_us, how=how)
        case _:
            return dialog


def _advance_caller(dialog: CallerDialog, line: _Line) -> CallerDialog:
    match line.event, line.detail:
        case "ringing", _:
            return replace(dialog, ringing_us=dialog.ringing_us or line.at_us)
        case "answered", _:
            return replace(dialog, answered_us=line.at_us)
        case "ended", ("pbx" | "caller" | "limit" | "abandoned") as how:
            return replace(dialog, ended_us=line.at_us, how=how)
        case "failed", code:
            return replace(dialog, ended_us=line.at_us, how="failed", code=int(code))
        case _:
            return dialog
