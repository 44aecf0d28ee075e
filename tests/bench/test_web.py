"""The API beside a bare handler: what wrk is told and says, and a short run of everything."""

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from acd_asterisk.lab import LabUnavailable
from bench.provision import Program, wrk_program
from bench.rivals.bare_http import application
from bench.web import CONTESTANTS, ENQUEUE, READS, Contestant, Run, Taken, WebResult, report
from bench.wrk import FRESH_ID, Answered, Ask, answered, load, script
from tests.missing import missing_tool


@pytest.fixture(scope="module")
def wrk() -> Iterator[Program]:
    try:
        yield wrk_program()
    except LabUnavailable as reason:
        missing_tool(str(reason))


async def test_a_short_run_asks_everybody_for_everything(tmp_path: Path, wrk: Program) -> None:
    run = Run(wrk, tmp_path, (20, 320), connections=8, seconds=1)
    result = await run.measure([ENQUEUE, READS[2]], rounds=1)
    assert [(each.case, each.contestant) for each in result.taken] == list(
        product([ENQUEUE.name, READS[2].name], CONTESTANTS)
    )
    assert all(each.answered.requests > 10 for each in result.taken)
    assert all(each.answered.p50_us <= each.answered.p99_us for each in result.taken)
    assert result.sizes[ENQUEUE.name] > 300
    assert not os.listdir(tmp_path)  # noqa: PTH208 - pathlib's is not for asynchronous functions


async def test_every_request_has_an_id_of_its_own_and_refusals_are_counted(wrk: Program) -> None:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((await request.json())["id"])
        return web.Response(status=422 if len(seen) == 1 else 200)

    app = web.Application()
    app.router.add_post("/x", handler=handle)
    async with TestServer(app) as server:
        ask = Ask(str(server.make_url("/x")), {}, f'{{"id": "{FRESH_ID}"}}')
        found = await load(wrk, ask, connections=2, seconds=1, run="r")
    assert found.requests > 10
    assert (found.refused, found.broken) == (1, 0)
    assert len(set(seen)) == len(seen) >= found.requests


def test_the_script_has_no_body_where_nothing_is_sent() -> None:
    told = script(Ask("http://localhost/", {"A": "b"}), "r")
    assert "function request" not in told
    assert "wrk.headers[ [==[A]==] ] = [==[b]==]" in told


def test_wrk_without_findings_has_failed() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        answered("unable to connect to 127.0.0.1:1 Connection refused\n")


async def test_the_bare_handler_sends_the_same_bytes_either_way() -> None:
    body = '{"agents":[{"id":"陈伟"}]}'
    async with TestClient(TestServer(application({"agents": body}))) as client:
        for way in ("fixed", "encoded"):
            async with client.get(f"/agents/{way}") as response:
                assert (await response.read()).decode() == body
                assert response.content_type == "application/json"
            async with client.post(f"/agents/{way}", data=b"{}") as response:
                assert response.status == 200


def test_the_worst_read_counts_and_rounds_are_compared_one_by_one() -> None:
    def taken(case: str, contestant: Contestant, per_second: int) -> Taken:
        return Taken(case, contestant, Answered(per_second, 1_000_000, 900, 5_000, 0, 0), 50.0)

    rates: dict[str, dict[Contestant, tuple[int, int, int]]] = {
        "enqueue": {"bare": (10_000, 20_000, 10_000), "encoding": (9, 9, 9), "engine": (4_100, 8_000, 5_000)},
        "agents": {"bare": (1_000, 1_000, 1_000), "encoding": (9, 9, 9), "engine": (700, 100, 650)},
        "queues": {"bare": (1_000, 1_000, 1_000), "encoding": (9, 9, 9), "engine": (800, 900, 990)},
    }
    found = [taken(case, who, rate) for case, by in rates.items() for who, all_of in by.items() for rate in all_of]
    result = WebResult(found, {"enqueue": 500, "agents": 60_000, "queues": 6_000}, 64, 100)
    targets = report(result, smaller=False)["targets"]
    assert isinstance(targets, list)
    assert [(each["figure"], each["value"], each["target_met"]) for each in targets] == [
        ("http-enqueue", 0.41, True),
        ("http-read", 0.65, True),
    ]
    assert targets[1]["at"] == "agents, 60,000 bytes, p99 5 ms"
