"""The files of the pages: served as they are, with the headers they need, ours alone, and whole in two languages."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
from aiohttp.test_utils import TestClient, TestServer

from acd import errors
from acd.api import build_app, call_files, desk, wallboard, widget
from acd.api.problems import EXCEPTIONS
from acd.api.table import ROUTES
from acd.core.messages import AlarmKind
from tests.api.harness import CONFIG, Http, MemoryRouter

PAGES = Path(__file__).parents[2] / "acd" / "pages"
FILES = {**desk.FILES, **wallboard.FILES, **call_files.FILES}
NAMES = sorted(FILES)
OURS = [name for name in NAMES if not name.startswith("vendor/")]
SCRIPTS = [name for name in OURS if name.endswith(".js")]
LANGUAGES = re.findall(r"(\w+): \"", re.findall(r"LANGUAGES = \{(.*?)\}", (PAGES / "common/words.js").read_text())[0])
FOLDERS = ("desk", "wallboard")
WORDS = {
    folder: {language: json.loads((PAGES / f"{folder}/words.{language}.json").read_text()) for language in LANGUAGES}
    for folder in FOLDERS
}
ASKED = (
    *("begin_session", "show_session", "end_session", "issue_ticket", "show_desk"),
    *("show_agent", "sign_in", "sign_out", "set_presence"),
)
"""Routes that the desk asks, whose refusals people get to see."""


ELSEWHERE = {
    *(errors.OutboxFull, errors.OutboxError, errors.VersionsError, errors.HistoryUnavailable, errors.ChannelError),
    *(errors.ChatStoreError, errors.PersonalStoreError, errors.EarlierStoreError),
}
"""What other routes answer."""


def text_of(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with TestClient(TestServer(build_app(MemoryRouter(), CONFIG))) as client:
        yield client


def test_every_file_is_served_and_there_is_no_other() -> None:
    there = sorted(path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*") if path.is_file())
    assert there == sorted([*NAMES, *widget.FILES])


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_comes_with_what_keeps_others_out(http: Http, name: str) -> None:
    async with http.get(FILES[name]) as response:
        headers = response.headers
        assert (response.status, await response.text()) == (200, text_of(name))
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert set(policy.split("; ")) >= {
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_browser_has_already_is_not_sent_again(http: Http, name: str) -> None:
    async with http.get(FILES[name]) as response:
        assert response.headers["Cache-Control"] == "no-cache"
        etag = response.headers["ETag"]
    async with http.get(FILES[name], headers={"If-None-Match": f'"another", {etag}'}) as response:
        assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", etag)
    async with http.get(FILES[name], headers={"If-None-Match": '"another"'}) as response:
        assert response.status == 200


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_inline_and_nothing_from_elsewhere(name: str) -> None:
    text = text_of(name)
    assert not re.search(r"<script(?![^>]* src=\"/)|<style|\sstyle=|\son\w+=\"", text)
    outside = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
    assert outside == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_become_texts_and_nothing_else(name: str) -> None:
    makes = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML|srcdoc"
    assert not re.search(makes, text_of(name))


@pytest.mark.parametrize("name", SCRIPTS)
def test_modules_are_short_and_import_what_is_there(name: str) -> None:
    text = text_of(name)
    assert len(text.splitlines()) < 400
    assert max(map(len, text.splitlines())) <= 130
    for path in re.findall(r'from "([^"]+)"', text):
        assert path in FILES.values()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_language_that_is_offered_is_there(folder: str) -> None:
    assert set(LANGUAGES) >= {"en", "zh"}
    assert {name for name in NAMES if name.startswith(f"{folder}/words.")} == {
        f"{folder}/words.{each}.json" for each in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_desk_can_be_refused_has_a_word(language: str) -> None:
    """Of what a page as it is can be told; the rest, which only a developer gets to see, has one word together."""
    routes = [route for route in ROUTES if route.name in ASKED]
    assert len(routes) == len(ASKED)
    codes = {code for route in routes for code in route.problems} | {"forbidden", "internal", "too-many-requests"}
    codes |= {"foreign-origin", "not-found", "other"}
    codes |= {code for kind, status, code, _ in EXCEPTIONS if status >= 500 and kind not in ELSEWHERE}
    assert sorted(code for code in codes if f"problem.{code}" not in WORDS["desk"][language]) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_both_languages_have_every_word_with_the_same_places(folder: str) -> None:
    english, chinese = WORDS[folder]["en"], WORDS[folder]["zh"]
    assert english.keys() == chinese.keys()
    for word, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", chinese[word])), word
        assert re.search(r"[一-鿿]", chinese[word]) or re.fullmatch(r"[^A-Za-z]*(\{\w+\}[^A-Za-z]*)+", text), word


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_word_that_the_page_asks_for_is_there(folder: str) -> None:
    asked = set(re.findall(r'data-word="([^"]+)"', text_of(f"{folder}/index.html")))
    for name in SCRIPTS:
        if name.startswith((f"{folder}/", "common/")):
            asked |= set(re.findall(r'\bsay\("([\w.-]+)"', text_of(name)))
            asked |= set(re.findall(r'"((?:call|phone)\.[\w-]+)"', text_of(name)))
            asked |= set(re.findall(r'"((?:problem|state|reason)\.[\w-]+)"', text_of(name)))
    assert len(asked) > 15
    assert sorted(asked - WORDS[folder]["en"].keys()) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_reason_that_comes_ready_made_has_a_word(folder: str) -> None:
    assert CONFIG.desk is not None
    assert [code for code in CONFIG.desk.reasons if f"reason.{code}" not in WORDS[folder]["en"]] == []


def test_whatever_a_telephone_says_has_a_word() -> None:
    text = text_of("desk/phone.js") + text_of("desk/phone-call.js")
    said = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text)) | set(re.findall(r'tell\("([a-z-]+)"', text))
    said -= {"max-bundle", "inbound-rtp", "outbound-rtp", "remote-inbound-rtp"}  # of WebRTC
    assert {"wrong-password", "no-audio", "microphone-denied", "elsewhere"} <= said
    assert sorted(each for each in said if f"phone.{each}" not in WORDS["desk"]["en"]) == []


def test_every_control_and_state_of_calls_has_a_word() -> None:
    (buttons,) = re.findall(r"BUTTONS = \[(.*?)\]", text_of("desk/calls.js"))
    states = [*re.findall(r'state(?::| =) "(\w+)"', text_of("desk/page-call.js")), "ringing", "joining", "talking"]
    said = {*re.findall(r'"([\w-]+)"', buttons), *states} - {"ended"}
    assert {"mute", "hang-up", "apart", "waits"} <= said
    assert sorted(each for each in said if f"call.{each}" not in WORDS["desk"]["en"]) == []


def test_every_alarm_has_a_word() -> None:
    assert [kind for kind in get_args(AlarmKind) if f"alarm.{kind}" not in WORDS["wallboard"]["en"]] == []
