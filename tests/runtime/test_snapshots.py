"""Snapshot files: whole or passed over, never wrong."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core.engine import Engine
from acd.runtime.journal import MemoryJournal
from acd.runtime.snapshots import SnapshotDamaged, read_snapshot, snapshots, write_snapshot
from tests.runtime.journaled import record, traffic


@pytest.fixture(scope="module")
def engine() -> Engine:
    return record(MemoryJournal("d"), traffic(60))


def test_a_snapshot_restores_the_very_engine(engine: Engine, tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, engine, 60, b"c" * 32, keep=3)
    snapshot = read_snapshot(path, "d")
    assert snapshot.engine.digest() == engine.digest()
    header = snapshot.header
    assert (header.seq, header.chain, header.at_us, header.domain) == (60, b"c" * 32, engine.now_us, "d")
    assert path.stat().st_mode & 0o777 == 0o600


def test_newest_first_and_only_the_newest_are_kept(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "00000000000000000009.partial").write_bytes(b"left by a crash")
    for seq in (9, 100, 20, 1_000):
        write_snapshot(tmp_path, engine, seq, b"c" * 32, keep=2)
    assert [snapshot.header.seq for snapshot in snapshots(tmp_path, "d")] == [1_000, 100]
    assert len(list(tmp_path.iterdir())) == 2


def test_no_directory_has_no_snapshots(tmp_path: Path) -> None:
    assert list(snapshots(tmp_path / "none", "d")) == []


def test_a_damaged_one_is_passed_over_for_an_older_one(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_snapshot(tmp_path, engine, 1, b"c" * 32, keep=9)
    damaged = write_snapshot(tmp_path, engine, 2, b"c" * 32, keep=9)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert [snapshot.header.seq for snapshot in snapshots(tmp_path, "d")] == [1]
    assert "snapshot passed over" in capsys.readouterr().out


def test_another_domains_is_refused(engine: Engine, tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, engine, 1, b"c" * 32, keep=1)
    with pytest.raises(SnapshotDamaged, match="belongs to the domain 'd', not 'e'"):
        read_snapshot(path, "e")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_flipped_byte_and_every_cut_is_noticed(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write_snapshot(tmp_path_factory.mktemp("flip"), engine, 60, b"c" * 32, keep=1)
    contents = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(contents) - 1))
    if data.draw(st.booleans()):
        contents[place] ^= data.draw(st.integers(1, 255))
    else:
        del contents[place:]
    path.write_bytes(contents)
    with pytest.raises(SnapshotDamaged):
        read_snapshot(path, "d")
