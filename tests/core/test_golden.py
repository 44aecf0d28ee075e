"""What version 1 of the semantics once decided, it decides for ever."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import acd.core.messages as m
from acd.core.engine import Engine
from tests.core.golden_journal import CALLBACKS, JOURNALS, PLACES, PUT_OFF, REPLACED, digest, known_fields, read

FIRST_COMMANDS = {
    *("ApplyConfig", "SignInAgent", "SignOutAgent", "SetPresence", "HoldWork", "ResumeWork", "EndWrapUp"),
    *("EnqueueInteraction", "EndInteraction", "CancelInteraction", "RequeueInteraction"),
    *("AcceptOffer", "DeclineOffer", "FailOffer", "Tick", "Recover"),
}
"""The commands that there were when the journal was written; it is never written anew for later ones."""

MOST_REFUSALS = 16
"""Of the 21 refusal codes that there were."""

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", JOURNALS)
def test_every_outcome_is_as_it_was(name: str) -> None:
    header, entries = read(name)
    assert header.semantics == 1
    assert len(entries) == JOURNALS[name][1]
    engine = Engine()
    for number, entry in enumerate(entries, 2):
        outcome = engine.apply(entry.command, entry.now_us)
        assert digest(outcome, header.fields) == entry.outcome, (
            f"{name}.jsonl:{number}: this command used to lead to something else than {outcome}\n{entry.command}\n"
            "A decision that changes needs a new semantics version; see tests/core/golden_journal.py"
        )


def test_the_journal_covers_what_there_was_at_first() -> None:
    header, entries = read()
    engine = Engine()
    outcomes = [engine.apply(entry.command, entry.now_us) for entry in entries]
    assert {type(entry.command).__name__ for entry in entries} == FIRST_COMMANDS
    events = [event for outcome in outcomes for event in outcome.events]
    effects = [effect for outcome in outcomes for effect in outcome.effects]
    assert {type(each).__name__ for each in (*events, *effects)} == header.fields.keys()
    made = [event for event in events if isinstance(event, m.OfferMade)]
    assert {(event.strategy, event.sought) for event in made} == {
        (strategy, sought)
        for strategy in ("longest-idle", "best-fit", "weighted")
        for sought in ("agent", "interaction")
    }
    refused = {outcome.refusal.code for outcome in outcomes if outcome.refusal is not None}
    assert len(refused) >= MOST_REFUSALS


def test_the_journal_of_callbacks_covers_them() -> None:
    """Called before any agent: reached, not reached, called again, given up; and offered to agents."""
    engine, seen, refused = Engine(), Counter[str](), Counter[str]()
    for entry in read(CALLBACKS)[1]:
        outcome = engine.apply(entry.command, entry.now_us)
        seen.update(type(each).__name__ for each in (*outcome.events, *outcome.effects))
        if outcome.refusal is None:
            seen[type(entry.command).__name__] += 1
        else:
            refused[outcome.refusal.code] += 1
    assert seen["CustomerCalled"] == seen["ReachCustomer"] > 10
    assert seen["NoteReached"] == seen["CustomerReached"] > 1
    assert min(seen["FailCallback"], seen["CallBackInteraction"], seen["InteractionFailed"]) > 1
    assert min(seen["InteractionScheduled"], seen["InteractionDue"]) > 10
    assert min(refused["other-attempt"], refused["interaction-not-reaching"]) > 0


def test_the_journal_of_what_was_put_off_covers_that() -> None:
    """Nobody could be called, and the place was kept; customers who were called had time after a restart."""
    engine, seen = Engine(), Counter[str]()
    for entry in read(PUT_OFF)[1]:
        for event in engine.apply(entry.command, entry.now_us).events:
            seen["put off"] += isinstance(event, m.InteractionScheduled) and event.uncalled > 0
            seen["kept"] += isinstance(event, m.InteractionDue) and event.place_at_us < entry.now_us
            seen["spared"] += isinstance(event, m.EngineRecovered) and event.customers > 0
    assert min(seen["put off"], seen["kept"], seen["spared"]) > 1


def test_the_journal_of_places_covers_them() -> None:
    """Taken, with levels that are open and steps that are done; and not to be had."""
    engine, seen = Engine(), Counter[str]()
    for entry in read(PLACES)[1]:
        outcome, command = engine.apply(entry.command, entry.now_us), entry.command
        if not isinstance(command, m.EnqueueInteraction) or not command.place_of or outcome.refusal is not None:
            continue
        queued = next(event for event in outcome.events if isinstance(event, m.InteractionQueued))
        seen["taken" if queued.place_at_us else "not taken"] += 1
        seen["opened"] += any(isinstance(event, m.LevelOpened) for event in outcome.events)
        rows = {row.request.interaction_id: row for row in engine.state().interactions}
        taken = rows.get(command.interaction_id)
        seen["stepped"] += queued.place_at_us > 0 and taken is not None and taken.relaxed is not None
    assert min(seen["taken"], seen["not taken"], seen["opened"], seen["stepped"]) > 1, seen


def test_the_journal_of_those_who_were_replaced_covers_them() -> None:
    """By a call that has the place, also in another queue; and not, since there was no place, or none for the call."""
    engine, seen = Engine(), Counter[str]()
    for entry in read(REPLACED)[1]:
        outcome, command = engine.apply(entry.command, entry.now_us), entry.command
        if not isinstance(command, m.EnqueueInteraction) or not command.end_reason:
            continue
        seen[outcome.refusal.code if outcome.refusal is not None else "done"] += 1
        seen["replaced"] += any(
            isinstance(each, m.InteractionCancelled) and each.replaced_by for each in outcome.events
        )
        seen["elsewhere"] += any(isinstance(each, m.InteractionMoved) for each in outcome.events)
    assert seen["done"] == seen["replaced"] > 1, seen
    assert min(seen["no-such-place"], seen["queue-unstaffed"]) > 1, seen
    assert seen["elsewhere"] > 0, seen


def test_another_process_decides_the_same_whatever_its_hash_seed() -> None:
    program = (
        "from tests.core.golden_journal import read\n"
        "from acd.core.engine import Engine\n"
        "engine = Engine()\n"
        "for entry in read()[1]:\n"
        "    engine.apply(entry.command, entry.now_us)\n"
        "print(engine.digest())\n"
    )
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", program]
        done = subprocess.run(run, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
        digests.add(done.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize("name", JOURNALS)
def test_fields_are_only_ever_appended(name: str) -> None:
    header, _ = read(name)
    now = known_fields()
    for kind, fields in header.fields.items():
        assert now[kind][: len(fields)] == fields, f"{kind}: a field was removed or moved"


def test_a_digest_covers_code_effects_and_events() -> None:
    fields = known_fields()
    plain = m.Outcome()
    refused = m.Outcome(refusal=m.Refusal("unknown-agent", "a"))
    reworded = m.Outcome(refusal=m.Refusal("unknown-agent", "b"))
    other = m.Outcome(refusal=m.Refusal("unknown-offer", "a"))
    effect = m.Outcome(effects=(m.ParkInteraction("c1", "pbx"),))
    event = m.Outcome(events=(m.WorkEnded("anna", "c1"),))
    assert digest(refused, fields) == digest(reworded, fields)
    assert len({digest(each, fields) for each in (plain, refused, other, effect, event)}) == 5
    with pytest.raises(KeyError):
        digest(event, {})
