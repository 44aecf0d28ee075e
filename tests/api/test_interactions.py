"""Interactions over HTTP: entering, listing, ending, customers' data, idempotency."""

import pytest
from yarl import URL

from acd.core.messages import EnqueueInteraction, SignInAgent
from acd.errors import PersonalStoreError
from tests.api.harness import As, Client, MemoryRouter

NUMBER = "13812341234"
STATES = "abandoned, active, cancelled, completed, failed, offered, overflowed, queued, reaching, scheduled"


async def test_enqueue_takes_everything(system: Client, router: MemoryRouter) -> None:
    body = {
        "id": "订单-1",
        "queue": "sales",
        "channel": "chat",
        "requirement": "skills.english >= 5",
        "preferences": [{"skill": "billing"}, {"skill": "spanish", "weight": -3}],
        "priority": 2,
        "attributes": {"z": "1", "lang": "中文"},
        "customer": "ref-x",
    }
    async with system.http.post("/v1/interactions", json=body, headers=system.headers) as response:
        assert response.status == 201
        assert response.headers["Location"] == "/v1/interactions/%E8%AE%A2%E5%8D%95-1"
        assert response.headers["Cache-Control"] == "no-store"
        shape = await response.json()
    assert shape == {
        "id": "订单-1",
        "state": "queued",
        "queue": "sales",
        "channel": "chat",
        "priority": 2,
        "requirement": "skills.english >= 5",
        "attributes": {"lang": "中文", "z": "1"},
        "customer": {"reference": "ref-x"},
        "enqueued_at": "2023-11-14T22:13:20.000000Z",
        "since": "2023-11-14T22:13:20.000000Z",
        "ended_at": None,
        "end_reason": "",
        "agent": None,
        "offer": None,
        "offers_made": 0,
        "waited_seconds": 0.0,
        "partial": False,
        "held_for": None,
        "kind": "live",
        "due_at": None,
        "attempts": 0,
        "parent": None,
        "asking": None,
        "participants": [],
    }
    command = router.last(EnqueueInteraction)
    assert command.attributes == (("lang", "中文"), ("z", "1"))
    assert [(wish.skill, wish.weight) for wish in command.preferences] == [("billing", 1), ("spanish", -3)]
    status, shape = await system("GET", "/v1/interactions/%E8%AE%A2%E5%8D%95-1")
    assert (status, shape["position"], shape["customer"]) == (200, 1, {"reference": "ref-x", "known": False})


async def test_an_id_is_made_when_none_is_given(system: Client) -> None:
    first = (await system("POST", "/v1/interactions", {"queue": "sales", "channel": "chat"}))[1]["id"]
    second = (await system("POST", "/v1/interactions", {"queue": "sales", "channel": "chat"}))[1]["id"]
    assert first != second


async def test_a_persons_number_is_stored_and_masked(system: Client, router: MemoryRouter) -> None:
    person = {"number": NUMBER, "name": "王小明"}
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "voice", "customer": person})
    assert NUMBER not in repr(router.submitted)
    assert router.last(EnqueueInteraction).customer == "ref-0"
    status, body = await system("GET", "/v1/interactions/c1")
    assert status == 200
    assert body["customer"] == {"reference": "ref-0", "known": True, "number": "138****1234", "name": "王**"}
    _, body = await system("GET", "/v1/interactions/c1?reveal=true")
    assert body["customer"] == {"reference": "ref-0", "known": True, **person}
    _, body = await system("GET", "/v1/interactions")
    assert body["interactions"][0]["customer"] == {"reference": "ref-0"}


async def test_an_agent_sees_numbers_masked_and_cannot_reveal_them(system: Client, anna: Client) -> None:
    await anna("POST", "/v1/agents/anna/sign-in", {"ready": True})
    body = {"id": "c1", "queue": "sales", "channel": "voice", "customer": {"number": NUMBER}}
    await system("POST", "/v1/interactions", body)
    assert (await anna("GET", "/v1/interactions/c1"))[1]["customer"]["number"] == "138****1234"
    status, body = await anna("GET", "/v1/interactions/c1?reveal=true")
    assert (status, body["code"]) == (403, "forbidden")


@pytest.mark.parametrize("number", [NUMBER, "+8613812341234", "138 1234 1234", "(021) 6234-5678"])
async def test_a_number_is_no_reference(system: Client, router: MemoryRouter, number: str) -> None:
    status, body = await system("POST", "/v1/interactions", {"queue": "sales", "channel": "voice", "customer": number})
    assert (status, body["code"]) == (422, "invalid-field")
    assert body["detail"].startswith("customer: looks like a number")
    assert number not in str(body)
    assert router.submitted == []


async def test_an_empty_person_is_nobody(system: Client, router: MemoryRouter) -> None:
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "voice", "customer": {}})
    assert router.last(EnqueueInteraction).customer == ""
    assert router.people == {}


async def test_personal_store_out_of_order(system: Client, router: MemoryRouter) -> None:
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "voice", "customer": "ref"})
    router.fault = PersonalStoreError(f"cannot read {NUMBER}")
    status, body = await system("GET", "/v1/interactions/c1")
    assert (status, body["code"]) == (503, "personal-store-unavailable")
    assert NUMBER not in str(body)


async def test_cancel_and_afterwards(system: Client) -> None:
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "voice"})
    status, body = await system("DELETE", "/v1/interactions/c1?reason=closing")
    assert (status, body["state"], body["end_reason"]) == (200, "cancelled", "closing")
    status, body = await system("GET", "/v1/interactions/c1")
    assert (status, body["state"], body["position"]) == (200, "cancelled", None)
    status, body = await system("DELETE", "/v1/interactions/c1")
    assert (status, body["code"]) == (409, "interaction-ended")


