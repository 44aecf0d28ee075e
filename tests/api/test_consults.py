"""Asking for advice, handing over and talking together, over HTTP."""

from typing import Any, Final

import msgspec
import pytest

from acd.core import limits
from acd.core.messages import (
    AcceptOffer,
    AgentSettings,
    ApplyConfig,
    Command,
    EndInteraction,
    EnqueueInteraction,
    LeaveInteraction,
    MergeConsult,
    SignInAgent,
)
from acd.core.messages.outcome import RefusalCode
from tests.api.harness import SETTINGS, Client, MemoryRouter

WORK: Final = "/v1/agents/anna/work/c1"
ASK: Final = f"{WORK}/consult"
MERGE: Final = "/v1/agents/anna/consults/q1/merge"
CONFERENCE: Final = {"how": "conference"}

MANY: Final = tuple(AgentSettings(f"a{number}") for number in range(limits.MAX_CONFERENCE))
TALKING: Final = (
    SignInAgent("p1", "anna", ready=True),
    EnqueueInteraction("p2", "c1", "chat", "sales", attributes=(("topic", "claims"),), customer="ref-1", instance="im"),
    AcceptOffer("p3", "c1.1", "anna"),
)
ASKING: Final = (*TALKING, EnqueueInteraction("p4", "q1", "chat", "sales", instance="im", parent="c1"))
ADVISED: Final = (*ASKING, SignInAgent("p5", "boris", ready=True), AcceptOffer("p6", "q1.1", "boris"))
TOGETHER: Final = (*ADVISED, MergeConsult("p7", "q1", "anna", "conference"))
AGAIN: Final = (
    *TOGETHER,
    LeaveInteraction("p10", "c1", "boris"),
    EnqueueInteraction("p8", "q2", "chat", "sales", instance="im", parent="c1"),
    AcceptOffer("p9", "q2.1", "boris"),
)
ELSEWHERE: Final = (
    *TALKING,
    EnqueueInteraction("p4", "q1", "chat", "sales", parent="c1"),
    SignInAgent("p5", "boris", ready=True),
    AcceptOffer("p6", "q1.1", "boris"),
)
CROWD: Final[tuple[Command, ...]] = (
    ApplyConfig("p0", msgspec.structs.replace(SETTINGS, agents=(*SETTINGS.agents, *MANY))),
    *TALKING,
    *(
        command
        for number, agent in enumerate(MANY)
        for command in (
            EnqueueInteraction(f"ask-{number}", f"q{number}", "chat", "sales", instance="im", parent="c1"),
            SignInAgent(f"in-{number}", agent.id, ready=True),
            AcceptOffer(f"accept-{number}", f"q{number}.1", agent.id),
            *((MergeConsult(f"merge-{number}", f"q{number}", "anna", "conference"),) if agent != MANY[-1] else ()),
        )
    ),
)
LAST: Final = f"/v1/agents/anna/consults/q{len(MANY) - 1}/merge"

CONSULTS: Final[list[tuple[RefusalCode, int, tuple[Command, ...], str, str, Any]]] = [
    ("bad-target", 422, TALKING, "POST", ASK, {}),
    ("no-such-work", 404, TALKING, "POST", "/v1/agents/boris/work/c1/consult", {"to_queue": "sales"}),
    ("interaction-not-active", 409, TALKING[1:2], "POST", ASK, {"to_queue": "sales"}),
    ("bad-consult", 422, TALKING, "POST", ASK, {"to_agent": "anna"}),
    ("nested-consult", 409, ADVISED, "POST", "/v1/agents/boris/work/q1/consult", {"to_queue": "sales"}),
    (
        "too-many-consults",
        409,
        (
            *TALKING,
            *(EnqueueInteraction(f"e{n}", f"q{n}", "chat", "sales", parent="c1") for n in range(3)),
            EnqueueInteraction("e3", "q3", "chat", "客服", parent="c1"),
        ),
        "POST",
        ASK,
        {"to_queue": "客服"},
    ),
    ("not-a-consult", 409, TALKING, "POST", "/v1/agents/anna/consults/c1/merge", CONFERENCE),
    ("not-a-consult", 409, TALKING, "POST", "/v1/agents/anna/consults/c1/end", {}),
    ("no-such-work", 404, ADVISED, "POST", "/v1/agents/boris/consults/q1/merge", CONFERENCE),
    ("no-such-work", 404, ADVISED, "POST", "/v1/agents/boris/consults/q1/end", {}),
    ("interaction-not-active", 409, ASKING, "POST", MERGE, CONFERENCE),
    ("interaction-ended", 409, (*ASKING, EndInteraction("p9", "q1")), "POST", MERGE, CONFERENCE),
    ("other-channel", 409, ELSEWHERE, "POST", MERGE, CONFERENCE),
    ("already-on-it", 409, AGAIN, "POST", "/v1/agents/anna/consults/q2/merge", CONFERENCE),
    ("in-conference", 409, TOGETHER, "POST", f"{WORK}/transfer", {"to_queue": "客服"}),
    ("conference-full", 409, CROWD, "POST", LAST, CONFERENCE),
    ("last-agent", 409, TALKING, "POST", f"{WORK}/leave", {}),
    ("no-such-work", 404, TOGETHER, "POST", "/v1/agents/陈伟/work/c1/leave", {}),
]


def prepared(router: MemoryRouter, commands: tuple[Command, ...]) -> None:
    for command in commands:
        outcome = router.apply(command)
        assert outcome.refusal is None, (command, outcome.refusal)


