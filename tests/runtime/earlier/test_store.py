"""The file of earlier conversations and notes: what is kept, what others can read of it, what is forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from acd.errors import EarlierStoreError
from acd.runtime.earlier import store as stores
from acd.runtime.earlier.encounters import Encounter, Note, Part
from acd.runtime.earlier.store import EarlierStore, Place, row_of

CANARY = "canary: owes 300 EUR, 13800138000"
PLACE = Place("test", "life", 9, 2)
NEWEST = (2**63 - 1, "")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EarlierStore]:
    found = opened(tmp_path)
    yield found
    found.close()


def opened(folder: Path) -> EarlierStore:
    return EarlierStore(folder / "desk.db", folder / "desk.key")


def had(number: int, customer: str = "cu_1", *, ended_us: int = 5) -> Encounter:
    return Encounter(f"c{number}", customer, "voice", "pbx", "sales", number, ended_us=ended_us, parts=[Part("anna")])


def note(number: int = 1, interaction: str = "c1", **more: str) -> Note:
    return replace(Note(f"n-{number}", interaction, "anna", number, CANARY, "cu_1"), **more)


def write(store: EarlierStore, *rows: Encounter) -> None:
    store.write(PLACE, [row_of(each) for each in rows])


def ids(found: list[Encounter]) -> list[str]:
    return [each.id for each in found]


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.begun() == (None, [])
    living = had(2, ended_us=0)
    write(store, had(1), living, had(3, "cu_2"))
    assert store.add(note(), 9) == note()
    store.close()
    store = opened(tmp_path)
    place, open_ones = store.begun()
    # Anna's part of all of them goes on.
    assert (place, sorted(ids(open_ones))) == (PLACE, ["c1", "c2", "c3"])
    assert ids(store.of_customer("cu_1", "", NEWEST, 9)) == ["c2", "c1"]
    assert ids(store.of_customer("cu_1", "c2", NEWEST, 9)) == ["c1"]
    assert ids(store.of_customer("cu_1", "", (2, "c2"), 9)) == ["c1"]
    assert ids(store.of_customer("cu_1", "", NEWEST, 1)) == ["c2"]
    assert store.encounter("c3") == had(3, "cu_2")
    assert store.encounter("c4") is None
    assert store.notes(["c1", "c2"]) == [note()]
    store.close()


def test_a_note_is_kept_once_whatever_is_said_again(store: EarlierStore) -> None:
    assert store.add(note(), 9) == note()
    assert store.add(note(text="another"), 9) == note()
    assert store.add(note(agent_id="boris"), 9) == note(agent_id="boris")
    assert store.add(note(2), 2) == "too-many-notes"
    assert store.add(note(), 2) == note()
    assert store.notes(["c1"]) == [note(), note(agent_id="boris")]


def test_nobody_reads_notes_without_the_key(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add(note(), 9)
    found = b"".join(each.read_bytes() for each in tmp_path.glob("desk.db*"))
    assert b"canary" not in found
    store.close()
    (tmp_path / "desk.key").unlink()
    with pytest.raises(EarlierStoreError):
        opened(tmp_path)
    (tmp_path / "desk.key").touch(0o600)
    (tmp_path / "desk.key").write_bytes(b"k" * 32)
    with pytest.raises(EarlierStoreError, match="is not the one"):
        opened(tmp_path)


def test_a_note_is_nobody_elses(store: EarlierStore) -> None:
    store.add(note(), 9)
    store.add(note(2, "c2"), 9)
    store._connection.execute("UPDATE note SET agent = 'boris' WHERE interaction = 'c1'")
    assert store.notes(["c1", "c2"]) == [note(2, "c2")]


def test_whoever_is_erased_leaves_nothing_and_nothing_comes_back(store: EarlierStore, tmp_path: Path) -> None:
    write(store, had(1), had(2, ended_us=0), had(3, "cu_2"))
    store.add(note(), 9)
    store.add(note(2, "c2", customer=""), 9)  # it became known later whose it is
    store.add(note(3, "c3", customer="cu_2"), 9)
    assert store.erase("cu_1", 50) is True
    assert store.erase("cu_1", 50) is False
    # Also a note that was under way.
    assert store.add(note(4), 9) == "person-erased"
    store.clean()
    assert (tmp_path / "desk.db-wal").stat().st_size == 0
    # Whatever is told of them again, as after a crash.
    write(store, had(1), had(2), had(3, "cu_2"))
    assert store.of_customer("cu_1", "", NEWEST, 9) == []
    assert store.notes(["c1", "c2", "c3"]) == [note(3, "c3", customer="cu_2")]


def test_it_is_forgotten_after_its_time(store: EarlierStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, had(1, ended_us=10), had(2, ended_us=20), had(3, ended_us=0))
    store.add(note(10), 9)
    store.add(note(20, "c2"), 9)
    store.erase("cu_9", 10)
    assert store.forget(15, 9) == 2
    assert sorted(ids(store.of_customer("cu_1", "", NEWEST, 9))) == ["c2", "c3"]
    assert [each.id for each in store.notes(["c1", "c2"])] == ["n-20"]
    again = note(20, "c9", customer="cu_9")
    assert store.add(again, 9) == again
    assert store.forget(15, 9) == 0
    monkeypatch.setattr(stores, "MAX_ENCOUNTERS", 1)
    assert store.forget(15, 9) == 1
    assert ids(store.of_customer("cu_1", "", NEWEST, 9)) == ["c3"]
