"""Whom a process can tell at once: whom it has met, and who is certainly new."""

from hashlib import sha256
from itertools import count

import pytest

from acd.ports.channel import Personal
from acd.runtime import acquaintances
from acd.runtime.acquaintances import MAX_KNOWN, MAX_TOLD, Acquaintances, Told
from acd.runtime.number_filter import NumberFilter

ANNA = Personal("1001", "Anna")
X, Y = sha256(b"1001").digest(), sha256(b"1002").digest()


def whole() -> Acquaintances:
    met = Acquaintances(map("cu_{}".format, count()).__next__)
    met.complete()
    return met


def test_somebody_new_is_given_a_reference_and_is_to_be_written_once() -> None:
    met = whole()
    assert met.tell(X, ANNA) == met.tell(X, ANNA) == "cu_0"
    assert met.told("cu_0") == ANNA
    assert met.take() == Told("cu_0", X, ANNA)
    assert met.take() is None
    assert met.tell(X, ANNA) == "cu_0"
    assert met.take() is None, "nothing new was told"
    assert met.told("cu_0") is None


def test_nobody_is_new_before_all_are_known() -> None:
    met = Acquaintances(iter(["cu_1"]).__next__)
    assert met.tell(X, ANNA) is None
    met.learn([X, b"no index"])
    met.complete()
    assert met.tell(X, ANNA) is None, "only the file knows"
    assert met.tell(Y, Personal("1002")) == "cu_1"


def test_what_is_new_of_somebody_known_is_to_be_written() -> None:
    met = whole()
    met.note(X, "cu_x", ANNA)
    assert met.tell(X, ANNA) == "cu_x"
    assert met.take() is None
    assert met.tell(X, Personal("1001", "Bea")) == "cu_x"
    assert met.tell(X, Personal("1001", extra=(("a", "b"),))) == "cu_x"
    assert met.take() == Told("cu_x", X, Personal("1001", "Bea", (("a", "b"),)))


def test_the_last_that_was_told_wins_over_what_the_file_was_told_meanwhile() -> None:
    met = whole()
    met.note(X, "cu_x", ANNA)
    assert met.tell(X, Personal("1001", "Bea")) == "cu_x"
    met.note(X, "cu_x", ANNA)
    assert met.tell(X, ANNA) == "cu_x"
    told = met.take()
    assert told is not None
    assert told.person == ANNA


def test_whoever_asks_the_file_writes_first_what_was_told() -> None:
    met = whole()
    assert met.tell(X, ANNA) == "cu_0"
    assert met.claim(X) == Told("cu_0", X, ANNA)
    assert met.take() is None
    assert met.claim(Y) is None
    assert met.tell(Y, Personal("1002")) is None, "the file is being asked: nobody draws another"


def test_people_without_a_number_are_never_taken_for_one_another() -> None:
    met = Acquaintances(map("cu_{}".format, count()).__next__)
    anonymous = Personal("", "Anna")
    assert [met.tell(None, anonymous) for _ in range(3)] == ["cu_0", "cu_1", "cu_2"], "and need not be looked for"
    assert [met.take() for _ in range(3)] == [Told(f"cu_{n}", None, anonymous) for n in range(3)]


def test_the_erased_are_forgotten_at_once() -> None:
    met = whole()
    assert met.tell(X, ANNA) == "cu_0"
    assert met.forget("cu_0") is True
    assert met.take() is None
    assert met.told("cu_0") is None
    assert met.tell(X, ANNA) is None, "the file knows that there is nobody"
    met.note(X, "cu_x", ANNA)
    assert met.forget("cu_x") is False
    assert met.tell(X, ANNA) is None
    assert met.forget("cu_unknown") is False
    assert met.tell(None, ANNA) == "cu_1"
    assert met.forget("cu_1") is True


def test_after_a_failure_the_file_is_asked_about_everybody() -> None:
    met = whole()
    met.note(X, "cu_x", ANNA)
    assert met.tell(Y, Personal("1002")) == "cu_0"
    met.doubt()
    assert met.tell(X, ANNA) is None
    assert met.tell(Y, Personal("1002")) is None
    assert met.claim(Y) == Told("cu_0", Y, Personal("1002")), "it has not been tried yet"
    assert met.tell(None, ANNA) == "cu_1"
    met.drop()
    assert met.take() is None


def test_a_closed_one_tells_nothing() -> None:
    met = whole()
    assert met.tell(X, ANNA) == "cu_0"
    met.close()
    assert met.take() is None
    assert met.tell(X, ANNA) is None
    assert met.tell(None, ANNA) is None


def test_there_is_a_most_of_both() -> None:
    met = whole()
    met.note(X, "cu_x", ANNA)
    for n in range(MAX_KNOWN):
        met.note(sha256(f"other {n}".encode()).digest(), f"cu_other{n}", ANNA)
    assert met.tell(X, ANNA) is None
    told = [met.tell(None, ANNA) for _ in range(MAX_TOLD + 1)]
    assert None not in told[:-1]
    assert told[-1] is None
    while met.take() is not None:
        pass
    assert met.tell(None, ANNA) is not None


def test_whoever_called_last_is_forgotten_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintances, "MAX_KNOWN", 2)
    met = whole()
    for index, reference in ((X, "cu_x"), (Y, "cu_y")):
        met.claim(index)
        met.note(index, reference, ANNA)
    assert met.tell(X, ANNA) == "cu_x"
    met.claim(sha256(b"1003").digest())
    met.note(sha256(b"1003").digest(), "cu_z", ANNA)
    assert met.tell(X, ANNA) == "cu_x"
    assert met.tell(Y, ANNA) is None
    assert met.forget("cu_y") is False


def test_a_number_that_has_become_another_person_is_that_one() -> None:
    met = whole()
    met.note(X, "cu_old", ANNA)
    met.note(X, "cu_new", ANNA)
    met.forget("cu_old")
    assert met.tell(X, ANNA) == "cu_new"


def test_a_stock_is_drawn_in_advance() -> None:
    drawn = count()
    met = Acquaintances(lambda: f"cu_{next(drawn)}")
    met.restock()
    in_advance = next(drawn)
    assert met.tell(None, ANNA) == "cu_0"
    assert next(drawn) == in_advance + 1
    met.restock()
    assert [met.tell(None, ANNA) for _ in range(2 * in_advance)] == sorted(
        {f"cu_{n}" for n in range(1, 2 * in_advance + 3)} - {f"cu_{in_advance}", f"cu_{in_advance + 1}"},
        key=lambda reference: int(reference[3:]),
    ), "no reference is given twice"


def test_too_many_people_are_said_and_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    met = Acquaintances(map("cu_{}".format, count()).__next__, NumberFilter((64,)))
    met.learn(sha256(str(n).encode()).digest() for n in range(100))
    met.complete()
    assert met.tell(X, ANNA) is None
    assert capsys.readouterr().out.count("too many people") == 1
    met.note(X, "cu_x", ANNA)
    assert met.tell(X, ANNA) == "cu_x", "whom it has met it knows all the same"
