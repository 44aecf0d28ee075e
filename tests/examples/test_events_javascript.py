"""The follower in JavaScript: real Node against a real `acd serve`; either is killed, and each event is there once."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from acd.client import Client
from tests.examples.javascript import javascript_command
from tests.served import TOKEN, Served
from tests.serving import ANNAS_TOKEN, TEXT, write_tokens

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 30.0


class Follower:
    """`node follow.js`, and its file."""

    def __init__(self, folder: Path, url: str, *arguments: str, token: str = TOKEN) -> None:
        self.file = folder / "events.jsonl"
        command = [*javascript_command("events_javascript", "follow.js"), "--into", str(self.file), *arguments]
        command += ["--url", url.replace("http://", "ws://") + "/v1/events"]
        self.process = subprocess.Popen(
            command, env={**os.environ, "ACD_TOKEN": token}, stderr=subprocess.PIPE, text=True, cwd=folder
        )

    def events(self) -> list[dict[str, Any]]:
        """Whole lines of the file."""
        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def subjects(self) -> list[str]:
        return [event.get("subject", "") for event in self.events() if event["type"] == "acd.interaction-queued"]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                assert self.process.poll() is None, self.end()
                await asyncio.sleep(POLL_SECONDS)

    async def has(self, count: int) -> None:
        """Wait until it has heard of so many interactions."""
        await self.until(lambda: len(self.subjects()) >= count)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """Wait for it; its exit status, and what it said."""
        _, said = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, said


class Centre:
    """`acd serve` on one port, however often it is started; and those who follow it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{unused_port()}"
        self.followers: list[Follower] = []
        self.served: Served | None = None
        write_tokens(folder)
        (folder / "acd.toml").write_text(TEXT.replace("port = 0", f"port = {self.url.rpartition(':')[2]}"))

    def start(self) -> None:
        self.served = Served(self.folder)
        self.served.ready()

    def kill(self) -> None:
        if self.served is not None:
            self.served.kill()
            self.served = None

    def follow(self, *arguments: str, token: str = TOKEN) -> Follower:
        self.followers.append(Follower(self.folder, self.url, *arguments, token=token))
        return self.followers[-1]

    async def enqueue(self, begin: int, end: int) -> None:
        async with Client(self.url, TOKEN) as client:
            for number in range(begin, end):
                await client.call("enqueue", id=f"c{number}", queue="sales", channel="chat")


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    javascript_command("events_javascript", "follow.js")
    centre = Centre(tmp_path)
    yield centre
    for follower in centre.followers:
        if follower.process.poll() is None:
            follower.kill()
    centre.kill()


def place_of(cursor: str) -> str:
    """A cursor without the life in which it was handed out: an event told once more, in a later life, has another."""
    return cursor.partition("-")[0]


async def test_each_event_is_there_once_and_in_order_whoever_is_killed(centre: Centre) -> None:
    centre.start()
    follower = centre.follow()
    await follower.until(lambda: bool(follower.events()))
    for life in range(4):
        await centre.enqueue(life * 30, life * 30 + 20)
        if life % 2:
            centre.kill()
            centre.start()
        else:
            await follower.has(life * 25 + 1)
            follower.kill()
        await centre.enqueue(life * 30 + 20, life * 30 + 30)
        if follower.process.poll() is not None:
            with follower.file.open("a", encoding="utf-8") as file:
                file.write('{"specversion": "1.0", "id": "torn by a cra')
            follower = centre.follow()
    await follower.has(120)
    assert follower.subjects() == [f"c{number}" for number in range(120)]
    first, *kept = follower.events()
    assert first["type"] == "acd.stream-started"
    told = []
    async with Client(centre.url, TOKEN) as client, aclosing(client.events(first["cursor"])) as events:
        async for event in events:
            told.append((place_of(event.cursor), f"acd.{event.kind}"))
            if event.subject == "c119":
                break
    assert [(place_of(event["cursor"]), event["type"]) for event in kept[: len(told)]] == told
    follower.process.terminate()
    assert follower.end()[0] == 0


async def test_filters_are_the_streams_own(centre: Centre) -> None:
    centre.start()
    follower = centre.follow("--kind", "presence-changed", "--agent", "anna")
    await follower.until(lambda: bool(follower.events()))
    async with Client(centre.url, TOKEN) as client:
        await centre.enqueue(0, 2)
        for agent in ("boris", "anna"):
            await client.call("sign_in", agent=agent)
    await follower.until(lambda: len(follower.events()) == 2)
    assert follower.events()[1]["data"]["agent_id"] == "anna"


async def test_it_ends_when_coming_again_would_not_help(centre: Centre) -> None:
    centre.start()
    refused = centre.follow(token=ANNAS_TOKEN + "-another")
    status, said = await asyncio.to_thread(refused.end)
    assert (status, "refused with status 401" in said) == (1, True)
    (centre.folder / "events.jsonl").write_text('{"cursor": "999999"}\n', encoding="utf-8")
    status, said = await asyncio.to_thread(centre.follow().end)
    assert (status, "does not go as far as the cursor" in said) == (1, True)
    assert TOKEN not in said


async def test_an_option_that_it_does_not_have_is_answered_with_those_that_it_has(centre: Centre) -> None:
    status, said = await asyncio.to_thread(centre.follow("--help").end)
    assert (status, said) == (1, "Unknown option '--help'; there are --url, --into, --kind, --queue, --agent\n")


async def test_an_engine_that_is_away_is_named(centre: Centre) -> None:
    """Once for each attempt."""
    follower = centre.follow()
    assert follower.process.stderr is not None
    said = [await asyncio.to_thread(follower.process.stderr.readline) for _ in range(2)]
    address = centre.url.replace("http", "ws")
    assert said == [f"no connection with {address}/v1/events: ECONNREFUSED\n"] * 2
