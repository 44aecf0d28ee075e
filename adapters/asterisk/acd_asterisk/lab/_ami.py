"""A few lines of AMI: log in, wait until booted, run an action, wait for an event.

Owns: just enough of the protocol for the lab to know when a PBX is ready, and for a test to look inside.
Must not know: anything of the adapter, whose own AMI client is what a test may be examining.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

Message = Mapping[str, str]
EVENTS_KEPT_AT_MOST = 10_000
_ANSWER_TIMEOUT_SECONDS = 10.0


class AmiRefused(Exception):
    """Asterisk answered an action with an error."""


class AmiSession:
    """One logged-in connection. Use as a context manager."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port, self._user, self._password = port, user, password
        self._events: deque[Message] = deque(maxlen=EVENTS_KEPT_AT_MOST)
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._sequence = 0

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await self._reader.readline()  # The banner.
            await self.action("Login", Username=self._user, Secret=self._password)
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def action(self, action: str, **fields: str) -> Message:
        """Run one action and give its response; events that arrive meanwhile are kept.

        Raises:
            AmiRefused: with Asterisk's message.
            TimeoutError: no answer in ten seconds.
        """
        self._sequence += 1
        own_id = str(self._sequence)
        lines = [f"Action: {action}", f"ActionID: {own_id}", *(f"{k}: {v}" for k, v in fields.items())]
        if any("\n" in line or "\r" in line for line in lines):
            raise ValueError("a line break would end the field")
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
            while True:
                message = await self._read()
                if message.get("ActionID") == own_id and "Response" in message:
                    break
                self._events.append(message)
        if message["Response"] == "Error":
            raise AmiRefused(message.get("Message", "no reason given"))
        return message

    async def event(
        self, name: str, matching: Callable[[Message], bool] = lambda _event: True, *, seconds: float = 10.0
    ) -> Message:
        """Give and forget the first event of this name that matches, one kept earlier or a new one.

        Raises:
            TimeoutError: none came in time.
        """
        for kept in self._events:
            if kept.get("Event") == name and matching(kept):
                self._events.remove(kept)
                return kept
        async with asyncio.timeout(seconds):
            while True:
                message = await self._read()
                if message.get("Event") == name and matching(message):
                    return message
                self._events.append(message)

    async def _read(self) -> Message:
        fields: dict[str, str] = {}
        while True:
            line = (await self._reader.readline()).decode(errors="replace")
            if not line:
                raise ConnectionResetError("AMI closed the connection")
            if line == "\r\n":
                return fields
            key, _, value = line.rstrip("\r\n").partition(": ")
            # A command's output comes as many fields of one name.
            fields[key] = f"{fields[key]}\n{value}" if key in fields else value
