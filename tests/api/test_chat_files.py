"""Files over HTTP: whose they are, who gets them, as what they go out, and senders and readers who mean no good."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from acd.api.chat.files import DOWNLOADS_AT_ONCE, TRANSFERS, UPLOADS_AT_ONCE, disposition
from acd.core.messages import AcceptOffer, EndInteraction, SignInAgent, TransferInteraction
from acd.errors import ChatStoreError
from acd.runtime.chat import files
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.file_parts import PART
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.visitors import issue
from tests.api.chat.pages import ORIGIN, SOON
from tests.api.documented import assert_documented
from tests.api.harness import TOKENS, Http, MemoryRouter
from tests.api.test_conversations import Linked, follow, talking
from tests.runtime.chat.chats import options
from tests.runtime.chat.pictures import SECRET, exif, gif, jpeg, png, segment

LONG = b"0123456789abcdef" * (PART // 8)
HOUR_US = 3_600_000_000
PATH = "/v1/chat/files"
BASE = "/v1/agents/{agent}/conversations/{room}/files"


@pytest.fixture
async def shop(router: MemoryRouter, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path, files=True, file_megabytes=1))
    router.channels["shop"] = channel
    await channel.start(Linked(router))
    router.apply(SignInAgent("in", "anna", ready=True))
    router.apply(SignInAgent("in-2", "boris", ready=True))
    yield channel
    await channel.stop()


@pytest.fixture
async def room(router: MemoryRouter, shop: WebChatChannel) -> Room:
    """Of cv_1, with anna, in whose queue it was offered."""
    found = await talking(router, shop)
    await follow(shop, found)
    return found


def token_of(shop: WebChatChannel, visitor: str = "cv_1", *, ends_in_us: int = HOUR_US, channel: str = "shop") -> str:
    return issue(shop.reception.keeper.sign, channel, visitor, shop.now_us() + ends_in_us)


class Customer:
    """Their page."""

    def __init__(self, http: Http, room: Room, token: str, origin: str = ORIGIN) -> None:
        self.http = http
        self.room = room
        self.headers = {"Origin": origin, "Authorization": f"Bearer {token}"}
        self.sends = 0

    async def send(self, data: bytes | BytesIO, name: str = "a.txt", key: str = "", **more: str) -> tuple[int, Any]:
        self.sends += 1
        query = {"channel": "shop", "conversation": self.room.id, "id": key or f"f-{self.sends}", "name": name, **more}
        async with self.http.post(PATH, params=query, data=data, headers=self.headers) as response:
            assert_documented("POST", PATH, response.status)
            return response.status, await response.json(content_type=None)

    async def get(self, seq: int, **more: str) -> tuple[int, dict[str, str], bytes]:
        query = {"channel": "shop", "conversation": self.room.id, "seq": str(seq), **more}
        async with self.http.get(PATH, params=query, headers=self.headers) as response:
            assert_documented("GET", PATH, response.status)
            return response.status, dict(response.headers), await response.read()


@pytest.fixture
def customer(http: Http, shop: WebChatChannel, room: Room) -> Customer:
    return Customer(http, room, token_of(shop))


class Desk:
    """An agent's, or somebody else's who has a token."""

    def __init__(self, http: Http, room: Room, name: str = "anna", agent: str = "anna") -> None:
        self.http = http
        self.base = BASE.format(agent=agent, room=room.id)
        self.headers = {"Authorization": f"Bearer {TOKENS[name]}"}

    async def send(self, data: bytes, name: str = "a.txt", key: str = "f-1") -> tuple[int, Any]:
        query = {"id": key, "name": name}
        async with self.http.post(self.base, params=query, data=data, headers=self.headers) as response:
            assert_documented("POST", self.base, response.status)
            return response.status, await response.json(content_type=None)

    async def get(self, seq: object) -> tuple[int, dict[str, str], bytes]:
        async with self.http.get(f"{self.base}/{seq}", headers=self.headers) as response:
            assert_documented("GET", f"{self.base}/1", response.status)
            return response.status, dict(response.headers), await response.read()


async def raw(http: Http, head: str, *bodies: bytes) -> bytes:
    """What the server answers to these bytes, until it closes the connection."""
    url = http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        for each in (head.encode(), *bodies):
            writer.write(each)
            with suppress(ConnectionError):
                await writer.drain()
        return await answer_of(reader)
    finally:
        writer.close()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    """The first one: the server waits a while for what is still on its way before it hangs up."""
    async with asyncio.timeout(SOON):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(each.split(b":")[1]) for each in head.split(b"\r\n") if each.startswith(b"Content-Length:"))
        return head + await reader.readexactly(length)


def head_of(customer: Customer, *more: str, key: str = "raw", name: str = "a.txt") -> str:
    query = urlencode({"channel": "shop", "conversation": customer.room.id, "id": key, "name": name})
    own = ("Host: acd", "Connection: close", *(f"{name}: {value}" for name, value in customer.headers.items()))
    lines = [f"POST {PATH}?{query} HTTP/1.1", *own, *more]
    return "\r\n".join((*lines, "", ""))


def said(room: Room) -> list[tuple[str, str]]:
    return [(each.side, each.text) for each in room.conversation.entries if each.kind == "file"]


# ---- both ways


async def test_a_customers_file_reaches_the_agent_and_the_other_way_round(
    http: Http, customer: Customer, room: Room
) -> None:
    anna = Desk(http, room)
    status, answer = await customer.send(LONG, "发票.txt")
    assert (status, answer["name"], answer["file"]["size"]) == (200, "发票.txt", len(LONG))
    status, headers, body = await anna.get(answer["seq"])
    assert (status, body) == (200, LONG)
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Length"] == str(len(LONG))
    status, answer = await anna.send(png(), "shoe.png")
    assert status == 200
    assert answer["file"] == {"media": "image/png", "size": len(png()), "width": 3, "height": 2}
    status, headers, body = await customer.get(answer["seq"])
    assert (status, body, headers["Content-Type"]) == (200, png(), "image/png")
    assert said(room) == [("customer", "发票.txt"), ("agent", "shoe.png")]
    # And it is told, as every entry is.
    async with http.get(f"/v1/agents/anna/conversations/{room.id}", headers=anna.headers) as response:
        told = await response.json()
    assert [(each["kind"], each["text"], each.get("file")) for each in told["entries"][-2:]] == [
        ("file", "发票.txt", {"media": "text/plain", "size": len(LONG), "width": 0, "height": 0}),
        ("file", "shoe.png", answer["file"]),
    ]
    assert "file" not in told["entries"][0]
    assert (told["conversation"]["max_file"], "pdf" in told["conversation"]["file_kinds"]) == (1_000_000, True)


async def test_the_same_id_again_is_the_same_file(customer: Customer, http: Http, room: Room) -> None:
    first = await customer.send(LONG, key="f")
    assert await customer.send(LONG, key="f") == first
    assert (await customer.send(b"other", key="f"))[1]["code"] == "id-reused"
    anna = Desk(http, room)
    assert await anna.send(LONG, key="f") == await anna.send(LONG, key="f")
    assert said(room) == [("customer", "a.txt"), ("agent", "a.txt")]


async def test_what_may_be_sent_is_said_to_everybody(http: Http, shop: WebChatChannel) -> None:
    assert shop.options.files
    for ask in (http.get, http.post):
        async with ask(PATH, params={"channel": "shop"}) as response:
            found = await response.json()
        assert (found["seq"], found["max_file"], "png" in found["kinds"]) == (0, 1_000_000, True)


# ---- as what it goes out

HOSTILE = [
    (b"<!doctype html><script>alert(1)</script>", "page.html", "text/plain", "page.html.txt"),
    (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "x.png", "text/plain", "x.png.txt"),
    (gif(after=b"<script>alert(1)</script>"), "x.html", "image/gif", "x.html.gif"),
    (png(after=b"<script>alert(1)</script>"), "x.htm", "image/png", "x.htm.png"),
    (png(60_000, 60_000), "bomb.png", "image/png", "bomb.png"),
    (b"%PDF-1.7\n<script>", "x.svg", "application/pdf", "x.svg.pdf"),
    (b"x", "../../../etc/passwd", "text/plain", "passwd.txt"),
    (b"x", 'a"\r\nSet-Cookie: evil=1\r\n\r\n<script>.txt', "text/plain", "a_ Set-Cookie_ evil=1 _script_.txt"),
    (b"x", "gpj.\u202eexe.txt", "text/plain", "gpj.exe.txt"),
]


@pytest.mark.parametrize(("data", "name", "media", "cleaned"), HOSTILE, ids=lambda each: str(each)[:20])
async def test_nothing_goes_out_as_something_to_be_run(
    http: Http, customer: Customer, room: Room, data: bytes, name: str, media: str, cleaned: str
) -> None:
    _, answer = await customer.send(data, name)
    assert answer["name"] == cleaned
    for get in (Desk(http, room).get, customer.get):
        _, headers, body = await get(answer["seq"])
        assert headers["Content-Type"] == media
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "private, no-store"
        assert "Set-Cookie" not in headers
        shown = media.startswith("image/") and "bomb" not in name
        assert headers["Content-Disposition"] == disposition(cleaned, inline=shown)
        assert headers["Content-Disposition"].startswith("inline;" if shown else "attachment;")
        assert len(body) == len(data)
        if media.startswith("image/"):
            assert b"<script>" not in body


async def test_a_photo_does_not_say_where_it_was_taken(http: Http, customer: Customer, room: Room) -> None:
    photo = jpeg(40, 20, segment(0xE1, exif(6)))
    assert SECRET in photo
    _, answer = await customer.send(photo, "IMG_1.JPG")
    assert (answer["file"]["width"], answer["file"]["height"]) == (20, 40)
    _, _, body = await Desk(http, room).get(answer["seq"])
    assert SECRET not in body
    assert len(body) == len(photo)


def test_a_name_is_said_in_two_ways() -> None:
    assert disposition("发 票.pdf", inline=False) == (
        "attachment; filename=\"_ _.pdf\"; filename*=UTF-8''%E5%8F%91%20%E7%A5%A8.pdf"
    )


# ---- who may


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
async def test_pages_of_elsewhere_neither_send_nor_get(customer: Customer, room: Room, origin: str) -> None:
    _, answer = await customer.send(b"x")
    customer.headers["Origin"] = origin
    assert (await customer.send(b"x"))[1]["code"] == "foreign-origin"
    status, headers, _ = await customer.get(answer["seq"])
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers
    async with customer.http.options(
        PATH, params={"channel": "shop"}, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    ) as response:
        assert response.status in (403, 405)
        assert "Access-Control-Allow-Origin" not in response.headers
    assert len(said(room)) == 1


async def test_no_page_sends_without_saying_from_where(customer: Customer, room: Room) -> None:
    del customer.headers["Origin"]
    assert (await customer.send(b"x"))[1]["code"] == "foreign-origin"
    assert said(room) == []


async def test_a_listed_page_may_ask_and_is_shown_the_answer(customer: Customer) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with customer.http.options(PATH, params={"channel": "shop"}, headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    _, answer = await customer.send(b"x")
    for seq, status in ((answer["seq"], 200), (999, 404)):
        found, headers, _ = await customer.get(seq)
        assert (found, headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
        assert "Origin" in headers["Vary"]


async def test_only_the_visitors_own_token_opens_it(
    http: Http, shop: WebChatChannel, customer: Customer, room: Room
) -> None:
    _, answer = await customer.send(b"x")
    tokens = {
        "": "token-invalid",
        "rubbish": "token-invalid",
        TOKENS["system"]: "token-invalid",
        token_of(shop, channel="other"): "token-invalid",
        token_of(shop)[:-2] + "AA": "token-invalid",
        token_of(shop, ends_in_us=-1): "token-expired",
        token_of(shop, "cv_2"): "unknown-conversation",
    }
    for token, code in tokens.items():
        other = Customer(http, room, token)
        assert (await other.send(b"x"))[1]["code"] == code
        status, _, body = await other.get(answer["seq"])
        assert (status, json.loads(body)["code"]) == (404 if code == "unknown-conversation" else 401, code)
    assert len(said(room)) == 1


async def test_anothers_conversation_has_no_files(
    http: Http, router: MemoryRouter, shop: WebChatChannel, customer: Customer, room: Room
) -> None:
    _, answer = await customer.send(b"x")
    seq = answer["seq"]
    for name, agent, status in (
        ("anna", "anna", 200),
        ("boss", "anna", 200),
        ("system", "anna", 200),
        ("system", "boris", 404),
        ("anna", "boris", 404),
        ("web", "anna", 403),
    ):
        assert (await Desk(http, room, name, agent).get(seq))[0] == status, (name, agent)
    # And when it is another's, it is not hers any more.
    router.apply(TransferInteraction("away", room.id, "anna", "", "boris"))
    await follow(shop, room)
    (offer_id,) = room.conversation.ringing
    router.apply(AcceptOffer("take-2", offer_id, "boris"))
    await follow(shop, room)
    assert (await Desk(http, room).get(seq))[0] == 404
    assert (await Desk(http, room).send(b"x"))[0] == 404
    assert (await Desk(http, room, "system", "boris").get(seq))[0] == 200


@pytest.mark.parametrize("seq", ["0", "1", "999", "-1", "x", "%E5%8F%91", "9" * 30, "1.0"])
async def test_what_is_no_file_is_not_there(http: Http, customer: Customer, room: Room, seq: str) -> None:
    await customer.send(b"x")
    assert (await Desk(http, room).get(seq))[0] == 404


async def test_after_the_end_files_can_be_looked_at_and_none_sent(
    http: Http, router: MemoryRouter, shop: WebChatChannel, customer: Customer, room: Room
) -> None:
    first = await customer.send(b"x", key="f")
    router.apply(EndInteraction("end", room.id, by="customer"))
    await follow(shop, room)
    assert (await customer.get(first[1]["seq"]))[0] == 200
    assert (await customer.send(b"y"))[1]["code"] == "ended"
    assert (await Desk(http, room).send(b"y"))[1]["code"] in ("ended", "not-talking")
    # What had no answer is answered.
    assert await customer.send(b"x", key="f") == first


# ---- who means no good


async def test_a_file_that_is_too_large_is_refused_before_it_comes(customer: Customer, room: Room) -> None:
    answer = await raw(customer.http, head_of(customer, "Content-Length: 1000000001"))
    assert b"file-too-large" in answer
    assert said(room) == []


async def test_what_has_no_length_is_refused(customer: Customer, room: Room) -> None:
    head = head_of(customer, "Transfer-Encoding: chunked")
    assert b"length-required" in await raw(customer.http, head, b"5\r\nhello\r\n0\r\n\r\n")
    head = head_of(customer, "Content-Length: 5", "Transfer-Encoding: chunked")
    assert b"400" in (await raw(customer.http, head, b"5\r\nhello\r\n0\r\n\r\n")).partition(b"\r\n")[0]
    assert said(room) == []


async def test_what_is_longer_than_it_says_is_none(customer: Customer, room: Room) -> None:
    """The rest would be another request."""
    head = head_of(customer, "Content-Length: 5").replace("Connection: close", "Connection: keep-alive")
    assert b" 400 " in await raw(customer.http, head, b"hello<script>\r\n\r\n")
    assert said(room) == []


async def test_what_is_packed_is_refused(customer: Customer, room: Room) -> None:
    customer.headers["Content-Encoding"] = "gzip"
    assert (await customer.send(b"\x1f\x8b"))[0] in (400, 415)
    assert said(room) == []


async def test_who_goes_away_in_the_middle_has_sent_nothing(
    http: Http, shop: WebChatChannel, customer: Customer, room: Room
) -> None:
    url = http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head_of(customer, f"Content-Length: {len(LONG)}").encode() + LONG[: PART + 100])
    await writer.drain()
    files = shop.reception.files
    async with asyncio.timeout(SOON):
        while not files._coming:
            await asyncio.sleep(0)
        writer.transport.abort()
        while files._coming:
            await asyncio.sleep(0)
    del reader
    assert said(room) == []
    await files.tidy()
    assert (await customer.send(LONG, key="raw"))[0] == 200


async def test_places_count_by_the_customers_address(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "UPLOADS_OF_PLACE", 0)
    assert (await customer.send(b"x"))[0] == 200  # from where is not known
    customer.headers["X-Forwarded-For"] = "198.51.100.1, 192.0.2.1"
    status, found = await customer.send(b"y")
    assert (status, found["code"]) == (429, "too-many-uploads")


@pytest.mark.parametrize("drop", [0, 1])
async def test_who_stalls_or_dribbles_is_cut_off(http: Http, customer: Customer, room: Room, drop: int) -> None:
    """A sender who says nothing more, and one who sends a byte whenever it is about to be too late."""
    transfers = http.app[TRANSFERS]
    transfers.stall_seconds, transfers.grace_seconds = (0.2, 10.0) if not drop else (10.0, 0.3)
    url = http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head_of(customer, "Content-Length: 100000").encode() + b"x")
    read = asyncio.ensure_future(answer_of(reader))
    async with asyncio.timeout(SOON):
        while drop and not read.done():
            with suppress(ConnectionError):
                writer.write(b"x")
                await writer.drain()
            await asyncio.wait({read}, timeout=0.01)
        assert b"request-timeout" in await read
    writer.close()
    assert said(room) == []


async def test_a_reader_who_does_not_read_is_cut_off(http: Http, customer: Customer) -> None:
    transfers = http.app[TRANSFERS]
    transfers.stall_seconds = 0.3
    _, answer = await customer.send(BytesIO(b"x" * 999_999), "big.txt")
    query = urlencode({"channel": "shop", "conversation": customer.room.id, "seq": answer["seq"]})
    head = "\r\n".join(
        (f"GET {PATH}?{query} HTTP/1.1", "Host: acd", *(f"{k}: {v}" for k, v in customer.headers.items()))
    )
    url = http.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(f"{head}\r\n\r\n".encode() * 8)
    await reader.readexactly(10)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(SOON):
        while not transfers._going:
            await asyncio.sleep(0)
        while transfers._going:
            await asyncio.sleep(0)
    writer.close()


async def test_who_sends_or_reads_too_often_has_to_wait(customer: Customer, room: Room) -> None:
    for number in range(UPLOADS_AT_ONCE):
        assert (await customer.send(b"x", key=f"f-{number}"))[0] == 200
    status, answer = await customer.send(b"x", key="more")
    assert (status, answer["code"]) == (429, "too-many-requests")
    # What has been sent already may be sent again: perhaps its answer was lost.
    assert (await customer.send(b"x", key="f-0"))[0] == 200
    assert len(said(room)) == UPLOADS_AT_ONCE


async def test_who_reads_too_often_has_to_wait(http: Http, customer: Customer, room: Room) -> None:
    _, answer = await customer.send(b"x")
    desk = Desk(http, room)
    statuses = [(await desk.get(answer["seq"]))[0] for _ in range(DOWNLOADS_AT_ONCE + 20)]
    assert set(statuses) == {200, 429}
    assert statuses.index(429) >= DOWNLOADS_AT_ONCE


async def test_a_file_that_cannot_be_kept_is_sent_again(
    shop: WebChatChannel, customer: Customer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> bool:
        raise ChatStoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.reception.keeper, "add_part", fails)
        status, answer = await customer.send(b"x", key="f")
        assert (status, answer["code"]) == (503, "chat-store-unavailable")
    assert said(room) == []
    assert (await customer.send(b"x", key="f"))[0] == 200


async def test_nothing_of_a_file_is_in_an_answer_that_refuses_it(customer: Customer) -> None:
    canary = "canary13800138000"
    for data, name in ((b"MZ\0" + canary.encode(), canary), (b"", canary), (png()[:30], canary)):
        _, answer = await customer.send(data, name, key=canary)
        assert canary not in json.dumps(answer)
