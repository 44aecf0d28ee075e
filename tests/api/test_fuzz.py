"""Whatever is sent: an answer below 500, a problem when it is not a success, and no canary in anything."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from yarl import URL

from acd.api import serve
from acd.core.messages import EnqueueInteraction, SignInAgent
from tests.api.harness import CONFIG, TOKENS, MemoryRouter

CANARY = "13577778888"

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["anna", "sales", "客服", "c1", "c1.1", "ready", "chat", "", CANARY, "x" * 600, "a\nb", "${EXTEN}"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
FIELDS = [
    *("id", "queue", "channel", "requirement", "preferences", "priority", "attributes", "customer"),
    *("agent_id", "reason", "ready", "presence", "by", "skill"),
]
IDS = st.sampled_from(["c1", "c2", "c3"])
VALID = {
    "/v1/interactions": st.fixed_dictionaries(
        {"queue": st.sampled_from(["sales", "客服"]), "channel": st.sampled_from(["chat", "voice"])},
        optional={
            "id": IDS,
            "customer": st.fixed_dictionaries({"number": st.just(CANARY)}),
            "requirement": st.sampled_from(["skills.english >= 5", "skills.english >"]),
            "attributes": st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2),
            "priority": st.integers(-1001, 1001),
        },
    ),
    "/v1/agents/{}/sign-in": st.fixed_dictionaries({"ready": st.just(value=True)}, optional={"reason": TEXTS}),
    "/v1/agents/{}/presence": st.fixed_dictionaries({"presence": st.sampled_from(["ready", "not-ready"])}),
    "/v1/interactions/{}/end": st.fixed_dictionaries({}, optional={"by": st.sampled_from(["customer", "agent"])}),
    "/v1/offers/{}/accept": st.fixed_dictionaries({"agent_id": st.just("anna")}),
    "/v1/offers/{}/decline": st.fixed_dictionaries({"agent_id": st.just("anna")}, optional={"reason": TEXTS}),
}
"""What a route may well accept."""
ANYTHING = st.one_of(
    VALUES.map(msgspec.json.encode),
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), TEXTS), VALUES, max_size=6).map(msgspec.json.encode),
    st.binary(max_size=50),
)
ROUTES = st.sampled_from(
    [
        ("POST", "/v1/interactions"),
        ("GET", "/v1/interactions"),
        ("POST", "/v1/agents/{}/sign-in"),
        ("POST", "/v1/agents/{}/sign-out"),
        ("PUT", "/v1/agents/{}/presence"),
        ("GET", "/v1/agents/{}/offers"),
        ("GET", "/v1/interactions/{}"),
        ("DELETE", "/v1/interactions/{}"),
        ("PATCH", "/v1/interactions/{}"),
        ("POST", "/v1/interactions/{}/end"),
        ("POST", "/v1/offers/{}/accept"),
        ("POST", "/v1/offers/{}/decline"),
        ("POST", "/v1/agents/{}/work/{}/hold"),
        ("GET", "/v1/queues/{}"),
        ("GET", "/v1/decisions"),
    ]
)

Request = tuple[str, URL, bytes, str, str]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Method, address, body, token, idempotency key."""
    method, shape = draw(ROUTES)
    path = shape
    while "{}" in path:
        likely = ["anna", "boris"] if path.startswith("/v1/agents/{}") else ["c1", "c2", "c1.1", "c2.1", "sales"]
        segment = draw(st.one_of(st.sampled_from(likely), st.sampled_from(likely), TEXTS)).replace("/", "") or "x"
        path = path.replace("{}", "".join(f"%{byte:02X}" for byte in segment.encode("utf-8", "replace")), 1)
    names = st.sampled_from(["state", "limit", "cursor", "reason"])
    query = draw(st.dictionaries(names, TEXTS, max_size=2)) if draw(st.integers(0, 3)) == 0 else {}
    valid = VALID.get(shape, st.just({})).map(msgspec.json.encode)
    raw = draw(st.one_of(valid, valid, ANYTHING)) if method in ("POST", "PUT", "PATCH") else b""
    url = URL(path, encoded=True)
    key = draw(st.sampled_from(["", "", "k1", "k2"]))
    token = draw(st.sampled_from(["system", "system", "anna"]))
    return method, url.with_query(query) if query else url, raw, token, key


async def answers(batch: list[Request]) -> list[tuple[int, str]]:
    """Send them one after the other to a fresh API; every answer's status and text."""
    found: list[tuple[int, str]] = []
    router = MemoryRouter()
    router.apply(SignInAgent("s1", "anna", ready=True))
    router.apply(SignInAgent("s2", "boris", ready=True))
    for number in (1, 2):
        router.apply(EnqueueInteraction(f"e{number}", f"c{number}", "chat", "sales"))
    server = await serve(router, CONFIG)
    async with server, ClientSession(server.addresses[0]) as http:
        for method, url, raw, token, key in batch:
            headers = {"Authorization": f"Bearer {TOKENS[token]}", "Content-Type": "application/json"}
            if key:
                headers["Idempotency-Key"] = key
            async with http.request(method, url, data=raw or None, headers=headers) as response:
                found.append((response.status, await response.text()))
        async with http.get("/metrics") as response:
            found.append((response.status, await response.text()))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(requests(), min_size=8, max_size=25))
def test_no_input_is_a_fault_and_no_problem_repeats_a_number(
    caplog: pytest.LogCaptureFixture, batch: list[Request]
) -> None:
    caplog.clear()
    with caplog.at_level(logging.INFO), capture_logs() as logs, asyncio.Runner() as runner:
        found = runner.run(answers(batch))
    for (status, text), sent in zip(found, [*batch, None], strict=True):
        assert status < 500, (sent, text)
        if status >= 400:
            problem: dict[str, Any] = msgspec.json.decode(text)
            assert problem["status"] == status
            if problem["code"] != "bad-requirement":  # which shows the requirement, as it must
                assert CANARY not in text.replace("138****", ""), (sent, text)
    assert CANARY not in found[-1][1]
    assert CANARY not in caplog.text + str(logs)
