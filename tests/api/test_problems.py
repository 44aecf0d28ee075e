"""Every way to fail: status, code, and a sentence that names the field and gives nothing away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, get_args
from unittest.mock import Mock

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from acd import errors
from acd.api import app, bodies, problems
from acd.api.openapi import problems_of
from acd.core.messages import (
    AcceptOffer,
    Action,
    ApplyConfig,
    CloseQueue,
    Command,
    EndInteraction,
    EnqueueInteraction,
    ExtendWrapUp,
    NoteDevice,
    SetPresence,
    SignInAgent,
)
from acd.core.messages.outcome import Refusal, RefusalCode
from tests.api.harness import SETTINGS, START_US, Client, Http, MemoryRouter, route_of
from tests.api.test_consults import CONSULTS

CANARY = "13900001111"
ENQUEUE = {"queue": "sales", "channel": "chat"}


@pytest.mark.parametrize("is_gone", [True, False])
def test_who_hangs_up_before_the_answer_is_nobodys_fault(*, is_gone: bool) -> None:
    transport = Mock(is_closing=lambda: is_gone)
    request = make_mocked_request("GET", "/v1/events", transport=transport)
    with capture_logs() as logs:
        assert app._fault(ConnectionResetError(), "1", request).status == 500
        app._fault(ValueError(), "2", request)
    assert [line["request_id"] for line in logs] == (["2"] if is_gone else ["1", "2"])


def test_every_refusal_code_has_a_status() -> None:
    assert set(problems.REFUSALS) == set(get_args(RefusalCode))
    assert all(400 <= status < 500 for status in problems.REFUSALS.values())
    for code in get_args(RefusalCode):
        problem = problems.refused(Refusal(code, "detail"))
        assert (problem.status, problem.code) == (problems.REFUSALS[code], code)


def prepared(router: MemoryRouter, *commands: Command) -> None:
    for command in commands:
        assert router.apply(command).refusal is None


SIGNED_IN = SignInAgent("p1", "anna", ready=True)
QUEUED = EnqueueInteraction("p2", "c1", "chat", "sales")
ACCEPTED = AcceptOffer("p3", "c1.1", "anna")
FULL = tuple(EnqueueInteraction(f"f{number}", f"f{number}", "chat", "sales") for number in range(3))

ENDED = EndInteraction("p4", "c1")
WORK = "/v1/agents/anna/work/c1"


def configured(**changes: Any) -> ApplyConfig:  # noqa: ANN401 - any setting
    """The queue sales with these settings."""
    queue = msgspec.structs.replace(SETTINGS.queues[0], **changes)
    return ApplyConfig("p0", msgspec.structs.replace(SETTINGS, queues=(queue,)))


UNSTAFFED = configured(when_unstaffed=Action("refuse"))
EXTENDED = configured(wrap_up_policy="extended", wrap_up_most_us=6_000_000)
CALLING = configured(callback_first="customer", callback_channel="pbx")
REQUIRED = configured(dispositions=("solved",), disposition_required=True)
EXTEND = ExtendWrapUp("p5", "anna", "c1", 60_000_000)

LATER = EnqueueInteraction("p7", "c1", "chat", "sales", not_before_us=START_US + 60_000_000)
MANY = EnqueueInteraction("p9", "c1", "chat", "sales", attributes=tuple((f"a{n}", "") for n in range(64)))
BACK = EnqueueInteraction("p8", "b1", "voice", "sales", customer="ref", kind="callback")
DEVICES = tuple(NoteDevice(f"d{number}", "anna", f"line{number}", "in-use") for number in range(8))

CASES: list[tuple[RefusalCode, int, tuple[Command, ...], str, str, Any]] = [
    ("unknown-agent", 404, (), "POST", "/v1/agents/zoe/sign-in", {}),
    ("already-signed-in", 409, (SIGNED_IN,), "POST", "/v1/agents/anna/sign-in", {}),
    ("signed-out", 409, (), "PUT", "/v1/agents/anna/presence", {"presence": "ready"}),
    ("unknown-queue", 422, (), "POST", "/v1/interactions", {**ENQUEUE, "queue": "nowhere"}),
    ("bad-requirement", 422, (), "POST", "/v1/interactions", {**ENQUEUE, "requirement": "skills.a >"}),
    ("unknown-skill", 422, (), "POST", "/v1/interactions", {**ENQUEUE, "requirement": "skills.klingon >= 5"}),
    ("duplicate-interaction", 409, (QUEUED,), "POST", "/v1/interactions", {**ENQUEUE, "id": "c1"}),
    ("queue-full", 409, FULL, "POST", "/v1/interactions", ENQUEUE),
    ("queue-closed", 409, (CloseQueue("p6", "sales"),), "POST", "/v1/interactions", ENQUEUE),
    ("queue-unstaffed", 409, (UNSTAFFED,), "POST", "/v1/interactions", ENQUEUE),
    ("unknown-interaction", 404, (), "DELETE", "/v1/interactions/c1", None),
    ("unknown-interaction", 404, (), "POST", "/v1/interactions/c1/end", {}),
    ("interaction-ended", 409, (QUEUED, EndInteraction("p4", "c1")), "DELETE", "/v1/interactions/c1", None),
    ("interaction-active", 409, (SIGNED_IN, QUEUED, ACCEPTED), "DELETE", "/v1/interactions/c1", None),
    ("interaction-not-active", 409, (QUEUED,), "POST", "/v1/interactions/c1/end", {"by": "agent"}),
    ("unknown-offer", 404, (), "POST", "/v1/offers/c1.1/accept", {"agent_id": "anna"}),
    ("offer-ended", 409, (SIGNED_IN, QUEUED, ACCEPTED), "POST", "/v1/offers/c1.1/decline", {"agent_id": "anna"}),
    ("not-your-offer", 403, (SIGNED_IN, QUEUED), "POST", "/v1/offers/c1.1/accept", {"agent_id": "boris"}),
    ("no-such-work", 404, (SIGNED_IN, QUEUED), "POST", "/v1/agents/boris/work/c1/hold", None),
    ("work-not-active", 409, (SIGNED_IN, QUEUED), "POST", "/v1/agents/anna/work/c1/hold", None),
    ("work-not-held", 409, (SIGNED_IN, QUEUED, ACCEPTED), "POST", "/v1/agents/anna/work/c1/resume", None),
    ("wrap-up-not-optional", 409, (SIGNED_IN, QUEUED, ACCEPTED), "POST", f"{WORK}/request-wrap-up", None),
    (
        "wrap-up-not-extendable",
        409,
        (SIGNED_IN, QUEUED, ACCEPTED, ENDED),
        "POST",
        f"{WORK}/extend-wrap-up",
        {"by": 1},
    ),
    (
        "wrap-up-limit",
        409,
        (EXTENDED, SIGNED_IN, QUEUED, ACCEPTED, ENDED, EXTEND),
        "POST",
        f"{WORK}/extend-wrap-up",
        {"by": 0.5},
    ),
    ("unknown-disposition", 422, (SIGNED_IN, QUEUED, ACCEPTED), "PUT", f"{WORK}/disposition", {"code": "x"}),
    ("bad-target", 422, (SIGNED_IN, QUEUED, ACCEPTED), "POST", f"{WORK}/transfer", {"to_agent": "anna"}),
    ("disposition-required", 409, (REQUIRED, SIGNED_IN, QUEUED, ACCEPTED, ENDED), "POST", f"{WORK}/end-wrap-up", None),
    ("interaction-not-offered", 409, (QUEUED,), "POST", "/v1/interactions/c1/recall", None),
    ("interaction-scheduled", 409, (LATER,), "PUT", "/v1/interactions/c1/priority", {"priority": 1}),
    ("interaction-reaching", 409, (CALLING, SIGNED_IN, BACK), "PUT", "/v1/interactions/b1/priority", {"priority": 1}),
    ("customer-known", 409, (BACK,), "PATCH", "/v1/interactions/b1", {"customer": "somebody else"}),
    ("too-many-attributes", 422, (MANY,), "PATCH", "/v1/interactions/c1", {"attributes": {"more": "x"}}),
    ("duplicate-callback", 409, (BACK,), "POST", "/v1/callbacks", {"queue": "sales", "customer": "ref"}),
    ("callback-impossible", 409, (QUEUED,), "POST", "/v1/interactions/c1/call-back", {}),
    ("not-a-callback", 409, (SIGNED_IN, QUEUED, ACCEPTED), "POST", "/v1/callbacks/c1/fail", {}),
    ("not-in-wrap-up", 409, (SIGNED_IN, QUEUED, ACCEPTED), "POST", "/v1/agents/anna/work/c1/end-wrap-up", None),
    ("too-many-devices", 409, DEVICES, "PUT", "/v1/agents/anna/devices/voice", {"state": "in-use"}),
]


def test_every_refusal_that_a_route_can_meet_is_shown() -> None:
    configuration = {"duplicate-entity", "unsupported-semantics", "unknown-strategy", "strategy-changed"}
    configuration |= {"bad-action", "steps-out-of-order"}
    of_channels = {"interaction-not-reaching", "other-attempt", "no-such-place"}
    twice_in_one_object = {"duplicate-attribute"}
    assert {code for code, *_ in (*CASES, *CONSULTS)} == set(
        get_args(RefusalCode)
    ) - configuration - of_channels - twice_in_one_object


@pytest.mark.parametrize(("code", "status", "before", "method", "path", "body"), CASES)
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
    prepared(router, *before)
    found, problem = await system(method, path, body)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert code in problems_of(route_of(method, path)), "not documented"
    assert problem["type"] == f"urn:acd:problem:{code}"
    assert set(problem) == {"type", "title", "status", "detail", "code", "instance"}
    assert problem["detail"]


async def test_a_requirement_is_shown_with_a_caret(system: Client) -> None:
    _, problem = await system("POST", "/v1/interactions", {**ENQUEUE, "requirement": "skills.a > > 2"})
    lines = problem["detail"].splitlines()
    assert lines[-2:] == ["  skills.a > > 2", "             ^"]


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        (
            "skills.englsh >= 5",
            'requirement: nobody has the skill "englsh", and nobody fits without it; did you mean "english"?',
        ),
        (
            "skills.english >= 1 && skills.klingon >= 1",
            'requirement: nobody has the skill "klingon", and nobody fits without it; known are english, 中文',
        ),
    ],
)
async def test_a_skill_that_nobody_has_is_refused_rather_than_waited_for(
    system: Client, router: MemoryRouter, requirement: str, said: str
) -> None:
    before = router.engine.seq
    body = {"queue": "sales", "channel": "voice", "requirement": requirement}
    status, problem = await system("POST", "/v1/interactions", body)
    assert (status, problem["code"], problem["detail"]) == (422, "unknown-skill", said)
    assert router.engine.seq == before
    assert router.engine.state().interactions == ()


@pytest.mark.parametrize("requirement", ["skills.klingon >= 5 || skills.english >= 3", "!has(skills.trainee)"])
async def test_a_skill_that_nobody_has_and_nobody_needs_is_let_pass(system: Client, requirement: str) -> None:
    body = {"queue": "sales", "channel": "voice", "requirement": requirement}
    assert (await system("POST", "/v1/interactions", body))[0] == 201


async def test_a_problem_carries_the_requests_id(http: Http) -> None:
    async with http.get("/v1/agents") as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert (await response.json())["instance"] == f"urn:uuid:{response.headers['X-Request-Id']}"
        assert response.headers["Server"] == "acd"


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"queue": "sales"}, "missing-field", "channel: is required."),
        ({**ENQUEUE, "priorty": 1}, "unknown-field", 'priorty: is not known; did you mean "priority"?'),
        ({**ENQUEUE, CANARY: 1}, "unknown-field", "a field: is not known; known are"),
        ({**ENQUEUE, "priority": "high"}, "invalid-field", "priority: expected int, got str."),
        ({**ENQUEUE, "priority": 1001}, "invalid-field", "priority: expected int <= 1000."),
        ({**ENQUEUE, "priority": 2**70}, "invalid-field", "priority: expected int <= 1000."),
        ({**ENQUEUE, "id": "a b"}, "invalid-field", "id: has white space or a control character in it, or is empty."),
        ({**ENQUEUE, "id": "a\n"}, "invalid-field", "id: has white space or a control character in it, or is empty."),
        ({**ENQUEUE, "id": "x" * 113}, "invalid-field", "id: expected str of length <= 112."),
        ({**ENQUEUE, "attributes": []}, "invalid-field", "attributes: expected an object, got an array."),
        ({**ENQUEUE, "attributes": {"a": 1}}, "invalid-field", "attributes[...]: expected str, got int."),
        (
            {**ENQUEUE, "preferences": [{"skil": "a"}]},
            "unknown-field",
            'preferences[0].skil: is not known; did you mean "skill"?',
        ),
        (
            {**ENQUEUE, "customer": {"nmber": "1"}},
            "unknown-field",
            'customer.nmber: is not known; did you mean "number"?',
        ),
        ({**ENQUEUE, "customer": 5}, "invalid-field", "customer: expected str | an object, got int."),
        ([], "invalid-field", "the body: expected an object, got an array."),
    ],
)
async def test_a_bad_body_names_field_and_fix(
    system: Client,
    router: MemoryRouter,
    body: Any,  # noqa: ANN401
    code: str,
    detail: str,
) -> None:
    status, problem = await system("POST", "/v1/interactions", body)
    assert (status, problem["code"]) == (422, code)
    assert problem["detail"].startswith(detail)
    assert CANARY not in str(problem)
    assert router.submitted == []


async def test_a_closed_choice_lists_its_values_and_repeats_none(system: Client) -> None:
    status, problem = await system("PUT", "/v1/agents/anna/presence", {"presence": CANARY})
    assert (status, problem["detail"]) == (422, "presence: has to be one of not-ready, ready.")


async def test_an_id_in_the_path_is_checked_by_the_router(system: Client) -> None:
    status, problem = await system("POST", "/v1/agents/an%0Ana/sign-in")
    assert (status, problem["code"]) == (422, "invalid-field")
    assert problem["detail"] == "agent_id: has white space or a control character in it, or is empty."
    status, problem = await system("POST", f"/v1/agents/{'x' * 200}/sign-in")
    assert (status, problem["detail"]) == (422, "agent_id: expected str of length <= 128.")


RAW: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"{", {}, 400, "malformed-json"),
    (b'{"queue":"a","channel":"b"}x', {}, 400, "malformed-json"),
    (b'{"queue": "\xff"}', {}, 400, "malformed-json"),
    (b'{"queue": "\\ud800"}', {}, 400, "malformed-json"),
    (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
    (b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported-media-type"),
    (b" " * (problems.MAX_BODY + 1), {}, 413, "body-too-large"),
    (b"[" * 60_000, {}, 422, "invalid-field"),
    (b'{"attributes":' + b'{"a":' * 10_000, {}, 422, "invalid-field"),
    (b'{"x":' + b"[" * 60_000, {}, 422, "unknown-field"),
    (b'{"priority":' + b"9" * 60_000 + b"}", {}, 422, "invalid-field"),
]


@pytest.mark.parametrize(("raw", "headers", "status", "code"), RAW)
async def test_raw_bodies_and_bombs(
    system: Client, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    named = {"Content-Type": "application/json", **system.headers, **headers}
    async with system.http.post("/v1/interactions", data=raw, headers=named, auto_decompress=False) as response:
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["code"]) == (status, code)


async def test_a_long_body_without_a_length_is_cut_off(system: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    headers = {"Content-Type": "application/json", **system.headers}
    async with system.http.post("/v1/interactions", data=chunks(), headers=headers) as response:
        problem = await response.json(content_type=problems.MEDIA_TYPE)
    assert (response.status, problem["code"]) == (413, "body-too-large")


async def test_a_body_that_does_not_come_is_not_waited_for(system: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)
    answered = asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"{"
        await answered.wait()

    headers = {"Content-Type": "application/json", **system.headers}
    async with system.http.post("/v1/interactions", data=never_ending(), headers=headers) as response:
        answered.set()
        problem = await response.json(content_type=problems.MEDIA_TYPE)
    assert (response.status, problem["code"]) == (408, "request-timeout")


@pytest.mark.parametrize("raw", [raw for raw, _, _, _ in RAW])
def test_a_bomb_is_found_out_at_once(raw: bytes) -> None:
    begun = time.thread_time()
    with pytest.raises(problems.Problem):
        bodies.decode(raw, bodies.Enqueue)
    assert time.thread_time() - begun < 0.05


async def test_parameters_do_not_go_beside_a_body(system: Client) -> None:
    status, problem = await system("POST", "/v1/agents/anna/sign-in?ready=true")
    assert (status, problem["detail"]) == (400, "ready: is not known here; remove it")


async def test_unknown_paths_and_methods_are_problems_too(system: Client) -> None:
    status, problem = await system("GET", "/v1/nothing")
    assert (status, problem["code"]) == (404, "not-found")
    async with system.http.put("/v1/agents", headers=system.headers) as response:
        problem = await response.json(content_type=problems.MEDIA_TYPE)
        assert (response.status, problem["code"], response.headers["Allow"]) == (405, "method-not-allowed", "GET")


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (errors.RouterOverloaded("full"), 503, "overloaded", "1"),
        (errors.RouterClosed("stopping"), 503, "closed", "5"),
        (errors.JournalUnavailable(f"disk full {CANARY}"), 503, "journal-unavailable", "5"),
        (errors.OutcomeUnknown(CANARY), 503, "outcome-unknown", "5"),
        (errors.CommandQuarantined(CANARY), 500, "command-quarantined", None),
        (ValueError(CANARY), 500, "internal", None),
        (RecursionError(CANARY), 500, "internal", None),
    ],
)
async def test_what_goes_wrong_inside_stays_inside(
    system: Client,
    router: MemoryRouter,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
    retry: str | None,
) -> None:
    router.fault = error
    with capture_logs() as logs:
        async with system.http.post("/v1/agents/anna/sign-in", headers=system.headers) as response:
            text = await response.text()
            assert (response.status, response.headers.get("Retry-After")) == (status, retry)
    assert msgspec.json.decode(text)["code"] == code
    assert CANARY not in text
    assert "Traceback" not in text
    assert CANARY not in caplog.text + str(logs)
    faults = [(log["request_id"], log["error"]) for log in logs]
    request_id = msgspec.json.decode(text)["instance"].removeprefix("urn:uuid:")
    assert faults == ([(request_id, type(error).__name__)] if code == "internal" else [])


def test_every_error_of_ours_is_answered() -> None:
    answered: Callable[[errors.AcdError], problems.Problem | None] = problems.of_error
    for kind in (errors.CommandInvalid, errors.RouterClosed, errors.RouterOverloaded, errors.CommandQuarantined):
        assert answered(kind("x")) is not None
    for journal in (errors.JournalCorrupt, errors.JournalUnavailable, errors.PersonalStoreError):
        found = answered(journal("x"))
        assert found is not None
        assert found.status == 503


async def test_set_presence_needs_a_body(system: Client, router: MemoryRouter) -> None:
    prepared(router, SIGNED_IN, SetPresence("p9", "anna", "not-ready", "lunch"))
    status, problem = await system("PUT", "/v1/agents/anna/presence")
    assert (status, problem["detail"]) == (422, "presence: is required.")
