"""Figures by interval over HTTP."""

import pytest

from acd.core.messages import AcceptOffer, EndInteraction, EnqueueInteraction, SignInAgent
from tests.api.harness import As, Client, MemoryRouter

SECOND = 1_000_000


@pytest.fixture
def router() -> MemoryRouter:
    """One answered after 4 s and talked to for 10 s, one abandoned after 2 s."""
    router = MemoryRouter()
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    router.apply(EnqueueInteraction("c2", "i2", "chat", "sales"), 2 * SECOND)
    router.apply(SignInAgent("c3", "anna", ready=True), 2 * SECOND)
    router.apply(EndInteraction("c4", "i2"))
    router.apply(AcceptOffer("c5", "i1.1", "anna"))
    router.apply(EndInteraction("c6", "i1", "agent"), 10 * SECOND)
    return router


async def test_a_queue_by_sliding_window(system: Client) -> None:
    status, body = await system("GET", "/v1/figures/queue/sales?last=900")
    assert status == 200, body
    assert body["counts"]["entered"] == 2
    assert body["counts"]["answered"] == 1
    assert body["service_level"] == {
        "answered+abandoned": 0.5,
        "answered+abandoned-short": 1.0,
        "answered": 1.0,
        "entered": 0.5,
    }
    assert (body["speed_of_answer_seconds"], body["longest_wait_seconds"]) == (4.0, 4.0)
    assert (body["abandonment"], body["abandonment_without_short"]) == (0.5, 0.0)


async def test_an_agents_occupancy(system: Client, router: MemoryRouter) -> None:
    router.clock_us += 10 * SECOND
    status, body = await system("GET", "/v1/figures/agent/anna")
    assert status == 200, body
    assert body["begins_at"] is None
    assert body["counts"]["busy_us"] >= 10 * SECOND
    assert body["occupancy"] == body["counts"]["busy_us"] / (body["counts"]["busy_us"] + body["counts"]["idle_us"])


async def test_calendar_intervals_and_channels(system: Client) -> None:
    path = "/v1/figures/channel/chat"
    status, body = await system("GET", f"{path}?from=2023-11-14T22:00:00Z&to=2023-11-14T22:15:00Z")
    assert (status, body["counts"]["entered"]) == (200, 2), body
    status, body = await system("GET", f"{path}?from=2023-11-14T22:15:00%2B00:00")
    assert (status, body["counts"]["entered"]) == (200, 0), body


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("queue/nowhere", 404, "queue"),
        ("agent/nobody", 404, "agent"),
        ("planet/mars", 404, "scope: figures are kept of one of queue, agent, channel"),
        ("queue/sales?last=0", 400, "last"),
        ("queue/sales?last=4000", 400, "3600"),
        ("queue/sales?last=60&from=2023-11-14T22:00:00Z", 400, "cannot be combined"),
        ("queue/sales?from=yesterday", 400, "from: must be a time"),
        ("queue/sales?from=2023-11-14T22:00:00", 400, "with its zone"),
        ("queue/sales?to=2023-11-14T22:01:00Z", 400, "quarter of an hour"),
    ],
)
async def test_bad_questions_are_told_what_is_wrong(system: Client, path: str, status: int, said: str) -> None:
    found, body = await system("GET", f"/v1/figures/{path}")
    assert found == status
    assert said in body["detail"], body


async def test_a_queue_that_nobody_came_to_has_figures_of_nothing(system: Client) -> None:
    status, body = await system("GET", "/v1/figures/queue/%E5%AE%A2%E6%9C%8D?last=60")
    assert (status, body["counts"]["entered"], body["service_level"]["answered"]) == (200, 0, None)


async def test_of_all_queues_in_pages(system: Client, as_: As) -> None:
    status, body = await system("GET", "/v1/figures/queue?last=900&limit=1")
    assert (status, [each["id"] for each in body["figures"]]) == (200, ["sales"])
    assert body["figures"][0] == (await system("GET", "/v1/figures/queue/sales?last=900"))[1]
    status, body = await system("GET", f"/v1/figures/queue?last=900&cursor={body['next_cursor']}")
    assert ([each["id"] for each in body["figures"]], body["next_cursor"]) == (["客服"], None)
    assert body["figures"][0]["counts"]["entered"] == 0
    for scope, names in (("agent", ["anna", "boris", "陈伟"]), ("channel", ["chat"])):
        _, body = await system("GET", f"/v1/figures/{scope}")
        assert [each["id"] for each in body["figures"]] == names
    assert (await system("GET", "/v1/figures/team"))[0] == 404
    assert (await as_("anna")("GET", "/v1/figures/queue"))[0] == 403
