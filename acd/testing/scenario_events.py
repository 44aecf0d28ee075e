"""What a scenario can expect, in words.

    expect offer c1 -> anna [because STRATEGY|preferred|first-in-line] [fit N] [load N] [idle T] [waited T]
    expect accepted|declined c1 by anna                                  expect expired c1 at anna
    expect queued|requeued|abandoned|cancelled c1                        expect revoked|rescinded c1 from anna
    expect completed c1 by customer|agent|system                         expect configured | recovered | edited
    expect presence anna ready|not-ready|draining|signed-out             expect removed agent|queue NAME
    expect effect park|offer|revoke|connect|release c1
    expect effect announce|disconnect|open-consult|join c1

`scenario_work` has the words about work in hand. Each may be followed by any of its details (`reason busy`,
`waited 4s`, …), and each must have happened after those that were expected before it. Further:

    expect refused CODE        expect line c2 c3 | line empty        the waiting, first in line first
    expect nothing             no event at all                       expect no offer [c1]

`scenario_waiting` has the words about waiting, `scenario_device` those about devices, `scenario_alarm` those
about alarms.

Owns describing and comparing. Must not know how a scenario is run.
"""

from typing import Final, NamedTuple, assert_never

import acd.core.messages as m
from acd.core.engine import Engine
from acd.runtime.config.durations import format_duration
from acd.testing import (
    scenario_alarm,
    scenario_device,
    scenario_entry,
    scenario_transfer,
    scenario_waiting,
    scenario_work,
)
from acd.testing.scenario_statement import Problem, Statement


class Described(NamedTuple):
    """An event in words: what must be said, and what may be."""

    words: tuple[str, ...]
    details: dict[str, str]

    def __str__(self) -> str:
        details = [word for name, value in self.details.items() if value for word in (name, value)]
        return " ".join((*self.words, *details))


class Happened:
    """What has happened since the last `at` line."""

    def __init__(self) -> None:
        self.events: list[Described] = []
        self.effects: list[Described] = []
        self.refusal: m.Refusal | None = None
        self.refusal_expected = False
        self.event_at = 0
        self.effect_at = 0

    def add(self, outcome: m.Outcome) -> None:
        """Take in what a command led to."""
        self.events += map(describe, outcome.events)
        self.effects += map(_describe_effect, outcome.effects)
        self.refusal = outcome.refusal or self.refusal


_OtherEvent = (
    m.ConfigApplied
    | m.AgentsConfigured
    | m.AgentRemoved
    | m.QueueRemoved
    | m.PresenceChanged
    | m.InteractionQueued
    | m.InteractionRequeued
    | m.InteractionCompleted
    | m.InteractionAbandoned
    | m.InteractionCancelled
    | m.EngineRecovered
)
"""Events about presence, configuration, and how interactions begin and end."""

_LENGTHS: Final = {
    "offer": 4,
    "accepted": 4,
    "declined": 4,
    "expired": 4,
    "revoked": 4,
    "rescinded": 4,
    "completed": 4,
    **scenario_waiting.LENGTHS,
    **scenario_entry.LENGTHS,
    "queued": 2,
    "requeued": 2,
    "abandoned": 2,
    "cancelled": 2,
    "configured": 1,
    "edited": 1,
    "recovered": 1,
    "presence": 3,
    "removed": 3,
    **scenario_work.LENGTHS,
    **scenario_transfer.LENGTHS,
    **scenario_device.LENGTHS,
    **scenario_alarm.LENGTHS,
}
"""How many words belong to each event; the rest are details."""


_BECAUSE: Final = {"interaction": "first-in-line", "preferred": "preferred"}
"""Who looked for whom, where it was not the strategy that decided."""


