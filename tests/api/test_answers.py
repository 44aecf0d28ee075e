"""Answers as they are on the wire: one piece, the same headers as ever, also where aiohttp writes them itself."""

import asyncio
import json
from email.utils import parsedate_to_datetime
from time import time

import pytest
from aiohttp.test_utils import make_mocked_request

from acd.api.answers import _date, answer
from acd.api.request_ids import new_request_id
from tests.api.harness import Client


async def asked(http: Client, lines: str) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers and body of what comes back until the connection is closed."""
    port = http.http.port  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{lines}\r\nHost: localhost\r\nAuthorization: {http.headers['Authorization']}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        assert len(headers) == len([line for line in head[1:] if line])
        return head[0], headers, await reader.readexactly(int(headers["Content-Length"]))
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("first", "connection"),
    [
        ("GET /v1/agents HTTP/1.1", None),
        ("GET /v1/agents HTTP/1.1\r\nConnection: close", "close"),
        ("GET /v1/agents HTTP/1.0", None),
        ("GET /v1/agents HTTP/1.0\r\nConnection: keep-alive", "keep-alive"),
    ],
)
async def test_every_way_of_writing_says_the_same(system: Client, first: str, connection: str | None) -> None:
    line, headers, body = await asked(system, first)
    assert line.split(" ", 1)[1] == "200 OK"
    assert len(json.loads(body)["agents"]) == 3
    assert abs(parsedate_to_datetime(headers.pop("Date")).timestamp() - time()) < 60
    assert headers.pop("X-Request-Id").count("-") == 4
    assert headers.pop("Connection", None) == connection
    assert headers == {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "acd",
        "X-Event-Cursor": "1",
    }


async def test_a_connection_is_used_again_after_an_answer(system: Client) -> None:
    port = system.http.port  # type: ignore[union-attr]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    one = f"GET /v1/queues HTTP/1.1\r\nHost: localhost\r\nAuthorization: {system.headers['Authorization']}\r\n\r\n"
    writer.write((one * 3).encode())
    ids = set()
    for _ in range(3):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        ids.add(headers["X-Request-Id"])
        assert b'"queues"' in await reader.readexactly(int(headers["Content-Length"]))
    assert len(ids) == 3
    writer.close()
    await writer.wait_closed()


async def test_no_header_can_bring_another_one_along() -> None:
    response = answer({}, headers={"Location": "/v1/interactions/a\r\nSet-Cookie: b"})
    await response.prepare(make_mocked_request("GET", "/"))
    with pytest.raises(ValueError, match="several lines"):
        await response.write_eof()


def test_dates_are_those_of_the_standard() -> None:
    assert _date(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_request_ids_are_uuids_that_count_up() -> None:
    first, second = new_request_id(), new_request_id()
    assert first < second
    assert [len(part) for part in first.split("-")] == [8, 4, 4, 4, 12]
    assert first[14] == "8"
    assert first[19] in "89ab"
