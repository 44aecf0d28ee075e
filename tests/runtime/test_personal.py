"""The personal store: nothing in clear, nothing altered unnoticed, nothing left of the erased."""

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acd.core.messages import ApplyConfig, CoreSettings, EnqueueInteraction, QueueSettings
from acd.errors import PersonalStoreError
from acd.ports.channel import Personal
from acd.runtime.journal import SqliteJournal
from acd.runtime.person_record import MAX_EXTRA
from acd.runtime.personal import PersonalStore
from tests.runtime.journaled import record

NUMBER = "13812345678"
NAME = "Canary Kanarienvogel"
SECRET = "canary-detail-7391"
SWAP = (
    "UPDATE person SET (data, wrapped_key) = (SELECT data, wrapped_key FROM person WHERE reference <> ?1)"
    " WHERE reference = ?1"
)
CANARY = Personal(NUMBER, NAME, (("note", SECRET),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PersonalStore]:
    with closing(open_store(tmp_path)) as store:
        yield store


def open_store(directory: Path) -> PersonalStore:
    return PersonalStore(directory / "personal", directory / "key")


def bytes_of(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(directory.iterdir()) if file.name != "key")


def run_sql(directory: Path, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(directory / "personal")) as connection:
        assert connection.execute(statement, parameters).rowcount != 0
        connection.commit()


def test_the_same_number_is_the_same_person(store: PersonalStore) -> None:
    reference = store.remember(CANARY)
    assert re.fullmatch(r"cu_[a-z2-7]{26}", reference)
    assert store.remember(Personal("+86 138 1234 5678")) == reference
    assert store.remember(Personal("13812345679")) != reference
    assert store.recall(reference) == CANARY


def test_a_number_once_known_is_rewritten_by_its_international_form_only(store: PersonalStore) -> None:
    """Whoever writes it in another way, which may be somebody else, does not change what will be dialled."""
    forged = ("17951" + NUMBER, "tel:+86" + NUMBER, "+86(0)" + NUMBER, "0086" + NUMBER)
    reference = store.remember(CANARY)
    for other in forged:
        assert store.remember(Personal(other)) == reference
        assert store.recall(reference) == CANARY
    assert store.remember(Personal("+86" + NUMBER)) == reference
    whole = Personal("+86" + NUMBER, NAME, CANARY.extra)
    assert store.recall(reference) == whole
    for other in (NUMBER, *forged):
        assert store.remember(Personal(other)) == reference
        assert store.recall(reference) == whole


def test_details_are_merged_and_the_new_one_wins(store: PersonalStore) -> None:
    reference = store.remember(Personal(NUMBER, "Old", (("a", "1"), ("b", "2"))))
    store.remember(Personal(NUMBER, "", (("b", "3"), ("c", "4"))))
    assert store.recall(reference) == Personal(NUMBER, "Old", (("a", "1"), ("b", "3"), ("c", "4")))
    store.remember(Personal(NUMBER, "New", tuple((f"k{n}", "x") for n in range(MAX_EXTRA))))
    merged = store.recall(reference)
    assert merged is not None
    assert merged.name == "New"
    assert len(merged.extra) == MAX_EXTRA


def test_people_without_a_number_are_never_taken_for_one_another(store: PersonalStore) -> None:
    references = {store.remember(Personal(number, "N")) for number in ("", "", "anonymous", "Anonymous")}
    assert len(references) == 4
    assert all(store.recall(reference) is not None for reference in references)


def test_unknown_references(store: PersonalStore) -> None:
    assert store.recall("cu_unknown") is None
    assert not store.erase("cu_unknown")


def test_many_in_one_commit_and_none_when_nothing_is_new(store: PersonalStore, tmp_path: Path) -> None:
    people = [Personal(f"138000000{n:02d}", "N") for n in range(20)]
    log = tmp_path / "personal-wal"
    references = store.remember_many([*people, people[0]])
    assert len(set(references)) == 20
    assert references[-1] == references[0]
    written = log.read_bytes()
    assert store.remember_many(people) == references[:20]
    assert log.read_bytes() == written


def test_what_is_begun_can_be_read_and_is_durable_with_the_commit(store: PersonalStore, tmp_path: Path) -> None:
    (first,) = store.begin_many([Personal("1001", "A")])
    (second,) = store.begin_many([Personal("1002", "B")])
    assert store.begin_many([Personal("1001")]) == (first,)
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert store.recall(first) == Personal("1001", "A")
    store.commit()
    store.commit()
    store.begin_many([Personal("1003", "C")])
    store.close()
    again = open_store(tmp_path)
    assert again.recall(second) == Personal("1002", "B")
    (third,) = again.begin_many([Personal("1003")])
    assert isinstance(third, str)
    assert again.recall(third) == Personal("1003"), "what had not been committed is not there"
    assert again.erase(third) is True, "what was begun is committed first"
    again.close()


def test_one_bad_person_harms_nobody_else(store: PersonalStore) -> None:
    bad = [
        Personal("1" * 300),
        Personal(NUMBER, "x" * 600),
        Personal(NUMBER, extra=(("k", "v"),) * 65),
        Personal(NUMBER, extra=(("k", "v" * 5_000),)),
        Personal(7),  # type: ignore[arg-type]
        Personal(NUMBER, "\ud800"),
    ]
    results = store.remember_many([Personal("1001", "A"), *bad, Personal("1002", "B")])
    assert all(isinstance(result, PersonalStoreError) for result in results[1:-1])
    assert isinstance(results[0], str)
    assert isinstance(results[-1], str)
    assert store.recall(results[-1]) == Personal("1002", "B")
    with pytest.raises(PersonalStoreError, match="at most 256 characters"):
        store.remember(bad[0])


def test_survives_reopening(store: PersonalStore, tmp_path: Path) -> None:
    reference = store.remember(CANARY)
    store.close()
    store.close()
    with closing(open_store(tmp_path)) as again:
        assert again.recall(reference) == CANARY
        assert again.remember(CANARY) == reference
    with pytest.raises(PersonalStoreError, match="closed"):
        store.recall(reference)


def test_no_trace_in_the_files_of_the_store_or_the_journal(store: PersonalStore, tmp_path: Path) -> None:
    reference = store.remember(CANARY)
    with closing(SqliteJournal(tmp_path / "journal", "d")) as journal:
        queue = CoreSettings(queues=(QueueSettings("support"),))
        call = EnqueueInteraction("q", "call-1", "voice", "support", customer=reference)
        record(journal, [ApplyConfig("c", queue), call])
    files = bytes_of(tmp_path)
    assert reference.encode() in files
    for canary in (NUMBER, "8613812345678", NAME, "Kanarienvogel", SECRET):
        assert canary.encode() not in files
        assert canary.encode("utf-16-le") not in files


def test_no_trace_in_repr_logs_or_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [repr(CANARY), f"{CANARY}", repr([CANARY])]
    with closing(open_store(tmp_path)) as store:
        reference = store.remember(CANARY)
        said.append(repr(vars(store)))
        results = store.remember_many([Personal(NUMBER, "x" * 600), Personal(NUMBER * 30, NAME)])
        said += [repr(result) for result in results]
        store.erase(reference)
    said.append(capsys.readouterr().out)
    key = (tmp_path / "key").read_bytes()
    for text in said:
        assert NUMBER not in text
        assert "Kanarienvogel" not in text
        assert SECRET not in text
        assert key.hex() not in text
    assert repr(CANARY) == "Personal(<number, name, 1 extra>)"


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE person SET data = substr(data, 1, length(data) - 1) || x'00' WHERE reference = ?",
        "UPDATE person SET data = x'00' WHERE reference = ?",
        "UPDATE person SET data = 'text' WHERE reference = ?",
        "UPDATE person SET wrapped_key = zeroblob(60) WHERE reference = ?",
        "UPDATE person SET number_index = zeroblob(32) WHERE reference = ?",
        "UPDATE person SET data = (SELECT data FROM person WHERE reference <> ?1) WHERE reference = ?1",
        SWAP,
    ],
)
def test_tampering_is_noticed_by_name_and_the_others_can_be_read(
    store: PersonalStore, tmp_path: Path, tampering: str
) -> None:
    reference, other = store.remember(CANARY), store.remember(Personal("1001", "B"))
    store.close()
    run_sql(tmp_path, tampering, reference)
    with closing(open_store(tmp_path)) as again:
        with pytest.raises(PersonalStoreError, match=f"record of {reference} has been altered"):
            again.recall(reference)
        assert again.recall(other) == Personal("1001", "B")
        assert again.erase(reference)
        assert again.remember(CANARY) != reference