def check(statement: Statement, happened: Happened, engine: Engine) -> None:
    """One `expect` line. Raises `Problem` with what was found instead."""
    statement.word("expect")
    kind = statement.take("what to expect")
    if kind == "nothing":
        if happened.events:
            raise Problem(f"expected nothing{_found(happened.events)}")
    elif kind == "refused":
        _check_refusal(statement, happened)
    elif kind == "line":
        _check_line(statement, engine)
    elif kind == "no":
        _check_absence(statement, happened.events)
    elif kind == "effect":
        effect = (statement.take("the effect"), statement.take("the interaction"))
        happened.effect_at = _find(effect, statement, happened.effects, happened.effect_at)
    elif kind in _LENGTHS:
        words = (kind, *(statement.take(f"the rest of {kind!r}") for _ in range(_LENGTHS[kind] - 1)))
        happened.event_at = _find(words, statement, happened.events, happened.event_at)
    else:
        kinds = ", ".join((*_LENGTHS, "effect", "refused", "line", "no", "nothing"))
        raise Problem(f"unknown expectation {kind!r}; there are: {kinds}")


def describe(event: m.Event) -> Described:
    """An event in the words in which it is expected."""
    if isinstance(event, scenario_waiting.WaitingEvent):
        words, details = scenario_waiting.words_of(event)
    elif isinstance(event, scenario_entry.EntryEvent):
        words, details = scenario_entry.words_of(event)
    elif isinstance(event, scenario_work.WorkEvent):
        words, details = scenario_work.words_of(event)
    elif isinstance(event, scenario_transfer.TransferEvent):
        words, details = scenario_transfer.words_of(event)
    elif isinstance(event, scenario_device.DeviceEvent):
        words, details = scenario_device.words_of(event)
    elif isinstance(event, scenario_alarm.AlarmEvent):
        words, details = scenario_alarm.words_of(event)
    else:
        return _describe_offer(event)
    return _described(words, **details)


def _describe_offer(
    event: m.OfferMade
    | m.OfferAccepted
    | m.OfferDeclined
    | m.OfferExpired
    | m.OfferRevoked
    | m.OfferRescinded
    | _OtherEvent,
) -> Described:
    match event:
        case m.OfferMade():
            because = _BECAUSE.get(event.sought, event.strategy)
            return _described(
                ("offer", event.interaction_id, "->", event.agent_id),
                because=because,
                fit=event.fit,
                load=event.load,
                idle=format_duration(event.idle_us),
                waited=format_duration(event.waited_us),
                until=format_duration(event.expires_at_us),
                id=event.offer_id,
            )
        case m.OfferAccepted():
            waited, rang = format_duration(event.waited_us), format_duration(event.rang_us)
            return _described(("accepted", event.interaction_id, "by", event.agent_id), waited=waited, rang=rang)
        case m.OfferDeclined():
            return _described(("declined", event.interaction_id, "by", event.agent_id), reason=event.reason)
        case m.OfferExpired():
            return _described(("expired", event.interaction_id, "at", event.agent_id))
        case m.OfferRevoked():
            return _described(("revoked", event.interaction_id, "from", event.agent_id), reason=event.reason)
        case m.OfferRescinded():
            return _described(("rescinded", event.interaction_id, "from", event.agent_id))
        case _:
            return _describe_other(event)


def _describe_other(event: _OtherEvent) -> Described:
    match event:
        case m.InteractionQueued():
            queue, about = event.queue, event.parent
            return _described(("queued", event.interaction_id), priority=event.priority, queue=queue, about=about)
        case m.InteractionRequeued():
            return _described(("requeued", event.interaction_id), reason=event.reason)
        case m.InteractionCompleted():
            talked = format_duration(event.talked_us)
            return _described(
                ("completed", event.interaction_id, "by", event.by),
                agent=event.agent_id,
                talked=talked,
                reason=event.reason,
            )
        case m.InteractionAbandoned():
            waited = format_duration(event.waited_us)
            return _described(("abandoned", event.interaction_id), waited=waited, reason=event.reason)
        case m.InteractionCancelled():
            waited = format_duration(event.waited_us)
            ended = ("cancelled", event.interaction_id)
            return _described(ended, waited=waited, reason=event.reason, replaced_by=event.replaced_by)
        case m.PresenceChanged():
            words = ("presence", event.agent_id, event.presence)
            return _described(words, reason=event.reason, towards=event.next_presence)
        case m.AgentRemoved():
            return _described(("removed", "agent", event.agent_id))
        case m.QueueRemoved():
            return _described(("removed", "queue", event.queue))
        case m.ConfigApplied():
            return _described(("configured",))
        case m.AgentsConfigured():
            agents = ",".join(agent.id for agent in event.agents)
            return _described(("edited",), agents=agents, removed=",".join(event.removed))
        case m.EngineRecovered():
            return _described(("recovered",), offers=event.offers, customers=event.customers)
        case _:
            assert_never(event)


