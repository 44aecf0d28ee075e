"""A soak of web chat: a hundred customers and ten desks whose networks are cut at random, and then the accounts.

    python -m tests.chat_soak --minutes 10 --customers 100 --desks 10 --seed 7

Owns the course of a soak; what must hold of it stands in `soak_account.py`. The engine is `acd serve`, a process of its
own with its journal on the real disk. First it is killed some times. Then customers come and go fast for a while, until
what is kept of a bounded number is full, then as usual, until it is full of that, and after that its memory is watched;
networks are cut all the time. In the end nothing may be left over: no conversation, no socket, no agent who is not
ready.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

import aiohttp

from acd.runtime.keyfile import create_key
from examples.demo.engine_process import EngineProcess
from tests.api.chat.soak_account import Account, judge, keep
from tests.api.chat.soak_customer import ORIGIN, Customer, Page
from tests.api.chat.soak_desk import Desk
from tests.api.chat.soak_wires import Wires
from tests.served import TOKEN, write_secret

QUEUES: Final = ("sales", "support")
SAMPLE_SECONDS: Final = 5.0
SAY_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.1
OUTAGE_SECONDS: Final = (0.5, 3.0)
KILL_SECONDS: Final = (0.0, 2.0)
SETTLE_SECONDS: Final = 120.0
"""How long all may take to come to its end: sockets that are open at one end alone are noticed within 30 seconds."""

PAGE_BYTES: Final = 4_096

CONFIG: Final = """\
[snapshots]
enabled = true
[api]
port = PORT
[api.desk]
enabled = true
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[capacities.desk]
total = 100
channels = { chat = { cost = 5, most = 20 } }
[queues.sales]
offer_timeout = "4s"
retry_after = "1s"
[queues.support]
offer_timeout = "4s"
retry_after = "1s"
wrap_up = "1s"
[queues.nobody]
requirement = '"nobody" in labels'
[channels.shop]
type = "webchat"
origins = [ORIGIN]
queues = ["sales", "support", "nobody"]
idle = "10s"
away = "5s"
token = "5m"
"""


@dataclass(frozen=True)
class Plan:
    """How much. `disturbed_seconds`: in which it is killed so often; then come `minutes` in which memory is watched.

    `warm_up`: so many conversations come and go before, in a hurry: twice as many as the engine keeps of any kind, so
    that all is full and has been replaced once, and the allocator has found its size. `ordinary`: then so many of those
    that are watched: what is kept of them is larger than of those in a hurry, whose place they take. `cuts_per_second`:
    of single connections.
    """

    minutes: float = 10.0
    customers: int = 100
    desks: int = 10
    disturbed_seconds: float = 180.0
    kills: int = 3
    warm_up: int = 9_000
    ordinary: int = 4_500
    cuts_per_second: float = 4.0
    outage_every_seconds: float = 45.0
    silence_seconds: tuple[float, float] = (1.0, 40.0)


class Centre:
    """The engine, and whatever asks it directly."""

    def __init__(self, folder: Path, port: int, http: aiohttp.ClientSession) -> None:
        self.engine = EngineProcess(folder / "acd.toml", folder / "engine.log")
        self.folder = folder
        self._address = f"http://127.0.0.1:{port}"
        self._http = http

    async def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The answer to a GET."""
        async with self._http.get(self._address + path, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            return await response.json(content_type=None)

    async def sockets(self) -> float:
        """Of events, as the figures say."""
        async with self._http.get(self._address + "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            text = await response.text()
        lines = [line for line in text.splitlines() if line.startswith("acd_event_sockets{")]
        assert lines, text
        return sum(float(line.split()[-1]) for line in lines)

    async def left_over(self) -> list[str]:
        """Whatever is not as it was in the beginning."""
        shop = (await self.ask("/readyz"))["channels"]["shop"]
        found = [f"{shop[each]} {each}" for each in ("conversations", "pages") if shop[each]]
        found += [f"{each['id']} {each['state']}" for each in (await self.ask("/v1/interactions"))["interactions"]]
        for agent in (await self.ask("/v1/agents"))["agents"]:
            if agent["presence"] != "ready" or agent["work"]:
                found.append(f"{agent['id']} {agent['presence']} {agent['work']}")
        return found

    def memory(self) -> int:
        """Bytes of the process that are in memory."""
        return int(Path(f"/proc/{self.engine.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def faults(self) -> list[str]:
        """Errors in the engine's log: never right, whatever was done to it."""
        log = (self.folder / "engine.log").read_text(errors="replace")
        return [line for line in log.splitlines() if "[error" in line or "Traceback" in line]


async def soak(folder: Path, much: Plan, seed: int) -> Account:
    """Run it and check everything; raises `AssertionError` with what does not hold."""
    account, chance = Account(), Random(seed)  # noqa: S311 - not for secrecy
    names = tuple(f"agent{number:02}" for number in range(much.desks))
    port = _free_port()
    _configure(folder, port, names)
    async with aiohttp.ClientSession() as http, Wires(port) as wires:
        centre = Centre(folder, port, http)
        await centre.engine.start()
        try:
            async with _people(much, names, wires, account, seed) as (customers, desks, everybody):
                await _course(much, centre, wires, account, chance, customers, everybody)
                await _until_settled(centre, customers, desks, everybody)
            await _until(lambda: _none(centre.sockets), "event sockets", SETTLE_SECONDS)
            assert await centre.engine.stop() == 0, centre.engine.log_tail()
        finally:
            await centre.engine.kill()
            keep(account, folder)
    assert not centre.faults(), centre.faults()
    judge(account)
    return account


# ---- the course of it


async def _course(
    much: Plan,
    centre: Centre,
    wires: Wires,
    account: Account,
    chance: Random,
    customers: list[Customer],
    everybody: "asyncio.Task[None]",
) -> None:
    """Kills, then the warm-up, then the watched part; networks are cut all the time."""
    cutting = asyncio.create_task(_cut(much, wires, account, chance))
    saying = asyncio.create_task(_report(centre, account))
    try:
        for _ in range(much.kills):
            await _while_well(everybody, asyncio.sleep(chance.uniform(0.5, 1.5) * much.disturbed_seconds / much.kills))
            await centre.engine.kill()
            await asyncio.sleep(chance.uniform(*KILL_SECONDS))
            await centre.engine.start()
            account.counts["kills"] += 1
        await _while_well(everybody, _warm_up(much, account, customers))
        await _while_well(everybody, _until_come(account, much.ordinary))
        await _while_well(everybody, _watch(centre, account, much.minutes * 60))
        assert not cutting.done()
    finally:
        for task in (cutting, saying):
            task.cancel()
        await asyncio.gather(cutting, saying, return_exceptions=True)


async def _while_well(everybody: "asyncio.Task[None]", work: Awaitable[None]) -> None:
    """Do it, unless somebody finds something wrong first."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait((everybody, doing), return_when=asyncio.FIRST_COMPLETED)
        if everybody.done():
            await everybody
            raise AssertionError("somebody has gone home early")
        await doing
    finally:
        doing.cancel()


async def _cut(much: Plan, wires: Wires, account: Account, chance: Random) -> None:
    outage_at = monotonic() + chance.uniform(0.5, 1.5) * much.outage_every_seconds
    while True:
        await asyncio.sleep(chance.expovariate(much.cuts_per_second))
        if monotonic() > outage_at:
            await wires.outage(chance.uniform(*OUTAGE_SECONDS))
            account.counts["outages"] += 1
            outage_at = monotonic() + chance.uniform(0.5, 1.5) * much.outage_every_seconds
        how = await wires.cut_one(chance, much.silence_seconds)
        account.counts[f"cut: {how}"] += 1


async def _warm_up(much: Plan, account: Account, customers: list[Customer]) -> None:
    """Customers who hurry, until what is kept of a bounded number is full."""
    for each in customers:
        each.hurries = True
    await _until_come(account, much.warm_up)
    for each in customers:
        each.hurries = False


async def _until_come(account: Account, visits: int) -> None:
    begun = account.counts["visits"]
    while account.counts["visits"] - begun < visits:
        await asyncio.sleep(POLL_SECONDS)


async def _watch(centre: Centre, account: Account, seconds: float) -> None:
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        account.memory.append((monotonic(), centre.memory()))
        await asyncio.sleep(min(SAMPLE_SECONDS, left))


async def _report(centre: Centre, account: Account) -> None:
    begun = monotonic()
    while True:
        await asyncio.sleep(SAY_SECONDS)
        counts = account.counts
        try:
            memory = f"{centre.memory() / 1e6:.1f} MB"
        except OSError:
            memory = "away"  # killed
        cuts = sum(count for name, count in counts.items() if name.startswith("cut: "))
        say(
            f"{monotonic() - begun:.0f} s: {counts['visits']} visits, {counts['transfers']} transfers, {cuts} cuts,"
            f" {counts['kills']} kills, {memory}"
        )


async def _until_settled(
    centre: Centre, customers: list[Customer], desks: list[Desk], everybody: "asyncio.Task[None]"
) -> None:
    """Nobody begins anything; then nothing is left over."""
    for customer in customers:
        customer.stopping = True
    for desk in desks:
        desk.closing = True
    await asyncio.wait((everybody,), timeout=SETTLE_SECONDS)
    waiting = [f"{each.name} {each.doing}" for each in customers if each.doing != "gone"]
    assert everybody.done(), f"these have not come to an end: {waiting}"
    await everybody

    async def is_settled() -> list[str]:
        busy = [each for desk in desks for each in desk.unsettled]
        return busy or await centre.left_over()

    await _until(is_settled, "left over", SETTLE_SECONDS)


@asynccontextmanager
async def _people(
    much: Plan, names: tuple[str, ...], wires: Wires, account: Account, seed: int
) -> AsyncIterator[tuple[list[Customer], list[Desk], "asyncio.Task[None]"]]:
    """Desks, and customers; the task ends when the customers have gone, or something has gone wrong."""
    address = f"http://127.0.0.1:{wires.port}"
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        sessions = [
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {_token_of(name)}"}, timeout=aiohttp.ClientTimeout(10)
            )
            for name in names
        ]
        desks = [
            Desk(name, names, QUEUES, address, session, account, Random(f"{seed} {name}"))  # noqa: S311
            for name, session in zip(names, sessions, strict=True)
        ]
        customers = []
        for number in range(much.customers):
            chance = Random(f"{seed} customer {number}")  # noqa: S311
            customers.append(Customer(number, Page(address, http, account, chance), account, chance, QUEUES))
        working = [asyncio.create_task(desk.run(), name=desk.name) for desk in desks]
        visiting = [asyncio.create_task(customer.run(), name=customer.name) for customer in customers]
        everybody = asyncio.create_task(_everybody(visiting, working))
        try:
            yield customers, desks, everybody
            assert not any(task.done() for task in working), "a desk has been left"
        finally:
            for task in (*working, *visiting, everybody):
                task.cancel()
            await asyncio.gather(*working, *visiting, everybody, return_exceptions=True)
            for session in sessions:
                await session.close()


async def _everybody(visiting: list["asyncio.Task[None]"], working: list["asyncio.Task[None]"]) -> None:
    """Until all customers have gone. Raises what the first raises."""
    going = set(visiting)
    while going:
        await asyncio.wait((*going, *working), return_when=asyncio.FIRST_COMPLETED)
        for task in (*going, *working):
            if task.done():
                await task
        assert not any(task.done() for task in working), "a desk has been left"
        going = {task for task in going if not task.done()}


async def _until(found: Callable[[], Awaitable[list[str]]], what: str, seconds: float) -> None:
    """Wait until nothing of the kind is found any more."""
    end = monotonic() + seconds
    while left := await found():
        assert monotonic() < end, f"{what}: {left}"
        await asyncio.sleep(POLL_SECONDS)


async def _none(count: Callable[[], Awaitable[float]]) -> list[str]:
    return [str(found)] if (found := await count()) else []


def _configure(folder: Path, port: int, names: tuple[str, ...]) -> None:
    write_secret(folder)
    create_key(folder / "acd-personal.key")
    text = CONFIG.replace("PORT", str(port)).replace("ORIGIN", json.dumps(ORIGIN))
    for name in names:
        write_secret(folder, f"{name}.token", _token_of(name))
        text += f'[[api.tokens]]\nname = "{name}"\ntoken_file = "{name}.token"\nroles = ["agent"]\nagent = "{name}"\n'
        text += f'[agents.{name}]\ncapacity = "desk"\n'
    (folder / "acd.toml").write_text(text, encoding="utf-8")


def _token_of(name: str) -> str:
    return f"a-long-token-of-{name}"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def say(text: str) -> None:
    """How far it has got."""
    print(text, flush=True)  # noqa: T201 - the purpose