def test_the_erased_are_gone_from_every_byte(store: PersonalStore, tmp_path: Path) -> None:
    others = [store.remember(Personal(f"138000{n:05d}", "Someone else")) for n in range(200)]
    reference = store.remember(CANARY)
    store.remember(Personal(NUMBER, NAME, (("later", "x" * 500),)))
    with closing(sqlite3.connect(tmp_path / "personal")) as connection:
        found = connection.execute(
            "SELECT number_index, wrapped_key, data FROM person WHERE reference = ?", (reference,)
        ).fetchone()
    assert all(value in bytes_of(tmp_path) for value in found)
    assert store.erase(reference)
    for when in ("open", "closed"):
        left = bytes_of(tmp_path)
        assert reference.encode() not in left, when
        for value in found:
            assert value[:16] not in left, when
            assert value[-16:] not in left, when
        store.close()
    with closing(open_store(tmp_path)) as again:
        assert again.recall(reference) is None
        assert not again.erase(reference)
        assert again.remember(CANARY) not in (reference, *others)
        assert all(again.recall(other) is not None for other in others)


def test_the_key_is_private_and_kept(store: PersonalStore, tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.stat().st_size == 32
    assert (tmp_path / "personal").stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    store.close()
    open_store(tmp_path).close()
    assert key.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir() if "key" in file.name) == ["key"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda key: key.chmod(0o644), r"open to others \(mode 0644\): run chmod 600"),
        (lambda key: key.chmod(0o640), r"open to others \(mode 0640\)"),
        (lambda key: key.write_bytes(b"short"), "exactly 32 random bytes, but is 5 bytes long"),
        (lambda key: key.write_bytes(b"x" * 33), "exactly 32 random bytes, but is longer"),
        (lambda key: key.write_bytes(os.urandom(32)), "is not the one that .* was written with"),
        (lambda key: key.unlink(), "is missing, without which .* restore it"),
        (lambda key: (key.unlink(), key.mkdir(0o700)), "cannot be read"),
    ],
)
def test_a_wrong_key_file_is_explained(tmp_path: Path, spoil: object, message: str) -> None:
    with closing(open_store(tmp_path)) as store:
        store.remember(CANARY)
    assert callable(spoil)
    spoil(tmp_path / "key")
    with pytest.raises(PersonalStoreError, match=message):
        open_store(tmp_path)
    assert not (tmp_path / "key").is_file() or (tmp_path / "key").stat().st_size in (5, 32, 33)


