"""Bugs planted into the runtime: the simulator must notice each of them, and nothing where there is none.

A variant replaces one function of the product with one that is wrong in the way its name says.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import pytest

import acd.runtime.router
from acd.core import ending, vetoes
from acd.core.engine import Engine
from acd.core.messages import (
    Command,
    ConsultMerged,
    CustomerCalled,
    Event,
    InteractionScheduled,
    InteractionTransferred,
    Tick,
)
from acd.core.state import EngineState
from acd.errors import JournalUnavailable
from acd.ports.channel import Desired
from acd.ports.journal import AppendResult, Entry
from acd.ports.stores import OutboxMessage
from acd.runtime import handover_folds, waiting_folds
from acd.runtime.batch import Batch
from acd.runtime.dispatch import Wishes, desired_of
from acd.runtime.instance import Instance
from acd.runtime.journal import SqliteJournal
from acd.runtime.opening import OpeningHours
from acd.runtime.pump import OutboxPump
from acd.runtime.writer import Writer
from acd.testing.simulator import CRASH_POINTS, FAULTS, POLICIES, Plan, simulate

SEEDS: Final = 4
"""Runs that a bug may survive."""


def effects_leave_before_their_commit(patch: pytest.MonkeyPatch) -> None:
    commit = Writer._commit

    async def eager(self: Writer, batch: Batch) -> None:
        self._audience.committed(self._ledger.seq + 1, batch)
        await commit(self, batch)

    patch.setattr(Writer, "_commit", eager)


def answers_are_given_before_their_commit(patch: pytest.MonkeyPatch) -> None:
    commit = Writer._commit

    async def hasty(self: Writer, batch: Batch) -> None:
        batch.answer()
        await commit(self, batch)

    patch.setattr(Writer, "_commit", hasty)


def recovery_is_skipped(patch: pytest.MonkeyPatch) -> None:
    def no_grace(command_id: str, **_: object) -> Command:
        return Tick(command_id)

    patch.setattr(acd.runtime.router, "Recover", no_grace)


def the_window_of_outcomes_is_not_restored(patch: pytest.MonkeyPatch) -> None:
    from_state = Engine.from_state.__func__  # type: ignore[attr-defined]

    def forgetful(cls: type[Engine], state: EngineState, /) -> Engine:
        engine: Engine = from_state(cls, msgspec.structs.replace(state, outcomes=()))
        return engine

    patch.setattr(Engine, "from_state", classmethod(forgetful))


def an_unknown_commit_is_taken_for_a_failed_one(patch: pytest.MonkeyPatch) -> None:
    async def rash(self: Writer, batch: Batch, reason: str) -> None:
        batch.fail(JournalUnavailable(reason))
        await self._reload()

    patch.setattr(Writer, "_find_out", rash)


def a_batch_is_not_atomic(patch: pytest.MonkeyPatch) -> None:
    append = SqliteJournal.append

    def one_by_one(self: SqliteJournal, epoch: int, expected_seq: int, batch: list[Entry]) -> AppendResult:
        result = append(self, epoch, expected_seq, batch[:1])
        for place in range(1, len(batch)):
            result = append(self, epoch, expected_seq + place, batch[place : place + 1])
        return result

    patch.setattr(SqliteJournal, "append", one_by_one)


def nobody_reconciles(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Instance, "_fail", lambda _self, _reason: None)
    patch.setattr(Instance, "request_reconcile", lambda _self: None)


def no_timer_is_set(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Writer, "_arm", lambda _self: None)


def a_message_counts_as_delivered_before_it_is(patch: pytest.MonkeyPatch) -> None:
    deliver = OutboxPump._deliver

    async def careless(self: OutboxPump, message: OutboxMessage) -> bool:
        self._outbox.done(message.key)
        return await deliver(self, message)

    patch.setattr(OutboxPump, "_deliver", careless)


def whoever_has_an_appointment_is_wanted_at_once(patch: pytest.MonkeyPatch) -> None:
    def hasty(state: EngineState) -> Wishes:
        aside = [each for each in state.interactions if each.state == "scheduled" and each.request.instance]
        wishes = desired_of(state)
        for each in aside:
            name = each.request.interaction_id
            wishes.setdefault(each.request.instance, {})[name] = Desired(name, "waiting")
        return wishes

    patch.setattr(acd.runtime.router, "desired_of", hasty)


def calendars_speak_only_at_the_start(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OpeningHours, "_look_at", lambda _self, _time, _at_us: None)


def the_view_overlooks_transfers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handover_folds, "table", _without(InteractionTransferred, handover_folds.table))


def the_view_overlooks_appointments(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(waiting_folds, "table", _without(InteractionScheduled, waiting_folds.table))


def the_view_overlooks_customers_who_are_called(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(waiting_folds, "table", _without(CustomerCalled, waiting_folds.table))


def the_view_overlooks_advisers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handover_folds, "table", _without(ConsultMerged, handover_folds.table))


def a_device_is_in_the_way_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(vetoes, "lift", lambda _domain, _agent, _channel, _reason: None)


def consults_outlive_the_talk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ending, "end_consults", lambda _domain, _interaction: None)


def _without(
    event: type[Event], table: Callable[..., dict[type[Event], Callable[[Any], None]]]
) -> Callable[..., object]:
    return lambda *args: {**table(*args), event: lambda _event: None}


class Expected(NamedTuple):
    """What the simulator must say (a pattern), and the faults and policies it takes."""

    words: str
    faults: tuple[str, ...] = tuple(FAULTS)
    crash_points: tuple[str, ...] = CRASH_POINTS
    policies: tuple[str, ...] = tuple(POLICIES)


BUGS: Final[dict[Callable[[pytest.MonkeyPatch], None], Expected]] = {
    effects_leave_before_their_commit: Expected("was published, and the disk ends at"),
    answers_are_given_before_their_commit: Expected("was answered before its commit"),
    recovery_is_skipped: Expected("expired on an agent over a restart"),
    the_window_of_outcomes_is_not_restored: Expected("is not the one that wrote it"),
    an_unknown_commit_is_taken_for_a_failed_one: Expected("was said not to be|the view shows"),
    a_batch_is_not_atomic: Expected("is not the one that wrote it", ("crash",), ("torn-append",)),
    nobody_reconciles: Expected("s after the last fault", ("event-lost", "effect-lost")),
    no_timer_is_set: Expected("has not happened", ()),
    a_message_counts_as_delivered_before_it_is: Expected("messages have not arrived"),
    whoever_has_an_appointment_is_wanted_at_once: Expected("was called for before its time"),
    calendars_speak_only_at_the_start: Expected("by its calendar, and has not followed", ()),
    the_view_overlooks_transfers: Expected("the view shows"),
    the_view_overlooks_appointments: Expected("the view shows"),
    the_view_overlooks_customers_who_are_called: Expected("the view shows", (), policies=("callbacks",)),
    the_view_overlooks_advisers: Expected("the view shows|KeyError", (), policies=("advice",)),
    a_device_is_in_the_way_for_ever: Expected("is vetoed without end", (), policies=("devices",)),
    consults_outlive_the_talk: Expected("nobody asks for advice any more", (), policies=("advice",)),
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_noticed(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    expected = BUGS[bug]
    said = ""
    for seed in range(SEEDS):
        plan = Plan(seed, expected.faults, expected.policies, seconds=150, crash_points=expected.crash_points)
        said = said or simulate(plan).problem
    assert re.search(expected.words, said), said
