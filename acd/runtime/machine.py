"""The machine as it is: threads, and the operating system's chance. Owns `acd.ports.machine.Machine` for real."""

import random
import secrets
from typing import Final

from acd.ports.machine import Worker
from acd.runtime.single_thread import SingleThread

_TOKEN_BYTES: Final = 10


class SystemMachine:
    """What a router uses unless it is given another."""

    def worker(self, name: str) -> Worker:
        """One thread."""
        return SingleThread(name)

    def token(self) -> str:
        """20 random hexadecimal digits."""
        return secrets.token_hex(_TOKEN_BYTES)

    def chance(self) -> float:
        """For retries, not for secrecy."""
        return random.random()  # noqa: S311 - see above
