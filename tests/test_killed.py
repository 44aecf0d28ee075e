"""The engine killed with -9, again and again, at moments drawn by a seed: what was asked for is done once.

    ACD_SEED=<seed> pytest tests/test_killed.py -s

repeats a run as far as another process can be repeated; `ACD_SEED=random` takes a new seed, which is printed first.
"""

import asyncio
import itertools
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, ClientTimeout

from acd.api.openapi import example_configuration
from acd.api.routes import Example, Route
from acd.runtime.journal import SqliteJournalReader
from acd.runtime.request_key import parsed
from tests.api.harness import COMMANDS, configure, example_body, example_headers, example_url, steps_before
from tests.served import Served

LIVES = 8
"""How often the engine is killed while it is asked."""

KILLED_WITHIN_SECONDS = 0.02
"""A life that is not ended by an answer ends at most so long after the first request."""

OPEN = '[api]\nopen = true\nport = 0\n[snapshots]\nevery = 40\ninterval = "1s"\n'
SECONDS = ClientTimeout(total=30)
_OURS = re.compile(r"\b(anna|boris|english|billing|sales|support|carla|claims|german|desk|office)\b")

APART = [route for route in COMMANDS if not route.if_match or "{" in route.path]
"""What they do need not concern anybody else: each has agents, queues and interactions of its own."""

TOGETHER = [route for route in COMMANDS if route not in APART]


class Case:
    """One route with its example, in words of its own, so that all of them can be tried in one engine."""

    def __init__(self, route: Route, number: int | None) -> None:
        self.route = route
        self._suffix = "" if number is None else str(number)

    def own(self, text: str) -> str:
        renamed = _OURS.sub(rf"\g<1>{self._suffix}", text)
        return re.sub(r"\b(mail|question)-1\b", rf"\g<1>{self._suffix}-1", renamed)

    def request(self, route: Route, example: Example, key: str) -> tuple[str, str, bytes, dict[str, str]]:
        """Method, path, body and headers."""
        body = self.own(example_body(example).decode()).encode()
        headers = {**example_headers(example), **({"Idempotency-Key": key} if key else {})}
        return route.method, self.own(example_url(route, example)), body, headers

    async def prepare(self, http: ClientSession) -> None:
        """What the example comes after."""
        for route, example in steps_before(self.route):
            method, path, body, headers = self.request(route, example, "")
            async with http.request(method, path, data=body, headers=headers) as response:
                assert response.status == route.status, (self.route.name, route.name, await response.text())

    async def ask(self, http: ClientSession) -> tuple[int, Any]:
        method, path, body, headers = self.request(self.route, self.route.example, "the-same")
        async with http.request(method, path, data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def ask_and_perhaps_hang_up(self, served: Served, deaths: Iterator[bool], dice: random.Random) -> None:
        """On a connection of its own, which is cut before the answer or with its first bytes; then all may be over."""
        method, path, body, headers = self.request(self.route, self.route.example, "the-same")
        where = urlsplit(served.address)
        about = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(len(body))}.items())
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: {where.netloc}\r\n{about}\r\n".encode() + body)
            await writer.drain()
            if dice.random() < 0.5:
                await reader.read(dice.choice((1, 200)))
                if next(deaths):
                    served.process.kill()
            writer.transport.abort()


def configuration(cases: Sequence[Case]) -> str:
    """The documented example's, once for each case; whatever rings goes on ringing over many restarts."""
    patient = re.sub(r"(?m)^(\[queues\.\w+\])$", r'\1\noffer_timeout = "10m"', example_configuration())
    patient = patient.replace('wrap_up = "30s"', 'wrap_up = "3m"')
    sections = re.split(r"(?m)^(?=\[)", patient)
    renamed = "".join(section for section in sections if section.startswith(("[agents.", "[queues.")))
    common = "".join(section for section in sections if not section.startswith(("[agents.", "[queues.", "[channels.")))
    # A channel may name queues; one case's will do.
    common += "".join(cases[0].own(section) for section in sections if section.startswith("[channels."))
    return "\n".join((OPEN, common, *(case.own(renamed) for case in cases)))


async def tormented(
    cases: Sequence[Case], folder: Path, dice: random.Random, lives: list[Served], count: int
) -> list[int]:
    """Some cases asked in every life, which ends by a kill somewhere in between; at last each one twice, in peace.

    Returns how many had been carried out after each life.
    """
    done: list[int] = []
    configure(folder, configuration(cases))
    lives.append(Served(folder))
    async with ClientSession(lives[-1].ready(), timeout=SECONDS) as http:
        for case in cases:
            await case.prepare(http)
    for _ in range(count):
        served = lives[-1]
        some = dice.sample(list(cases), min(len(cases), 10))
        last = dice.randrange(-1, len(some) // 4)
        deaths = (number == last for number in itertools.count())
        asking = [asyncio.create_task(case.ask_and_perhaps_hang_up(served, deaths, dice)) for case in some]
        if last < 0:
            await asyncio.wait(asking, timeout=dice.random() * KILLED_WITHIN_SECONDS)
            served.process.kill()
        await asyncio.gather(*asking)
        served.kill()
        done.append(len(asked(folder)))
        lives.append(Served(folder))
        lives[-1].ready()
    async with ClientSession(lives[-1].address, timeout=SECONDS) as http:
        for case in cases:
            status, first = await case.ask(http)
            assert status == case.route.status, (case.route.name, first)
            assert await case.ask(http) == (status, first), case.route.name
    return done


def asked(folder: Path) -> Counter[str]:
    """How often each key was carried out, by the journal and by the versions of the configuration."""
    with closing(SqliteJournalReader(folder / "acd-journal.db")) as reader:
        ids = [row.entry.command_id for row in reader.rows()]
    with closing(sqlite3.connect(folder / "acd-versions.db")) as versions:
        ids += [request for (request,) in versions.execute("SELECT request FROM version")]
    return Counter(key.name for each in ids if (key := parsed(each)) is not None)


async def test_every_route_has_one_effect_however_often_the_engine_is_killed(
    tmp_path: Path, dice: random.Random, lives: list[Served]
) -> None:
    cases = [Case(route, number) for number, route in enumerate(APART)]
    done = await tormented(cases, tmp_path, dice, lives, LIVES)
    assert any(0 < number < len(cases) for number in done), "some lives ended in the middle"
    counted = asked(tmp_path)
    assert set(counted.values()) == {1}
    assert len(counted) == len(cases)


@pytest.mark.parametrize("route", TOGETHER, ids=lambda route: route.name)
async def test_a_change_of_the_configuration_has_one_effect_however_often_the_engine_is_killed(
    route: Route, tmp_path: Path, dice: random.Random, lives: list[Served]
) -> None:
    await tormented([Case(route, None)], tmp_path, dice, lives, 2)
    assert list(asked(tmp_path).values()) == [1]
