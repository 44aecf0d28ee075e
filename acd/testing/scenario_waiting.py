"""The words of a scenario about waiting: for a preferred agent, relaxed by steps, moved by supervisors.

    update ID [attributes a=b,c=d] [remove e,f] [customer C] [requirement R] [prefer a=2,b=1] [preferred AGENT|nobody]
    note ID attributes a=b
    reprioritize ID N        move ID to QUEUE [place kept|anew] [reason R]        recall ID
    call-back ID [reason R]
    expect updated c1 [changed attributes] [attributes a=b] [customer C]
    expect noted c1 [attributes a=b]
    expect reprioritized c1                         expect moved c1 from sales to support
    expect preferred c1 -> anna                     expect hold-started|hold-ended c1 for anna
        expect level-opened c1 2      expect relaxed c1

A queue's `steps`: its steps with a semicolon between, each a time and what it loosens:
`"20s requirement 'skills.english >= 2'; 40s queues sales,support priority 1 drop-own announce sorry"`,
also `when 'position > 2'`; a step that is skipped for it is `expect skipped c1`. `estimate QUEUE TIME|unknown`: what is
known of waits.

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from acd.core.messages import (
    AgentPreferred,
    CallBackInteraction,
    Command,
    Condition,
    HoldEnded,
    HoldStarted,
    InteractionMoved,
    InteractionNoted,
    InteractionRelaxed,
    InteractionReprioritized,
    InteractionUpdated,
    LevelOpened,
    MoveInteraction,
    NoteEstimate,
    NoteInteraction,
    Preference,
    RecallInteraction,
    ReprioritizeInteraction,
    Step,
    UpdateInteraction,
)
from acd.runtime.config.conditions import ConditionError, describe_found, parse_condition
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Line, Problem, Statement, attributes, integer, pairs

WaitingEvent = (
    AgentPreferred
    | HoldStarted
    | HoldEnded
    | InteractionMoved
    | InteractionReprioritized
    | InteractionRelaxed
    | InteractionNoted
    | InteractionUpdated
    | LevelOpened
)

LENGTHS: Final = {
    "moved": 6,
    "reprioritized": 2,
    "relaxed": 2,
    "updated": 2,
    "noted": 2,
    "skipped": 2,
    "preferred": 4,
    "hold-started": 4,
    "hold-ended": 4,
    "level-opened": 3,
}
"""How many words belong to each event; the rest are details."""


def words_of(event: WaitingEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    name = event.interaction_id
    details: dict[str, object]
    match event:
        case InteractionMoved():
            words = ("moved", name, "from", event.from_queue, "to", event.to_queue)
            return words, {"reason": event.reason, "priority": event.priority}
        case InteractionReprioritized():
            return ("reprioritized", name), {"priority": event.priority}
        case InteractionUpdated():
            known = ",".join(f"{name}={value}" for name, value in event.attributes)
            details = {"changed": ",".join(event.changed), "attributes": known, "customer": event.customer}
            return ("updated", name), details
        case InteractionNoted():
            return ("noted", name), {"attributes": ",".join(f"{name}={value}" for name, value in event.attributes)}
        case LevelOpened():
            return ("level-opened", name, str(event.level)), {}
        case InteractionRelaxed():
            details = {
                "after": format_duration(event.after_us),
                "found": describe_found(event.when, event.found),
            }
            if not event.applied:
                return ("skipped", name), details
            return ("relaxed", name), {**details, "priority": event.priority, "announce": event.announce}
        case AgentPreferred():
            return ("preferred", name, "->", event.agent_id), {"because": event.because}
        case HoldStarted():
            return ("hold-started", name, "for", event.agent_id), {"until": format_duration(event.until_us)}
        case HoldEnded():
            return ("hold-ended", name, "for", event.agent_id), {"reason": event.reason}
        case _:
            assert_never(event)


def steps(text: str) -> tuple[Step, ...]:
    """The steps of a queue. Raises `Problem`."""
    return tuple(_step(Statement(Line(0, each))) for each in text.split(";") if each.strip())


def _step(statement: Statement) -> Step:
    after_us = statement.duration("a time")
    found: dict[str, Any] = {}
    while statement.peek() is not None:
        word = statement.take("what it loosens")
        if word == "drop-own":
            found["drop_own"] = True
        elif word == "queues":
            found["queues"] = tuple(statement.take("queues").split(","))
        elif word == "priority":
            found["priority"] = integer(statement.take("a priority"))
        elif word in ("requirement", "announce"):
            found[word] = statement.take(f"the {word}")
        elif word == "when":
            found["when"] = _condition(statement.take("the condition"))
        else:
            words = "requirement, drop-own, queues, priority, announce or when"
            raise Problem(f"unknown word {word!r} in a step: write {words}")
    return Step(after_us, **found)


def _condition(text: str) -> Condition:
    try:
        return parse_condition(text)
    except ConditionError as error:
        raise Problem(f"{error.problem}; {error.fix}") from None


def _estimate(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    queue = statement.take("the queue")
    known = not statement.skip("unknown")
    return NoteEstimate(command_id, queue, statement.duration("the wait") if known else -1)


def _update(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    options = statement.options("attributes", "remove", "customer", "requirement", "prefer", "preferred")
    wishes = options.get("prefer")
    preferred = options.get("preferred")
    return UpdateInteraction(
        command_id,
        interaction_id,
        attributes(options.get("attributes", "")),
        tuple(filter(None, options.get("remove", "").split(","))),
        options.get("customer", ""),
        options.get("requirement"),
        None if wishes is None else tuple(Preference(skill, weight) for skill, weight in pairs(wishes)),
        "" if preferred == "nobody" else preferred,
    )


def _note(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    return NoteInteraction(
        command_id, interaction_id, attributes(statement.options("attributes").get("attributes", ""))
    )


def _reprioritize(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    return ReprioritizeInteraction(command_id, interaction_id, integer(statement.take("the priority")))


def _move(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    statement.word("to")
    queue = statement.take("the queue")
    options = statement.options("place", "reason")
    place = options.get("place", "kept")
    if place not in ("kept", "anew"):
        raise Problem(f"{place!r} is no place: write kept or anew")
    return MoveInteraction(command_id, interaction_id, queue, place == "kept", options.get("reason", ""))


def _call_back(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return CallBackInteraction(command_id, statement.take("the interaction"), **statement.options("reason"))


def _recall(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return RecallInteraction(command_id, statement.take("the interaction"))


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {
    "update": _update,
    "note": _note,
    "reprioritize": _reprioritize,
    "move": _move,
    "recall": _recall,
    "call-back": _call_back,
    "estimate": _estimate,
}
"""The verbs."""
