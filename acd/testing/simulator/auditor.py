"""The auditor: a second engine that follows what is on disk, and holds everybody to it.

Owns the account of the durable truth and the safety rules that follow from it. Must not know how anything failed. It
is told every row the moment it is written, whatever the writer is told; it repeats the decision, compares the
outcome, checks the invariants, and keeps accounts of its own from the events.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from acd.core import invariants
from acd.core.engine import Engine
from acd.core.messages import (
    Command,
    Effect,
    Event,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    Outcome,
    ReleaseInteraction,
)
from acd.core.messages.codec import decode_command
from acd.core.states.interaction import TABLE
from acd.ports.channel import Desired
from acd.ports.journal import Entry
from acd.runtime.dispatch import Wishes, desired_of
from acd.runtime.replay import outcome_digest
from acd.testing.simulator.coverage import Coverage
from acd.testing.simulator.referee import Referee

_RECOVER: Final = "recover-"


class Auditor:
    """The truth as it is on disk."""

    def __init__(self, domain: str, referee: Referee, coverage: Coverage, check_every: int = 1) -> None:
        """`check_every`: the invariants, which recount everything, are checked after every so many rows."""
        self._referee = referee
        self._coverage = coverage
        self.engine = Engine(domain)
        self.seq = 0
        self.epoch = 0
        self.commands: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.digests: dict[str, str] = {}
        """Command → digest of its outcome."""
        self.released_by: dict[str, Command] = {}
        """Interaction → the command that released its customer."""
        self._check_every = check_every
        self._effects: set[Effect] = set()
        self._overdue: tuple[int | None, int] = (None, 0)
        self._offers = _Offers(referee)

    # ---- told by the disk

    def durable(self, epoch: int, first_seq: int, batch: Sequence[Entry]) -> None:
        """These rows are on disk. Raises `Violation`."""
        self._referee.require(first_seq == self.seq + 1, f"row {first_seq} was written after row {self.seq}")
        for entry in batch:
            self._row(epoch, entry)

    def _row(self, epoch: int, entry: Entry) -> None:
        self.seq += 1
        command_id = entry.command_id
        where = f"row {self.seq} ({command_id})"
        self._referee.require(command_id not in self.digests, f"{where}: the command was carried out before")
        if epoch != self.epoch:
            self._referee.require(epoch > self.epoch, f"{where}: epoch {epoch} after {self.epoch}")
            first = self.seq == 1
            self._referee.require(
                first or command_id.startswith(_RECOVER), f"{where}: a new life began without recovery"
            )
            self.epoch = epoch
        command = decode_command(entry.command)
        self._coverage.counting = True
        outcome = self.engine.apply(command, entry.at_us)
        self._coverage.counting = False
        digest = outcome_digest(outcome)
        self._referee.require(
            digest == entry.outcome, f"{where}: replay leads to {digest}, recorded is {entry.outcome}"
        )
        self.digests[command_id] = digest
        self.commands[type(command).__name__] += 1
        self._note_end(command, outcome)
        if outcome.refusal is not None:
            self.refusals[outcome.refusal.code] += 1
        self._effects.update(outcome.effects)
        for event in outcome.events:
            self.events[type(event).__name__] += 1
            self._offers.fold(event, epoch, where)
        if self.seq % self._check_every == 0:
            self.check()

    def _note_end(self, command: Command, outcome: Outcome) -> None:
        for effect in outcome.effects:
            if isinstance(effect, ReleaseInteraction):
                self.released_by[effect.interaction_id] = command

    def check(self) -> None:
        """The core's invariants. Raises `Violation`."""
        broken = ""
        try:
            invariants.check(self.engine)
        except AssertionError as error:
            broken = str(error)
        self._referee.require(not broken, f"after row {self.seq}: {broken}")

    # ---- asked by everybody else

    def published(self, last_seq: int) -> None:
        """The writer tells the world about rows up to this one. Raises `Violation`."""
        self._referee.require(last_seq <= self.seq, f"row {last_seq} was published, and the disk ends at {self.seq}")

    def performed(self, effect: Effect) -> None:
        """A channel is asked to carry this out. Raises `Violation`."""
        self._referee.require(effect in self._effects, f"{effect} left before its commit")

    def wished(self, desired: Sequence[Desired]) -> None:
        """A channel is asked to bring the world there. Raises `Violation`."""
        for each in desired:
            for offer_id in {each.offer_id: None, **dict(each.ringing())}:
                made = not offer_id or offer_id in self._offers.made
                self._referee.require(made, f"{each} is desired, and the offer was never committed")

    def see_to_deadlines(self, now_us: int, at_us: int, late_us: int) -> None:
        """Ask again and again: what is due must happen, within `late_us`. Raises `Violation`.

        `now_us` is the engine's clock, which may leap; `at_us` is a clock that does not.
        """
        due_us = self.engine.next_deadline()
        if due_us is None or due_us > now_us or due_us != self._overdue[0]:
            self._overdue = (due_us, at_us)
        late = at_us - self._overdue[1] > late_us
        self._referee.require(not late, f"after row {self.seq} what was due at {due_us} has not happened, at {now_us}")

    def answered(self, command_id: str, outcome: Outcome) -> None:
        """Somebody got this outcome for a command. Raises `Violation`."""
        digest = self.digests.get(command_id)
        self._referee.require(digest is not None, f"command {command_id} was answered before its commit")
        said = outcome_digest(outcome)
        self._referee.require(digest == said, f"command {command_id} was answered with {said}, on disk is {digest}")

    def denied(self, command_id: str) -> None:
        """Somebody was told that a command has not been carried out. Raises `Violation`."""
        self._referee.require(
            command_id not in self.digests, f"command {command_id} is on disk, and was said not to be"
        )

    def loaded(self, digest: str) -> None:
        """An engine was loaded from the journal. Raises `Violation`."""
        same = digest == self.engine.digest()
        self._referee.require(same, f"the engine loaded after row {self.seq} is not the one that wrote it")

    def desired(self) -> Wishes:
        """How the world should stand by what is on disk, by instance. O(everything)."""
        return desired_of(self.engine.state())

    def live(self) -> list[str]:
        """Interactions and work items that have not ended. O(everything)."""
        state = self.engine.state()
        return [each.request.interaction_id for each in state.interactions] + [each.offer_id for each in state.work]

    def is_aside(self, interaction_id: str) -> bool:
        """Whether the interaction is scheduled, and its time has not come."""
        interaction = self.engine._domain.interactions.get(interaction_id)  # noqa: SLF001 - as the invariants do
        return interaction is not None and interaction.state == "scheduled"

    def talks(self, offer_id: str) -> bool:
        """Whether the agent of this offer talks with the customer."""
        work = self.engine._domain.work.get(offer_id)  # noqa: SLF001 - as the invariants do
        return work is not None and work.state in ("active", "held")

    def closed(self, queue_id: str) -> str | None:
        """Why the queue takes nobody; None if it does."""
        return dict(self.engine.state().closed_queues).get(queue_id)

    def lives(self, interaction_id: str) -> bool:
        """Whether the interaction waits, rings, talks or has an appointment."""
        interaction = self.engine._domain.interactions.get(interaction_id)  # noqa: SLF001 - as the invariants do
        return interaction is not None and bool(TABLE[interaction.state])


