"""Versions of the configuration on disk."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec import json, structs

from acd.errors import VersionsError
from acd.runtime import versions
from acd.runtime.versions import FIRST, NEWEST, Version, VersionStore, latest_document


def wanted(number: int) -> Version:
    return Version(0, number, "boss", f"r{number}", f"note {number}", b'{"agents":{"number":%d}}' % number)


def test_each_is_kept_with_its_number_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "versions.db"
    store = VersionStore(path)
    assert (store.latest(), latest_document(path)) == (FIRST, {})
    kept = [store.put(wanted(number)) for number in (1, 2, 3)]
    assert [each.number for each in kept] == [1, 2, 3]
    assert store.latest() == kept[-1]
    assert (store.get(2), store.get(9)) == (kept[1], None)
    assert (store.asked_by("r2"), store.asked_by("r9")) == (kept[1], None)
    assert store.page(NEWEST, 2) == (kept[2], kept[1])
    assert store.page(2, 2) == (kept[0],)
    assert latest_document(path) == {"agents": {"number": 3}}, "beside the store that is open"
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
    assert latest_document(tmp_path / "nothing.db") == {}
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


def edited(number: int, raw: bytes) -> Version:
    return structs.replace(wanted(number), document=raw, difference=True)


def test_a_difference_is_kept_as_one_and_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "versions.db"
    store = VersionStore(path)
    store.put(edited(1, b'{"agents":{"anna":{"skills":{"english":1}}}}'))
    store.put(edited(2, b'{"agents":{"boris":{}}}'))
    store.put(edited(3, b'{"agents":{"anna":{"skills":{}}},"queues":{"sales":{}}}'))
    kept = store.put(edited(4, b'{"agents":{"boris":null},"queues":{"sales":null}}'))
    assert (kept.difference, kept.document) == (True, b'{"agents":{"boris":null},"queues":{"sales":null}}')
    assert store.document(2) == {"agents": {"anna": {"skills": {"english": 1}}, "boris": {}}}
    assert store.document(3) == {"agents": {"anna": {"skills": {}}, "boris": {}}, "queues": {"sales": {}}}
    assert store.document(4) == latest_document(path) == {"agents": {"anna": {"skills": {}}}}
    whole = store.put(wanted(5))
    assert store.document(whole.number) == {"agents": {"number": 5}}
    assert (store.document(0), store.document(3)["queues"]) == ({}, {"sales": {}})
    store.close()


def test_every_so_often_one_is_kept_whole_and_what_it_needs_is_not_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAX_DIFFERENCES", 3)
    monkeypatch.setattr(versions, "MAX_VERSIONS", 5)
    store = VersionStore(tmp_path / "versions.db")
    document: dict[str, dict[str, Any]] = {"agents": {}}
    for number in range(1, 20):
        document["agents"][f"a{number}"] = {}
        raw = json.encode({"agents": {f"a{number}": {}}})
        store.put(edited(number, raw), lambda: json.encode(document))
    page = store.page(NEWEST, 99)
    assert [each.number for each in page if not each.difference] == [16, 12]
    assert [each.number for each in page] == list(range(19, 11, -1))
    for each in page:
        assert store.document(each.number) == {"agents": {f"a{number}": {} for number in range(1, each.number + 1)}}
    store.close()


def test_a_file_of_an_earlier_release_is_read_before_it_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "versions.db"
    store = VersionStore(path)
    store.put(wanted(1))
    store.close()
    connection = sqlite3.connect(path)
    connection.executescript("ALTER TABLE version DROP COLUMN difference; PRAGMA user_version = 1;")
    connection.close()
    assert latest_document(path) == {"agents": {"number": 1}}
    again = VersionStore(path)
    assert again.put(edited(2, b'{"agents":{"number":null}}')).number == 2
    assert (latest_document(path), again.document(1)) == ({}, {"agents": {"number": 1}})
    again.close()
