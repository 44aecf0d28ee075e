"""Requirements that can never match or ask nothing, what they name that nobody holds, and what nobody asks for.

Owns these findings. Must not know times, levels or capacity.
"""

from itertools import combinations
from typing import Final

from acd.core.expression import Kind, Node, all_of
from acd.core.messages.settings import SCORE_PREFIX
from acd.core.requirement import Requirement
from acd.runtime.config.analysis.satisfiable import alternatives_of, can_fail, can_hold, operands_of
from acd.runtime.config.analysis.study import Study, listed
from acd.runtime.config.codes import Code
from acd.runtime.config.problems import Key, did_you_mean, quoted

_UNHELD: Final[dict[Kind, tuple[str, Code]]] = {
    "skill": ("skill", "unheld-skill"),
    "label": ("label", "unheld-label"),
    "queue": ("queue membership", "unheld-membership"),
}


MAX_GUESSED: Final = 50
"""Names that nobody has for which the most similar one is sought: that takes milliseconds each in large files."""


def check_requirements(study: Study) -> None:
    """What is wrong with requirements whoever the agents are."""
    for queue in study.queues.values():
        for key, index, requirement in study.said[queue.id]:
            if not study.can_hold(requirement):
                later = study.stages[queue.id][index + 1 :]
                helped = any(study.can_hold(stage.requirement) for stage in later)
                tell = study.problems.warn if helped else study.problems.error
                fix = "correct it; should nobody ever match it, allow it"
                tell(key, _contradiction(requirement.tree), fix, code="never-true")
            elif requirement.canonical != "true":
                _check_parts(study, key, requirement)


def check_held(study: Study) -> None:
    """Warn of skills, labels and memberships that requirements name and nobody has."""
    held = study.staff.holders
    fixes: dict[tuple[Kind, str], str] = {}
    for queue in study.queues.values():
        told: set[tuple[Kind, str]] = set()
        for key, _, requirement in study.said[queue.id]:
            for kind, name in dict.fromkeys(requirement.tree.names()):
                if name in held[kind] or (kind, name) in told:
                    continue
                told.add((kind, name))
                what, code = _UNHELD[kind]
                if (kind, name) not in fixes:
                    guess = held[kind] and len(fixes) < MAX_GUESSED
                    fixes[kind, name] = did_you_mean(name, held[kind]) if guess else "give it to an agent"
                study.problems.warn(key, f"nobody has the {what} {quoted(name)}", fixes[kind, name], code=code)


def check_asked(study: Study) -> None:
    """Say what agents have and no requirement asks for. A strategy of one's own may look at everything."""
    if any(queue.strategy.startswith(SCORE_PREFIX) for queue in study.queues.values()):
        return
    asked: dict[Kind, set[str]] = {"skill": set(), "label": set(), "queue": set()}
    for queue in study.queues.values():
        for _, _, requirement in study.said[queue.id]:
            for kind, name in requirement.tree.names():
                asked[kind].add(name)
    _note_unasked(study, asked)
    for name, who in study.staff.holders["queue"].items():
        if name in study.queues and name not in asked["queue"]:
            reason = f"the membership of {listed(who)} in {quoted(name)} has no effect: no requirement asks for it"
            fix = f"""ask for it: requirement = '{quoted(name)} in queues'; or leave it out"""
            study.problems.warn(("agents", who[0], "queues"), reason, fix, code="unasked-membership")


def is_explained(study: Study, requirement: Requirement) -> bool:
    """Whether these findings, told or allowed, explain why nobody satisfies a requirement."""
    if not study.can_hold(requirement):
        return True
    held = study.staff.holders
    return any(
        not part.mask(study.staff.matrix).any() and all(name not in held[kind] for kind, name in names)
        for part in operands_of(requirement.tree)
        if (names := tuple(part.names()))
    )


def _check_parts(study: Study, key: Key, requirement: Requirement) -> None:
    # Whether an agent of this file shows it is asked first: that is quick, and mostly so.
    matrix = study.staff.matrix
    for part in operands_of(requirement.tree):
        if part.mask(matrix).all() and not can_fail(part):
            study.problems.warn(key, f"{part.text} is true of everybody", "leave it out", code="asks-nothing")
    for alternative, together in alternatives_of(requirement.tree):
        if not together.mask(matrix).any() and not can_hold(together):
            reason = f"the alternative {alternative.text} can never be true here"
            study.problems.warn(key, reason, "correct it, or leave it out", code="dead-alternative")


def _contradiction(node: Node) -> str:
    """Why nobody can ever pass: the part or the two parts that make it so."""
    parts = operands_of(node)
    for part in parts:
        if not can_hold(part):
            return f"{part.text} can never be true"
    for one, other in combinations(parts, 2):
        if not can_hold(all_of((one, other))):
            return f"can never be true: {one.text} and {other.text} contradict each other"
    return "can never be true: its parts contradict each other"


def _note_unasked(study: Study, asked: dict[Kind, set[str]]) -> None:
    codes: tuple[tuple[Kind, Code], ...] = (("skill", "unasked-skill"), ("label", "unasked-label"))
    for kind, code in codes:
        for name, who in study.staff.holders[kind].items():
            if name not in asked[kind]:
                key: Key = ("agents", who[0], "skills", name) if kind == "skill" else ("agents", who[0], "labels")
                reason = f"no queue asks for the {kind} {quoted(name)} of {listed(who)}"
                fix = "only a request can, by a requirement or preference of its own"
                study.problems.note(key, reason, fix, code)