@pytest.mark.parametrize(("code", "status", "before", "method", "path", "body"), CONSULTS)
async def test_a_refusal_is_a_problem(
    system: Client,
    router: MemoryRouter,
    code: RefusalCode,
    status: int,
    before: tuple[Command, ...],
    method: str,
    path: str,
    body: Any,  # noqa: ANN401
) -> None:
    prepared(router, before)
    found, problem = await system(method, path, body)
    assert (found, problem["code"]) == (status, code)
    assert problem["detail"]


async def test_a_question_takes_over_what_is_known_of_the_customer(anna: Client, router: MemoryRouter) -> None:
    prepared(router, TALKING)
    status, body = await anna("POST", ASK, {"id": "q1", "to_agent": "boris", "priority": 2})
    assert (status, body["id"], body["parent"], body["asking"], body["state"]) == (201, "q1", "c1", "anna", "queued")
    sent = router.last(EnqueueInteraction)
    assert (sent.queue, sent.channel, sent.instance) == ("sales", "chat", "im")
    assert (sent.preferred_agent, sent.priority) == ("boris", 2)
    assert (sent.customer, sent.attributes) == ("ref-1", (("topic", "claims"),))


async def test_what_is_asked_otherwise_is_asked_so(anna: Client, router: MemoryRouter) -> None:
    prepared(router, TALKING)
    asked = {
        "to_queue": "客服",
        "channel": "email",
        "attributes": {"b": "2", "a": "1"},
        "requirement": "skills.english >= 2",
        "preferences": [{"skill": "english"}],
    }
    status, _ = await anna("POST", ASK, asked)
    sent = router.last(EnqueueInteraction)
    assert (status, sent.queue, sent.channel, sent.instance) == (201, "客服", "email", "")
    assert sent.attributes == (("a", "1"), ("b", "2"))
    assert (sent.requirement, sent.preferences[0].skill) == ("skills.english >= 2", "english")


async def test_an_attended_transfer(anna: Client, router: MemoryRouter) -> None:
    prepared(router, ADVISED)
    status, body = await anna("POST", MERGE, {"how": "transfer"})
    assert (status, body["id"], body["agent"], body["participants"]) == (200, "c1", "boris", [])
    # The customer is somebody else's now.
    assert (await anna("GET", "/v1/interactions/c1"))[0] == 404
    assert (await anna("POST", f"{WORK}/hold"))[0] == 409


async def test_a_conference_and_who_is_responsible_after_it(anna: Client, router: MemoryRouter) -> None:
    prepared(router, ADVISED)
    status, body = await anna("POST", MERGE, CONFERENCE)
    assert (status, body["agent"], body["participants"]) == (200, "anna", ["boris"])
    status, body = await anna("POST", f"{WORK}/leave", {"reason": "lunch"})
    assert (status, body["agent"], body["participants"]) == (200, "boris", [])


async def test_who_takes_part_sees_the_interaction(anna: Client, system: Client, router: MemoryRouter) -> None:
    prepared(router, (SignInAgent("q1", "boris", ready=True), EnqueueInteraction("q2", "c1", "chat", "sales")))
    prepared(router, (AcceptOffer("q3", "c1.1", "boris"), SignInAgent("q4", "anna", ready=True)))
    assert (await anna("GET", "/v1/interactions/c1"))[0] == 404
    prepared(router, (EnqueueInteraction("q5", "q1", "chat", "sales", parent="c1"),))
    prepared(router, (AcceptOffer("q6", "q1.1", "anna"), MergeConsult("q7", "q1", "boris", "conference")))
    status, body = await anna("GET", "/v1/interactions/c1")
    assert (status, body["agent"], body["participants"]) == (200, "boris", ["anna"])
    assert (await system("GET", "/v1/interactions/q1"))[1]["end_reason"] == "merged"


async def test_who_asks_sees_the_question_and_can_end_it(anna: Client, router: MemoryRouter) -> None:
    prepared(router, ASKING)
    assert (await anna("GET", "/v1/interactions/q1"))[1]["asking"] == "anna"
    status, body = await anna("POST", "/v1/agents/anna/consults/q1/end", {"reason": "found it"})
    assert (status, body["state"], body["end_reason"]) == (200, "abandoned", "found it")


async def test_nobody_asks_or_decides_for_others(anna: Client, router: MemoryRouter) -> None:
    prepared(router, (SignInAgent("q1", "boris", ready=True), EnqueueInteraction("q2", "c1", "chat", "sales")))
    prepared(router, (AcceptOffer("q3", "c1.1", "boris"), EnqueueInteraction("q4", "q1", "chat", "客服", parent="c1")))
    for path, body in (
        ("/v1/agents/boris/work/c1/consult", {"to_queue": "sales"}),
        ("/v1/agents/anna/work/c1/consult", {"to_queue": "sales"}),
        ("/v1/agents/boris/consults/q1/merge", CONFERENCE),
        ("/v1/agents/anna/consults/q1/merge", CONFERENCE),
        ("/v1/agents/anna/consults/q1/end", {}),
        ("/v1/agents/anna/work/c1/leave", {}),
    ):
        assert (await anna("POST", path, body))[0] == 404, path


async def test_a_repeated_request_asks_once(anna: Client, router: MemoryRouter) -> None:
    prepared(router, TALKING)
    for _ in range(2):
        status, _ = await anna("POST", ASK, {"to_queue": "客服"}, Idempotency_Key="ask-1")
        assert status == 201
    assert len(router.view.interactions) == 2
