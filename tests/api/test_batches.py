"""Many interactions in one request: each its own outcome, all in order, each once."""

from contextlib import closing
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.core.messages import Command, EnqueueInteraction, Origin, Outcome, SignInAgent
from acd.errors import RouterOverloaded
from acd.runtime.config.model import ApiConfig, Rate, TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.journal import SqliteJournalReader
from acd.runtime.request_key import parsed
from tests.api.harness import Client, MemoryRouter, forget_answers, living

PATH = "/v1/interactions/batch"


def batch(*ids: str, **named: str) -> dict[str, Any]:
    return {"interactions": [{"id": each, "queue": "sales", "channel": "email", **named} for each in ids]}


def outcomes(answer: dict[str, Any]) -> list[str]:
    """Each one's id, or the code of its problem."""
    return [each["interaction"]["id"] if each["interaction"] else each["problem"]["code"] for each in answer["results"]]


async def test_each_has_an_outcome_of_its_own_in_the_order_of_the_list(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("b1", "old", "email", "sales"))
    body = batch("m1", "old", "m2", "m1")
    body["interactions"].insert(1, {"id": "m3", "queue": "nowhere", "channel": "email"})
    status, answer = await system("POST", PATH, body)
    assert status == 200
    codes = ["m1", "unknown-queue", "duplicate-interaction", "m2", "duplicate-interaction"]
    assert outcomes(answer) == codes
    assert [each["problem"] and each["problem"]["status"] for each in answer["results"]] == [None, 422, 409, None, 409]
    assert [row.id for row in router.view.interactions.values()] == ["old", "m1", "m2"]


async def test_who_is_free_gets_the_first_one(system: Client, router: MemoryRouter) -> None:
    router.apply(SignInAgent("b1", "anna", ready=True))
    _, answer = await system("POST", PATH, batch("m1", "m2"))
    assert [each["interaction"]["state"] for each in answer["results"]] == ["offered", "queued"]


async def test_what_is_malformed_refuses_the_whole(system: Client, router: MemoryRouter) -> None:
    for body, said in (
        ({"interactions": []}, "interactions"),
        (batch(*map(str, range(101))), "interactions"),
        ({"interactions": [{"queue": "sales"}]}, "channel"),
        (batch("m1") | {"more": 1}, "more"),
        ({"interactions": [*batch("m1")["interactions"], *batch("m2", customer="13812345678")["interactions"]]}, "[1]"),
    ):
        status, problem = await system("POST", PATH, body)
        assert status in {400, 422}, problem
        assert said in problem["detail"]
    assert router.submitted == []


async def test_nobody_outside_can_name_a_place_in_line(system: Client, router: MemoryRouter) -> None:
    """Not even their own customer's: whose it is, the channel inside the engine knows."""
    for field in ("place_of", "end_reason"):
        one = batch("m1", **{field: "old"}, customer="ref-1")
        for path, body in (
            (PATH, one),
            ("/v1/interactions", one["interactions"][0]),
            ("/v1/callbacks", {"queue": "sales", "customer": "ref-1", field: "old"}),
        ):
            status, problem = await system("POST", path, body)
            assert (status, field in problem["detail"]) == (422, True), problem
    assert router.submitted == []


async def test_people_are_stored_and_only_named_by_reference(system: Client, router: MemoryRouter) -> None:
    body = {"interactions": [{"id": "m1", "queue": "sales", "channel": "email", "customer": {"number": "13812345678"}}]}
    _, answer = await system("POST", PATH, body)
    assert outcomes(answer) == ["m1"]
    assert "13812345678" not in repr(answer)
    (command,) = router.submitted
    assert isinstance(command, EnqueueInteraction)
    assert command.customer in router.people


class FullOnce(MemoryRouter):
    """Has no room for the first command."""

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        if not self.submitted and self.fault is None:
            self.fault = RouterOverloaded("full")
            raise self.fault
        self.fault = None
        return await super().submit(command, origin)


