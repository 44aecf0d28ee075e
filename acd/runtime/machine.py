"""The machine as it is: threads, and the operating system's chance. Owns `acd.ports.machine.Machine` for real."""

import secrets
from random import Random
from typing import Final

from acd.ports.machine import Worker
from acd.runtime.single_thread import SingleThread

_TOKEN_DIGITS: Final = 20

TOKENS_AT_ONCE: Final = 64
"""Ids for which chance is asked for at once: a caller waits for one, and the system takes as long over many."""


class SystemMachine:
    """What a router uses unless it is given another."""

    def __init__(self) -> None:
        """Chance of its own: whoever seeds Python's does not foresee retries, nor is disturbed by them."""
        self._random = Random()  # noqa: S311 - for retries, not for secrecy
        self._digits = ""
        """Of the ids to come."""

    def worker(self, name: str) -> Worker:
        """One thread."""
        return SingleThread(name)

    def token(self) -> str:
        """20 random hexadecimal digits."""
        if not self._digits:
            self._digits = secrets.token_hex(TOKENS_AT_ONCE * _TOKEN_DIGITS // 2)
        token, self._digits = self._digits[:_TOKEN_DIGITS], self._digits[_TOKEN_DIGITS:]
        return token

    def chance(self) -> float:
        """For retries, not for secrecy."""
        return self._random.random()
