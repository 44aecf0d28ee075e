"""External channels: who may be one, what is said and told over a connection, and what ends it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable

import jsonschema
import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace
from structlog.testing import capture_logs

from acd.api import build_app, channels
from acd.api.external import desk
from acd.api.external import session as sessions
from acd.api.external.catalogue import MESSAGES
from acd.api.external.desk import MAX_COMMANDS
from acd.api.external.orders import Outcome as OutcomeMessage
from acd.api.external.orders import Told
from acd.api.external.requests import End
from acd.api.external.session import MAX_MESSAGE, PAGE
from acd.api.routes import Route
from acd.api.table import ROUTES
from acd.core.messages import (
    AcceptOffer,
    AnnounceInteraction,
    Command,
    ConnectInteraction,
    DeclineOffer,
    DisconnectAgent,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    FailOffer,
    HoldWork,
    JoinAgent,
    LeaveInteraction,
    MergeConsult,
    OfferInteraction,
    OpenConsult,
    Outcome,
    ParkInteraction,
    Preference,
    Refusal,
    ReleaseInteraction,
    RequeueInteraction,
    ResumeWork,
    RevokeOffer,
    TransferInteraction,
)
from acd.errors import ChannelError, JournalUnavailable
from acd.ports.channel import Desired, Personal
from acd.runtime.config.model import ApiConfig, TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.external import ExternalChannel
from acd.testing import FakeChannel
from acd.testing.recording_host import RecordingHost
from tests.api.external_process import JSON, MSGPACK, SOON, Process
from tests.api.harness import CONFIG, TOKENS, As, Http, MemoryRouter, example_url
from tests.runtime.live import idle

SCHEMAS = {(each.said_by, each.name): each.schema for each in MESSAGES}
UNTIL_US = 1_700_000_000_000_000


class Host(RecordingHost):
    """Answers as the test says."""

    def __init__(self) -> None:
        super().__init__(lambda agent_id, channel: f"{channel}:{agent_id}")
        self.answer = Outcome()
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def submit(self, command: Command) -> Outcome:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        await super().submit(command)
        return self.answer


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def web(router: MemoryRouter, host: Host) -> AsyncIterator[ExternalChannel]:
    channel = ExternalChannel("web", "chat")
    router.channels["web"] = channel
    await channel.start(host)
    yield channel
    await channel.stop()


@pytest.fixture
async def process(http: Http, web: ExternalChannel) -> Process:
    found = await Process.connect(http)
    assert web.health()["connected"] is True
    return found


async def handshake(http: Http, token: str = "web", channel: str = "web", form: str = JSON) -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await Process.dial(http, form, token, channel)
    return caught.value.status


async def both(asked: Awaitable[None], process: Process) -> dict[str, object]:
    """What the process hears while the engine waits for it to have done it."""
    task = asyncio.ensure_future(asked)
    message = await process.done()
    await asyncio.wait_for(task, SOON)
    jsonschema.validate(message, SCHEMAS["server", message["type"]])
    return message


# ---- who may be one


@pytest.mark.parametrize(
    ("token", "channel", "status"),
    [
        ("anna", "web", 404),
        ("boss", "web", 404),
        ("web", "pbx", 404),
        ("system", "nobody", 404),
        ("nobody", "web", 401),
        ("", "web", 401),
    ],
)
async def test_only_its_own_token_opens_a_channel(
    http: Http, web: ExternalChannel, token: str, channel: str, status: int
) -> None:
    assert await handshake(http, token, channel) == status
    assert web.health()["connected"] is False


@pytest.mark.usefixtures("web")
async def test_the_role_system_opens_it_too(http: Http) -> None:
    process = await Process.dial(http, token="system")
    assert (await process.asked("hello"))["type"] == "welcome"


async def test_a_channel_of_another_type_is_opened_by_nobody(http: Http, router: MemoryRouter) -> None:
    router.channels["web"] = FakeChannel("web")
    assert await handshake(http) == 404


ELSEWHERE = [route for route in ROUTES if route.access not in ("public", "channel")]


@pytest.mark.parametrize("route", ELSEWHERE, ids=lambda route: route.name)
async def test_its_token_opens_nothing_else(as_: As, router: MemoryRouter, route: Route) -> None:
    status, problem = await as_("web")(route.method, example_url(route), route.example.body)
    assert (status, problem["code"]) == (403, "forbidden")
    assert router.submitted == []


async def test_without_a_socket_it_says_how_the_channel_is(http: Http, as_: As, web: ExternalChannel) -> None:
    del web
    ask = as_("web")
    path = "/v1/channels/web"
    assert await ask("GET", path) == (200, {"id": "web", "media": "chat", "connected": False, "connects": 0})
    await Process.connect(http)
    assert (await ask("GET", path))[1]["connected"] is True
    assert (await ask("GET", "/v1/channels/pbx"))[0] == 404


async def test_before_the_start_and_after_the_stop_nobody_is_let_in(http: Http, router: MemoryRouter) -> None:
    router.channels["web"] = ExternalChannel("web")
    assert await handshake(http) == 503


@pytest.mark.usefixtures("web")
async def test_an_unknown_subprotocol_is_refused(http: Http) -> None:
    assert await handshake(http, form="acd.channel.v9+json") == 400


async def test_whoever_connects_without_end_is_told_to_wait(
    router: MemoryRouter, web: ExternalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    del web
    monkeypatch.setattr(channels, "CONNECTS_PER_SECOND", 0.001)
    monkeypatch.setattr(channels, "CONNECTS_AT_ONCE", 1)
    async with TestClient(TestServer(build_app(router, CONFIG))) as http:
        await Process.connect(http)
        assert await handshake(http) == 429


@pytest.mark.usefixtures("web")
async def test_a_page_of_a_foreign_origin_is_kept_out(http: Http) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['web']}", "Origin": "https://evil.example"}
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect("/v1/channels/web", headers=headers)
    assert caught.value.status == 403


async def test_the_end_of_its_token_is_the_end_of_its_connection(router: MemoryRouter, web: ExternalChannel) -> None:
    token = TokenConfig(
        "short", Secret("short-token-0123456789"), ("channel",), expires_us=router.clock_us + 50_000, channel="web"
    )
    async with TestClient(TestServer(build_app(router, ApiConfig(port=0, tokens=(token,))))) as http:
        process = await Process.dial(http, token="short-token-0123456789")
        assert (await process.asked("hello"))["type"] == "welcome"
        assert await process.ended() == (4401, "token-expired")
    assert web.health()["connected"] is False


# ---- what is told


EFFECTS: list[tuple[Effect, dict[str, object]]] = [
    (ParkInteraction("c1", "web"), {"type": "park"}),
    (
        OfferInteraction("c1.1", "c1", "anna", "web", UNTIL_US),
        {"type": "offer", "address": "chat:anna", "expires_at": "2023-11-14T22:13:20.000000Z"},
    ),
    (RevokeOffer("c1.1", "c1", "anna", "web", "expired"), {"type": "revoke", "reason": "expired"}),
    (ConnectInteraction("c1.1", "c1", "anna", "web"), {"type": "connect"}),
    (DisconnectAgent("c1.1", "c1", "anna", "web"), {"type": "disconnect"}),
    (AnnounceInteraction("c1", "web", "delay"), {"type": "announce", "name": "delay"}),
    (OpenConsult("c1", "web", "c0", "anna"), {"type": "consult", "parent_id": "c0"}),
    (JoinAgent("c1.1", "c1", "anna", "web", "c2"), {"type": "join", "consult_id": "c2"}),
    (ReleaseInteraction("c1", "web", "completed"), {"type": "release", "reason": "completed"}),
]


@pytest.mark.parametrize("form", [JSON, MSGPACK])
async def test_every_effect_is_told_and_waited_for(http: Http, web: ExternalChannel, form: str) -> None:
    process = await Process.connect(http, form)
    for effect, expected in EFFECTS:
        told = await both(web.perform(effect), process)
        assert told["interaction_id"] == "c1"
        for name in ("offer_id", "agent_id"):
            assert told.get(name, "") == getattr(effect, name, "")
        assert {name: told[name] for name in expected} == expected


async def test_a_slow_process_may_answer_in_any_order(process: Process, web: ExternalChannel) -> None:
    tasks = [asyncio.create_task(web.perform(ParkInteraction(f"c{each}", "web"))) for each in range(20)]
    told = [await process.hear() for _ in tasks]
    assert not any(task.done() for task in tasks)
    for message in reversed(told):
        await process.say("done", number=message["number"])
        await asyncio.wait_for(tasks[int(message["interaction_id"][1:])], SOON)


async def test_what_cannot_be_done_is_an_error_that_names_channel_and_reason(
    process: Process, web: ExternalChannel
) -> None:
    task = asyncio.create_task(web.perform(ParkInteraction("c1", "web")))
    await process.say("failed", number=(await process.hear())["number"], reason="no-desk")
    with pytest.raises(ChannelError, match=r"^web: the process says no-desk$"):
        await task


async def test_a_connection_that_is_cut_fails_what_was_under_way(process: Process, web: ExternalChannel) -> None:
    task = asyncio.create_task(web.perform(ParkInteraction("c1", "web")))
    await process.hear()
    await process.ws.close()
    with pytest.raises(ChannelError, match=r"^web: the connection ended"):
        await task
    with pytest.raises(ChannelError, match=r"^web: no process is connected"):
        await web.perform(ParkInteraction("c1", "web"))


async def test_a_late_or_unknown_answer_is_ignored(process: Process, web: ExternalChannel) -> None:
    task = asyncio.create_task(web.perform(ParkInteraction("c1", "web")))
    number = (await process.hear())["number"]
    task.cancel()
    await asyncio.wait((task,))
    await process.say("done", number=number)
    await process.say("done", number=99)
    assert (await both(web.perform(ParkInteraction("c2", "web")), process))["interaction_id"] == "c2"


async def test_what_is_desired_is_told_in_pages_of_one_number(process: Process, web: ExternalChannel) -> None:
    desired = tuple(Desired(f"c{each}", "waiting") for each in range(2 * PAGE + 1))
    task = asyncio.create_task(web.reconcile(desired))
    pages = [await process.hear() for _ in range(3)]
    assert [page["more"] for page in pages] == [True, True, False]
    assert len({page["number"] for page in pages}) == 1
    assert [each["interaction_id"] for page in pages for each in page["interactions"]] == [
        each.interaction_id for each in desired
    ]
    assert not task.done()
    await process.say("done", number=pages[0]["number"])
    await asyncio.wait_for(task, SOON)


async def test_every_way_to_stand_is_told(process: Process, web: ExternalChannel) -> None:
    desired = (
        Desired("c1", "waiting"),
        Desired("c2", "offered", "c2.1", "anna", (("c2.2", "ben"),)),
        Desired("c3", "connected", "c3.1", "anna"),
        Desired("c4", "waiting", parent="c3", asking="anna"),
    )
    told = await both(web.reconcile(desired), process)
    anna = {"agent_id": "anna", "address": "chat:anna"}
    ben = {"offer_id": "c2.2", "agent_id": "ben", "address": "chat:ben"}
    nobody = {"parent": "", "asking": ""}
    assert told["interactions"] == [
        {"interaction_id": "c1", "state": "waiting", "offers": [], **nobody},
        {"interaction_id": "c2", "state": "offered", "offers": [{"offer_id": "c2.1", **anna}, ben], **nobody},
        {"interaction_id": "c3", "state": "connected", "offers": [{"offer_id": "c3.1", **anna}], **nobody},
        {"interaction_id": "c4", "state": "waiting", "offers": [], "parent": "c3", "asking": "anna"},
    ]


async def test_nothing_to_desire_is_told_too(process: Process, web: ExternalChannel) -> None:
    assert (await both(web.reconcile(()), process))["interactions"] == []


async def test_an_outcome_comes_after_the_comparison_that_knew_nothing_of_it(
    process: Process, web: ExternalChannel, host: Host
) -> None:
    """Else the process would release a customer whom nobody had desired yet."""
    host.gate.clear()
    await process.say("enqueue", id="1", interaction_id="new", queue="sales")
    task = asyncio.create_task(web.reconcile(tuple(Desired(f"c{each}", "waiting") for each in range(3 * PAGE))))
    await asyncio.sleep(0)
    host.gate.set()
    heard = [(await process.hear())["type"] for _ in range(4)]
    assert heard == ["reconcile", "reconcile", "reconcile", "outcome"]
    await process.say("done", number=1)
    await asyncio.wait_for(task, SOON)


async def test_without_a_process_there_is_nothing_to_compare(web: ExternalChannel, host: Host, http: Http) -> None:
    await web.reconcile((Desired("c1", "waiting"),))
    assert host.reconciles == 0
    await Process.connect(http)
    assert host.reconciles == 1


async def test_a_process_that_lets_a_comparison_wait_is_cut_off(process: Process, web: ExternalChannel) -> None:
    task = asyncio.create_task(web.reconcile(()))
    await process.hear()
    task.cancel()
    await asyncio.wait((task,))
    assert web.health()["connected"] is False
    assert await process.ended() == (4408, "unanswered")


# ---- what is said


COMMANDS: list[tuple[str, dict[str, object], Command]] = [
    ("accept", {"offer_id": "c1.1", "agent_id": "anna"}, AcceptOffer("x", "c1.1", "anna")),
    ("decline", {"offer_id": "c1.1", "agent_id": "anna"}, DeclineOffer("x", "c1.1", "anna")),
    ("fail-offer", {"offer_id": "c1.1", "reason": "busy"}, FailOffer("x", "c1.1", "busy")),
    ("end", {"interaction_id": "c1", "by": "agent", "reason": "done"}, EndInteraction("x", "c1", "agent", "done")),
    ("requeue", {"interaction_id": "c1"}, RequeueInteraction("x", "c1")),
    ("hold", {"interaction_id": "c1", "agent_id": "anna"}, HoldWork("x", "anna", "c1")),
    ("resume", {"interaction_id": "c1", "agent_id": "anna"}, ResumeWork("x", "anna", "c1")),
    (
        "transfer",
        {"interaction_id": "c1", "agent_id": "anna", "to_queue": "support", "with_context": False},
        TransferInteraction("x", "c1", "anna", "support", with_context=False),
    ),
    (
        "merge-consult",
        {"interaction_id": "c1", "agent_id": "anna", "how": "transfer"},
        MergeConsult("x", "c1", "anna", "transfer"),
    ),
    ("leave", {"interaction_id": "c1", "agent_id": "anna"}, LeaveInteraction("x", "c1", "anna")),
    (
        "enqueue",
        {
            "interaction_id": "c9",
            "queue": "sales",
            "requirement": "skills.english >= 5",
            "preferences": [{"skill": "billing", "weight": 2}],
            "priority": 3,
            "attributes": {"topic": "invoice"},
            "customer": "ref-1",
            "preferred_agent": "ben",
            "parent": "c1",
        },
        EnqueueInteraction(
            "x",
            "c9",
            "chat",
            "sales",
            "skills.english >= 5",
            (Preference("billing", 2),),
            3,
            (("topic", "invoice"),),
            "ref-1",
            "web",
            "ben",
            parent="c1",
        ),
    ),
]


@pytest.mark.parametrize("form", [JSON, MSGPACK])
@pytest.mark.usefixtures("web")
async def test_every_command_is_handed_in(http: Http, host: Host, form: str) -> None:
    process = await Process.connect(http, form)
    host.wished["c1"] = Desired("c1", "waiting")
    for number, (kind, fields, expected) in enumerate(COMMANDS):
        jsonschema.validate({"type": kind, "id": f"{number}", **fields}, SCHEMAS["process", kind])
        answer = await process.asked(kind, id=f"{number}", **fields)
        assert answer == {
            "type": "outcome",
            "id": f"{number}",
            "accepted": True,
            "code": "",
            "detail": "",
            "again": False,
        }
        given = host.commands[-1]
        assert given.id.startswith("key-")
        assert given == replace(expected, id=given.id, actor="web-chat")


async def test_a_person_is_remembered_before_they_are_enqueued(process: Process, host: Host) -> None:
    customer = {"number": "+49301234567", "name": "Eve"}
    answer = await process.asked("enqueue", id="1", interaction_id="c1", queue="sales", customer=customer)
    assert answer["accepted"] is True
    enqueued = host.commands[-1]
    assert isinstance(enqueued, EnqueueInteraction)
    assert enqueued.customer == "person-+49301234567"
    assert await host.recall(enqueued.customer) == Personal("+49301234567", "Eve")


@pytest.mark.parametrize("field", ["place_of", "end_reason"])
async def test_a_place_in_line_is_not_for_the_asking(process: Process, host: Host, field: str) -> None:
    answer = await process.asked("enqueue", id="1", interaction_id="c1", queue="sales", **{field: "c0"})
    assert (answer["type"], field in answer["detail"]) == ("closing", True), answer
    assert host.commands == []


async def test_a_number_in_clear_is_no_reference(process: Process, host: Host) -> None:
    answer = await process.asked("enqueue", id="1", interaction_id="c1", queue="sales", customer="+49301234567")
    assert (answer["accepted"], answer["code"]) == (False, "invalid-field")
    assert "+49" not in json.dumps(answer)
    assert host.commands == []


@pytest.mark.usefixtures("web")
async def test_the_same_id_is_the_same_command_whichever_connection_says_it(http: Http, host: Host) -> None:
    process = await Process.connect(http)
    host.wished["c1"] = Desired("c1", "connected", "c1.1", "anna")
    first = await process.asked("requeue", id="1", interaction_id="c1")
    assert first["accepted"] is True
    host.answer = Outcome(refusal=Refusal("interaction-not-active", "nobody talks"))
    refused = await process.asked("requeue", id="2", interaction_id="c1")
    assert refused["code"] == "interaction-not-active"
    host.answer = Outcome()
    # However many commands of others the engine has seen since: it is not carried out again.
    host.commands.clear()
    del host.wished["c1"]
    process = await Process.connect(http)
    assert await process.asked("requeue", id="1", interaction_id="c1") == first
    assert await process.asked("requeue", id="2", interaction_id="c1") == refused
    assert host.commands == []
    assert (await process.asked("requeue", id="3", interaction_id="c1"))["code"] == "unknown-interaction"


async def test_what_nobody_is_sure_of_is_handed_in_again(process: Process, host: Host) -> None:
    host.wished["c1"] = Desired("c1", "waiting")
    host.error = JournalUnavailable("a full disk")
    assert (await process.asked("end", id="1", interaction_id="c1"))["again"] is True
    host.error = None
    assert (await process.asked("end", id="1", interaction_id="c1"))["accepted"] is True
    assert len(host.commands) == 1


async def test_after_a_restart_the_engine_knows_it(process: Process, host: Host) -> None:
    """As if another engine had committed it: it is nobody's any more, and has an outcome all the same."""
    host.wished["c1"] = Desired("c1", "waiting")
    assert (await process.asked("end", id="1", interaction_id="c1"))["accepted"] is True
    forgetful = desk.Memory()
    del host.wished["c1"]
    told: list[Told] = []
    channel = ExternalChannel("web", "chat")
    await channel.start(host)
    await desk.Desk(channel, "web-chat", forgetful, told.append).take(End("1", "c1"))
    await idle()
    assert told == [OutcomeMessage("1", accepted=True)]


