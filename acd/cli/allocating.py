"""How the C library keeps what the engine has let go of.

Owns the settings of glibc's allocator for the process. Must not know what is allocated. By itself glibc raises the size
from which a block is mapped on its own, and handed back when it is freed, with each larger block that is freed, up to
32 MB; and it makes an arena for every thread that finds the others taken, up to eight for a processor. Both leave holes
in heaps that never shrink: under load the process grew for hours, while Python's own objects did not.
"""

import ctypes
import os
from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Setting(Struct, frozen=True):
    """A parameter of `mallopt`: its number in malloc.h, what it is to be, and by which names an operator sets it."""

    number: int
    value: int
    variable: str
    tunable: str


SETTINGS: Final = (
    Setting(-3, 128 * 1024, "MALLOC_MMAP_THRESHOLD_", "glibc.malloc.mmap_threshold"),
    Setting(-8, 2, "MALLOC_ARENA_MAX", "glibc.malloc.arena_max"),
)
"""Bytes from which a block is mapped on its own (glibc begins with the same, but goes on from there), and arenas."""

_TUNABLES: Final = "GLIBC_TUNABLES"


def hand_memory_back(environment: Mapping[str, str] = os.environ) -> tuple[Setting, ...]:
    """Settle what glibc would change by itself; returns what it has accepted.

    Nothing happens with another C library, nor to what the operator has set in the environment.
    """
    if not _is_glibc():
        return ()
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    left = (each for each in SETTINGS if not _is_set(each, environment))
    return tuple(each for each in left if mallopt(each.number, each.value) == 1)


def _is_glibc() -> bool:
    """Only glibc answers by this name: musl and macOS do not know it."""
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, OSError, ValueError):
        return False


def _is_set(setting: Setting, environment: Mapping[str, str]) -> bool:
    tunables = (each.partition("=")[0] for each in environment.get(_TUNABLES, "").split(":"))
    return setting.variable in environment or setting.tunable in tunables
