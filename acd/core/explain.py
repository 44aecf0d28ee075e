"""Explanations: every candidate of a decision, how each clause turned out, and what was compared.

Owns `WitnessEngine`, which decides as every engine does and looks on while it decides, and the account of who waits
why. Works on an engine that was replayed to the moment in question, naively, over all agents: nothing of it
costs the real engine anything. Must not know journals or snapshots (`acd.runtime.explain`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from acd.core.classes import Class
from acd.core.domain import Domain
from acd.core.engine import Engine
from acd.core.entities import Agent, Interaction, Work
from acd.core.messages import Score
from acd.core.ranking import Rank, agent_rank, interaction_rank, sort_key
from acd.core.verdicts import Verdict, verdicts

BY_PREFERENCE: Final = "preferred agent"
ONLY_ONE: Final = "the only one"


class Candidate(Struct, frozen=True):
    """An agent, or a waiting interaction, that was looked at.

    `offerable`: every verdict holds; then `rank` has what was compared, and `place` counts from 1.
    """

    id: str
    offerable: bool
    verdicts: tuple[Verdict, ...]
    rank: Rank = ()
    place: int = 0

    @property
    def obstacles(self) -> tuple[Verdict, ...]:
        """The clauses that do not hold."""
        return tuple(each for each in self.verdicts if not each.holds)


class Decision(Struct, frozen=True):
    """One offer, explained. `sought`: `agent`, `interaction` or `preferred`, as in the event `OfferMade`.

    `candidates`: agents when an interaction sought one (of a broadcast, those whom it had not asked yet), waiting
    interactions when an agent came free; the offerable ones first, by place. `decided_by`: the first compared value in
    which the chosen one and the next differ, `preferred agent`, or `the only one`. `requirement`: the effective one.
    `preferred`: its preferred agent, by `preferred_by`: `request`, `dedicated` or `last-agent`; both may be empty.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    queue: str
    strategy: str
    requirement: str
    sought: str
    at_us: int
    waited_us: int
    decided_by: str
    candidates: tuple[Candidate, ...]
    preferred: str = ""
    preferred_by: str = ""


class Waiting(Struct, frozen=True):
    """Why an interaction waits, or what it is doing. `position` in its queue's line from 1, 0 when it is not in line.

    `candidates`: every agent, those with the fewest obstacles first. `obstacles`: agents kept off, by clause.
    `preferred`, `preferred_by`: as of a `Decision`. `due_us`: until when a scheduled one waits aside, or
    the customer of one that is `reaching` is called; 0 for any other. `uncalled`: how often nobody could call them.
    """

    interaction_id: str
    state: str
    queue: str
    strategy: str
    requirement: str
    at_us: int
    waited_us: int
    position: int
    candidates: tuple[Candidate, ...]
    obstacles: tuple[tuple[str, int], ...]
    preferred: str = ""
    preferred_by: str = ""
    due_us: int = 0
    uncalled: int = 0


OnDecision = Callable[[Decision], None]
Wanted = Callable[[str], bool]


class WitnessEngine(Engine):
    """Decides exactly as `Engine` does, and explains offers as it makes them. Restore it by `from_state`.

    `watch(wanted, tell)`: `tell` gets the decision of every offer whose id is `wanted`. O(agents) or O(waiting) each.
    """

    def watch(self, wanted: Wanted, tell: OnDecision) -> None:
        """From now on. Until then nothing is explained."""
        domain = self._domain
        assert isinstance(domain, _Witness)
        domain.wanted, domain.tell = wanted, tell

    def waiting(self, interaction_id: str) -> Waiting | None:
        """Where a live interaction stands now; None if there is none of that id. O(agents + waiting)."""
        interaction = self._domain.interactions.get(interaction_id)
        return None if interaction is None else _waiting(self._domain, interaction)

    def _new_domain(self, name: str, max_classes: int, strategies: Mapping[str, Score]) -> Domain:
        return _Witness(name, max_classes, strategies)


def _nobody(_offer_id: str) -> bool:
    return False


class _Witness(Domain):
    """A domain that looks on while it decides."""

    def __init__(self, name: str, max_classes: int, strategies: Mapping[str, Score]) -> None:
        super().__init__(name, max_classes, strategies)
        self.wanted: Wanted = _nobody
        self.tell: OnDecision | None = None

    def _offer(self, interaction: Interaction, agent: Agent, cls: Class, sought: str) -> Work:
        offer_id = f"{interaction.id}.{interaction.offers + 1}"
        if self.tell is not None and self.wanted(offer_id):
            self.tell(_decision(self, offer_id, interaction, agent, sought))
        return super()._offer(interaction, agent, cls, sought)


