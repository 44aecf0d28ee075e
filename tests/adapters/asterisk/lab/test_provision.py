"""Provisioning: idempotent, and honest about what is missing."""

import shutil
import socket
import threading
from pathlib import Path

import pytest

from acd_asterisk.lab import LabUnavailable, Provisioned, _apt, default_cache, provision
from acd_asterisk.lab._cache import only_one_process
from acd_asterisk.lab._layout import settle
from acd_asterisk.lab._loader import UnresolvedLibraries, find_loader
from tests.missing import missing_tool


@pytest.fixture
def apt_get() -> None:
    """Skips where there is none; fails under CI."""
    if shutil.which("apt-get") is None:
        missing_tool("apt-get, which fetches the packages")


def test_a_second_call_finds_the_first_ones_work_and_reports_nothing(provisioned: Provisioned) -> None:
    reported: list[str] = []
    assert provision(report=reported.append) == provisioned
    assert reported == []


def test_what_is_provisioned_is_asterisk_22(provisioned: Provisioned) -> None:
    assert provisioned.asterisk_version.startswith("22.")
    assert tuple(map(int, provisioned.sipp_version.split(".")[:2])) >= (3, 7)


def test_sixteen_is_another_tree_and_has_the_telephones_of_22(provisioned: Provisioned) -> None:
    try:
        sixteen = provision(version="16")
    except LabUnavailable as reason:
        missing_tool(f"an Asterisk 16: {reason}")
    assert sixteen.asterisk_version.startswith("16.")
    assert sixteen.root != provisioned.root
    assert sixteen.sipp_command("-v") == provisioned.sipp_command("-v")


def test_a_version_without_a_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabUnavailable, match=r"Asterisk 13; known are 16, 22"):
        provision(tmp_path, version="13")


def test_an_old_tree_is_brought_into_the_newer_layout(tmp_path: Path) -> None:
    old, triplet = tmp_path / "lib/x86_64-linux-gnu", tmp_path / "usr/lib/x86_64-linux-gnu"
    for folder in (old, triplet, tmp_path / "usr/lib/asterisk/modules"):
        folder.mkdir(parents=True)
    (old / "libc.so.6").touch()
    (tmp_path / "usr/lib/libasteriskpj.so.2").touch()
    (tmp_path / "usr/lib/asterisk/modules/res_ari.so").touch()
    for _ in range(2):
        settle(tmp_path)
        found = sorted(str(each.relative_to(triplet)) for each in triplet.rglob("*.so*"))
        assert found == ["asterisk/modules/res_ari.so", "libasteriskpj.so.2", "libc.so.6"]


def test_without_apt_the_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabUnavailable, match="apt-get"):
        provision(tmp_path / "cache", report=lambda _line: None)


@pytest.mark.usefixtures("apt_get")
def test_without_the_keyring_the_reason_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_apt, "KEYRINGS", (str(tmp_path / "absent.gpg"),))
    with pytest.raises(LabUnavailable, match="install the package debian-archive-keyring"):
        provision(tmp_path / "cache", report=lambda _line: None)


@pytest.mark.usefixtures("apt_get")
def test_an_unreachable_mirror_is_retried_then_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # Bound but not listening: refuses connections for as long as it is held.
        mirror = f"http://127.0.0.1:{unused.getsockname()[1]}/debian"
        monkeypatch.setenv("ACD_LAB_MIRROR", mirror)
        monkeypatch.setattr(_apt, "PAUSE_BETWEEN_ATTEMPTS_SECONDS", 0.0)
        monkeypatch.setattr(_apt, "RETRIES", 0)
        reported: list[str] = []
        with pytest.raises(LabUnavailable, match=mirror):
            provision(tmp_path / "cache", report=reported.append)
    assert any("attempt 3 of 3" in line for line in reported)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".gitignore", "lock"]


@pytest.mark.usefixtures("apt_get")
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LabUnavailable, match="ACD_LAB_CACHE"):
        provision(tmp_path / "file" / "cache", report=lambda _line: None)


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACD_LAB_CACHE", str(tmp_path))
    assert default_cache() == tmp_path


def test_while_one_provisions_the_other_says_that_it_waits(tmp_path: Path) -> None:
    waits = threading.Event()
    order: list[str] = []

    def second() -> None:
        with only_one_process(tmp_path / "lock", lambda _line: waits.set()):
            order.append("second")

    with only_one_process(tmp_path / "lock", lambda _line: None):
        other = threading.Thread(target=second)
        other.start()
        assert waits.wait(timeout=10)
        order.append("first")
    other.join(timeout=10)
    assert order == ["first", "second"]


def test_a_tree_without_a_loader_is_no_tree(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedLibraries):
        find_loader(tmp_path)