def test_memory_is_bounded() -> None:
    memory = desk.Memory()
    for number in range(desk.REMEMBERED + 1):
        memory.keep(f"{number}", None)
    assert "0" not in memory
    assert "1" in memory


@pytest.mark.parametrize(("kind", "fields", "expected"), COMMANDS)
async def test_what_is_not_this_channels_looks_as_if_it_did_not_exist(
    process: Process, host: Host, kind: str, fields: dict[str, object], expected: Command
) -> None:
    del expected
    answer = await process.asked(kind, id="1", **fields)
    assert (answer["accepted"], answer["code"]) == (False, "unknown-interaction")
    assert host.commands == []


async def test_a_refusal_says_why_and_trouble_says_that_it_will_pass(process: Process, host: Host) -> None:
    host.wished["c1"] = Desired("c1", "waiting")
    host.answer = Outcome(refusal=Refusal("interaction-ended", "interaction c1 has ended"))
    answer = await process.asked("end", id="1", interaction_id="c1")
    assert (answer["code"], answer["again"]) == ("interaction-ended", False)
    host.error = JournalUnavailable("disk full at /secret/path")
    answer = await process.asked("end", id="2", interaction_id="c1")
    assert (answer["code"], answer["again"]) == ("journal-unavailable", True)
    assert "secret" not in json.dumps(answer)
    host.error = ZeroDivisionError("a number: +49301234567")
    answer = await process.asked("end", id="3", interaction_id="c1")
    assert (answer["code"], answer["again"]) == ("internal", False)
    assert "+49" not in json.dumps(answer)


