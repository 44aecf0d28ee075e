"""A transfer to a telephone number over HTTP: who may, what becomes of it, and what is said when it cannot be."""

from collections.abc import Awaitable, Callable

import pytest

from acd.core.messages import AcceptOffer, EndInteraction, EnqueueInteraction, SignInAgent
from acd.errors import ChannelError
from acd.ports.numbers import NoNumbers, NumberNotAllowed
from acd.testing import FakeChannel
from tests.api.harness import As, MemoryRouter

PATH = "/v1/agents/anna/work/call-1/transfer"
NUMBER = "canary +49 30 901820"


class Numbers:
    """Of a channel that leads customers to numbers."""

    are_there = True

    def __init__(self) -> None:
        self.led: list[tuple[str, str, str]] = []
        self.fault: ChannelError | None = None

    async def transfer(
        self, interaction_id: str, agent_id: str, number: str, end: Callable[[], Awaitable[bool]]
    ) -> None:
        if self.fault is not None:
            raise self.fault
        if await end():
            self.led.append((interaction_id, agent_id, number))


class Phones(FakeChannel):
    """With them."""

    def __init__(self) -> None:
        super().__init__("phones")
        self.numbers = Numbers()


@pytest.fixture
def phones(router: MemoryRouter) -> Phones:
    """Anna talks in call-1."""
    assert router.apply(EnqueueInteraction("e", "call-1", "voice", "sales", instance="phones")).refusal is None
    assert router.apply(SignInAgent("s", "anna", ready=True)).refusal is None
    assert router.apply(AcceptOffer("a", "call-1.1", "anna")).refusal is None
    router.channels["phones"] = phones = Phones()
    return phones


async def test_the_interaction_ends_and_the_customer_is_led_there_once(
    as_: As, router: MemoryRouter, phones: Phones
) -> None:
    first = await as_("anna")("POST", PATH, {"to_number": NUMBER}, Idempotency_Key="once")
    assert (first[0], first[1]["state"]) == (200, "completed")
    assert await as_("anna")("POST", PATH, {"to_number": NUMBER}, Idempotency_Key="once") == first
    assert phones.numbers.led == [("call-1", "anna", NUMBER)]
    ended = router.last(EndInteraction)
    assert (ended.by, ended.reason, ended.actor) == ("agent", "transferred-out", "anna-desktop")
    assert "canary" not in f"{first}{router.submitted}", "numbers are in no journal and no answer"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (NoNumbers("none"), 409, "no-numbers"),
        (NumberNotAllowed("not that one"), 409, "number-not-allowed"),
        (ChannelError("not just now"), 503, "channel-unavailable"),
    ],
)
async def test_what_cannot_be_done_ends_nothing(
    as_: As, router: MemoryRouter, phones: Phones, fault: ChannelError, status: int, code: str
) -> None:
    phones.numbers.fault = fault
    found, problem = await as_("anna")("POST", PATH, {"to_number": NUMBER})
    assert (found, problem["code"]) == (status, code)
    assert "canary" not in str(problem)
    assert router.submitted == []


async def test_a_channel_without_the_verb(as_: As, router: MemoryRouter, phones: Phones) -> None:
    router.channels["phones"] = FakeChannel("phones")
    status, problem = await as_("anna")("POST", PATH, {"to_number": NUMBER})
    assert (status, problem["code"]) == (409, "no-numbers")
    assert phones.numbers.led == []


@pytest.mark.parametrize(
    "body", [{"to_number": NUMBER, "to_queue": "sales"}, {"to_number": "1" * 41}, {"to_number": 7}]
)
async def test_what_is_no_order(as_: As, phones: Phones, body: object) -> None:
    found, problem = await as_("anna")("POST", PATH, body)
    assert 400 <= found < 500, problem
    assert phones.numbers.led == []


async def test_only_whoever_is_responsible(as_: As, phones: Phones) -> None:
    for path in ("/v1/agents/boris/work/call-1/transfer", "/v1/agents/anna/work/nobody/transfer"):
        assert (await as_("anna")("POST", path, {"to_number": NUMBER}))[0] == 404
    assert (await as_("system")("POST", "/v1/agents/boris/work/call-1/transfer", {"to_number": NUMBER}))[0] == 404
    assert phones.numbers.led == []
