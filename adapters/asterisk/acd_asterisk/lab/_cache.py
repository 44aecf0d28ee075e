"""A cache folder that several processes may want to fill at the same time.

Owns: making it, the lock under which one process fills it, and clearing away what killed ones left. Must not know
what is kept there.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from acd_asterisk.lab._apt import LabUnavailable

LOCK_WAIT_SECONDS = 600.0

Report = Callable[[str], None]


def make_cache_folder(folder: Path) -> None:
    """Make it, and let git ignore it. Raises `LabUnavailable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise LabUnavailable(
            f"the cache folder {folder} cannot be written ({error.strerror}); set ACD_LAB_CACHE to a folder that can"
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Half-built trees of processes that were killed; the lock is ours, so nobody is using them."""
    for leftover in folder.glob("unpack-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def only_one_process(lock: Path, report: Report) -> Iterator[None]:
    """An advisory lock that the system releases when its holder dies, however it dies."""
    with lock.open("w") as handle:
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    report("Another process is provisioning; waiting for it.")
                    told = True
                if time.monotonic() > deadline:
                    raise LabUnavailable(
                        f"another process has held {lock} for {LOCK_WAIT_SECONDS:.0f} s; end it"
                    ) from None
                time.sleep(0.1)
        yield