async def test_commands_of_one_interaction_keep_their_order_and_others_go_on(process: Process, host: Host) -> None:
    order: list[str] = []
    submit = RecordingHost.submit
    waits = asyncio.Event()

    async def slow(command: Command) -> Outcome:
        if isinstance(command, EnqueueInteraction) and command.interaction_id == "c1":
            await waits.wait()
            host.wished["c1"] = Desired("c1", "waiting")
        order.append(type(command).__name__)
        return await submit(host, command)

    host.submit = slow  # type: ignore[method-assign]
    host.wished["c2"] = Desired("c2", "waiting")
    await process.say("enqueue", id="1", interaction_id="c1", queue="sales")
    await process.say("end", id="2", interaction_id="c1")
    await process.say("hold", id="3", interaction_id="c2", agent_id="anna")
    assert (await process.hear())["id"] == "3"
    waits.set()
    assert [(await process.hear())["accepted"] for _ in range(2)] == [True, True]
    assert order == ["HoldWork", "EnqueueInteraction", "EndInteraction"]


async def test_more_commands_than_there_is_room_for_are_read_later(process: Process, host: Host) -> None:
    host.gate.clear()
    for number in range(MAX_COMMANDS + 40):
        await process.say("enqueue", id=f"{number}", interaction_id=f"c{number}", queue="sales")
    task = asyncio.create_task(process.hear())
    done, _ = await asyncio.wait((task,), timeout=0.2)
    assert not done
    host.gate.set()
    heard = [await task, *[await process.hear() for _ in range(MAX_COMMANDS + 39)]]
    assert sorted(int(each["id"]) for each in heard) == list(range(MAX_COMMANDS + 40))


