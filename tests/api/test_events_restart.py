"""Events of a real Router over its lives: whoever comes back with a cursor misses nothing and gets nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from acd.api import serve
from acd.api.sockets import FOREIGN
from acd.core.messages import AcceptOffer, EndInteraction, EnqueueInteraction, SignInAgent
from acd.errors import PastUnavailable
from acd.runtime.config import Config, loads
from acd.runtime.config.model import ApiConfig
from acd.runtime.events import Cursor, Told
from acd.runtime.router import Router
from tests.api.listening import Listener
from tests.runtime.journaled import put_back

OPEN = ApiConfig(port=0, open=True)
TEXT = "[agents.anna]\n[queues.sales]\n"
QUERY = "kind=interaction-queued+offer-accepted+interaction-completed"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loads(TEXT, base=tmp_path)


@asynccontextmanager
async def life(config: Config, kept: int = 0) -> AsyncIterator[tuple[Router, ClientSession]]:
    """A router with its API. `kept`: how many events its memory holds, if fewer than usual."""
    router = Router(config, channels=())
    if kept:
        router.events.stream._kept = kept
        router.events.stream._trimmed = kept // 4
    async with router, await serve(router, OPEN) as server, ClientSession(server.addresses[0]) as http:
        yield router, http


async def calls(router: Router, begin: int, end: int) -> None:
    if router.view.agents["anna"].presence == "signed-out":
        await router.submit(SignInAgent(router.new_id(), "anna", ready=True))
    for number in range(begin, end):
        await router.submit(EnqueueInteraction(router.new_id(), f"c{number}", "voice", "sales"))
        await router.submit(AcceptOffer(router.new_id(), f"c{number}.1", "anna"))
        await router.submit(EndInteraction(router.new_id(), f"c{number}"))


def expected(count: int) -> list[tuple[str, str]]:
    kinds = ("interaction-queued", "offer-accepted", "interaction-completed")
    return [(kind, f"c{number}") for number in range(count) for kind in kinds]


async def read(http: ClientSession, after: str, upto: str) -> tuple[list[tuple[str, str]], str]:
    """(kind, subject) of all events up to the end of this interaction, and the last cursor."""
    found = []
    async with http.ws_connect(f"/v1/events?{QUERY}&after={after}") as ws:
        listener = Listener(ws)
        await listener.next()
        while True:
            event = await listener.next()
            if "data" in event:
                found.append((event["type"].removeprefix("acd."), event["subject"]))
                if found[-1] == ("interaction-completed", upto):
                    return found, event["cursor"]


async def test_a_client_goes_on_after_every_restart_of_the_engine(config: Config) -> None:
    seen: list[tuple[str, str]] = []
    cursor = "0"
    for number in range(4):
        async with life(config) as (router, http):
            await calls(router, number * 10, number * 10 + 10)
            # The first half of what this life did; the rest is asked of the next one.
            found, cursor = await read(http, cursor, f"c{number * 10 + 4}")
            seen += found
    async with life(config) as (_, http):
        found, _ = await read(http, cursor, "c39")
        seen += found
    assert seen == expected(40)


async def test_what_memory_has_forgotten_comes_from_the_journal(config: Config) -> None:
    async with life(config, kept=40) as (router, http):
        await calls(router, 0, 60)
        assert router.events.stream.floor > Cursor(50)
        found, _ = await read(http, "0", "c59")
        assert found == expected(60)


async def test_while_it_is_fetched_the_engine_goes_on(config: Config) -> None:
    async with life(config, kept=40) as (router, http):
        await calls(router, 0, 30)
        reading = asyncio.create_task(read(http, "0", "c99"))
        for number in range(30, 100):
            await calls(router, number, number + 1)
        found, _ = await reading
        assert found == expected(100)


async def test_within_a_process_it_is_one_iterator(config: Config) -> None:
    async with life(config, kept=40) as (router, _):
        await calls(router, 0, 30)
        told: list[Told] = []
        async for batch, cursor in router.events.tell(Cursor(0)):
            told += batch
            if cursor >= Cursor(router.seq):
                break
        await calls(router, 30, 31)
        async for batch, cursor in router.events.tell(told[-1].cursor):
            told += batch
            if cursor >= Cursor(router.seq):
                break
    cursors = [each.cursor for each in told]
    assert cursors == sorted(set(cursors))
    assert [each.event.interaction_id for each in told if type(each.event).__name__ == "InteractionQueued"] == [  # type: ignore[union-attr]
        f"c{number}" for number in range(31)
    ]


async def test_the_iterator_ends_with_the_router(config: Config) -> None:
    async with life(config) as (router, _):
        reading = asyncio.create_task(_all(router))
        await calls(router, 0, 1)
    assert len(await reading) > 5
    with pytest.raises(PastUnavailable):
        await anext(router.events.tell(Cursor(10_000)))


async def _all(router: Router) -> list[Told]:
    return [told async for batch, _ in router.events.tell(Cursor(0)) for told in batch]


async def test_pages_go_on_over_a_restart_as_far_as_memory_goes(config: Config) -> None:
    async with life(config) as (router, http):
        await calls(router, 0, 2)
        async with http.get(f"/v1/events?after=0&{QUERY}") as response:
            page = json.loads(await response.text())
        assert len(page["events"]) == 6
    async with life(config) as (_, http):
        async with http.get(f"/v1/events?after={page['events'][0]['cursor']}") as response:
            assert response.status == 410
        async with http.get(f"/v1/events?after={page['cursor']}&{QUERY}") as response:
            assert (await response.json())["events"] == []
        begin = await http.get("/v1/events")
        cursor = (await begin.json())["cursor"]
        async with http.get(f"/v1/events?after={cursor}") as response:
            assert (await response.json())["events"] == []


async def refused(http: ClientSession, after: str) -> tuple[int | None, str, str]:
    """Close code, the word for it, and the cursor with which one might go on."""
    async with http.ws_connect(f"/v1/events?after={after}") as ws:
        ended = await Listener(ws).next()
        assert ended["type"] == "acd.stream-ended"
        await ws.receive()
        async with http.get(f"/v1/events?after={after}") as response:
            page = await response.json()
            assert (response.status, page["code"]) == (410, "cursor-unknown")
        return ws.close_code, ended["data"]["detail"], ended["cursor"]


async def test_a_cursor_of_another_journal_or_of_what_was_lost_with_a_copy_is_refused(tmp_path: Path) -> None:
    """However far the journal has grown since: else events would be passed over without a word."""
    (tmp_path / "other").mkdir()
    here, other = loads(TEXT, base=tmp_path), loads(TEXT, base=tmp_path / "other")
    async with life(other) as (router, http):
        await calls(router, 0, 2)
        _, foreign = await read(http, "0", "c1")
    async with life(here) as (router, http):
        await calls(router, 0, 2)
        _, kept = await read(http, "0", "c1")
    copy = here.journal.path.read_bytes()
    async with life(here) as (router, http):
        await calls(router, 2, 4)
        _, lost = await read(http, kept, "c3")
    put_back(here.journal.path, copy)
    async with life(here) as (router, http):
        await calls(router, 2, 12)
        for cursor in (foreign, lost):
            code, detail, at = await refused(http, cursor)
            assert (code, detail) == (4404, FOREIGN.detail)
            assert Cursor.parsed(at) == Cursor(router.seq), "nothing that was not told is passed over unnoticed"
            assert not at.endswith(cursor[-8:])
        found, _ = await read(http, kept, "c11")
        assert found == expected(12)[6:]
        found, _ = await read(http, kept.partition("-")[0], "c11")
        assert found == expected(12)[6:], "a cursor of an older release has no mark"


async def test_lists_go_on_after_a_restart_and_not_in_another_journal(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here, other = loads(TEXT, base=tmp_path), loads(TEXT, base=tmp_path / "other")
    cursors = []
    for config in (here, other):
        async with life(config) as (router, http):
            for number in range(3):
                await router.submit(EnqueueInteraction(router.new_id(), f"c{number}", "voice", "sales"))
            async with http.get("/v1/interactions?limit=1") as response:
                cursors.append((await response.json())["next_cursor"])
    async with life(here) as (_, http):
        async with http.get(f"/v1/interactions?limit=1&cursor={cursors[0]}") as response:
            assert [each["id"] for each in (await response.json())["interactions"]] == ["c1"]
        async with http.get(f"/v1/interactions?limit=1&cursor={cursors[1]}") as response:
            problem = await response.json()
            assert (response.status, problem["code"]) == (400, "invalid-parameter")
            assert "another journal" in problem["detail"]
