"""The OpenAPI document: valid, about exactly the routes that there are, with examples that work, and a page of it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientSession
from openapi_spec_validator import OpenAPIV31SpecValidator

from acd.api import build_app
from acd.api.openapi import STATUSES, document
from acd.api.routes import Example, Route
from acd.api.table import PUBLIC_PATHS, ROUTES
from tests.api.answers_page import COMMAND, call, plain, written
from tests.api.harness import CONFIG, Http, MemoryRouter, living, steps_before

BY_NAME = {route.name: route for route in ROUTES}
DOCUMENT: dict[str, Any] = json.loads(json.dumps(document(ROUTES)))


def test_the_document_is_valid() -> None:
    problems = list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())
    assert problems == []


def test_the_document_and_the_application_have_the_same_routes(router: MemoryRouter) -> None:
    app = build_app(router, CONFIG)
    served = {
        (route.method.lower(), route.resource.canonical) for route in app.router.routes() if route.resource is not None
    }
    written = {(method, path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert served == written
    assert len(served) == len(ROUTES) == len(BY_NAME)


def test_what_needs_no_token_is_said_to_need_none() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            assert (operation["security"] == []) == (path in PUBLIC_PATHS)


def test_every_problem_of_a_route_has_a_status_and_every_mutation_takes_a_key() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert set(route.problems) <= STATUSES.keys(), route.name
        keyed = any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
        assert keyed == route.mutates, route.name


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """The API of a real router with the configuration that the document shows; open, so that no token is needed."""
    async with living(tmp_path) as address, ClientSession(address) as session:
        yield session


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_example_works(session: ClientSession, route: Route) -> None:
    for before, example in steps_before(route):
        assert (await call(session, before, example))[0] == before.status, before.name
    status, media, body = await call(session, route, route.example)
    assert (status, media) == (route.status, route.media), body
    if not isinstance(body, dict):
        return
    assert {name: body[name] for name in route.example.shows} == dict(route.example.shows)
    content = DOCUMENT["paths"][route.path][route.method.lower()]["responses"][str(status)]["content"]
    schema = {**content["application/json"].get("schema", {}), "components": DOCUMENT["components"]}
    jsonschema.validate(body, schema)
    if "example" in content["application/json"]:
        check_shown(content["application/json"]["example"], body)


def check_shown(shown: Any, body: Any) -> None:  # noqa: ANN401 - JSON
    """What the document shows as the answer is in the answer. Fields may have been added since."""
    shown, body = plain(shown), plain(body)
    assert {name: value for name, value in body.items() if name in shown} == shown, f"stale; run: {COMMAND}"


def test_most_answers_are_shown() -> None:
    """As the examples were really answered: `check_shown` compares."""
    named = {route.name for route in ROUTES if route.answer is not None}
    assert len(named & written().keys()) >= 0.8 * len(named), f"run: {COMMAND}"
    assert written().keys() <= named


def test_every_route_with_a_body_or_an_id_has_an_example() -> None:
    for route in ROUTES:
        if route.body is not None or "{" in route.path:
            assert route.example != Example(), route.name


async def test_the_page_is_ours_alone(http: Http) -> None:
    outside = re.compile(r"""(?:src|href)\s*=\s*["'](?!/docs/|#|/v1/openapi\.json)|https?://|@import|url\(""")
    for path, media in (("/docs", "text/html"), ("/docs/page.js", "text/javascript"), ("/docs/page.css", "text/css")):
        async with http.get(path) as response:
            text = await response.text()
            assert (response.status, response.content_type) == (200, media)
            policy = response.headers["Content-Security-Policy"]
        assert outside.search(text) is None, path
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "innerHTML" not in text
        assert not re.search(r"<script(?! src=)|\son\w+=|style=", text), "nothing inline"


async def test_the_document_is_served_as_it_is(http: Http) -> None:
    async with http.get("/v1/openapi.json") as response:
        assert (response.status, await response.json()) == (200, DOCUMENT)
