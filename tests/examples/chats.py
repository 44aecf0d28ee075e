"""The two chats, as processes of their own, and the people who use them by telnet."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.examples import javascript

EXAMPLES = Path(__file__).parents[2] / "examples"
TOKEN = "web-token-0123456789"
POLL_SECONDS = 0.01
PATIENCE_SECONDS = 20.0


async def until(condition: Callable[[], bool], what: str) -> None:
    """Ask until it holds: it is another process that has to see to it."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"expected {what} within {PATIENCE_SECONDS:g} s") from None


def python_command() -> list[str]:
    return [sys.executable, "-W", "error", str(EXAMPLES / "channel_python" / "chat.py")]


def javascript_command() -> list[str]:
    return [*javascript.javascript_command("channel_javascript", "chat.js")]


COMMANDS: dict[str, Callable[[], list[str]]] = {"python": python_command, "javascript": javascript_command}


class Line:
    """Somebody on a TCP port of the chat, and everything that they have been told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.told: list[str] = []
        self.is_open = True
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def type(self, line: str) -> None:
        self._writer.write(f"{line}\n".encode())

    async def hears(self, line: str) -> None:
        await until(lambda: line in self.told, f"{line!r} to be said; it was {self.told}")

    async def close(self) -> None:
        self.is_open = False
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            async for line in reader:
                self.told.append(line.decode().strip())
        except ConnectionError:
            pass
        finally:
            self.is_open = False


class Desk(Line):
    """An agent's."""

    def rings(self) -> list[str]:
        """Offers that ring here now, picked up ones among them."""
        found: list[str] = []
        for line in self.told if self.is_open else ():
            word, _, name = line.partition(" ")
            if word == "ring":
                found.append(name)
            elif word == "stop" and name in found:
                found.remove(name)
            elif word == "joined":
                found = [offer for offer in found if not offer.startswith(f"{name}.")]
        return found

    def count(self, line: str) -> int:
        return self.told.count(line)

    def is_in(self, interaction_id: str, word: str = "joined") -> bool:
        """Whether they talk there; or ask there, with the word `asking`."""
        lines = [line for line in self.told if line in (f"{word} {interaction_id}", f"left {interaction_id}")]
        return self.is_open and bool(lines) and lines[-1].startswith(word)


class Chat:
    """One process, with a desk for everybody who is named."""

    def __init__(self, command: list[str], url: str, agents: tuple[str, ...] = ("anna", "ben")) -> None:
        """`url`: where it connects."""
        self._command = [*command, "--url", url, "--customers", "0", "--desks", "0"]
        self._agents = agents
        self._stack = AsyncExitStack()
        self._reading: asyncio.Task[None] | None = None
        self.desks: dict[str, Desk] = {}
        self.customers: dict[str, Line] = {}
        self.log: list[str] = []

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "ACD_TOKEN": TOKEN},
        )
        self._reading = asyncio.create_task(self._read())
        await until(lambda: bool(self.log), "the chat to be ready")
        found = re.fullmatch(r"ready: customers (\d+) desks (\d+)", self.log[0])
        assert found, self.log
        self.customers_port, self.desks_port = int(found[1]), int(found[2])
        for agent in self._agents:
            await self.sit_down(agent)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """`kill -9`: it says nothing more, and everybody on it is cut off."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        for line in (*self.desks.values(), *self.customers.values()):
            await line.close()
        if self._reading is not None:
            await self._reading
        assert not [line for line in self.log if "Traceback" in line or "Error:" in line], self.log

    async def sit_down(self, agent: str) -> Desk:
        desk = self.desks[agent] = await Desk.open(self.desks_port)
        desk.type(f"login {agent}")
        await desk.hears(f"hello {agent}")
        return desk

    async def arrive(self) -> tuple[str, Line]:
        """A customer: the conversation, and their line."""
        line = await Line.open(self.customers_port)
        await until(lambda: bool(line.told), "a welcome")
        found = re.fullmatch(r"\* welcome to (\S+); please wait", line.told[0])
        assert found, line.told
        self.customers[found[1]] = line
        return found[1], line

    def desk_that_rings(self, offer_id: str) -> Desk:
        return next(desk for desk in self.desks.values() if offer_id in desk.rings())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.log.append(line.decode().rstrip())
