"""The engine killed with -9 under traffic: every event is told once over the stream and in the
`queue_log`, and to a webhook at least once.

ACD_SEED=<seed> pytest tests/test_killed_events.py -s
"""

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession, ClientTimeout, WSMsgType
from aiohttp.test_utils import unused_port
from standardwebhooks.webhooks import Webhook

from tests.runtime.queue_log.reader import read
from tests.runtime.webhooks.receiver import Receiver, receiving
from tests.served import Served, write_secret

CUSTOMERS = 160
KILLS = 5
CONNECTIONS = 100
LAST = f"c{CUSTOMERS - 1}"
SECRET = "whsec_" + "bmV3LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE="
LOG = '[queue_log]\nchannels = ["chat"]\n'
KINDS = ("interaction-queued", "interaction-cancelled")
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 120.0

Event = tuple[str, str, str]
"""Id, kind, subject."""


@pytest.fixture
async def receiver(dice: random.Random) -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        receiver.answers = [500 if dice.random() < 0.02 else 200 for _ in range(100)]
        yield receiver


class Centre:
    """One domain that is killed and started again on the same port, and those who talk to it all the while."""

    def __init__(self, folder: Path, receiver: Receiver, dice: random.Random, lives: list[Served]) -> None:
        self.folder = folder
        self.dice = dice
        self.lives = lives
        port = unused_port()
        self.url = f"http://127.0.0.1:{port}"
        write_secret(folder, "secret", SECRET)
        hook = f'[webhooks.crm]\nurl = "{receiver.url}"\nsecret_file = "secret"\nkinds = {json.dumps(KINDS)}\n'
        (folder / "acd.toml").write_text(f"[api]\nopen = true\nport = {port}\n[queues.sales]\n{hook}{LOG}")
        self.done = 0

    async def start(self) -> None:
        self.lives.append(Served(self.folder))
        await asyncio.to_thread(self.lives[-1].ready)

    async def kill_again_and_again(self) -> None:
        for number in range(KILLS):
            goal = CUSTOMERS * (number + self.dice.random()) / KILLS
            while self.done < goal:
                await asyncio.sleep(POLL_SECONDS)
            self.lives[-1].kill()
            if number % 2:
                (self.folder / "queue_log").rename(self.folder / f"queue_log.{number}")
            await self.start()

    def logged(self) -> list[tuple[str, str]]:
        """Event and call of every line of the log but those of the beginning, rotated ones first."""
        files = [self.folder / f"queue_log.{number}" for number in range(KILLS)]
        entries = [entry for file in (*files, self.folder / "queue_log") if file.exists() for entry in read(file)]
        return [(entry.event, entry.call) for entry in entries if entry.call != "NONE"]

    async def come_and_go(self, http: ClientSession) -> None:
        """Customers, one after another: each comes and is cancelled, however often that has to be asked for."""
        for number in range(CUSTOMERS):
            body = {"id": f"c{number}", "queue": "sales", "channel": "chat"}
            assert await self.insist(http, "POST", "/v1/interactions", f"in-{number}", body) == 201
            assert await self.insist(http, "DELETE", f"/v1/interactions/c{number}", f"out-{number}") == 200
            self.done = number + 1

    async def insist(self, http: ClientSession, method: str, path: str, key: str, body: object = None) -> int:
        """Until there is an answer that is not `later`."""
        while True:
            try:
                async with http.request(
                    method, self.url + path, json=body, headers={"Idempotency-Key": key}
                ) as response:
                    await response.read()
                    if response.status != 503:
                        return response.status
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(POLL_SECONDS)

    async def follow(self, http: ClientSession, most: int) -> tuple[list[Event], int]:
        """All events from the beginning to the last one, at most so many of a connection; and how many those were."""
        found: list[Event] = []
        cursor, connections = "0", 0
        while True:
            try:
                async with http.ws_connect(f"{self.url}/v1/events?after={cursor}") as ws:
                    connections += 1
                    for _ in range(self.dice.randint(1, most)):
                        message = await ws.receive()
                        if message.type != WSMsgType.TEXT:
                            break
                        told: dict[str, Any] = json.loads(message.data)
                        if told["type"] == "acd.stream-ended":
                            break
                        cursor = told["cursor"]
                        if "subject" in told:
                            found.append((told["id"], told["type"].removeprefix("acd."), told["subject"]))
                            if found[-1][1:] == ("interaction-cancelled", LAST):
                                return found, connections
            except aiohttp.ClientError:
                await asyncio.sleep(POLL_SECONDS)


async def test_no_event_is_lost_or_doubled_however_often_the_engine_is_killed(
    tmp_path: Path, receiver: Receiver, dice: random.Random, lives: list[Served]
) -> None:
    centre = Centre(tmp_path, receiver, dice, lives)
    await centre.start()
    async with asyncio.timeout(PATIENCE_SECONDS), ClientSession(timeout=ClientTimeout(total=20)) as http:
        following = asyncio.create_task(centre.follow(http, most=3))
        killing = asyncio.create_task(centre.kill_again_and_again())
        await centre.come_and_go(http)
        await killing
        seen, connections = await following
        truth, _ = await centre.follow(http, most=1_000_000)
        assert seen == truth
        assert connections >= CONNECTIONS
        happened = [(kind, subject) for _, kind, subject in truth if kind in KINDS]
        assert happened == [(kind, f"c{number}") for number in range(CUSTOMERS) for kind in KINDS], "each once"
        expected = [identity for identity, kind, _ in truth if kind in KINDS]
        while not receiver.got or json.loads(receiver.got[-1][1])["id"] != expected[-1]:
            await asyncio.sleep(POLL_SECONDS)
    await asyncio.to_thread(centre.lives[-1].end, signal.SIGTERM)
    logged = [(event, f"c{number}") for number in range(CUSTOMERS) for event in ("ENTERQUEUE", "WITHDRAW")]
    assert centre.logged() == logged
    check_deliveries(receiver, expected)


def check_deliveries(receiver: Receiver, expected: list[str]) -> None:
    """Each at least once, signed, with one body, and in order even where one came again."""
    bodies: dict[str, bytes] = {}
    arrived = []
    for headers, body in receiver.got:
        event = Webhook(SECRET).verify(body, headers)
        assert bodies.setdefault(headers["webhook-id"], body) == body
        arrived.append(event["id"])
    assert list(dict.fromkeys(arrived)) == expected
    places = [expected.index(identity) for identity in arrived]
    assert places == sorted(places)