class _Offers:
    """An account of offers kept from events alone: nobody is offered twice, every offer ends once."""

    def __init__(self, referee: Referee) -> None:
        self._referee = referee
        self.made: dict[str, int] = {}
        """Offer → the epoch it was made in."""
        self._pending: dict[str, OfferMade] = {}
        self._accepted: set[str] = set()
        self._ended: set[str] = set()

    def fold(self, event: Event, epoch: int, where: str) -> None:
        """Take in one event. Raises `Violation`."""
        match event:
            case OfferMade():
                offer = event.offer_id
                self._referee.require(offer not in self.made, f"{where}: offer {offer} was made twice")
                rival = [each for each in self._pending.values() if _clash(each, event)]
                self._referee.require(not rival, f"{where}: {event.interaction_id} is offered twice at once: {rival}")
                self.made[offer] = epoch
                self._pending[offer] = event
            case OfferAccepted():
                self._end(event.offer_id, where)
                self._accepted.add(event.offer_id)
            case OfferExpired():
                self._end(event.offer_id, where)
                made = self.made[event.offer_id]
                self._referee.require(made == epoch, f"{where}: {event.offer_id} expired on an agent over a restart")
            case OfferDeclined() | OfferRevoked() | OfferRescinded():
                self._end(event.offer_id, where)
            case _:
                return

    def _end(self, offer_id: str, where: str) -> None:
        self._referee.require(offer_id not in self._ended, f"{where}: offer {offer_id} ended twice")
        self._referee.require(
            self._pending.pop(offer_id, None) is not None, f"{where}: offer {offer_id} ended, and was never made"
        )
        self._ended.add(offer_id)


def _clash(one: OfferMade, other: OfferMade) -> bool:
    """Two offers that may not ring at once."""
    same = one.interaction_id == other.interaction_id
    return same and (one.strategy != "broadcast" or one.agent_id == other.agent_id)