async def test_end_by_the_customer_is_an_abandonment(system: Client, router: MemoryRouter) -> None:
    await system("POST", "/v1/interactions", {"id": "c1", "queue": "sales", "channel": "voice"})
    router.clock_us += 4_000_000
    status, body = await system("POST", "/v1/interactions/c1/end", {"by": "customer"})
    assert (status, body["state"], body["waited_seconds"]) == (200, "abandoned", 4.0)


async def test_an_idempotency_key_counts_once(system: Client, router: MemoryRouter) -> None:
    body = {"queue": "sales", "channel": "chat"}
    first = await system("POST", "/v1/interactions", body, Idempotency_Key="abc")
    again = await system("POST", "/v1/interactions", body, Idempotency_Key="abc")
    other = await system("POST", "/v1/interactions", body, Idempotency_Key="abd")
    assert first == again
    assert first[0] == 201
    assert other[1]["id"] != first[1]["id"]
    assert len(router.view.interactions) == 2


async def test_an_idempotency_key_belongs_to_one_token_and_path(system: Client, as_: As, router: MemoryRouter) -> None:
    body = {"queue": "sales", "channel": "chat"}
    await system("POST", "/v1/interactions", body, Idempotency_Key="1")
    await as_("boss")("POST", "/v1/interactions", body, Idempotency_Key="1")
    await system("POST", "/v1/agents/anna/sign-in", Idempotency_Key="1")
    await system("POST", "/v1/agents/boris/sign-in", Idempotency_Key="1")
    assert len({command.id for command in router.submitted}) == 4
    assert len(router.view.interactions) == 2


async def test_a_refusal_is_repeated_too(system: Client) -> None:
    first = await system("POST", "/v1/agents/anna/sign-out", Idempotency_Key="k")
    await system("POST", "/v1/agents/anna/sign-in")
    again = await system("POST", "/v1/agents/anna/sign-out", Idempotency_Key="k")
    assert first[0] == again[0] == 409
    assert again[1]["code"] == "signed-out"


async def test_a_key_for_something_else_is_a_mistake(system: Client, router: MemoryRouter) -> None:
    await system("POST", "/v1/interactions", {"queue": "sales", "channel": "chat"}, Idempotency_Key="k")
    status, body = await system("POST", "/v1/interactions", {"queue": "客服", "channel": "chat"}, Idempotency_Key="k")
    assert (status, body["code"]) == (422, "idempotency-key-reused")
    assert len(router.view.interactions) == 1


@pytest.mark.parametrize("key", ["", "x" * 129])
async def test_a_key_has_bounds(system: Client, key: str) -> None:
    status, body = await system("POST", "/v1/agents/anna/sign-in", Idempotency_Key=key)
    assert (status, body["code"]) == (400, "invalid-header")


async def test_pages_and_filters(system: Client, router: MemoryRouter) -> None:
    for number in range(3):
        await system("POST", "/v1/interactions", {"id": f"s{number}", "queue": "sales", "channel": "chat"})
        await system("POST", "/v1/interactions", {"id": f"k{number}", "queue": "客服", "channel": "voice"})
    await system("DELETE", "/v1/interactions/k0")
    ids: list[str] = []
    path = "/v1/interactions?limit=2"
    while path:
        status, body = await system("GET", path)
        assert status == 200
        assert len(body["interactions"]) <= 2
        ids += [row["id"] for row in body["interactions"]]
        cursor = body["next_cursor"]
        path = f"/v1/interactions?limit=2&cursor={cursor}" if cursor else ""
    assert ids == ["s0", "s1", "k1", "s2", "k2"]

    async def listed(query: str) -> list[str]:
        return [row["id"] for row in (await system("GET", f"/v1/interactions?{query}"))[1]["interactions"]]

    assert await listed("queue=%E5%AE%A2%E6%9C%8D") == ["k1", "k2"]
    assert await listed("channel=chat") == ["s0", "s1", "s2"]
    assert await listed("state=cancelled") == ["k0"]
    assert await listed("state=queued&channel=voice") == ["k1", "k2"]
    router.apply(SignInAgent("x", "anna", ready=True))
    assert await listed("state=offered") == ["s0"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "limit: has to be a whole number from 1 to 500."),
        ("limit=x", "limit: has to be a whole number from 1 to 500."),
        ("limit=٣", "limit: has to be a whole number from 1 to 500."),
        ("state=gone", f"state: has to be one of {STATES}."),
        ("cursor=!!!", "cursor: take it unchanged from next_cursor."),
        ("cursor=AAAA", "cursor: take it unchanged from next_cursor."),
        ("cursor=ü", "cursor: take it unchanged from next_cursor."),
        ("stat=queued", 'stat: is not known here; did you mean "state"?'),
        ("limit=1&limit=2", "limit: is given twice."),
    ],
)
async def test_bad_parameters_say_what_is_wrong(system: Client, query: str, detail: str) -> None:
    status, body = await system("GET", f"/v1/interactions?{query}")
    assert (status, body["detail"]) == (400, detail)


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a?b#c", "客服-1", "1699.12", "a;b,c&d=|e"])
async def test_any_id_can_be_addressed(system: Client, name: str) -> None:
    body = {"id": name, "queue": "sales", "channel": "chat"}
    async with system.http.post("/v1/interactions", json=body, headers=system.headers) as response:
        location = response.headers["Location"]
    url = URL(location, encoded=True)
    async with system.http.get(url, headers=system.headers) as response:
        assert (response.status, (await response.json())["id"]) == (200, name)
    async with system.http.delete(url, headers=system.headers) as response:
        assert (response.status, (await response.json())["state"]) == (200, "cancelled")