def test_places_that_do_not_work(tmp_path: Path) -> None:
    with pytest.raises(PersonalStoreError, match="cannot be created"):
        PersonalStore(tmp_path / "personal", tmp_path / "none" / "key")
    with pytest.raises(PersonalStoreError, match="check that its directory exists"):
        PersonalStore(tmp_path / "none" / "personal", tmp_path / "key")
    with pytest.raises(PersonalStoreError, match="region 'China' is not a country"):
        PersonalStore(tmp_path / "personal", tmp_path / "key", region="China")
    (tmp_path / "garbage").write_bytes(b"garbage" * 1_000)
    with pytest.raises(PersonalStoreError, match="not a database"):
        PersonalStore(tmp_path / "garbage", tmp_path / "key")


def test_one_process_at_a_time(store: PersonalStore, tmp_path: Path) -> None:
    with pytest.raises(PersonalStoreError, match=f"in use by process {os.getpid()}"):
        open_store(tmp_path)
    store.remember(CANARY)


def test_a_full_disk_is_an_error_and_keeps_what_was_there(store: PersonalStore) -> None:
    reference = store.remember(CANARY)
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(PersonalStoreError, match="full"):
        store.remember_many([Personal(f"138000{n:05d}", "x" * 500) for n in range(50)])
    assert store.recall(reference) == CANARY
    connection.execute("PRAGMA max_page_count = 100000")
    assert store.remember(Personal("1001"))


def test_whoever_had_begun_hears_that_another_lost_it(store: PersonalStore) -> None:
    connection = store._connection
    store.remember(CANARY)
    store.begin_many([Personal("1001")])
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [Personal(f"138000{n:05d}", "x" * 500) for n in range(50)]
    with pytest.raises(PersonalStoreError, match="full"):
        store.remember_many(many)
    with pytest.raises(PersonalStoreError, match="full"):
        store.commit()
    store.begin_many([Personal("1002")])
    with pytest.raises(PersonalStoreError, match="full"):
        store.begin_many(many)
    store.commit()
    connection.execute("PRAGMA max_page_count = 100000")
    before = store.remember(CANARY)
    assert store.recall(before) == CANARY


def test_who_is_said_not_to_be_kept_is_not_kept(store: PersonalStore) -> None:
    connection = store._connection
    erased = store.remember(CANARY)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    store.begin_many([Personal("1001")])
    with pytest.raises(PersonalStoreError, match="full"):
        store.remember_many([Personal(f"138000{n:05d}", "x" * 500) for n in range(50)])
    connection.execute("PRAGMA max_page_count = 100000")
    (second,) = store.begin_many([Personal("1002")])
    with pytest.raises(PersonalStoreError, match="full"):
        store.commit()
    assert not connection.in_transaction
    store.remember(Personal("1003"))
    assert isinstance(second, str)
    assert store.recall(second) is None
    assert store.erase(erased)


class Broken(list[Personal]):
    """Ends in a fault that nobody has thought of."""

    def __iter__(self) -> Iterator[Personal]:
        yield from super().__iter__()
        raise RuntimeError("a fault")


@pytest.mark.parametrize("begun", [False, True])
def test_a_fault_of_any_kind_keeps_nobody(store: PersonalStore, begun: bool) -> None:  # noqa: FBT001 - a parameter
    (first,) = store.begin_many([Personal("1001")]) if begun else ("",)
    with pytest.raises(RuntimeError):
        store.remember_many(Broken([Personal("1002")]))
    assert not store._connection.in_transaction
    if begun:
        with pytest.raises(PersonalStoreError, match="fault"):
            store.commit()
    store.commit()
    assert isinstance(first, str)
    assert store.recall(first) is None


def test_threads_take_turns(store: PersonalStore) -> None:
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(store.remember(Personal(f"10{n:02d}")) for n in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert len(set(seen)) == 20
