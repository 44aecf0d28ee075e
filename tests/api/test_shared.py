"""Answers that are shared: never a state that is over, never somebody else's, and not too many."""

from acd.api.auth import Principal
from acd.api.shared import MAX_BYTES, MAX_SHARED, MOMENT_US, Kept, SharedAnswers
from acd.core.messages import CancelInteraction, EnqueueInteraction, SignInAgent
from acd.runtime.view import View
from tests.api.harness import As, Client, MemoryRouter


class Picture:
    def __init__(self) -> None:
        self.view = View()
        self.clock_us = 0

    def now_us(self) -> int:
        return self.clock_us


def kept_in(shared: SharedAnswers, who: Principal, name: str, length: int = 1) -> bool:
    shared.find((who, name))
    shared.keep((who, name), Kept(bytes(length), {}), shared.moment)
    return shared.find((who, name)) is not None


async def test_what_is_committed_is_shown_at_once(system: Client, router: MemoryRouter) -> None:
    for path in ("/v1/interactions", "/v1/queues", "/v1/queues/sales", "/v1/agents", "/v1/agents/anna"):
        before = await system("GET", path)
        assert await system("GET", path) == before
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    router.apply(SignInAgent("c2", "anna", ready=True))
    _, page = await system("GET", "/v1/interactions")
    assert [(row["id"], row["state"]) for row in page["interactions"]] == [("i1", "offered")]
    assert (await system("GET", "/v1/queues/sales"))[1]["offered"] == 1
    assert (await system("GET", "/v1/agents/anna"))[1]["presence"] == "ready"


async def test_waiting_goes_on_without_a_commit(system: Client, router: MemoryRouter) -> None:
    router.apply(EnqueueInteraction("c1", "i1", "chat", "sales"))
    waited = []
    for after_us in (0, MOMENT_US - 1, 1):
        router.clock_us += after_us
        _, page = await system("GET", "/v1/interactions")
        waited.append(page["interactions"][0]["waited_seconds"])
    assert waited == [0.0, 0.0, MOMENT_US / 1_000_000]


async def test_names_that_are_changed_without_a_command_are_shown(system: Client, router: MemoryRouter) -> None:
    assert (await system("GET", "/v1/agents/anna"))[1]["name"] == "Anna"
    router.view.names = {"anna": "Anna Karenina"}
    router.view.revision += 1
    assert (await system("GET", "/v1/agents/anna"))[1]["name"] == "Anna Karenina"


async def test_nobody_is_given_what_was_made_for_another_token(as_: As) -> None:
    boss, anna = as_("boss"), as_("anna")
    assert len((await boss("GET", "/v1/agents"))[1]["agents"]) == 3
    assert len((await anna("GET", "/v1/agents"))[1]["agents"]) == 1
    assert len((await boss("GET", "/v1/agents"))[1]["agents"]) == 3
    assert (await boss("GET", "/v1/agents/boris"))[0] == 200
    assert (await anna("GET", "/v1/agents/boris"))[0] == 404
    assert (await as_("")("GET", "/v1/agents"))[0] == 401


async def test_a_customer_is_looked_up_each_time(system: Client, router: MemoryRouter) -> None:
    await system(
        "POST", "/v1/interactions", {"id": "i1", "queue": "sales", "channel": "chat", "customer": {"name": "Li"}}
    )
    await system("POST", "/v1/interactions", {"id": "i2", "queue": "sales", "channel": "chat"})
    assert (await system("GET", "/v1/interactions/i1"))[1]["customer"]["known"] is True
    assert (await system("GET", "/v1/interactions/i2"))[1]["position"] == 2
    router.people.clear()
    assert (await system("GET", "/v1/interactions/i1"))[1]["customer"]["known"] is False
    assert (await system("GET", "/v1/interactions/i2"))[1]["position"] == 2
    router.apply(CancelInteraction("c1", "i1"))
    assert (await system("GET", "/v1/interactions/i2"))[1]["position"] == 1


async def test_errors_are_never_shared(system: Client, router: MemoryRouter) -> None:
    first = await system("GET", "/v1/agents?limit=0")
    second = await system("GET", "/v1/agents?limit=0")
    assert first[0] == second[0] == 400
    assert first[1]["instance"] != second[1]["instance"]
    assert router.view.revision > 0


def test_a_view_that_begins_anew_is_another_picture() -> None:
    picture, who = Picture(), Principal("boss", ("supervisor",))
    shared = SharedAnswers(picture)
    assert kept_in(shared, who, "/v1/agents")
    picture.view = View()
    assert shared.find((who, "/v1/agents")) is None


def test_what_was_found_out_before_a_commit_is_not_kept_after_it() -> None:
    picture, who = Picture(), Principal("boss", ("supervisor",))
    shared = SharedAnswers(picture)
    shared.find((who, "/v1/agents"))
    moment = shared.moment
    picture.view.revision += 1
    shared.keep((who, "/v1/agents"), Kept(b"old", {}), moment)
    assert shared.find((who, "/v1/agents")) is None
    shared.keep((who, "/v1/agents"), Kept(b"older", {}), moment)
    assert shared.find((who, "/v1/agents")) is None


def test_there_is_a_most_of_answers_and_of_bytes() -> None:
    who = Principal("boss", ("supervisor",))
    shared = SharedAnswers(Picture())
    assert [kept_in(shared, who, str(number)) for number in range(MAX_SHARED + 1)] == [True] * MAX_SHARED + [False]
    shared = SharedAnswers(Picture())
    assert kept_in(shared, who, "large", MAX_BYTES)
    assert not kept_in(shared, who, "small")
