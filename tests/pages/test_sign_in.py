"""Signing in with a browser that keeps no cookie: that is said, and not that the token is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

from bench.provision import Program
from tests.pages import floor
from tests.pages.centre import begun, token_of
from tests.pages.screen import PATIENCE_MS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

HOST: Final = "desk.example"
SECURE: Final = "[api.sessions]\nsecure = true\n"
"""A browser throws such a cookie away, unless the page came by https or from the machine itself."""

WORDS: Final = {
    "en-GB": ("Your token", "Sign in", "This browser keeps no cookie of this page"),
    "zh-CN": ("您的令牌", "登录", "此浏览器没有保存本页的 Cookie"),
}


@pytest.fixture(scope="module")
def elsewhere(chromium: Browser, program: Program) -> Iterator[Browser]:
    """A browser to which this machine is another one."""
    browser = chromium.browser_type.launch(
        executable_path=program.folder / "chromium-headless-shell",
        env=dict(program.environment()),
        args=[f"--host-resolver-rules=MAP {HOST} 127.0.0.1"],
    )
    yield browser
    browser.close()


@pytest.mark.parametrize("language", WORDS)
def test_the_desk_says_that_the_browser_keeps_no_cookie(elsewhere: Browser, tmp_path: Path, language: str) -> None:
    with begun(tmp_path, SECURE) as centre:
        _told(_opened(elsewhere, f"{centre.address}/desk", language), token_of("anna"), language)


@pytest.mark.parametrize("language", WORDS)
def test_the_wallboard_says_that_the_browser_keeps_no_cookie(elsewhere: Browser, tmp_path: Path, language: str) -> None:
    with floor.opened(tmp_path, floor.PEOPLE + SECURE) as there:
        _told(_opened(elsewhere, f"{there.address}/wallboard", language), floor.token_of("boss"), language)


def _opened(browser: Browser, address: str, language: str) -> Page:
    page = browser.new_context(locale=language).new_page()
    page.goto(address.replace("127.0.0.1", HOST))
    return page


def _told(page: Page, token: str, language: str) -> None:
    """The server took the token; a wrong one is told as before."""
    from playwright.sync_api import expect  # noqa: PLC0415 - where it is missing, tests say so

    field, button, word = WORDS[language]
    for typed, status in ((token, 201), ("a-token-that-nobody-has", 401)):
        page.get_by_label(field).fill(typed)
        with page.expect_response("**/v1/session") as found:
            page.get_by_role("button", name=button, exact=True).click()
        assert found.value.status == status
        alert = page.get_by_role("alert")
        if status == 201:
            expect(alert).to_contain_text(word, timeout=PATIENCE_MS)
        else:
            expect(alert).not_to_contain_text(word)
            expect(alert).not_to_be_empty()
        expect(page.get_by_label(field)).to_be_focused()
        expect(page.get_by_role("button", name=button, exact=True)).to_be_enabled()
    assert page.context.cookies() == []
    page.context.close()
