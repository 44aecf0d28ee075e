"""The account of a run: what SIPp saw on both sides, against what the journal says.

Owns the rules that must hold whatever happened. Must not know how the calls were made or what disturbed them.
Calls are joined by the caller's number, which is unique in a run and stands in the attribute `ticket`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acd.core.engine import Engine
from acd.core.messages import (
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionQueued,
    OfferAccepted,
    OfferExpired,
    PresenceChanged,
)
from acd.runtime.journal import SqliteJournalReader
from acd.runtime.replay import replay
from acd_asterisk.lab import AgentDialog, CallerDialog, overlapping

TICKET = "ticket"


@dataclass(frozen=True)
class Account:
    """A run's events, and both sides' dialogs."""

    events: Sequence[Event]
    agents: Sequence[AgentDialog]
    callers: Sequence[CallerDialog]
    skills: Mapping[str, frozenset[str]]
    """Agent → skills."""
    wanted: Mapping[str, str]
    """Caller → skill."""

    def all(self, kind: type[Event]) -> list[Event]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def tickets(self) -> dict[str, str]:
        """Interaction → caller."""
        queued = (event for event in self.events if isinstance(event, InteractionQueued))
        return {event.interaction_id: dict(event.attributes)[TICKET] for event in queued}

    def check(self, *, engine_was_away: bool = False) -> None:
        """What must hold in every run. `engine_was_away`: some callers were the fallback's, some picked up in vain."""
        assert not overlapping(self.agents), f"an agent had two dialogs at once: {overlapping(self.agents)[:3]}"
        self._check_nobody_lost(all_queued=not engine_was_away)
        self._check_qualified()
        self._check_talks(vain_only_for_leavers=not engine_was_away)

    def _check_nobody_lost(self, *, all_queued: bool) -> None:
        """Every caller was queued once, and every interaction ended once."""
        assert len(self.callers) == len(self.wanted), "not every call was made"
        assert all(dialog.how is not None for dialog in self.callers), "a caller is still there"
        queued = Counter(self.tickets().values())
        failed = {dialog.caller for dialog in self.callers if dialog.how in {"failed", "limit"}}
        assert not failed & queued.keys(), "a caller who was queued was turned away"
        if all_queued:
            assert queued.keys() == {dialog.caller for dialog in self.callers}, "a caller was never queued"
        assert max(queued.values()) == 1, "a caller was queued twice"
        ended = Counter(
            event.interaction_id
            for event in self.events
            if isinstance(event, InteractionCompleted | InteractionAbandoned | InteractionCancelled)
        )
        assert ended.keys() == self.tickets().keys(), "an interaction did not end"
        assert max(ended.values()) == 1, "an interaction ended twice"

    def _check_qualified(self) -> None:
        """Whoever picked up has the skill."""
        for dialog in self.agents:
            assert self.wanted[dialog.caller] in self.skills[dialog.agent], f"{dialog} is not qualified"

    def _check_talks(self, *, vain_only_for_leavers: bool) -> None:
        """What the engine calls accepted was picked up, by that agent, and the other way round."""
        tickets = self.tickets()
        accepted = Counter(
            (tickets[event.interaction_id], event.agent_id) for event in self.events if isinstance(event, OfferAccepted)
        )
        answered = Counter((dialog.caller, dialog.agent) for dialog in self.agents if dialog.is_answered)
        missing = accepted - answered
        assert not missing, f"accepted, but never picked up: {missing}"
        # Picked up in the very moment in which the caller hung up: the agent's leg is ended, no talk took place.
        in_vain = answered - accepted
        left = {dialog.caller for dialog in self.callers if dialog.how in {"caller", "abandoned"}}
        if not vain_only_for_leavers:
            return
        assert {caller for caller, _ in in_vain} <= left, f"picked up, but never accepted: {in_vain}"

    def check_nobody_punished(self) -> None:
        """No agent was made not-ready by the system, and no offer expired."""
        assert not self.all(OfferExpired)
        reasons = {event.reason for event in self.events if isinstance(event, PresenceChanged)}
        assert not reasons & {"rona", "unreachable"}, reasons


def journaled(path: Path, domain: str = "default") -> list[Event]:
    """Every event of a journal, by replaying it."""
    reader = SqliteJournalReader(path)
    try:
        return [event for step in replay(Engine(domain), reader.rows()) for event in step.outcome.events]
    finally:
        reader.close()


def waited_ms(callers: Iterable[CallerDialog], agents: Iterable[AgentDialog]) -> list[float]:
    """From each caller's INVITE to the first INVITE of an agent for them, sorted."""
    first: dict[str, int] = {}
    for dialog in sorted(agents, key=lambda each: each.invited_us):
        first.setdefault(dialog.caller, dialog.invited_us)
    return sorted((first[each.caller] - each.invited_us) / 1000 for each in callers if each.caller in first)
