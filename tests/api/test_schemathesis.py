"""Schemathesis over every route of the document, with real state behind: nothing undocumented comes back, and no fault.

Each route is met in the state in which its example works, of a real router with a journal of its own; ids in paths are
those that there are, among others.

    ACD_EXAMPLES=300 ACD_SEED=random pytest tests/api/test_schemathesis.py

asks more, from a new seed, which is printed first; without them it is the same requests every time, in about a minute.
"""

import asyncio
import copy
import json
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from acd.api.bodies import NoQuery
from acd.api.openapi import document
from acd.api.routes import Route
from acd.api.table import ROUTES
from tests.api.harness import example_body, example_headers, example_url, living, steps_before

EXAMPLES = int(os.environ.get("ACD_EXAMPLES", "10"))
"""Requests to each route that fit the document, and as many that do not."""

COSTLY = {"explain": 5}
"""Routes that are asked so many times less: each explanation is made by a process of its own."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

LIVING = {
    "agent": ["anna", "boris"],
    "interaction": ["mail-1"],
    "offer": ["mail-1.1", "mail-1.2"],
    "queue": ["sales", "support"],
    "capacity": ["desk"],
    "calendar": ["office"],
    "scope": ["queue", "agent", "channel"],
    "id": ["sales", "anna", "email"],
}


def with_living_ids(written: dict[str, Any]) -> dict[str, Any]:
    """The document, where ids in paths and bodies are those that there are, and requirements those that can be read."""
    found = copy.deepcopy(written)
    for route in ROUTES:
        for each in found["paths"][route.path][route.method.lower()]["parameters"]:
            if each["in"] == "path":
                living = [route.example.path[each["name"]], *LIVING.get(each["name"], [])]
                each["schema"] = {"enum": list(dict.fromkeys(living))}
            if each["name"] == "If-Match":
                each["schema"], each["required"] = {"enum": ["*"]}, True
    for schema in found["components"]["schemas"].values():
        properties = schema.get("properties", {})
        for field, ids in (("queue", "queue"), ("to_queue", "queue"), ("to_agent", "agent"), ("agent_id", "agent")):
            if field in properties and schema.get("additionalProperties") is False:
                properties[field] = {"enum": LIVING[ids]}
        if schema["title"] == "RollBack":
            properties["version"] = {"enum": [0, 1]}
        if "requirement" in properties and schema.get("additionalProperties") is False:
            properties["requirement"] = {"enum": ["", "skills.english >= 5", '"vip" in labels']}
    return found


WRITTEN = json.loads(json.dumps(document(ROUTES)))
SCHEMAS = {
    GenerationMode.POSITIVE: schemathesis.openapi.from_dict(with_living_ids(WRITTEN)),
    GenerationMode.NEGATIVE: schemathesis.openapi.from_dict(WRITTEN),
}


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The API of a real router, in a thread with an event loop of its own; its address."""
    loop = asyncio.new_event_loop()
    stop: asyncio.Future[None] = loop.create_future()
    ready = threading.Event()
    address = ""

    async def run() -> None:
        nonlocal address
        async with living(folder) as found:
            address = found
            ready.set()
            await stop

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set_result, None)
        thread.join()
        loop.close()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nothing_undocumented_comes_back(route: Route, tmp_path: Path, dice: random.Random) -> None:
    with serving(tmp_path) as address, requests.Session() as session:
        for before, example in steps_before(route):
            url, body, headers = address + example_url(before, example), example_body(example), example_headers(example)
            done = session.request(before.method, url, data=body, headers=headers, timeout=10)
            assert done.status_code == before.status, done.text

        ask_as_in_the_example(route, address, session)
        ask(route, address, session, GenerationMode.POSITIVE, dice)
        if "{" in route.path or route.body is not None or route.query is not NoQuery:
            ask(route, address, session, GenerationMode.NEGATIVE, dice)


def ask_as_in_the_example(route: Route, address: str, session: requests.Session) -> None:
    """A success: what comes back then is met at least once, whatever the generated requests lead to."""
    example = route.example
    body: Any = NOT_SET if example.body is None else dict(example.body)
    case = SCHEMAS[GenerationMode.NEGATIVE][route.path][route.method].Case(
        path_parameters=dict(example.path),
        query=dict(example.query),
        headers=dict(example.headers),
        body=body,
        media_type=None if example.body is None else "application/json",
    )
    response = case.call(base_url=address, session=session, timeout=10)
    assert response.status_code == route.status, response.text
    case.validate_response(response, checks=CHECKS)


def ask(route: Route, address: str, session: requests.Session, mode: GenerationMode, dice: random.Random) -> None:
    """Requests that fit the document, or do not, and what comes back against it."""
    operation = SCHEMAS[mode][route.path][route.method]
    strategy = operation.as_strategy(generation_mode=mode)

    most = max(1, EXAMPLES // COSTLY.get(route.name, 1))

    @seed(dice.randrange(2**32))
    @settings(max_examples=most, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def one(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=address, session=session, timeout=10)
        case.validate_response(response, checks=CHECKS)

    one()


def test_what_is_not_documented_is_found(tmp_path: Path) -> None:
    """The test above can fail: a document that leaves a status out does not get past it."""
    written = copy.deepcopy(WRITTEN)
    del written["paths"]["/v1/agents/{agent}"]["get"]["responses"]["404"]
    operation = schemathesis.openapi.from_dict(written)["/v1/agents/{agent}"]["GET"]
    with serving(tmp_path) as address:
        case = operation.Case(path_parameters={"agent": "nobody"})
        with pytest.raises(FailureGroup, match="Undocumented status code"):
            case.validate_response(case.call(base_url=address, timeout=10), checks=CHECKS)
