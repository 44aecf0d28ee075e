"""That a simulated desk says of a message only what it can know: nothing is judged by a guess."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp

from tests.api.chat.soak_account import Account, Fate
from tests.api.chat.soak_desk import Away, Desk

TALK = "chat-1"
NOTHING_NEW = {"entries": [], "more": False, "conversation": {"talking": []}}
NO_WORK = {"agent": {"presence": "ready"}, "items": []}

Answers = list[Callable[["Scripted"], dict[str, Any] | None]]


class Scripted(Desk):
    """One to whom the server answers this, one after the other, to what it sends; it thinks for no time."""

    answers: Answers

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        del method, body
        await asyncio.sleep(0)
        if path.endswith("/messages"):
            return self.answers.pop(0)(self)
        return NO_WORK if path.endswith("/work") else NOTHING_NEW

    async def _pause(self, least: float, most: float) -> None:
        del least, most
        await asyncio.sleep(0)


@asynccontextmanager
async def desk_of(answers: Answers) -> AsyncIterator[Scripted]:
    async with aiohttp.ClientSession() as http:
        desk = Scripted("anna", ("anna",), ("sales",), "", http, Account(), Random(1))  # noqa: S311 - not for secrecy
        desk.answers = answers
        async with asyncio.TaskGroup() as group:
            desk._group = group
            desk._open(TALK)
            yield desk


def silence(_desk: Scripted) -> None:
    raise Away("cut off")


def silence_until_a_reload(desk: Scripted) -> None:
    desk.reload()
    raise Away("cut off")


def refusal(_desk: Scripted) -> None:
    """It is nobody's, or has ended."""


def kept(_desk: Scripted) -> dict[str, Any]:
    return {"seq": 99}


async def fate_of(*answers: Callable[[Scripted], dict[str, Any] | None]) -> Fate:
    """Of a message to which these are the answers."""
    async with desk_of([*answers]) as desk:
        desk._say(desk.talks[TALK])
    assert not desk.answers
    return desk._account.said[TALK][0].fate


async def test_what_is_refused_at_once_is_refused() -> None:
    assert await fate_of(refusal) == "refused"


async def test_what_was_not_answered_may_have_been_kept_though_it_is_refused_then() -> None:
    assert await fate_of(silence, refusal) == "forgotten"


async def test_a_page_that_begins_anew_does_not_know_what_became_of_what_was_sent_before() -> None:
    assert await fate_of(silence_until_a_reload, refusal) == "forgotten"


async def test_what_is_kept_is_kept() -> None:
    assert await fate_of(silence_until_a_reload, silence, kept) == "kept"
