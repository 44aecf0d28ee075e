"""Versions of the configuration on disk."""

from pathlib import Path

import pytest

from acd.errors import VersionsError
from acd.runtime import versions
from acd.runtime.versions import EMPTY, FIRST, NEWEST, Version, VersionStore, latest_document


def wanted(number: int) -> Version:
    return Version(0, number, "boss", f"r{number}", f"note {number}", b'{"agents":{}}')


def test_each_is_kept_with_its_number_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "versions.db"
    store = VersionStore(path)
    assert (store.latest(), latest_document(path)) == (FIRST, EMPTY)
    kept = [store.put(wanted(number)) for number in (1, 2, 3)]
    assert [each.number for each in kept] == [1, 2, 3]
    assert store.latest() == kept[-1]
    assert (store.get(2), store.get(9)) == (kept[1], None)
    assert (store.asked_by("r2"), store.asked_by("r9")) == (kept[1], None)
    assert store.page(NEWEST, 2) == (kept[2], kept[1])
    assert store.page(2, 2) == (kept[0],)
    assert latest_document(path) == b'{"agents":{}}', "beside the store that is open"
    store.close()
    again = VersionStore(path)
    assert again.latest() == kept[-1]
    again.close()


def test_the_oldest_are_dropped_and_numbers_never_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_VERSIONS", 2)
    store = VersionStore(tmp_path / "versions.db")
    for number in range(1, 5):
        store.put(wanted(number))
    assert [each.number for each in store.page(NEWEST, 9)] == [4, 3]
    store.close()


def test_a_request_leads_to_one_version(tmp_path: Path) -> None:
    store = VersionStore(tmp_path / "versions.db")
    store.put(wanted(1))
    with pytest.raises(VersionsError):
        store.put(wanted(1))
    assert store.latest().number == 1
    assert store.put(wanted(2)).note == "note 2", "and the next one goes on"
    store.close()


def test_a_store_has_one_writer(tmp_path: Path) -> None:
    store = VersionStore(tmp_path / "versions.db")
    with pytest.raises(VersionsError, match="in use"):
        VersionStore(tmp_path / "versions.db")
    store.close()


def test_there_are_none_before_the_first(tmp_path: Path) -> None:
    assert latest_document(tmp_path / "nothing.db") == EMPTY
    (tmp_path / "other.db").write_bytes(b"something else, and long enough" * 40)
    with pytest.raises(VersionsError):
        latest_document(tmp_path / "other.db")
    with pytest.raises(VersionsError):
        VersionStore(tmp_path / "other.db")


def test_a_tag_says_which_number_and_which_document() -> None:
    one = wanted(1)
    assert one.tag.startswith("0-")
    assert FIRST.tag == "0-44136fa355b3"
    assert Version(0, 1, "", "", "", b"{ }").tag != FIRST.tag
