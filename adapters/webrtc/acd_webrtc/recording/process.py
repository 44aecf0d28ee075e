"""The media process: it is told by its standard input what to record, and ends with it.

`python -m acd_webrtc.recording.process`. Owns the tapes and the pages' connections. Must not know calls, the engine, or
why anything is recorded. Whatever happens to the engine, what has been recorded by then gets its name: standard input
ends, and everything is brought to its end.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Final, assert_never

from acd.ports.recording_names import Labels
from acd_webrtc.recording.peers import Peer, hindrance, listen_at
from acd_webrtc.recording.tape import Tape
from acd_webrtc.recording.timeline import Placing, Samples
from acd_webrtc.recording.wavefile import salvage
from acd_webrtc.recording.wire import (
    ORDERS,
    Answer,
    Begin,
    Connect,
    End,
    Frames,
    Leg,
    Order,
    Pause,
    Ping,
    Prepare,
    Report,
    Salvaged,
    framed,
)

WRITE_SECONDS: Final = 0.2
"""How often sound is brought to the disk."""
MOST_BYTES: Final = 2 * 1024**3
"""Of memory; who needs more has a fault, and is better begun anew."""
FAREWELL_SECONDS: Final = 5.0
"""For so long the last reports wait to be read."""
TOO_LARGE: Final = 3
FAULT: Final = 1
"""Exit statuses."""

_READ: Final = 65_536


class Process:
    """All recordings of one channel."""

    def __init__(self, output: asyncio.StreamWriter) -> None:
        """Nothing is recorded."""
        self._output = output
        self._folder = Path()
        self._address = ""
        self._hindrance = ""
        """Why nothing can be recorded, if so."""
        self._tapes: dict[str, Tape] = {}
        self._peers: dict[tuple[str, Leg], Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, orders: asyncio.StreamReader) -> int:
        """Until there are no more orders, or nothing more can be written. Returns the exit status."""
        writing = asyncio.create_task(self._write_on())
        writing.add_done_callback(lambda _: orders.feed_eof())
        frames = Frames()
        while data := await orders.read(_READ):
            for each in frames.feed(data):
                self.obey(ORDERS.decode(each))
        if writing.done():
            # No talk has ended: the next process finds what there is, and goes on.
            writing.result()
            return TOO_LARGE
        writing.cancel()
        for tape_id in tuple(self._tapes):
            self._end(tape_id)
        for task in tuple(self._tasks):
            task.cancel()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._output.drain()
        return 0

    def obey(self, order: Order) -> None:
        """Do it, or begin to."""
        match order:
            case Prepare():
                self._prepare(order)
            case Begin():
                self._begin(order)
            case Connect():
                self._spawn(self._connect(order))
            case Pause():
                self._pause(order)
            case End():
                self._end(order.tape)
            case Ping():
                self._report(Answer(order.number))
            case _:
                assert_never(order)

    # ---- orders

    def _prepare(self, order: Prepare) -> None:
        self._folder = Path(order.folder)
        self._address = order.address
        listen_at(order.listen)
        self._hindrance = hindrance()
        for name, seconds in salvage(self._folder, Labels(order.channel)):
            self._report(Salvaged(name, round(seconds, 1)))

    def _begin(self, order: Begin) -> None:
        if self._hindrance:
            self._report(Answer(order.number, self._hindrance))
            return
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._tapes[order.tape] = Tape(self._folder, order, time.monotonic())
        except OSError as error:
            self._report(Answer(order.number, error.strerror or type(error).__name__))
            return
        self._report(Answer(order.number))

    async def _connect(self, order: Connect) -> None:
        tape = self._tapes.get(order.tape)
        if tape is None:
            self._report(Answer(order.number, "no such recording"))
            return
        key, placing = (order.tape, order.leg), Placing()

        def heard(stamp: float, samples: Samples) -> None:
            if self._peers.get(key) is peer:
                tape.put(order.leg, placing.said(stamp, time.monotonic()), samples)

        peer = Peer(heard)
        self._part(*key)
        self._peers[key] = peer
        try:
            sdp = await peer.answer(order.sdp, self._address)
        except Exception as error:  # noqa: BLE001 - a stranger's description: aiortc raises whatever it stumbles over
            if self._peers.get(key) is peer:
                self._part(*key)
            self._report(Answer(order.number, f"the offer cannot be answered: {type(error).__name__}"))
            return
        self._report(Answer(order.number, sdp=sdp))

    def _pause(self, order: Pause) -> None:
        tape = self._tapes.get(order.tape)
        if tape is not None:
            (tape.pause if order.paused else tape.resume)(time.monotonic())
        self._report(Answer(order.number, "" if tape is not None else "no such recording"))

    def _end(self, tape_id: str) -> None:
        tape = self._tapes.pop(tape_id, None)
        self._part(tape_id, "caller")
        self._part(tape_id, "agent")
        if tape is not None:
            self._report(tape.end(time.monotonic()))

    # ---- inside

    def _part(self, tape_id: str, leg: Leg) -> None:
        peer = self._peers.pop((tape_id, leg), None)
        if peer is not None:
            if (tape := self._tapes.get(tape_id)) is not None:
                tape.left(leg)
            self._spawn(peer.close())

    async def _write_on(self) -> None:
        """Until the process is too large."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            for tape in tuple(self._tapes.values()):
                now = time.monotonic()
                tape.write(now)
                if tape.is_over(now):
                    self._end(tape.id)
            if _resident() > MOST_BYTES:
                return

    def _spawn(self, step: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # It has been looked at: there is nobody to tell.

    def _report(self, report: Report) -> None:
        # The other end may be gone; then there is nobody to tell, and standard input ends as well.
        if not self._output.is_closing():
            self._output.write(framed(report))


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


async def main() -> int:
    """Returns the exit status."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    try:
        return await Process(asyncio.StreamWriter(transport, protocol, None, loop)).run(orders)
    except Exception as error:  # noqa: BLE001 - whatever it was, another process is to go on
        sys.stderr.write(f"the media process has a fault: {type(error).__name__}\n")
        return FAULT


if __name__ == "__main__":
    # Whoever ends the engine ends us by that; what is being recorded is to be brought to its end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.disable()  # What libraries say has addresses in it.
    status = asyncio.run(main())
    os._exit(status)  # Threads of decoders may hang on.