def _describe_effect(effect: m.Effect) -> Described:
    match effect:
        case m.ParkInteraction():
            return _described(("park", effect.interaction_id), on=effect.instance)
        case m.ReachCustomer():
            return _described(("reach", effect.interaction_id), attempt=effect.attempt, on=effect.instance)
        case m.OfferInteraction():
            return _described(("offer", effect.interaction_id), agent=effect.agent_id, on=effect.instance)
        case m.RevokeOffer():
            words = ("revoke", effect.interaction_id)
            return _described(words, agent=effect.agent_id, reason=effect.reason, on=effect.instance)
        case m.ConnectInteraction():
            return _described(("connect", effect.interaction_id), agent=effect.agent_id, on=effect.instance)
        case m.DisconnectAgent():
            return _described(("disconnect", effect.interaction_id), agent=effect.agent_id, on=effect.instance)
        case m.JoinAgent():
            words = ("join", effect.interaction_id)
            return _described(words, agent=effect.agent_id, consult=effect.consult_id, on=effect.instance)
        case m.OpenConsult():
            words = ("open-consult", effect.interaction_id)
            return _described(words, about=effect.parent_id, agent=effect.agent_id, on=effect.instance)
        case m.ReleaseInteraction():
            return _described(("release", effect.interaction_id), reason=effect.reason, on=effect.instance)
        case m.AnnounceInteraction():
            return _described(("announce", effect.interaction_id), name=effect.name, on=effect.instance)
        case _:
            assert_never(effect)


def _described(words: tuple[str, ...], **details: object) -> Described:
    return Described(words, {name: str(value) for name, value in details.items()})


def _find(words: tuple[str, ...], statement: Statement, happened: list[Described], start: int) -> int:
    """The place after the first that fits, from `start` on."""
    alike = [each for each in happened if each.words[0] == words[0]]
    names = sorted({name for each in alike for name in each.details})
    details = statement.options(*names) if alike else {}
    for index in range(start, len(happened)):
        each = happened[index]
        if each.words == words and all(each.details.get(name) == value for name, value in details.items()):
            return index + 1
    earlier = any(each.words == words for each in happened[:start])
    hint = " (it happened before the line above)" if earlier else ""
    wanted = " ".join((*words, *(word for pair in details.items() for word in pair)))
    raise Problem(f"expected {wanted}{hint}{_found(happened)}")


def _check_refusal(statement: Statement, happened: Happened) -> None:
    code = statement.take("the code of the refusal")
    found = "nothing was refused" if happened.refusal is None else f"found {happened.refusal.code}"
    if happened.refusal is None or happened.refusal.code != code:
        raise Problem(f"expected refused {code}; {found}")
    happened.refusal_expected = True
    statement.options()


def _check_line(statement: Statement, engine: Engine) -> None:
    wanted = []
    while statement.peek() is not None:
        wanted.append(statement.take("an interaction"))
    if not wanted:
        raise Problem("say who waits (line c1 c2), or line empty")
    state = engine.state()
    bands = {queue.id: queue.band for queue in (*state.settings.queues, *state.retired_queues)}
    waiting = [each for each in state.interactions if each.state == "queued"]
    waiting.sort(key=lambda each: (bands[each.queue], each.key_us, each.seq))
    line = [each.request.interaction_id for each in waiting] or ["empty"]
    if line != wanted:
        raise Problem(f"expected line {' '.join(wanted)}; found line {' '.join(line)}")


def _check_absence(statement: Statement, events: list[Described]) -> None:
    words = []
    while statement.peek() is not None:
        words.append(statement.take("a word"))
    if not words or words[0] not in _LENGTHS:
        raise Problem("say what must not have happened: no offer c1")
    if any(list(each.words[: len(words)]) == words for each in events):
        raise Problem(f"expected no {' '.join(words)}{_found(events)}")


def _found(happened: list[Described]) -> str:
    if not happened:
        return "; nothing happened"
    return "; this happened:" + "".join(f"\n    {each}" for each in happened)
