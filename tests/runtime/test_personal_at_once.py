"""The personal store tells at once whom it can: one number stays one person, and nobody comes back from erasure."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.ports.stores import PromptStore
from acd.runtime.acquaintances import MAX_TOLD
from acd.runtime.person_record import merged
from acd.runtime.personal import PersonalStore
from tests.runtime.test_personal import CANARY, NAME, NUMBER, SECRET, bytes_of, open_store

WITHOUT_FILES = """
import sys
from acd.ports.channel import Personal
from acd.runtime.personal import PersonalStore
opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event in ("open", "sqlite3.connect") else None)
store = PersonalStore(sys.argv[1] + "/personal", sys.argv[1] + "/key")
while not store.learn():
    pass
assert opened
opened.clear()
for number in ("13812345678", "+44 20 7183 8750", "+800 1234 5678", "+1 415 555 2671", "1001", "\uff11\uff10", ""):
    assert store.remember_at_once(Personal(number, "A")) is not None
print(opened)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PersonalStore]:
    with closing(open_store(tmp_path)) as store:
        know_all(store)
        yield store


def know_all(store: PersonalStore) -> None:
    while not store.learn():
        pass


def at_once(store: PersonalStore, person: Personal) -> str:
    reference = store.remember_at_once(person)
    assert reference is not None
    return reference


def spoil(store: PersonalStore) -> None:
    store._connection.execute("PRAGMA query_only = ON")


def mend(store: PersonalStore) -> None:
    store._connection.execute("PRAGMA query_only = OFF")


def test_somebody_new_is_known_at_once_and_durable_with_the_commit(store: PersonalStore, tmp_path: Path) -> None:
    assert isinstance(store, PromptStore)
    reference = at_once(store, CANARY)
    assert at_once(store, Personal("+8613812345678")) == reference
    assert store.recall(reference) == Personal("+8613812345678", NAME, CANARY.extra)
    assert reference.encode() not in bytes_of(tmp_path)
    store.commit()
    store.close()
    with closing(open_store(tmp_path)) as again:
        assert again.recall(reference) == Personal("+8613812345678", NAME, CANARY.extra)


def test_before_the_commit_nothing_survives(store: PersonalStore, tmp_path: Path) -> None:
    lost = at_once(store, CANARY)
    store.close()
    assert store.remember_at_once(CANARY) is None, "a closed store tells nothing"
    with closing(open_store(tmp_path)) as again:
        assert again.recall(lost) is None
        assert again.remember(CANARY) != lost


def test_whoever_waits_for_the_file_gets_what_was_told_at_once(store: PersonalStore) -> None:
    reference = at_once(store, CANARY)
    assert store.begin_many([Personal(NUMBER, "New")]) == (reference,)
    assert store.recall(reference) == Personal(NUMBER, "New", CANARY.extra)
    assert store.remember(Personal("1001")) == store.remember_at_once(Personal("1001"))


def test_who_may_be_in_the_file_is_looked_up(store: PersonalStore, tmp_path: Path) -> None:
    known, other = store.remember(CANARY), store.remember(Personal("1001"))
    store.close()
    with closing(open_store(tmp_path)) as again:
        assert again.remember_at_once(Personal("1002")) is None, "nobody is new before all are known"
        know_all(again)
        assert again.remember_at_once(CANARY) is None
        assert again.remember(CANARY) == known
        assert again.remember_at_once(CANARY) == known
        assert again.remember_at_once(Personal("1001")) is None
        assert again.remember(Personal("1001")) == other
        assert again.remember_at_once(Personal("1002")) not in (None, known, other)


def test_who_comes_while_the_file_is_read_is_not_drawn_twice(tmp_path: Path) -> None:
    people = [Personal(f"10{n:03d}") for n in range(500)]
    with closing(open_store(tmp_path)) as first:
        before = first.remember_many(people)
    with closing(open_store(tmp_path)) as store:
        late = {}
        n = 0
        while not store.learn():
            n += 1
            late[n] = store.remember(Personal(f"20{n:03d}"))
        assert n > 2
        assert {n: store.remember_at_once(Personal(f"20{n:03d}")) for n in late} == late
        assert all(store.remember_at_once(person) is None for person in people)
        assert store.remember_many(people) == before


def test_people_without_a_number_are_never_taken_for_one_another(store: PersonalStore) -> None:
    references = {at_once(store, Personal(number, "N")) for number in ("", "", "anonymous", "Anonymous")}
    assert len(references) == 4
    store.commit()
    assert all(store.recall(reference) is not None for reference in references)


@pytest.mark.parametrize("when", ["told", "begun", "durable"])
def test_the_erased_do_not_come_back(store: PersonalStore, tmp_path: Path, when: str) -> None:
    reference = at_once(store, CANARY)
    if when == "begun":
        store.begin_many([Personal(NUMBER)])
    if when == "durable":
        store.commit()
        assert at_once(store, Personal(NUMBER, "Another")) == reference
    assert store.erase(reference) is True
    assert store.recall(reference) is None
    assert store.remember_at_once(CANARY) is None
    assert store.erase(reference) is False
    store.commit()
    assert store.remember(CANARY) != reference
    assert store.recall(reference) is None
    assert reference.encode() not in bytes_of(tmp_path)
    store.close()
    assert reference.encode() not in bytes_of(tmp_path)


