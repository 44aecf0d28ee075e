"""What an agent's desk shows, over HTTP: all that is in hand at one moment, and to whom it can be handed on."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from acd.api.desk_work import MAX_TARGETS
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    CloseQueue,
    Command,
    EndInteraction,
    EnqueueInteraction,
    ExtendWrapUp,
    MergeConsult,
    QueueSettings,
    SignInAgent,
    TransferInteraction,
)
from acd.ports.browser_phones import BrowserPhone
from acd.ports.recording import RecordingState
from acd.runtime.view import View
from acd.testing import FakeChannel
from acd_webrtc.channel import WebrtcChannel
from tests.adapters.webrtc.callers import options
from tests.api.harness import SETTINGS, START_US, Client, MemoryRouter

WORK: Final = "/v1/agents/anna/work"
TARGETS: Final = "/v1/agents/anna/targets"
SECOND_US: Final = 1_000_000

TALKING: Final = (
    SignInAgent("p1", "anna", ready=True),
    EnqueueInteraction("p2", "c1", "chat", "sales", attributes=(("topic", "claims"),), instance="pbx"),
    AcceptOffer("p3", "c1.1", "anna"),
)
ASKING: Final = (
    *TALKING,
    EnqueueInteraction("p4", "q1", "chat", "sales", instance="pbx", parent="c1"),
    SignInAgent("p5", "boris", ready=True),
)
ADVISED: Final = (*ASKING, AcceptOffer("p6", "q1.1", "boris"))
TOGETHER: Final = (*ADVISED, MergeConsult("p7", "q1", "anna", "conference"))


class Recorder(FakeChannel):
    """Records everything."""

    def recording_of(self, interaction_id: str) -> RecordingState:
        return "recording" if interaction_id == "c1" else "off"

    async def pause_recording(self, interaction_id: str) -> None:
        """Not here."""

    async def resume_recording(self, interaction_id: str) -> None:
        """Not here."""


class Phones:
    """Those of one PBX."""

    urls: tuple[str, ...] = ("wss://pbx.example.com:8089/ws",)

    def phone(self, agent_id: str) -> BrowserPhone | None:
        raise AssertionError(agent_id)  # whose it is, is the page's own question


class Telephones(FakeChannel):
    """A PBX whose agents' telephones may be pages."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.browser_phones = Phones()


def play(router: MemoryRouter, *commands: Command) -> None:
    for command in commands:
        assert router.apply(command).refusal is None, command


def settle(router: MemoryRouter, *queues: QueueSettings) -> None:
    play(router, ApplyConfig("settings", msgspec.structs.replace(SETTINGS, queues=queues)))


async def items(client: Client, agent: str = "anna") -> list[dict[str, Any]]:
    status, body = await client("GET", f"/v1/agents/{agent}/work")
    assert status == 200
    found: list[dict[str, Any]] = body["items"]
    return found


async def test_whoever_has_nothing_is_shown_so(anna: Client) -> None:
    status, body = await anna("GET", WORK)
    assert (status, body["items"], body["names"]) == (200, [], {})
    assert body["now"] == "2023-11-14T22:13:20.000000Z"
    assert (body["agent"]["id"], body["agent"]["presence"]) == ("anna", "signed-out")


async def test_an_offer_comes_with_what_is_known_of_it_and_with_the_time(anna: Client, router: MemoryRouter) -> None:
    play(router, *TALKING[:2])
    _, body = await anna("GET", WORK)
    (item,) = body["items"]
    assert item["work"]["state"] == "offered"
    assert (body["now"], item["work"]["deadline"]) == ("2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:40.000000Z")
    assert (item["interaction"]["attributes"], item["part"]) == ({"topic": "claims"}, "none")
    assert item["terms"] == {
        "title": "Sales",
        "dispositions": [],
        "disposition_required": False,
        "wrap_up": "timed",
        "extendable_to": None,
    }


async def test_a_conversation_is_the_owners(anna: Client, router: MemoryRouter) -> None:
    play(router, *TALKING)
    _, body = await anna("GET", WORK)
    (item,) = body["items"]
    assert (item["work"]["state"], item["part"], item["conversation"]) == ("active", "owner", False)
    assert (item["recording"], item["consults"], body["names"]) == (None, [], {"anna": "Anna"})


async def test_only_what_is_talked_about_is_recorded(system: Client, router: MemoryRouter) -> None:
    router.channels["pbx"] = Recorder("pbx")
    play(router, *ADVISED)
    assert [item["recording"] for item in await items(system)] == ["recording"]
    assert [item["recording"] for item in await items(system, "boris")] == ["off"]
    play(router, EndInteraction("e", "c1", "agent"))
    assert [item["recording"] for item in await items(system)] == [None]


async def test_what_of_the_page_carries_their_voice(system: Client, router: MemoryRouter, tmp_path: Path) -> None:
    play(router, *ADVISED)
    assert [item["voice"] for item in await items(system)] == [None]
    router.channels["pbx"] = WebrtcChannel("pbx", options(tmp_path))
    assert [item["voice"] for item in await items(system)] == ["page"]
    assert [item["voice"] for item in await items(system, "boris")] == ["page"], "advice is by the page, too"
    router.channels["pbx"] = Telephones("pbx")
    assert [item["voice"] for item in await items(system)] == ["phone"]
    assert [item["voice"] for item in await items(system, "boris")] == ["phone"], "the adviser's rings, too"
    router.channels["pbx"].browser_phones.urls = ()  # type: ignore[attr-defined]
    assert [item["voice"] for item in await items(system)] == [None], "no page can be a telephone of this PBX"


