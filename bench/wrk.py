"""Load by wrk: so many connections that ask again as soon as they are answered, from a process of its own.

Owns wrk's script and what it says in the end. Must not know who is asked. A closed loop: nobody asks faster than the
answers come, so that the latencies are those of a server that is always busy with all connections.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bench.provision import Program

GRACE_SECONDS: Final = 30.0
"""How much longer than it was told wrk may take to connect and to end."""

FRESH_ID: Final = "<fresh id>"
"""In a body, once or more: another id for every request."""

_MARK: Final = "found: "
_SCRIPT: Final = """
wrk.method = [==[{method}]==]
{headers}
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end
{request}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '{mark}{{"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, "refused": %d, "broken": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""
_POST: Final = """
local sent, pieces = 0, {{ {pieces} }}
function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, table.concat(pieces, [==[{run}-]==] .. number .. "-" .. sent))
end
"""


class Ask(Struct, frozen=True):
    """What every connection asks for, again and again. A `body` makes it a POST of JSON."""

    url: str
    headers: Mapping[str, str]
    body: str = ""


class Answered(Struct, frozen=True):
    """What came of it. `refused`: answers of 400 and above; `broken`: connections that failed or took too long."""

    requests: int
    us: int
    p50_us: int
    p99_us: int
    refused: int
    broken: int

    @property
    def per_second(self) -> float:
        """Requests."""
        return self.requests * 1_000_000 / self.us


async def load(wrk: Program, ask: Ask, *, connections: int, seconds: float, run: str) -> Answered:
    """Ask for so long. `run` begins every fresh id. Raises `RuntimeError` when wrk fails."""
    with tempfile.TemporaryDirectory(prefix="acd-wrk-") as folder:
        path = Path(folder) / "ask.lua"
        path.write_text(script(ask, run), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            str(wrk.folder / "wrk"),
            *("--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"),
            *("--timeout", f"{GRACE_SECONDS:.0f}s", "--script", str(path), ask.url),
            env=wrk.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                output, _ = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
    return answered(output.decode(errors="replace"))


def script(ask: Ask, run: str) -> str:
    """The Lua that wrk runs."""
    headers = {**ask.headers, **({"Content-Type": "application/json"} if ask.body else {})}
    pieces = ", ".join(f"[==[{piece}]==]" for piece in ask.body.split(FRESH_ID))
    return _SCRIPT.format(
        method="POST" if ask.body else "GET",
        headers="\n".join(f"wrk.headers[ [==[{name}]==] ] = [==[{value}]==]" for name, value in headers.items()),
        request=_POST.format(pieces=pieces, run=run) if ask.body else "",
        mark=_MARK,
    )


def answered(output: str) -> Answered:
    """What the script has written in the end. Raises `RuntimeError` with wrk's words if there is nothing."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return msgspec.json.decode(line.removeprefix(_MARK), type=Answered)
    raise RuntimeError(f"wrk failed: {output.strip()[-500:]}")