def test_somebody_without_a_number_can_be_erased_before_the_commit(store: PersonalStore, tmp_path: Path) -> None:
    reference = at_once(store, Personal("", NAME))
    assert store.erase(reference) is True
    store.commit()
    assert store.recall(reference) is None
    assert reference.encode() not in bytes_of(tmp_path)


def test_a_reference_that_could_not_be_kept_is_given_to_nobody_else(store: PersonalStore) -> None:
    kept = store.remember(Personal("1001"))
    lost = at_once(store, CANARY)
    spoil(store)
    with pytest.raises(PersonalStoreError, match="readonly"):
        store.commit()
    assert store.recall(lost) is None
    assert store.remember_at_once(CANARY) is None
    mend(store)
    fresh = store.remember(CANARY)
    assert fresh != lost
    assert store.remember_at_once(CANARY) == fresh
    assert store.remember_at_once(Personal("1001")) is None, "after a failure the file is asked again"
    assert store.remember(Personal("1001")) == kept


def test_whoever_was_begun_and_is_lost_is_looked_up(store: PersonalStore) -> None:
    (lost,) = store.begin_many([CANARY])
    assert store.remember_at_once(CANARY) == lost
    spoil(store)
    with pytest.raises(PersonalStoreError, match="readonly"):
        store.begin_many([Personal("1001")])
    mend(store)
    assert store.remember_at_once(CANARY) is None
    assert store.remember(CANARY) != lost


def test_one_whose_record_was_altered_harms_no_others(store: PersonalStore, capsys: pytest.CaptureFixture[str]) -> None:
    altered = store.remember(CANARY)
    store._connection.execute("UPDATE person SET data = x'00' WHERE reference = ?", (altered,))
    assert at_once(store, Personal(NUMBER, "New")) == altered
    other = at_once(store, Personal("1001", "B"))
    store.commit()
    assert store.recall(other) == Personal("1001", "B")
    said = capsys.readouterr().out
    assert "could not be kept" in said
    assert NUMBER not in said
    assert store.remember_at_once(CANARY) is None
    with pytest.raises(PersonalStoreError, match="altered"):
        store.remember(CANARY)


def test_whoever_cannot_be_kept_is_left_to_those_who_say_why(store: PersonalStore) -> None:
    assert store.remember_at_once(Personal("1" * 300)) is None
    assert store.remember_at_once(Personal(NUMBER, "\ud800")) is None


def test_so_many_wait_for_the_file_and_no_more(store: PersonalStore) -> None:
    told = [store.remember_at_once(Personal(f"138000{n:05d}")) for n in range(MAX_TOLD + 1)]
    assert told[-1] is None
    assert None not in told[:-1]
    store.commit()
    assert store.remember_at_once(Personal(f"138000{MAX_TOLD:05d}")) is not None
    assert len(set(store.remember_many([Personal(f"138000{n:05d}") for n in range(1_000)]))) == 1_000


def test_nobody_waits_for_one_who_writes(store: PersonalStore) -> None:
    known = store.remember(CANARY)
    found: list[str | None] = []
    people = (CANARY, Personal("1001"), Personal("", "N"))
    with store._mutex:
        asking = threading.Thread(target=lambda: found.extend(map(store.remember_at_once, people)), daemon=True)
        asking.start()
        asking.join(10)
        assert not asking.is_alive()
    assert found[0] == known
    assert None not in found


