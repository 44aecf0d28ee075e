"""The machine as it is: threads, and the operating system's chance. Owns `acd.ports.machine.Machine` for real."""

import secrets
from random import Random
from typing import Final

from acd.ports.machine import Worker
from acd.runtime.single_thread import SingleThread

_TOKEN_BYTES: Final = 10


class SystemMachine:
    """What a router uses unless it is given another."""

    def __init__(self) -> None:
        """Chance of its own: whoever seeds Python's does not foresee retries, nor is disturbed by them."""
        self._random = Random()  # noqa: S311 - for retries, not for secrecy

    def worker(self, name: str) -> Worker:
        """One thread."""
        return SingleThread(name)

    def token(self) -> str:
        """20 random hexadecimal digits."""
        return secrets.token_hex(_TOKEN_BYTES)

    def chance(self) -> float:
        """For retries, not for secrecy."""
        return self._random.random()