async def test_people_are_kept_and_told_of_only_where_that_is_allowed(http: Http, router: MemoryRouter) -> None:
    host, channel = Host(), ExternalChannel("web", may_recall=True)
    await channel.start(host)
    router.channels["web"] = channel
    process = await Process.connect(http, MSGPACK)
    person = {"number": "+49301234567", "name": "Eve", "extra": {"tier": "gold"}}
    remembered = await process.asked("remember", id="1", **person)
    assert (remembered["type"], remembered["id"]) == ("remembered", "1")
    told = await process.asked("recall", id="2", customer=remembered["customer"])
    assert told == {"type": "person", "id": "2", "known": True, **person}
    told = await process.asked("recall", id="3", customer="nobody")
    assert (told["known"], told["number"], told["name"]) == (False, "", "")
    channel.may_recall = False
    told = await process.asked("recall", id="4", customer=remembered["customer"])
    assert (told["type"], told["code"]) == ("outcome", "recall-not-allowed")
    assert "Eve" not in json.dumps(told)
    await channel.stop()


# ---- what ends it


async def test_the_newest_connection_is_the_channels(http: Http, web: ExternalChannel, host: Host) -> None:
    first = await Process.connect(http)
    task = asyncio.create_task(web.perform(ParkInteraction("c1", "web")))
    await first.hear()
    second = await Process.connect(http)
    with pytest.raises(ChannelError):
        await task
    assert await first.ended() == (4409, "superseded")
    assert (await both(web.perform(ParkInteraction("c1", "web")), second))["type"] == "park"
    assert web.health() == {"connected": True, "connects": 2}
    assert host.reconciles == 2, "each of them compares"


