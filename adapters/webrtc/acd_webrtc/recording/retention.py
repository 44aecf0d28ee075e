"""Recordings that are older than they may become are deleted.

Owns when is looked, and how much is deleted at a time. Must not know calls. Only files of this channel's names go.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from acd.ports.recording_names import Labels
from acd.runtime.log import Logger
from acd_webrtc.recording.wire import ENDING, PARTIAL

ROUND_SECONDS: Final = 3_600.0
MAX_DELETED: Final = 500
"""Files in one go; more of them have their turn soon."""
SOON_SECONDS: Final = 5.0

_log = Logger(__name__)


async def retain(name: str, folder: Path, labels: Labels, keep_us: int, now: Callable[[], float] = time.time) -> None:
    """For ever, without delay at first. `name`: the channel's; `now`: seconds since 1970."""
    while keep_us:
        deleted, stay = await asyncio.to_thread(delete_old, folder, labels, now() - keep_us / 1e6)
        if deleted:
            _log.info("old recordings deleted", instance=name, deleted=deleted)
        if stay:
            _log.error("old recordings cannot be deleted", instance=name, stay=stay)
        await asyncio.sleep(SOON_SECONDS if deleted == MAX_DELETED else ROUND_SECONDS)


def delete_old(folder: Path, labels: Labels, oldest: float) -> tuple[int, int]:
    """Delete what began before `oldest`, the oldest first; returns how many files, and how many could not be.

    What a process that died has left unfinished is no exception: nobody may ever finish it.
    """
    paths: dict[str, list[Path]] = {}
    with suppress(OSError):  # Of a folder that is not there, there is nothing.
        for path in folder.iterdir():
            if path.name.endswith((ENDING, PARTIAL)):
                paths.setdefault(path.name.removesuffix(PARTIAL).removesuffix(ENDING), []).append(path)
    deleted = stay = 0
    for path in (path for name in labels.old(paths, oldest) for path in paths[name]):
        try:
            path.unlink(missing_ok=True)
            deleted += 1
        except OSError:
            stay += 1
        if deleted == MAX_DELETED:
            break
    return deleted, stay
