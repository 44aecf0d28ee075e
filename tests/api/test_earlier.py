"""What agents read of a customer's earlier conversations, and the notes that they write: who may, of whom, how long."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from acd.api import build_app
from acd.api.earlier import GRACE_US
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    QueueSettings,
    SetDisposition,
    SignInAgent,
    SignOutAgent,
    TransferInteraction,
)
from acd.runtime.config.model import TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.earlier import Earlier, Note
from acd.runtime.earlier.customers import MAX_A_DAY
from acd.runtime.earlier.following import MAX_NOTES
from tests.api.harness import CONFIG, SETTINGS, TOKENS, Client, Http, MemoryRouter, following, looking_back

BORIS: Final = "a-token-of-boris-of-some-length"
DAY_US: Final = 24 * 3600 * 1_000_000
QUEUES: Final = (QueueSettings("sales", wrap_up_us=60_000_000, dispositions=("sold",)), QueueSettings("support"))

_numbers = itertools.count()


@pytest.fixture
def router() -> MemoryRouter:
    agents = (AgentSettings("anna"), AgentSettings("boris"))
    found = MemoryRouter()
    play(found, ApplyConfig("two", replace(SETTINGS, agents=agents, queues=QUEUES)))
    return found


@pytest.fixture
async def earlier(tmp_path: Path, router: MemoryRouter) -> AsyncIterator[Earlier]:
    async with looking_back(tmp_path, router) as found, following(found):
        yield found
        router.events.stream.close()


@pytest.fixture
async def http(router: MemoryRouter, earlier: Earlier) -> AsyncIterator[Http]:
    tokens = (*CONFIG.tokens, TokenConfig("boris-desktop", Secret(BORIS), ("agent",), agent="boris"))
    async with TestClient(TestServer(build_app(router, replace(CONFIG, tokens=tokens), earlier=earlier))) as client:
        yield client


@pytest.fixture
def anna(http: Http) -> Client:
    return Client(http, TOKENS["anna"])


@pytest.fixture
def boris(http: Http) -> Client:
    return Client(http, BORIS)


def play(router: MemoryRouter, *commands: Command) -> None:
    for command in commands:
        outcome = router.apply(command, 1_000)
        assert outcome.refusal is None, (command, outcome.refusal)


def fresh() -> str:
    return f"k{next(_numbers)}"


def comes(router: MemoryRouter, name: str, customer: str = "cu_1") -> None:
    play(router, EnqueueInteraction(fresh(), name, "chat", "sales", customer=customer))


def ready(router: MemoryRouter, agent: str) -> None:
    play(router, SignInAgent(fresh(), agent, ready=True))


def served(router: MemoryRouter, agent: str, name: str, customer: str = "cu_1") -> None:
    """The agent alone is there, has talked, has said how it ended, and is gone again."""
    ready(router, agent)
    comes(router, name, customer)
    play(router, AcceptOffer(fresh(), f"{name}.1", agent), SetDisposition(fresh(), agent, name, "sold"))
    play(router, EndInteraction(fresh(), name, by="agent"), EndWrapUp(fresh(), agent, name))
    play(router, SignOutAgent(fresh(), agent))


def work(agent: str, name: str, what: str = "earlier") -> str:
    return f"/v1/agents/{agent}/work/{name}/{what}"


async def noted(client: Client, agent: str, name: str, text: str, key: str = "n-1") -> tuple[int, Any]:
    return await client("POST", work(agent, name, "notes"), {"id": key, "text": text})


async def test_whoever_serves_a_customer_reads_what_there_was(
    router: MemoryRouter, anna: Client, boris: Client
) -> None:
    served(router, "boris", "old")
    assert (await noted(boris, "boris", "old", "Wants a call on Monday"))[0] == 200
    served(router, "boris", "other", "cu_2")
    ready(router, "anna")
    comes(router, "now")
    status, found = await anna("GET", work("anna", "now"))  # while it rings
    assert status == 200
    (row,) = found["earlier"]
    assert [row[each] for each in ("id", "channel", "queue", "title", "state", "by")] == [
        "old",
        "chat",
        "sales",
        "Sales",
        "completed",
        "agent",
    ]
    assert row["agents"] == [{"agent": "boris", "name": "boris", "disposition": "sold"}]
    (note,) = row["notes"]
    assert (note["agent"], note["text"]) == ("boris", "Wants a call on Monday")
    assert (found["notes"], found["more"], row["conversation"]) == ([], False, False)
    play(router, AcceptOffer(fresh(), "now.1", "anna"))
    await noted(anna, "anna", "now", "Called back")
    _, found = await anna("GET", work("anna", "now"))
    assert [each["text"] for each in found["notes"]] == ["Called back"]
    assert [each["id"] for each in found["earlier"]] == ["old"]


async def test_nobody_else_reads_it(router: MemoryRouter, anna: Client, boris: Client, http: Http) -> None:
    served(router, "boris", "old")
    comes(router, "now")
    for client, agent in ((anna, "anna"), (boris, "boris")):
        assert (await client("GET", work(agent, "now")))[0] == 404  # it waits
        assert (await client("GET", work(agent, "old")))[0] == 404  # it is over, also for who had it
        assert (await client("GET", work(agent, "nothing")))[0] == 404
    ready(router, "anna")
    assert (await boris("GET", work("boris", "now")))[0] == 404
    assert (await boris("GET", work("anna", "now")))[0] == 404
    assert (await noted(boris, "anna", "now", "x"))[0] == 404
    assert (await noted(anna, "anna", "now", "not mine yet"))[0] == 404
    assert (await Client(http, TOKENS["web"])("GET", work("anna", "now")))[0] in {403, 404}
    assert (await anna("GET", work("anna", "now")))[0] == 200


async def test_another_customers_is_not_reached_by_its_id(router: MemoryRouter, anna: Client) -> None:
    served(router, "boris", "old", "cu_2")
    served(router, "boris", "unknown", "")
    ready(router, "anna")
    comes(router, "now")
    for each in ("old", "unknown", "now", "nothing"):
        assert (await anna("GET", f"{work('anna', 'now')}/{each}"))[0] == 404
        assert (await anna("GET", f"{work('anna', 'now')}?before={each}"))[0] == 404


async def test_nobodys_customers_have_nothing_in_common(router: MemoryRouter, anna: Client) -> None:
    served(router, "boris", "old", "")
    ready(router, "anna")
    comes(router, "now", "")
    assert (await anna("GET", work("anna", "now")))[1] == {"earlier": [], "more": False, "notes": []}


@pytest.mark.parametrize("everybody", ["unknown", "anonymous", "guest", "none", "0", "-1", "000", "n/a", "匿名", "xx"])
async def test_what_is_said_of_whoever_is_not_known_names_nobody(
    router: MemoryRouter, anna: Client, boris: Client, everybody: str
) -> None:
    """An application that gives the same reference to everybody whom it does not know."""
    served(router, "boris", "old", everybody)
    await noted(boris, "boris", "old", "Of a stranger")
    ready(router, "anna")
    comes(router, "now", everybody)
    assert (await anna("GET", work("anna", "now")))[1] == {"earlier": [], "more": False, "notes": []}
    assert (await anna("GET", f"{work('anna', 'now')}/old"))[0] == 404
    assert (await anna("GET", f"{work('anna', 'now')}?before=old"))[1]["earlier"] == []


@pytest.mark.parametrize("customer", ["crm-17", "42", "K-00A1", "cv_abcdefghijklmnopqrstuvwxyz"])
async def test_an_id_names_one_customer(router: MemoryRouter, anna: Client, customer: str) -> None:
    served(router, "boris", "old", customer)
    ready(router, "anna")
    comes(router, "now", customer)
    assert [each["id"] for each in (await anna("GET", work("anna", "now")))[1]["earlier"]] == ["old"]


async def test_what_is_given_to_very_many_names_nobody(router: MemoryRouter, anna: Client) -> None:
    for number in range(MAX_A_DAY):
        comes(router, f"old-{number}", "web-1")
    ready(router, "anna")
    comes(router, "now", "web-1")
    assert (await anna("GET", work("anna", "old-0")))[1]["earlier"] == []
    # A day later some of them may be one customer's again.
    router.clock_us += DAY_US
    assert (await anna("GET", work("anna", "old-0")))[1]["earlier"] != []


async def test_notes_on_something_of_the_same_id_before_are_another_customers(
    router: MemoryRouter, anna: Client, earlier: Earlier
) -> None:
    """The engine does not remember for ever which ids there have been."""
    await earlier.add(Note("n", "now", "boris", router.now_us() - 1, "Of a stranger", "cu_9"))
    await earlier.add(Note("n", "old", "boris", router.now_us() - 1, "Of a stranger", "cu_9"))
    served(router, "boris", "old")
    ready(router, "anna")
    comes(router, "now")
    _, found = await anna("GET", work("anna", "now"))
    assert (found["notes"], [each["notes"] for each in found["earlier"]]) == ([], [[]])


async def test_what_has_been_handed_on_is_anothers(router: MemoryRouter, anna: Client, boris: Client) -> None:
    served(router, "boris", "old")
    ready(router, "anna")
    comes(router, "now")
    ready(router, "boris")
    play(router, AcceptOffer(fresh(), "now.1", "anna"))
    play(router, TransferInteraction(fresh(), "now", "anna", "", "boris"))
    assert (await anna("GET", work("anna", "now")))[0] == 404
    assert (await boris("GET", work("boris", "now")))[1]["earlier"][0]["id"] == "old"
    # In her after-call work she still says what there was.
    assert (await noted(anna, "anna", "now", "Promised a refund"))[0] == 200
    _, found = await boris("GET", work("boris", "now"))
    assert [each["text"] for each in found["notes"]] == ["Promised a refund"]


async def test_pages_go_back_in_time(router: MemoryRouter, anna: Client) -> None:
    for number in range(5):
        served(router, "boris", f"old-{number}")
    ready(router, "anna")
    comes(router, "now")
    found: list[str] = []
    query = "?limit=2"
    while query:
        _, page = await anna("GET", work("anna", "now") + query)
        found += [each["id"] for each in page["earlier"]]
        query = f"?limit=2&before={found[-1]}" if page["more"] else ""
    assert found == ["old-4", "old-3", "old-2", "old-1", "old-0"]


async def test_what_is_older_than_kept_is_not_told(router: MemoryRouter, anna: Client, earlier: Earlier) -> None:
    served(router, "boris", "old")
    assert await earlier.encounter("old") is not None
    router.clock_us += 31 * DAY_US
    ready(router, "anna")
    comes(router, "now")
    assert (await anna("GET", work("anna", "now")))[1]["earlier"] == []
    assert (await anna("GET", f"{work('anna', 'now')}/old"))[0] == 404


async def test_a_note_is_one_note_however_often_it_is_sent(router: MemoryRouter, anna: Client) -> None:
    ready(router, "anna")
    comes(router, "now")
    play(router, AcceptOffer(fresh(), "now.1", "anna"))
    first = await noted(anna, "anna", "now", "A note\nof two lines")
    assert await noted(anna, "anna", "now", "A note\nof two lines") == first
    status, problem = await noted(anna, "anna", "now", "Another text")
    assert (status, problem["code"]) == (409, "id-reused")
    for text in ("", "  \n", "x" * 4_001, "a\x00b"):
        status, problem = await noted(anna, "anna", "now", text, "n-2")
        assert (status, problem["code"]) == (422, "invalid-field")
    for number in range(MAX_NOTES - 1):
        assert (await noted(anna, "anna", "now", "x", f"m-{number}"))[0] == 200
    status, problem = await noted(anna, "anna", "now", "x", "too-many")
    assert (status, problem["code"]) == (409, "too-many-notes")


async def test_a_note_that_was_late_is_taken_for_an_hour(router: MemoryRouter, anna: Client, boris: Client) -> None:
    served(router, "anna", "now")
    assert (await noted(anna, "anna", "now", "Late"))[0] == 200
    assert (await noted(boris, "boris", "now", "Not mine"))[0] == 404
    router.clock_us += GRACE_US
    assert (await noted(anna, "anna", "now", "Too late", "n-2"))[0] == 404


async def test_of_whoever_is_erased_nothing_more_is_kept(router: MemoryRouter, anna: Client, earlier: Earlier) -> None:
    served(router, "boris", "old")
    ready(router, "anna")
    comes(router, "now")
    play(router, AcceptOffer(fresh(), "now.1", "anna"))
    await noted(anna, "anna", "now", "personal")
    assert await earlier.erase("cu_1") is True
    assert (await anna("GET", work("anna", "now")))[1] == {"earlier": [], "more": False, "notes": []}
    status, problem = await noted(anna, "anna", "now", "more", "n-2")
    assert (status, problem["code"]) == (409, "person-erased")


async def test_where_nothing_is_kept_there_is_nothing(router: MemoryRouter) -> None:
    ready(router, "anna")
    comes(router, "now")
    play(router, AcceptOffer(fresh(), "now.1", "anna"))
    async with TestClient(TestServer(build_app(router, CONFIG))) as http:
        client = Client(http, TOKENS["anna"])
        assert (await client("GET", work("anna", "now")))[1] == {"earlier": [], "more": False, "notes": []}
        assert (await noted(client, "anna", "now", "x"))[0] == 404
        assert (await client("GET", f"{work('anna', 'now')}/old"))[0] == 404
