"""The screen: the picture drawn again when something has changed, and what keys do to it.

Owns the terminal while it is shown, and gives it back as it was. Must not know the engine: a picture is given.
"""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace
from rich.console import Console
from rich.live import Live

from acd.cli.wallboard.drawing import Looks, draw
from acd.cli.wallboard.picture import SORTS, Choice, Picture

LEAST_PAUSE_SECONDS: Final = 0.25
"""Between two drawings: at most four a second."""

IDLE_SECONDS: Final = 1.0
"""Drawn at least so often: durations go on."""

READ_BYTES: Final = 64

_QUIT: Final = frozenset({"q", "Q", "\x03", "\x04"})
_KEYS: Final = {"\x1b[A": -1, "\x1bOA": -1, "k": -1, "\x1b[B": 1, "\x1bOB": 1, "j": 1, "\x1b[5~": -10, "\x1b[6~": 10}


class Screen:
    """What is shown, and how: `press` changes it. `done` is set when it is to end."""

    def __init__(self, choice: Choice, url: str) -> None:
        """As the command line says."""
        self.choice = choice
        self.looks = Looks(0, url=url, sort=choice.sort, keys=True)
        self.done = asyncio.Event()
        self.stirred = asyncio.Event()
        self._most = (0, 0)

    def press(self, typed: str) -> None:
        """What somebody has typed: one key, or several at once."""
        while typed:
            key = next((key for key in (*_KEYS, "\t") if typed.startswith(key)), typed[0])
            typed = typed[len(key) :]
            if key in _QUIT:
                self.done.set()
            elif key == "\t":
                self.looks = replace(self.looks, focus="agents" if self.looks.focus == "queues" else "queues")
            elif key in ("s", "S"):
                sort = SORTS[(SORTS.index(self.choice.sort) + 1) % len(SORTS)]
                self.choice = replace(self.choice, sort=sort)
                self.looks = replace(self.looks, sort=sort)
            elif key in _KEYS:
                self._scroll(_KEYS[key])
        self.stirred.set()

    async def show(
        self,
        console: Console,
        look: Callable[[Choice], tuple[Picture, str]],
        changed: asyncio.Event,
    ) -> None:
        """Until `done`. `look` gives the picture, and a note on the connection; `changed` says that it is another."""
        with _keys(self.press), Live(console=console, screen=True, auto_refresh=False) as live:
            while not self.done.is_set():
                changed.clear()
                self.stirred.clear()
                seen, note = look(self.choice)
                self._most = (len(seen.queues or ()) - 1, len(seen.agents) - 1)
                size = console.size
                looks = replace(self.looks, width=size.width, height=size.height, note=note)
                live.update(draw(seen, looks), refresh=True)
                await self._pause(changed)

    async def _pause(self, changed: asyncio.Event) -> None:
        """Until there is something to be drawn, but never less than the least pause; a key is answered at once."""
        waiting = [asyncio.create_task(event.wait()) for event in (self.done, self.stirred)]
        try:
            await asyncio.wait(waiting, timeout=LEAST_PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            waiting.append(asyncio.create_task(changed.wait()))
            rest = IDLE_SECONDS - LEAST_PAUSE_SECONDS
            await asyncio.wait(waiting, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _scroll(self, by: int) -> None:
        queues, agents = self.looks.scrolled
        if self.looks.focus == "queues":
            queues = max(0, min(self._most[0], queues + by))
        else:
            agents = max(0, min(self._most[1], agents + by))
        self.looks = replace(self.looks, scrolled=(queues, agents))


@contextmanager
def _keys(press: Callable[[str], None]) -> Iterator[None]:
    """Keys as they are pressed, and signals that end it; the terminal is left as it was."""
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(number) if os.isatty(number) else None

    def typed() -> None:
        found = os.read(number, READ_BYTES)
        if found:
            press(found.decode(errors="replace"))
        else:
            loop.remove_reader(number)

    if before is not None:
        tty.setcbreak(number)
        loop.add_reader(number, typed)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(each, press, "q")
    try:
        yield
    finally:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(each)
        if before is not None:
            loop.remove_reader(number)
            termios.tcsetattr(number, termios.TCSADRAIN, before)