def _decision(domain: Domain, offer_id: str, interaction: Interaction, agent: Agent, sought: str) -> Decision:
    if sought == "interaction":
        # The chosen one has left the line already.
        queued = [each for each in domain.interactions.values() if each.state == "queued"]
        found = [_candidate(each.id, each, agent, interaction_rank) for each in queued]
        chosen = interaction.id
    else:
        # Of a broadcast, those who have been asked a moment ago stand no longer to choose.
        asked = {
            work.agent.id
            for work in domain.work.values()
            if work.interaction is interaction and work.state == "offered"
        }
        agents = (each for each in domain.agents.values() if each.id not in asked)
        found = [_candidate(each.id, interaction, each, agent_rank) for each in agents]
        chosen = agent.id
    candidates = _placed(found)
    return Decision(
        offer_id,
        interaction.id,
        agent.id,
        interaction.queue.id,
        interaction.queue.settings.strategy,
        interaction.cls.requirement.canonical,
        sought,
        domain.now_us,
        domain.now_us - interaction.enqueued_at,
        BY_PREFERENCE if sought == "preferred" else _decided_by(candidates),
        _first(candidates, chosen),
        interaction.preferred,
        _preferred_by(interaction),
    )


def _waiting(domain: Domain, interaction: Interaction) -> Waiting:
    agents = (domain.agents[agent_id] for agent_id in sorted(domain.agents))
    candidates = _placed(_candidate(each.id, interaction, each, agent_rank) for each in agents)
    ahead = [
        each for each in domain.interactions.values() if each.state == "queued" and each.queue is interaction.queue
    ]
    ahead.sort(key=lambda each: (each.key, each.seq))
    counts: dict[str, int] = {}
    for candidate in candidates:
        for verdict in candidate.obstacles:
            counts[verdict.clause] = counts.get(verdict.clause, 0) + 1
    return Waiting(
        interaction.id,
        interaction.state,
        interaction.queue.id,
        interaction.queue.settings.strategy,
        interaction.cls.requirement.canonical,
        domain.now_us,
        domain.now_us - interaction.enqueued_at,
        ahead.index(interaction) + 1 if interaction in ahead else 0,
        candidates,
        tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        interaction.preferred,
        _preferred_by(interaction),
        _due_us(interaction),
        interaction.uncalled,
    )


def _due_us(interaction: Interaction) -> int:
    if interaction.reaching is not None and interaction.reaching.deadline is not None:
        return interaction.reaching.deadline.key
    return 0 if interaction.appointment is None else interaction.appointment.at_us


def _preferred_by(interaction: Interaction) -> str:
    return interaction.preferred_by or ("request" if interaction.preferred else "")


def _candidate(
    name: str, interaction: Interaction, agent: Agent, rank: Callable[[Interaction, Agent], Rank]
) -> Candidate:
    found = verdicts(interaction, agent)
    if not all(each.holds for each in found):
        return Candidate(name, offerable=False, verdicts=found)
    return Candidate(name, offerable=True, verdicts=found, rank=rank(interaction, agent))


def _placed(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The offerable ones in the order of their ranks, then the others, those with the fewest obstacles first."""
    everyone = list(found)
    good = sorted((each for each in everyone if each.offerable), key=lambda each: sort_key(each.rank))
    placed = [
        Candidate(each.id, offerable=True, verdicts=each.verdicts, rank=each.rank, place=place)
        for place, each in enumerate(good, 1)
    ]
    others = sorted((each for each in everyone if not each.offerable), key=lambda each: (len(each.obstacles), each.id))
    return (*placed, *others)


def _decided_by(candidates: tuple[Candidate, ...]) -> str:
    good = [each for each in candidates[:2] if each.offerable]
    if len(good) < 2:  # noqa: PLR2004 - one alone has nobody beside it
        return ONLY_ONE
    best, next_best = good
    return next(one.name for one, other in zip(best.rank, next_best.rank, strict=True) if one != other)


def _first(candidates: tuple[Candidate, ...], chosen: str) -> tuple[Candidate, ...]:
    """The chosen one first, whatever put it there."""
    return tuple(sorted(candidates, key=lambda each: each.id != chosen))
