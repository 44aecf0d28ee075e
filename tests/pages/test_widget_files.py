"""The files of the chat window: for pages of any origin, where a web chat has it, small, and whole in two languages."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd.api import build_app
from acd.api.widget import FILES, MAX_AGE
from acd.runtime.chat.channel import WebChatChannel
from tests.api.harness import CONFIG, Http, MemoryRouter
from tests.runtime.chat.chats import options

PAGES = Path(__file__).parents[2] / "acd" / "pages"
NAMES = sorted(FILES)
SCRIPTS = [name for name in NAMES if name.endswith(".js")]
WORDS = {language: json.loads((PAGES / f"widget/words.{language}.json").read_text()) for language in ("en", "zh")}
MOST_BYTES = 60_000
BY_CODE = r"(?:closed|problem|refused|state|ended|announced|call.recording)\."


def text_of(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


@pytest.fixture
def router(tmp_path: Path) -> MemoryRouter:
    found = MemoryRouter()
    found.channels["shop"] = WebChatChannel("shop", options(tmp_path, widget=True))
    return found


@pytest.fixture
async def http(router: MemoryRouter) -> AsyncIterator[Http]:
    async with TestClient(TestServer(build_app(router, CONFIG))) as client:
        yield client


@pytest.mark.parametrize("name", NAMES)
async def test_pages_of_every_origin_may_load_a_file(http: Http, name: str) -> None:
    async with http.get(FILES[name], headers={"Origin": "https://shop.example"}) as response:
        headers = response.headers
        assert (response.status, await response.text()) == (200, text_of(name))
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Set-Cookie" not in headers
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == f"public, max-age={MAX_AGE}"
    async with http.get(FILES[name], headers={"If-None-Match": headers["ETag"]}) as response:
        assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize("path", ["/desk", "/desk/desk.js", "/v1/agents/anna", "/readyz"])
async def test_nothing_else_is_for_pages_of_every_origin(http: Http, path: str) -> None:
    async with http.get(path, headers={"Origin": "https://shop.example"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_without_a_chat_that_has_it_there_is_no_window(http: Http, router: MemoryRouter, tmp_path: Path) -> None:
    router.channels["shop"] = WebChatChannel("shop", options(tmp_path))
    for path in FILES.values():
        async with http.get(path) as response:
            assert response.status == 404


async def test_all_of_it_is_small_as_it_travels(http: Http) -> None:
    sizes = {}
    for name in NAMES:
        async with http.get(FILES[name], headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as response:
            assert (response.headers["Content-Encoding"], response.headers["Vary"]) == ("gzip", "Accept-Encoding")
            body, etag = await response.read(), response.headers["ETag"]
        assert gzip.decompress(body).decode() == text_of(name)
        sizes[name] = len(body)
        async with http.get(FILES[name], headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            assert response.headers["ETag"] != etag
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_inline_and_nothing_from_elsewhere(name: str) -> None:
    text = text_of(name)
    assert not re.search(r"<style|\sstyle=|\son\w+=\"|@import|url\(", text)
    outside = set(re.findall(r"https?://[^\s\"'<>)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside <= {"https://acd.example/chat/widget.js"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_become_texts_and_nothing_else(name: str) -> None:
    makes = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML|srcdoc"
    assert not re.search(makes, text_of(name))


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_cookie_is_ever_set(name: str) -> None:
    assert not re.search(r"document\.cookie|cookieStore|indexedDB|caches\b", text_of(name))
    assert "localStorage" not in text_of(name) or name == "widget/keeping.js"


@pytest.mark.parametrize("name", SCRIPTS)
def test_modules_are_short_and_import_what_is_there(name: str) -> None:
    text = text_of(name)
    assert len(text.splitlines()) < 400
    assert max(map(len, text.splitlines())) <= 130
    for path in re.findall(r'from "([^"]+)"', text):
        assert path in FILES.values()


def test_both_languages_have_every_word_with_the_same_places() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for word, text in WORDS["en"].items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", WORDS["zh"][word])), word
        assert re.search(r"[一-鿿]", WORDS["zh"][word]), word


def test_every_word_that_the_window_asks_for_is_there_and_no_other() -> None:
    source = "\n".join(map(text_of, SCRIPTS))
    asked = set(re.findall(r'\bsay\("([\w.-]+)"', source)) | set(re.findall(r'field\(words, "([\w.-]+)"', source))
    assert len(asked) > 25
    assert sorted(asked - WORDS["en"].keys()) == []
    named = set(re.findall(r'"([\w.-]+)"', source)) | {"joined", "left"}  # said by the kind of an entry
    assert sorted(each for each in WORDS["en"] if each not in named and not re.match(BY_CODE, each)) == []
