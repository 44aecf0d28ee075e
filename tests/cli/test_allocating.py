"""The C library's allocator: what is settled is what it does, each time in a process of its own."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.cli.allocating import SETTINGS, hand_memory_back

MAPPED = """
import ctypes
from acd.cli.allocating import hand_memory_back

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
libc.free.argtypes, libc.free.restype = (ctypes.c_void_p,), None
libc.mallinfo2.restype = Info
{settle}
libc.free(libc.malloc(8 << 20))
before = libc.mallinfo2().hblks
block = libc.malloc(1 << 20)
print(libc.mallinfo2().hblks - before)
"""
"""Says whether a block of 1 MB is mapped on its own after one of 8 MB has been freed."""

ARENAS = """
import ctypes
import sys
import threading
from acd.cli.allocating import hand_memory_back

THREADS = 6
{settle}
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
there = threading.Barrier(THREADS + 1)
over = threading.Event()

def work():
    libc.malloc(100)
    there.wait()
    over.wait()

threads = [threading.Thread(target=work) for _ in range(THREADS)]
for each in threads:
    each.start()
there.wait()
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fclose.argtypes = (ctypes.c_void_p,)
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
over.set()
print(open(sys.argv[1]).read().count("<heap "))
"""
"""Says how many arenas seven threads have at once."""

SETTLE = "assert len(hand_memory_back()) == 2"


def said(script: str, settle: str, *arguments: str, **environment: str) -> int:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", script.format(settle=settle), *arguments]
    done = subprocess.run(command, env=names | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not here: glibc")
class TestOnGlibc:
    def test_a_large_block_that_is_freed_does_not_keep_others_in_the_heap(self) -> None:
        assert said(MAPPED, "") == 0
        assert said(MAPPED, SETTLE) == 1

    def test_threads_share_two_arenas(self, tmp_path: Path) -> None:
        assert said(ARENAS, "", f"{tmp_path}/free") > 2
        assert said(ARENAS, SETTLE, f"{tmp_path}/settled") <= 2

    @pytest.mark.parametrize(
        "environment",
        [{"MALLOC_ARENA_MAX": "5"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=5:glibc.malloc.perturb=0"}],
        ids=lambda each: next(iter(each)),
    )
    def test_what_the_operator_has_set_stays(self, tmp_path: Path, environment: dict[str, str]) -> None:
        settle = "assert [each.value for each in hand_memory_back()] == [128 * 1024]"
        assert said(ARENAS, settle, f"{tmp_path}/arenas", **environment) > 2
        assert said(MAPPED, settle, **environment) == 1


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def unknown(_name: str) -> str:
        raise error

    def no_library(_name: object) -> None:
        raise AssertionError("another library's mallopt is asked")

    monkeypatch.setattr(os, "confstr", unknown)
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    assert hand_memory_back({}) == ()


def test_nothing_is_left_when_the_operator_has_set_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda _name: "glibc 2.36")
    assert hand_memory_back({each.variable: "1" for each in SETTINGS}) == ()


def test_serve_settles_it_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[bool] = []
    monkeypatch.setattr("acd.cli.serve.hand_memory_back", lambda: settled.append(True))
    assert CliRunner().invoke(acd, ["serve", "--config", "gone.toml"]).exit_code == 1
    assert settled == [True]
