"""What the pages beside the README tell people to write works: configurations, requests, programs."""

import asyncio
import re
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from acd.api import serve
from acd.client import Client
from acd.runtime.config import check_text, loads
from acd.runtime.config.model import ApiConfig
from acd.runtime.router import Router
from tests.examples.test_readme import curls

ROOT = Path(__file__).parents[2]
PAGES = ("EVENTS.md", "CHANNELS.md", "SECURITY.md", "DOMAINS.md", "POLICIES.md")
OPEN = ApiConfig(port=0, open=True)
ANNA = "[agents.anna]\n"
SOON = 20.0


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


IN_BROWSERS = ("BROWSER.md", "CHAT.md", "WEBRTC.md", "PHONES.md", "SUPERVISION.md", "RECORDING.md")
CONFIGURATIONS = [(page, text) for page in (*PAGES, *IN_BROWSERS) for text in blocks(page, "toml")]
PBX = '[channels.pbx]\ntype = "asterisk"\nurl = "http://127.0.0.1:8088/ari"\nuser = "acd"\npassword_file = "token"\n'
TALK = '[channels.talk]\ntype = "webrtc"\norigins = ["https://shop.example"]\n'
GRANTED = {
    "[channels.pbx.": PBX,
    "[channels.talk.": TALK,
    'queues = ["sales"]': "[queues.sales]\n",
    'agent = "anna"': ANNA,
}


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS)
def test_every_configuration_is_good(page: str, text: str, tmp_path: Path) -> None:
    """Once the files that it names are there, and whatever else it takes for granted."""
    for name in re.findall(r'_file = "([^"]+)"', text):
        (tmp_path / name).touch(mode=0o600)
        secret = "whsec_" + "bmV3LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE=" if "webhooks" in text else f"{name:*>20}"
        (tmp_path / name).write_text(f"{secret}\n", encoding="utf-8")
    if "[api" in text and "token_file" not in text:
        text += "\n[api]\nopen = true\n"
    if "[[api.tokens]]\n" in text and 'queues = ["sales", "support"]' in text:
        text += "\n[queues.sales]\n[queues.support]\n[agents.anna]\naddresses = { voice = '1' }\n"
    if page in IN_BROWSERS:
        (tmp_path / "token").touch(mode=0o600)
        (tmp_path / "token").write_text("x" * 40)
        for part, rest in GRANTED.items():
            if part in text and rest.partition("\n")[0] not in text:
                text += f"\n{rest}"
    assert check_text(text, base=tmp_path).errors == (), page


@asynccontextmanager
async def centre(text: str, folder: Path) -> AsyncIterator[str]:
    """A running one with this configuration; the address of its API."""
    async with Router(loads(text, base=folder), channels=()) as router, await serve(router, OPEN) as server:
        yield server.addresses[0]


async def test_asking_for_advice_over_http_works_as_printed(tmp_path: Path) -> None:
    """Anna, who has mail-1, asks the experts, brings in whoever accepts, and leaves."""
    (script,) = blocks("POLICIES.md", "sh")
    (text,) = (each for each in blocks("POLICIES.md", "toml") if "[queues.experts]" in each)
    asked = curls(script, {"$API": "/v1", "$WORK": "/v1/agents/anna/work"})
    assert len(asked) == 3
    prepared = [
        ("POST", "/v1/interactions", b'{"id": "mail-1", "queue": "switchboard", "channel": "email"}'),
        ("POST", "/v1/agents/anna/sign-in", b'{"ready": true}'),
        ("POST", "/v1/offers/mail-1.1/accept", b'{"agent_id": "anna"}'),
    ]
    answered = [
        ("POST", "/v1/agents/eva/sign-in", b'{"ready": true}'),
        ("POST", "/v1/offers/ask-1.1/accept", b'{"agent_id": "eva"}'),
    ]
    headers = {"Content-Type": "application/json"}
    async with (
        centre(f"{text}\n[agents.eva]\nskills = {{ claims = 9 }}\n", tmp_path) as address,
        aiohttp.ClientSession(address, headers=headers) as session,
    ):
        last: dict[str, object] = {}
        for method, path, body in (*prepared, asked[0], *answered, *asked[1:]):
            async with session.request(method, path, data=body) as answer:
                assert answer.status in {200, 201}, (path, await answer.text())
                last = await answer.json()
    assert (last["state"], last["agent"]) == ("active", "eva")


class Enough(Exception):
    """The program has shown what it does."""


async def test_the_programs_about_events_work_as_printed(tmp_path: Path) -> None:
    follows, calls = blocks("EVENTS.md", "python")
    program = f"async def following(token, after, ring):\n{textwrap.indent(follows, '    ')}"
    program += f"\nasync def calling(client):\n{textwrap.indent(calls, '    ')}    return waiting\n"
    rung = []

    def ring(agent_id: str) -> None:
        rung.append(agent_id)
        raise Enough

    async with (
        centre("[agents.anna]\n[queues.sales]\n", tmp_path) as address,
        asyncio.timeout(SOON),
        Client(address) as client,
    ):
        names: dict[str, object] = {"Client": Client}
        exec(compile(program.replace("http://127.0.0.1:8420", address), "EVENTS.md", "exec"), names)  # noqa: S102 - ours
        assert await names["calling"](client) == 1  # type: ignore[operator]
        await client.request("POST", "/v1/agents/anna/sign-in", {"ready": True})
        with pytest.raises(Enough):
            await names["following"]("", "0", ring)  # type: ignore[operator]
    assert rung == ["anna"]
