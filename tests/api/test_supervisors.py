"""Supervising over HTTP: what the journal has, what the channel is told, and what is said when it cannot be."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.core.messages import AcceptOffer, EnqueueInteraction, SignInAgent, SuperviseInteraction, SupervisionMode
from acd.errors import ChannelError
from acd.ports.supervision import NotSupervisable, Supervisor
from acd.runtime.repeat_store import Repeat, RepeatStore
from acd.runtime.repeats import Repeats
from acd.runtime.request_key import parsed
from acd.testing import FakeChannel
from tests.api.harness import CONFIG, TOKENS, As, Client, MemoryRouter

CALL = "/v1/interactions/call-1/supervision"


class Floor(FakeChannel):
    """A channel that lets supervisors listen."""

    def __init__(self, router: MemoryRouter) -> None:
        super().__init__("phones")
        self.router = router
        self.there: dict[str, SupervisionMode] = {}
        self.fault: ChannelError | None = None

    async def supervise(self, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        ordered = self.router.last(SuperviseInteraction)
        assert (ordered.interaction_id, ordered.agent_id, ordered.mode) == (interaction_id, agent_id, mode)
        if self.fault is not None:
            raise self.fault
        self.there[agent_id] = mode
        if mode == "off":
            del self.there[agent_id]

    def supervisors(self, interaction_id: str) -> tuple[Supervisor, ...]:
        assert interaction_id == "call-1"
        return tuple(Supervisor(agent_id, mode, "calling") for agent_id, mode in self.there.items())


@pytest.fixture
def phones(router: MemoryRouter) -> Floor:
    """Anna talks in call-1; call-2 waits."""
    for number, call in enumerate(("call-1", "call-2")):
        command = EnqueueInteraction(f"e{number}", call, "voice", "sales", instance="phones")
        assert router.apply(command).refusal is None
    assert router.apply(SignInAgent("s", "anna", ready=True)).refusal is None
    assert router.apply(AcceptOffer("a", "call-1.1", "anna")).refusal is None
    router.channels["phones"] = phones = Floor(router)
    return phones


@pytest.mark.parametrize("who", ["boss", "system"])
async def test_a_supervisor_listens_whispers_joins_in_and_leaves(
    as_: As, router: MemoryRouter, phones: Floor, who: str
) -> None:
    for mode in ("listen", "whisper", "barge"):
        shown = {"supervisors": [{"agent": "boris", "mode": mode, "state": "calling"}]}
        assert await as_(who)("PUT", f"{CALL}/boris", {"mode": mode}) == (200, shown)
        assert await as_(who)("GET", CALL) == (200, shown)
        assert router.last(SuperviseInteraction).actor
    assert await as_(who)("PUT", f"{CALL}/boris", {"mode": "off"}) == (200, {"supervisors": []})
    assert phones.there == {}


async def test_agents_may_not(as_: As, router: MemoryRouter, phones: Floor) -> None:
    for method, path, body in (("GET", CALL, None), ("PUT", f"{CALL}/anna", {"mode": "listen"})):
        status, problem = await as_("anna")(method, path, body)
        assert (status, problem["code"]) == (403, "forbidden")
    assert router.submitted == []
    assert phones.there == {}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/interactions/call-2/supervision/boris", 409, "interaction-not-active"),
        ("/v1/interactions/nobody/supervision/boris", 404, "unknown-interaction"),
        (f"{CALL}/nobody", 404, "unknown-agent"),
    ],
)
async def test_refusals(as_: As, phones: Floor, path: str, status: int, code: str) -> None:
    found, problem = await as_("boss")("PUT", path, {"mode": "listen"})
    assert (found, problem["code"]) == (status, code)
    assert phones.there == {}


async def test_a_channel_that_cannot_says_so(as_: As, router: MemoryRouter, phones: Floor) -> None:
    phones.fault = ChannelError("the supervisor's telephone cannot be reached")
    status, problem = await as_("boss")("PUT", f"{CALL}/boris", {"mode": "listen"})
    assert (status, problem["code"]) == (503, "channel-unavailable")
    router.channels["phones"] = FakeChannel("phones")
    status, problem = await as_("boss")("PUT", f"{CALL}/boris", {"mode": "listen"})
    assert (status, problem["code"]) == (409, "not-supervisable")
    assert await as_("boss")("PUT", f"{CALL}/boris", {"mode": "off"}) == (200, {"supervisors": []})


async def test_a_channel_that_never_can_says_so(as_: As, phones: Floor) -> None:
    """It has the verbs, as one of its kind, and its own set-up has not."""
    phones.fault = NotSupervisable("listening takes ARI")
    status, problem = await as_("boss")("PUT", f"{CALL}/boris", {"mode": "listen"})
    assert (status, problem["code"]) == (409, "not-supervisable")


async def test_a_repetition_calls_nobody_again(as_: As, phones: Floor) -> None:
    first = await as_("boss")("PUT", f"{CALL}/boris", {"mode": "listen"}, Idempotency_Key="once")
    phones.there.clear()
    again = await as_("boss")("PUT", f"{CALL}/boris", {"mode": "listen"}, Idempotency_Key="once")
    assert first[0] == again[0] == 200
    assert phones.there == {}


class Committed(Repeats):
    """Knows what has been handed in, as the journal would, and keeps no answers."""

    def __init__(self, router: MemoryRouter, folder: Path) -> None:
        super().__init__(RepeatStore(folder / "answers.db", folder / "no-journal.db", 1), router.now_us)
        self.router = router

    async def find(self, name: str) -> Repeat | None:
        keys = [parsed(command.id) for command in self.router.submitted]
        found = next((key for key in keys if key is not None and key.name == name), None)
        return None if found is None else Repeat(0, found.fingerprint, "", None)

    def keep(self, name: str, answer: bytes) -> None:
        pass


@pytest.mark.parametrize(("mode", "before", "after"), [("listen", [], ["boris"]), ("off", ["boris"], [])])
async def test_a_repetition_of_what_the_channel_could_not_do_is_carried_out(
    router: MemoryRouter, phones: Floor, tmp_path: Path, mode: SupervisionMode, before: list[str], after: list[str]
) -> None:
    phones.there = dict.fromkeys(before, "listen")
    repeats = Committed(router, tmp_path)
    async with TestClient(TestServer(build_app(router, CONFIG, repeats=repeats))) as http:
        boss = Client(http, TOKENS["boss"])
        phones.fault = ChannelError("nobody talks with the caller just now")
        status, problem = await boss("PUT", f"{CALL}/boris", {"mode": mode}, Idempotency_Key="once")
        assert (status, problem["code"]) == (503, "channel-unavailable")
        assert list(phones.there) == before
        phones.fault = None
        status, shown = await boss("PUT", f"{CALL}/boris", {"mode": mode}, Idempotency_Key="once")
        assert (status, [each["agent"] for each in shown["supervisors"]]) == (200, after)
        assert list(phones.there) == after
        assert sum(isinstance(command, SuperviseInteraction) for command in router.submitted) == 1
    await repeats.close()
