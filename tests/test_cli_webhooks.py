"""`acd webhooks` against the API of a real router."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from acd.cli import acd
from acd.core.messages import EnqueueInteraction
from acd.errors import ApiProblem
from tests.runtime.webhooks.receiver import Receiver, receiving
from tests.served import TOKEN, write_secret
from tests.serving import Centre, serving

SECRET = "whsec_" + "bmV3LXNlY3JldC1vZi10aGlydHktdHdvLWJ5dGVzISE="
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def centre(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Centre]:
    write_secret(tmp_path, "crm.secret", SECRET)
    hook = f'[webhooks.crm]\nurl = "{receiver.url}"\nsecret_file = "crm.secret"\nkinds = ["interaction-queued"]\n'
    async with serving(tmp_path, hook) as centre:
        yield centre


@pytest.fixture
def run(centre: Centre) -> Run:
    """`acd webhooks …`, beside the loop in which the engine is."""

    async def run(*arguments: str, url: str = "") -> Result:
        where = ["--config", str(centre.folder / "acd.toml"), "--url", url or centre.url]
        return await asyncio.to_thread(CliRunner().invoke, acd, ["webhooks", *arguments, *where])

    return run


async def test_the_whole_life_of_a_dead_letter(centre: Centre, receiver: Receiver, run: Run) -> None:
    assert (await run("dead")).output == "There are no dead letters.\n"
    receiver.answers = [410]
    await centre.router.submit(EnqueueInteraction("e1", "call-1", "voice", "sales"))
    while centre.router.health()["outbox"] != {"pending": 0, "dead": 1}:
        await asyncio.sleep(0)
    listed = (await run("list")).output.splitlines()
    assert [line.split()[:4] for line in listed if "crm" in line] == [["crm", "idle", "0", "1"]]
    assert "wants no more" in "".join(listed)
    (letter,) = json.loads((await run("dead", "--json")).stdout)
    assert letter["destination"] == "webhook:crm"
    assert letter["key"] in (await run("dead")).output
    result = await run("retry", letter["key"], "crm:0.0")
    assert (result.exit_code, result.stdout) == (1, "1 will be tried again\n")
    assert "error: crm:0.0 is no dead letter" in result.stderr
    assert (await run("retry", "crm:0.0")).stdout == "", "nothing will be tried again"
    while not receiver.got:
        await asyncio.sleep(0)
    assert (await run("retry", "--all")).output == "0 will be tried again\n"
    (hook,) = json.loads((await run("list", "--json")).stdout)
    assert (hook["name"], hook["waiting"], hook["last_error"]) == (
        "crm",
        0,
        "the receiver answers 410: it wants no more",
    )
    assert hook["last_success_at"] is not None


async def test_trying_one_out(receiver: Receiver, run: Run) -> None:
    result = await run("test", "crm")
    assert (result.exit_code, result.output[:45]) == (0, "crm: delivered, the receiver answers 200 afte")
    assert len(receiver.got) == 1
    receiver.answers = [500]
    result = await run("test", "crm")
    assert result.exit_code == 1
    assert "crm: the receiver answers 500" in result.stderr
    with pytest.raises(ApiProblem, match="404"):
        raise (await run("test", "cms")).exception or AssertionError


async def test_what_can_go_wrong_on_the_way_is_a_sentence(centre: Centre, run: Run, tmp_path: Path) -> None:
    result = await run("list", url="http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "no engine answers at http://127.0.0.1:1" in result.stderr
    result = await run("retry")
    assert (result.exit_code, "name the keys" in result.stderr) == (2, True)
    result = await run("list", "--token-file", str(tmp_path / "gone"))
    assert (result.exit_code, "cannot be read" in result.stderr) == (1, True)
    (tmp_path / "other").write_text(TOKEN + "-another\n")
    with pytest.raises(ApiProblem, match="401"):
        raise (await run("list", "--token-file", str(tmp_path / "other"))).exception or AssertionError
    assert centre.router.health()["ready"] is True
