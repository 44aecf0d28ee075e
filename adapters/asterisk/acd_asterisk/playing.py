"""One playback: of what kind, how far it has come, how it ended.

Owns its state. Must not know ARI, nor who is to hear it.
"""

import asyncio
from datetime import datetime
from typing import Final, Literal

UNHEARD_SECONDS: Final = 0.003
"""A file that was over so soon has not been played: there is none."""

Played = Literal["done", "failed", "stopped", "gone", "too-long"]
"""All of it was heard; the last of it could not be; it was stopped; nobody is there to hear; or it took too long."""

Where = Literal["channels", "bridges"]


class Playing:
    """One playback, from the moment it is asked for."""

    def __init__(self, target: str, where: Where, over: Played | None = None) -> None:
        """`over`: there is nothing to be played at all."""
        self.target = target
        self.where = where
        self.asked = asyncio.Event()
        """Asterisk has answered, or will not: only then it can be told to stop."""
        self.over: asyncio.Future[Played] = asyncio.get_running_loop().create_future()
        """How it has ended."""
        self.is_stopped = False
        self.is_left = False
        """Nobody is there any more who hears it."""
        self.began = ""
        """When the file began that is being played, ISO 8601."""
        if over is not None:
            self.end(over)

    def end(self, how: Played) -> None:
        """It is over. Idempotent."""
        if not self.over.done():
            self.over.set_result("stopped" if self.is_stopped and how != "gone" else how)


def is_moment(began: str, ended: str) -> bool:
    """Whether two times of ISO 8601 are next to each other."""
    try:
        lasted = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    except ValueError:
        return False
    return 0 <= lasted.total_seconds() <= UNHEARD_SECONDS