def test_no_file_is_touched(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_nothing_personal_is_left_in_memory_after_the_commit(store: PersonalStore) -> None:
    at_once(store, CANARY)
    assert store._met._told
    store.commit()
    kept = repr([vars(store._met), list(store._met._known), store._met._index_of])
    assert not store._met._told
    for canary in (NUMBER, "8613812345678", NAME, SECRET):
        assert canary not in kept


def test_many_threads_draw_one_reference_for_one_number(store: PersonalStore) -> None:
    numbers = [f"10{n:02d}" for n in range(40)]
    found: list[tuple[str, str]] = []
    begin = threading.Barrier(4)

    def hasty() -> None:
        begin.wait()
        for number in numbers:
            reference = store.remember_at_once(Personal(number, "H"))
            if reference is not None:
                found.append((number, reference))

    def patient() -> None:
        begin.wait()
        for number in reversed(numbers):
            (reference,) = store.begin_many([Personal(number, "P")])
            assert isinstance(reference, str)
            found.append((number, reference))
            store.commit()

    threads = [threading.Thread(target=each) for each in (hasty, hasty, hasty, patient)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.commit()
    assert len({number for number, _ in found}) == len({reference for _, reference in found}) == len(set(found)) == 40
    assert all(store.recall(reference) is not None for _, reference in found)


PEOPLE = st.builds(
    Personal,
    st.sampled_from(["1001", "1002", "13812345678", "+86 138 1234 5678", "anonymous"]),
    st.sampled_from(["", "Anna", "李雷"]),
    st.sampled_from([(), (("note", "x"),), (("note", "y"),)]),
)


class Keeping(RuleBasedStateMachine):
    """The real store beside three dictionaries: who is durable, who is begun, who was told at once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.strangers = 0
        self.given: list[str] = []
        self.erased: set[str] = set()
        self.durable: dict[str, tuple[str, Personal]] = {}
        self.open()

    def open(self) -> None:
        self.store = open_store(Path(self.folder.name))
        self.store._connection.execute("PRAGMA synchronous = OFF")
        self.broken = False
        self.whole = False
        self.begun = dict(self.durable)
        self.told: dict[str, tuple[str, Personal]] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def expected(self, number: str) -> str | None:
        """The reference that the number has."""
        found = self.told.get(number) or self.begun.get(number)
        return found and found[0]

    def drew(self, key: str, reference: str) -> None:
        """It is the number's, or one that nobody ever had."""
        known = None if key == "anonymous" else self.expected(key)
        if known is None:
            assert reference not in self.given
            self.given.append(reference)
        else:
            assert reference == known

    @rule(person=PEOPLE)
    def tell(self, person: Personal) -> None:
        key = key_of(person)
        reference = self.store.remember_at_once(person)
        if reference is None:
            return
        self.drew(key, reference)
        slot = reference if key == "anonymous" else key
        before = self.told.get(slot)
        self.told[slot] = (reference, person if before is None else merged(before[1], person))

    @rule(person=PEOPLE)
    def begin(self, person: Personal) -> None:
        key = key_of(person)
        was_begun = self.store._connection.in_transaction
        try:
            (reference,) = self.store.begin_many([person])
        except PersonalStoreError:
            assert self.broken
            if was_begun:
                self.told.pop(key, None)
            self.begun = dict(self.durable)
            return
        assert isinstance(reference, str)
        self.drew(key, reference)
        if key == "anonymous":
            self.begun[reference] = (reference, person)
        else:
            self.flush(key)
            self.write(key, reference, person)
            if self.whole:
                assert self.store.remember_at_once(person) == reference, "whom the file was asked about is known"

    @rule()
    def commit(self) -> None:
        try:
            self.store.commit()
        except PersonalStoreError:
            assert self.broken
            self.begun = dict(self.durable)
        else:
            for key in list(self.told):
                self.flush(key)
            self.durable = dict(self.begun)
        self.told = {}

    @precondition(lambda self: not self.broken)
    @rule(which=st.integers(0, 15))
    def erase(self, which: int) -> None:
        if not self.given:
            return
        # By when it was given: the references themselves are drawn anew in every run.
        reference = self.given[which % len(self.given)]
        there = [key for layer in (self.told, self.begun) for key, found in layer.items() if found[0] == reference]
        assert self.store.erase(reference) is bool(there)
        for layer in (self.told, self.begun):
            for key in there:
                layer.pop(key, None)
        self.durable = dict(self.begun)
        self.erased.add(reference)

    @rule()
    def learn(self) -> None:
        know_all(self.store)
        self.whole = True

    @precondition(lambda self: self.whole and not self.broken)
    @rule()
    def tell_of_somebody_new(self) -> None:
        self.strangers += 1
        person = Personal(f"2{self.strangers:05d}")
        reference = self.store.remember_at_once(person)
        assert reference is not None, "so few are never taken for one another"
        self.drew(person.number, reference)
        self.told[person.number] = (reference, person)

    @rule()
    def spoil(self) -> None:
        spoil(self.store)
        self.broken = True

    @rule()
    def mend(self) -> None:
        mend(self.store)
        self.broken = False

    @rule()
    def die(self) -> None:
        self.store.close()
        self.open()

    @invariant()
    def everybody_is_found_and_nobody_else(self) -> None:
        here: dict[str, Personal] = dict(self.begun.values())
        for reference, person in self.told.values():
            here[reference] = merged(here[reference], person) if reference in here else person
        for reference in self.given:
            assert self.store.recall(reference) == here.get(reference)
        for reference in self.erased:
            assert self.store.recall(reference) is None

    @invariant()
    def nothing_of_the_erased_is_in_the_file(self) -> None:
        if self.erased and not self.begun.keys() - self.durable.keys():
            left = bytes_of(Path(self.folder.name))
            assert not any(reference.encode() in left for reference in self.erased)

    def flush(self, key: str) -> None:
        """What was told goes to the file."""
        told = self.told.pop(key, None)
        if told is not None:
            self.write(key, *told)

    def write(self, key: str, reference: str, person: Personal) -> None:
        known = self.begun.get(key)
        self.begun[key] = (reference, person) if known is None else (known[0], merged(known[1], person))


def key_of(person: Personal) -> str:
    """By which the model takes two for one."""
    return NUMBER if person.number.startswith("+86") else person.number


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
