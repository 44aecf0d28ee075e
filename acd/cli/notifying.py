"""What the service manager is told of this process, over systemd's NOTIFY_SOCKET, and when its watchdog is fed.

Owns the datagrams (sd_notify(3)) and their pace. Must not know what is watched,
only a function that says what is stuck.

Without a service manager everything here does nothing. What cannot be told is not told: a manager that does not listen
is no reason for anybody's call to suffer.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Final

import structlog

PINGS_PER_TIMEOUT: Final = 3
"""The watchdog is fed so many times within its timeout: one late turn of the loop is no death."""

STATUS_SECONDS: Final = 10.0
"""How often the status is looked at when there is no watchdog."""

MAX_STATUS: Final = 256
"""Characters of a status."""

_log = structlog.get_logger(__name__)


class Notifier:
    """The way to the service manager. For one process, and one event loop.

    `watchdog_seconds`: within which it wants to be told that all goes on; None when it does not.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        """Reads systemd's variables, and removes them: processes started from here are not to speak for this one."""
        environment = os.environ if environment is None else environment
        address = environment.pop("NOTIFY_SOCKET", "")
        micros, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        ours = pid in ("", str(os.getpid())) and micros.isdecimal() and int(micros) > 0
        self.watchdog_seconds = int(micros) / 1_000_000 if ours and address else None
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            self._socket.settimeout(0)
        self._status = ""

    @property
    def heard(self) -> bool:
        """Whether there is anybody to tell."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Commands are taken; after `reloading`: again."""
        self._send("READY=1", self._status_line(status))

    def reloading(self) -> None:
        """What can be read anew is being read; `ready` follows."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self) -> None:
        """No more commands are taken; what waits is finished."""
        self._send("STOPPING=1", self._status_line("stopping"))

    def status(self, status: str) -> None:
        """One line for `systemctl status`, if it is another than before."""
        if status != self._status:
            self._send(self._status_line(status))

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Tell nothing more. Idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _status_line(self, status: str) -> str:
        self._status = status
        return f"STATUS={' '.join(status.split())[:MAX_STATUS]}"

    def _send(self, *lines: str) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), self._address)


async def watch(notifier: Notifier, stuck: Callable[[], str], status: Callable[[], str]) -> None:
    """Feed the watchdog for as long as the event loop turns and `stuck` says nothing; never returns.

    `stuck`: what does not go on, in a few words, or an empty text; then systemd ends the process, and starts it again.
    `status`: how it is, in a sentence.
    """
    seconds = notifier.watchdog_seconds
    pause = STATUS_SECONDS if seconds is None else seconds / PINGS_PER_TIMEOUT
    told = ""
    while notifier.heard:
        why = stuck()
        if not why:
            notifier.alive()
        elif why != told:
            _log.error("the watchdog is not fed any more", because=why)
        told = why
        notifier.status(why or status())
        await asyncio.sleep(pause)
