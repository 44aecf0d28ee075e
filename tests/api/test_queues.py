"""Queues and decisions over HTTP."""

from acd.core.messages import AcceptOffer, EnqueueInteraction, SignInAgent
from tests.api.harness import Client, MemoryRouter

SECOND = 1_000_000


async def test_a_queue_shows_its_line_and_figures(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    router.apply(EnqueueInteraction("c2", "i2", "chat", "sales"), SECOND)
    router.apply(SignInAgent("c3", "anna", ready=True), SECOND)
    router.apply(AcceptOffer("c4", "i1.1", "anna"))
    router.clock_us += SECOND
    status, body = await system("GET", "/v1/queues/sales")
    assert status == 200
    totals = body.pop("totals")
    # One waits, and the only agent who is there talks: half of the usual time is as good a guess as any.
    estimated = body.pop("estimated_wait")
    assert 0 < estimated["low_seconds"] < estimated["middle_seconds"] < estimated["high_seconds"]
    assert body.pop("estimate_quality") == {
        "answers": 0,
        "covered": None,
        "error_seconds": None,
        "rolling_error_seconds": None,
    }
    assert body == {
        "id": "sales",
        "title": "Sales",
        "strategy": "best-fit",
        "requirement": "true",
        "retired": False,
        "waiting": 1,
        "offered": 0,
        "active": 1,
        "oldest_enqueued_at": "2023-11-14T22:13:21.000000Z",
        "longest_wait_seconds": 2.0,
        "service_level": {"threshold_seconds": 20.0, "ratio": 1.0, "met": 1, "decided": 1},
        "closed": None,
    }
    assert (totals["entered"], totals["answered"], totals["waited_us"]) == (2, 1, 2 * SECOND)


async def test_queues_are_listed_by_id(system: Client) -> None:
    status, body = await system("GET", "/v1/queues")
    assert (status, [queue["id"] for queue in body["queues"]]) == (200, ["sales", "客服"])
    status, body = await system("GET", "/v1/queues/%E5%AE%A2%E6%9C%8D")
    assert (status, body["longest_wait_seconds"], body["service_level"]["ratio"]) == (200, 0.0, None)
    assert (await system("GET", "/v1/queues/nowhere"))[0] == 404


async def test_decisions_come_with_their_reasons_newest_first(system: Client, router: MemoryRouter) -> None:
    router.apply(SignInAgent("c1", "anna", ready=True))
    router.apply(EnqueueInteraction("c2", "i1", "chat", "sales", requirement="skills.english >= 5"), 32 * SECOND)
    router.apply(EnqueueInteraction("c3", "i2", "chat", "sales"))
    router.apply(SignInAgent("c4", "boris", ready=True), 4 * SECOND)
    status, body = await system("GET", "/v1/decisions?limit=5")
    assert status == 200
    assert [row["reason"] for row in body["decisions"]] == [
        "boris came free: i2 first in line, waited 4 s; fit 0",
        "anna: best fit 80, idle 32 s; i1 waited 0 s",
    ]
    assert body["decisions"][1] == {
        "at": "2023-11-14T22:13:52.000000Z",
        "reason": "anna: best fit 80, idle 32 s; i1 waited 0 s",
        "offer_id": "i1.1",
        "interaction_id": "i1",
        "agent_id": "anna",
        "queue": "sales",
        "sought": "agent",
        "strategy": "best-fit",
        "fit": 80,
        "load": 0,
        "idle_seconds": 32.0,
        "waited_seconds": 0.0,
    }
    assert len((await system("GET", "/v1/decisions?limit=1"))[1]["decisions"]) == 1
    assert (await system("GET", "/v1/decisions?limit=1001"))[0] == 400