async def test_a_repetition_hands_in_what_there_was_no_room_for() -> None:
    router = FullOnce()
    async with TestClient(TestServer(build_app(router, ApiConfig(port=0, open=True)))) as http:
        client = Client(http, "")
        status, answer = await client("POST", PATH, batch("m1", "m2"), Idempotency_Key="the-same")
        assert (status, outcomes(answer)) == (200, ["overloaded", "m2"])
        status, answer = await client("POST", PATH, batch("m1", "m2"), Idempotency_Key="the-same")
        assert (status, outcomes(answer)) == (200, ["m1", "m2"])
        assert list(router.view.interactions) == ["m2", "m1"]
        status, problem = await client("POST", PATH, batch("m1"), Idempotency_Key="the-same")
        assert (status, problem["code"]) == (422, "idempotency-key-reused")


async def test_each_is_carried_out_once_over_restarts(tmp_path: Path) -> None:
    many = [f"m{number}" for number in range(100)]
    for forgetful in (False, True):
        for _ in range(2):
            async with living(tmp_path, crashing=True) as address, ClientSession(address) as http:
                client = Client(http, "")
                status, answer = await client("POST", PATH, batch(*many), Idempotency_Key="the-same")
                assert (status, outcomes(answer)) == (200, many)
                status, problem = await client("POST", PATH, batch(*many[:50]), Idempotency_Key="the-same")
                assert (status, problem["code"]) == (422, "idempotency-key-reused")
        if forgetful:
            forget_answers(tmp_path)
    with closing(SqliteJournalReader(tmp_path / "acd-journal.db")) as reader:
        ids = [row.entry.command_id for row in reader.rows()]
    assert len([each for each in ids if parsed(each)]) == len(many)


async def test_a_repetition_shows_nothing_that_is_out_of_sight_by_now(tmp_path: Path) -> None:
    """So many that the answer is not kept but made anew."""
    tokens = (
        TokenConfig("team", Secret("teams-own-0123456789"), ("supervisor",), queues=("sales",)),
        TokenConfig("all", Secret("everything-0123456789"), ("system",)),
    )
    many = [f"m{number}" for number in range(60)]
    async with living(tmp_path, ApiConfig(port=0, tokens=tokens)) as address, ClientSession(address) as http:
        team, everything = Client(http, "teams-own-0123456789"), Client(http, "everything-0123456789")
        _, first = await team("POST", PATH, batch(*many), Idempotency_Key="the-same")
        assert outcomes(first) == many
        assert (await everything("POST", "/v1/interactions/m7/move", {"queue": "support"}))[0] == 200
        _, again = await team("POST", PATH, batch(*many), Idempotency_Key="the-same")
        assert outcomes(again) == [*many[:7], "done-before", *many[8:]]


async def test_nor_does_that_of_a_single_one_whose_answer_was_lost(tmp_path: Path) -> None:
    tokens = (
        TokenConfig("team", Secret("teams-own-0123456789"), ("supervisor",), queues=("sales",)),
        TokenConfig("all", Secret("everything-0123456789"), ("system",)),
    )
    (body,) = batch("m1")["interactions"]
    crashing = living(tmp_path, ApiConfig(port=0, tokens=tokens), crashing=True)
    async with crashing as address, ClientSession(address) as http:
        team, everything = Client(http, "teams-own-0123456789"), Client(http, "everything-0123456789")
        assert (await team("POST", "/v1/interactions", body, Idempotency_Key="the-same"))[0] == 201
        assert (await everything("POST", "/v1/interactions/m1/move", {"queue": "support"}))[0] == 200
    forget_answers(tmp_path)
    async with living(tmp_path, ApiConfig(port=0, tokens=tokens)) as address, ClientSession(address) as http:
        team = Client(http, "teams-own-0123456789")
        status, problem = await team("POST", "/v1/interactions", body, Idempotency_Key="the-same")
        assert (status, problem["code"]) == (409, "done-before")


async def test_each_counts_as_a_request_of_the_token() -> None:
    tokens = (TokenConfig("dialler", Secret("diallers-0123456789"), ("system",), rate=Rate(0.001, 5)),)
    router = MemoryRouter()
    async with TestClient(TestServer(build_app(router, ApiConfig(port=0, tokens=tokens)))) as http:
        client = Client(http, "diallers-0123456789")
        assert (await client("POST", PATH, batch("m1", "m2")))[0] == 200
        status, problem = await client("POST", PATH, batch("m3", "m4", "m5", "m6"))
        assert (status, problem["code"]) == (429, "too-many-requests")
        assert list(router.view.interactions) == ["m1", "m2"]
        assert (await client("POST", PATH, batch("m3", "m4")))[0] == 200
