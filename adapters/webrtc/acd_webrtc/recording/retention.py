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
from acd_webrtc.recording.wire import ENDING

ROUND_SECONDS: Final = 3_600.0
MAX_DELETED: Final = 500
"""Files in one go; more of them have their turn soon."""
SOON_SECONDS: Final = 5.0

_log = Logger(__name__)


async def retain(name: str, folder: Path, labels: Labels, keep_us: int, now: Callable[[], float] = time.time) -> None:
    """For ever, without delay at first. `name`: the channel's; `now`: seconds since 1970."""
    while keep_us:
        deleted = await asyncio.to_thread(delete_old, folder, labels, now() - keep_us / 1e6)
        if deleted:
            _log.info("old recordings deleted", instance=name, deleted=deleted)
        await asyncio.sleep(SOON_SECONDS if deleted == MAX_DELETED else ROUND_SECONDS)


def delete_old(folder: Path, labels: Labels, oldest: float) -> int:
    """Delete what began before `oldest`, the oldest first; returns how many files."""
    try:
        there = [path.name.removesuffix(ENDING) for path in folder.iterdir() if path.name.endswith(ENDING)]
    except OSError:
        return 0
    deleted = 0
    for name in labels.old(there, oldest)[:MAX_DELETED]:
        with suppress(OSError):
            (folder / f"{name}{ENDING}").unlink()
            deleted += 1
    return deleted