@pytest.mark.parametrize("restored", [False, True], ids=["told", "restored"])
async def test_whoever_asks_sees_the_consult_until_it_is_over(
    system: Client, router: MemoryRouter, *, restored: bool
) -> None:
    play(router, *ASKING)
    if restored:
        router.view = View.from_state(router.engine.state(), router.clock_us)
    (item,) = await items(system)
    assert [(each["id"], each["state"], each["agent"]) for each in item["consults"]] == [("q1", "offered", "boris")]
    (theirs,) = await items(system, "boris")
    assert (theirs["interaction"]["parent"], theirs["interaction"]["asking"], theirs["consults"]) == ("c1", "anna", [])
    play(router, AcceptOffer("p6", "q1.1", "boris"), EndInteraction("p7", "q1", "customer"))
    (item,) = await items(system)
    assert item["consults"] == []


async def test_many_consults_after_each_other_leave_nothing_behind(router: MemoryRouter) -> None:
    play(router, *TALKING)
    for number in range(100):
        play(
            router,
            EnqueueInteraction(f"ask-{number}", f"q{number}", "chat", "sales", parent="c1"),
            EndInteraction(f"end-{number}", f"q{number}", "customer"),
        )
    assert router.view.interactions["c1"].consults == ("q99",)


async def test_in_a_conference_one_is_responsible(system: Client, router: MemoryRouter) -> None:
    play(router, *TOGETHER)
    ((mine,), (theirs,)) = await items(system), await items(system, "boris")
    assert (mine["part"], theirs["part"]) == ("owner", "participant")
    assert mine["interaction"]["participants"] == ["boris"]
    assert mine["consults"] == []


@pytest.mark.parametrize("restored", [False, True], ids=["told", "restored"])
async def test_after_a_transfer_the_wrap_up_is_as_the_queue_said_and_the_customer_is_anothers(
    anna: Client, router: MemoryRouter, *, restored: bool
) -> None:
    sales = QueueSettings("sales", wrap_up_us=5 * SECOND_US, dispositions=("sold",), disposition_required=True)
    settle(router, sales, QueueSettings("support", dispositions=("solved",)))
    play(router, *TALKING, TransferInteraction("t", "c1", "anna", to_queue="support"))
    if restored:
        router.view = View.from_state(router.engine.state(), router.clock_us)
    (item,) = await items(anna)
    assert (item["work"]["state"], item["work"]["queue"], item["part"]) == ("wrap-up", "sales", "none")
    assert (item["terms"]["dispositions"], item["terms"]["disposition_required"]) == (["sold"], True)
    assert item["interaction"] is None


async def test_a_wrap_up_is_extended_as_far_as_the_queue_grants(anna: Client, router: MemoryRouter) -> None:
    sales = QueueSettings("sales", wrap_up_policy="extended", wrap_up_us=5 * SECOND_US, wrap_up_most_us=8 * SECOND_US)
    settle(router, sales)
    play(router, *TALKING, EndInteraction("e", "c1", "agent"))
    (item,) = await items(anna)
    assert item["interaction"]["state"] == "completed"
    assert item["terms"]["extendable_to"] == "2023-11-14T22:13:28.000000Z"
    play(router, ExtendWrapUp("x", "anna", "c1", 60 * SECOND_US))
    (item,) = await items(anna)
    assert (item["work"]["deadline"], item["terms"]["extendable_to"]) == ("2023-11-14T22:13:28.000000Z", None)


async def test_the_time_is_the_engines(anna: Client, router: MemoryRouter) -> None:
    router.clock_us = START_US + 90 * SECOND_US
    assert (await anna("GET", WORK))[1]["now"] == "2023-11-14T22:14:50.000000Z"


async def test_targets_are_queues_and_who_is_at_work(anna: Client, router: MemoryRouter) -> None:
    play(router, *ASKING[:1], SignInAgent("in", "boris"), CloseQueue("close", "客服", "late"))
    status, body = await anna("GET", TARGETS)
    assert status == 200
    assert body == {
        "queues": [{"id": "sales", "title": "Sales", "closed": None}, {"id": "客服", "title": "", "closed": "late"}],
        "agents": [{"id": "boris", "name": "", "presence": "not-ready"}],
        "more": False,
    }


@pytest.mark.parametrize(
    ("search", "queues", "agents"),
    [("SAL", ["sales"], []), ("客", ["客服"], []), (" bor ", [], ["boris"]), ("nobody", [], [])],
)
async def test_targets_are_found_by_a_part_of_the_name(
    anna: Client, router: MemoryRouter, search: str, queues: list[str], agents: list[str]
) -> None:
    play(router, SignInAgent("in", "boris"))
    _, body = await anna("GET", f"{TARGETS}?search={search}")
    assert ([each["id"] for each in body["queues"]], [each["id"] for each in body["agents"]]) == (queues, agents)


async def test_there_is_an_end_of_targets(anna: Client, router: MemoryRouter) -> None:
    crowd = tuple(AgentSettings(f"a{number}") for number in range(MAX_TARGETS + 1))
    play(router, ApplyConfig("crowd", msgspec.structs.replace(SETTINGS, agents=(*SETTINGS.agents, *crowd))))
    play(router, *(SignInAgent(f"in-{agent.id}", agent.id) for agent in crowd))
    _, body = await anna("GET", TARGETS)
    assert (len(body["agents"]), body["more"]) == (MAX_TARGETS, True)
    _, body = await anna("GET", f"{TARGETS}?search=a50")
    assert ([each["id"] for each in body["agents"]], body["more"]) == (["a50"], False)


async def test_nobody_is_known_who_is_not_there(system: Client) -> None:
    for path in (WORK, TARGETS):
        status, body = await system("GET", path.replace("anna", "nobody"))
        assert (status, body["code"]) == (404, "not-found")
