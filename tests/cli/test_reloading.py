"""What is read anew on SIGHUP: everything that was added, whatever becomes of the others."""

import asyncio
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.cli import reloading as module
from acd.cli.notifying import Notifier
from acd.cli.reloading import Reloading
from acd.errors import ConfigError
from tests.cli.systemd import ServiceManager


async def test_one_that_fails_keeps_no_other_from_it() -> None:
    done: list[str] = []

    async def unreadable() -> None:
        raise ConfigError(("api.certificate: there is no file tls.pem; name a PEM file",))

    async def broken() -> None:
        raise RuntimeError("a secret")

    async def works() -> None:
        done.append("works")

    reloading = Reloading(Notifier({}))
    for what, again in (("api.certificate", unreadable), ("api.tokens", broken), ("crm", works)):
        reloading.add(what, again)
    with capture_logs() as logs:
        await reloading.read_anew()
    assert done == ["works"]
    assert [(entry["log_level"], entry["what"]) for entry in logs] == [
        ("error", "api.certificate"),
        ("error", "api.tokens"),
        ("info", "crm"),
    ]
    assert "tls.pem" in logs[0]["reason"]
    assert "a secret" not in str(logs[1])


async def test_whoever_asks_meanwhile_gets_a_round_of_their_own(tmp_path: Path) -> None:
    rounds = 0
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        nonlocal rounds
        rounds += 1
        begun.set()
        await go_on.wait()

    with ServiceManager(str(tmp_path / "notify")) as systemd, ExitStack() as stack:
        reloading = Reloading(stack.enter_context(closing(Notifier({"NOTIFY_SOCKET": systemd.address}))))
        reloading.add("slow", slow)
        task = asyncio.create_task(reloading.run(lambda: "as before"))
        reloading.ask()
        reloading.ask()
        await begun.wait()
        reloading.ask()
        go_on.set()
        while rounds < 2:
            await asyncio.sleep(0)
        heard = await asyncio.get_running_loop().run_in_executor(None, systemd.take, 4)
        task.cancel()
    assert [sorted(message) for message in heard] == [["MONOTONIC_USEC", "RELOADING"], ["READY", "STATUS"]] * 2
    assert rounds == 2


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> None:
        """Nothing."""

    monkeypatch.setattr(module, "MAX_RELOADED", 1)
    reloading = Reloading(Notifier({}))
    reloading.add("one", nothing)
    with pytest.raises(ValueError, match="more than 1 things"):
        reloading.add("two", nothing)