async def test_whoever_has_not_said_hello_takes_nothing_over(http: Http, web: ExternalChannel) -> None:
    first = await Process.connect(http)
    second = await Process.dial(http)
    assert (await both(web.perform(ParkInteraction("c1", "web")), first))["type"] == "park"
    await second.say("done", number=1)
    assert await second.ended() == (4400, "no-hello")


async def test_hello_has_to_come_soon(http: Http, web: ExternalChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    del web
    monkeypatch.setattr(sessions, "HELLO_SECONDS", 0.02)
    process = await Process.dial(http)
    assert await process.ended() == (4400, "no-hello")


async def test_a_stop_of_the_engine_and_one_of_the_server_say_so(http: Http, web: ExternalChannel) -> None:
    process = await Process.connect(http)
    await web.stop()
    assert await process.ended() == (1012, "closed")
    await web.start(Host())
    process = await Process.connect(http)
    assert http.app is not None
    await http.app.shutdown()
    assert await process.ended() == (1001, "stopping")
    assert web.health()["connected"] is False


MALFORMED: list[tuple[str | bytes, str]] = [
    ("{", "malformed"),
    ('{"a": ' * 10_000, "malformed"),
    ('{"type": "done", "number": 1} more', "malformed"),
    ('{"type": "done", "x": ' + "[" * 50_000, "malformed"),
    ('{"type": "done", "number": ' + "9" * 50_000 + "}", "invalid-field"),
    ("[]", "unknown-type"),
    ('{"type": "reboot"}', "unknown-type"),
    ('{"type": 7}', "unknown-type"),
    ('{"type": "done"}', "missing-field"),
    ('{"type": "done", "number": 0}', "invalid-field"),
    ('{"type": "done", "number": 1, "why": 2}', "unknown-field"),
    ('{"type": "failed", "number": 1, "reason": "ring +49 30 1234567"}', "invalid-field"),
    ('{"type": "end", "id": "", "interaction_id": "c1"}', "invalid-field"),
    ('{"type": "hello"}', "hello-again"),
    (b"\x81", "malformed"),
]


@pytest.mark.parametrize(("sent", "code"), MALFORMED)
async def test_what_is_malformed_ends_the_connection_with_a_reason(
    process: Process, web: ExternalChannel, sent: str | bytes, code: str
) -> None:
    await (process.ws.send_str(sent) if isinstance(sent, str) else process.ws.send_bytes(sent))
    assert await process.ended() == (4400, code)
    assert web.health()["connected"] is False


@pytest.mark.usefixtures("web")
async def test_malformed_messagepack_likewise(http: Http) -> None:
    deep = b"\x82\xa4type\xa4done\xa1x" + b"\x91" * 50_000
    for sent in (b"\xc1", b"\x91" * 10_000, b"\x80", b"\xdf\xff\xff\xff\xff", b"\x81\xa1a" * 20_000, deep):
        process = await Process.connect(http, MSGPACK)
        await process.ws.send_bytes(sent)
        assert (await process.ended())[0] == 4400


async def test_a_fault_of_our_own_ends_the_connection_and_is_logged_without_what_was_said(
    process: Process, web: ExternalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(_session: object, _payload: bytes) -> None:
        raise ZeroDivisionError("+49301234567")

    monkeypatch.setattr(sessions.Session, "receive", break_down)
    with capture_logs() as logs:
        await process.say("done", number=1)
        assert await process.ended() == (1011, "internal")
    assert web.health()["connected"] is False
    (fault,) = [each for each in logs if each["log_level"] == "error"]
    assert (fault["instance"], fault["error"]) == ("web", "ZeroDivisionError")
    assert "+49" not in str(logs)


async def test_a_message_that_is_too_large_ends_the_connection(process: Process, web: ExternalChannel) -> None:
    await process.ws.send_str(json.dumps({"type": "done", "number": 1, "why": "x" * MAX_MESSAGE}))
    message = await process.ws.receive(SOON)
    assert (message.type.name, message.data) == ("CLOSE", 1009)
    while web.health()["connected"]:
        await asyncio.sleep(0)


async def test_more_messages_than_may_wait_end_the_connection(
    process: Process, web: ExternalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_WAITING", 3)
    tasks = [asyncio.create_task(web.perform(ParkInteraction(f"c{each}", "web"))) for each in range(5)]
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, ChannelError) for each in failed)
    assert await process.ended() == (1013, "too-slow")


async def test_a_process_that_takes_nothing_is_cut_off(
    http: Http, web: ExternalChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SEND_SECONDS", 0.1)
    monkeypatch.setattr(channels, "CLOSE_SECONDS", 0.1)
    process = await Process.connect(http)
    transport = process.ws._response.connection.transport  # type: ignore[union-attr]
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()
    desired = tuple(Desired(f"{each}{'x' * 100}", "waiting") for each in range(100_000))
    with pytest.raises(ChannelError):
        await asyncio.wait_for(web.reconcile(desired), SOON)
    assert web.health()["connected"] is False
    transport.resume_reading()


def test_every_example_fits_its_schema() -> None:
    for each in MESSAGES:
        jsonschema.Draft202012Validator.check_schema(each.schema)
        jsonschema.validate(each.example, each.schema)
        assert each.meaning.endswith("."), each.name
    assert len(SCHEMAS) == len(MESSAGES)


async def test_the_messages_are_listed_for_programs(as_: As) -> None:
    status, body = await as_("")("GET", "/v1/channel-messages")
    assert status == 200
    assert [each["type"] for each in body["messages"]] == [each.name for each in MESSAGES]
    assert body["protocols"] == [JSON, MSGPACK]
