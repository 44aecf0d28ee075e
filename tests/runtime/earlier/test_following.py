"""What a living engine has done is known, and is known again after a restart, a crash, and with another journal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from acd.core.messages import AcceptOffer, EndInteraction, EnqueueInteraction, SignInAgent
from acd.errors import EarlierStoreError
from acd.ports.channel import Personal
from acd.runtime.config import Config, load
from acd.runtime.config.model import DeskConfig
from acd.runtime.earlier import Earlier, Encounter, Note
from acd.runtime.earlier.following import NEWEST
from acd.runtime.router import Router
from acd.testing import FakeChannel
from tests.runtime.live import idle

TEXT = """\
[domain]
name = "test"
[snapshots]
enabled = false
[agents.anna]
[queues.sales]
"""


def config(folder: Path) -> Config:
    (folder / "acd.toml").write_text(TEXT)
    return load(folder / "acd.toml")


@asynccontextmanager
async def centre(folder: Path, *, crashing: bool = False) -> AsyncIterator[tuple[Router, Earlier]]:
    router = Router(config(folder), channels=(FakeChannel("phones"),))
    desk = DeskConfig(path=folder / "desk.db", key=folder / "desk.key")
    earlier = Earlier(desk, "test", router)
    router.people.with_other(earlier)
    async with router:
        await earlier.start()
        yield router, earlier
        if crashing:
            # Nothing is written any more, as if the process were gone.
            assert earlier._task is not None
            earlier._task.cancel()
            earlier._encounters.changed.clear()
            await earlier.close()
    await earlier.close()


def remove_journal(folder: Path) -> None:
    for each in folder.glob("acd-journal.db*"):
        each.unlink()


async def called(router: Router, name: str, customer: str, *, ends: bool = True) -> None:
    await router.submit(EnqueueInteraction(f"e-{name}", name, "voice", "sales", customer=customer, instance="phones"))
    await router.submit(AcceptOffer(f"a-{name}", f"{name}.1", "anna"))
    if ends:
        await router.submit(EndInteraction(f"x-{name}", name, by="customer"))


async def known(earlier: Earlier, customer: str, *names: str) -> list[Encounter]:
    """Wait until these are known, newest first."""
    while True:
        found = await earlier.of_customer(customer, "", NEWEST, 50)
        if [each.id for each in found] == list(names) and all(each.parts for each in found):
            return found
        await idle()


@pytest.mark.parametrize("crashing", [False, True])
async def test_over_a_restart_nothing_is_missing_or_twice(tmp_path: Path, *, crashing: bool) -> None:
    async with centre(tmp_path, crashing=crashing) as (router, earlier):
        customer = await router.remember(Personal("+491701234567"))
        await router.submit(SignInAgent("s", "anna", ready=True))
        await called(router, "c1", customer)
        if not crashing:
            await known(earlier, customer, "c1")
        await called(router, "c2", customer, ends=False)
    async with centre(tmp_path) as (router, earlier):
        found = await known(earlier, customer, "c2", "c1")
        assert found[1].state == "completed"
        await router.submit(EndInteraction("x-c2", "c2", by="agent"))  # unless its channel has said so already
        while (await earlier.encounter("c2") or found[0]).state != "completed":
            await idle()


async def test_another_journal_is_not_taken_for_this_one(tmp_path: Path) -> None:
    async with centre(tmp_path) as (router, earlier):
        await router.submit(SignInAgent("s", "anna", ready=True))
        await called(router, "c1", "cu_1")
        await known(earlier, "cu_1", "c1")
    remove_journal(tmp_path)
    async with centre(tmp_path) as (router, earlier):
        await router.submit(SignInAgent("s", "anna", ready=True))
        await called(router, "c2", "cu_1")
        await known(earlier, "cu_1", "c2", "c1")


async def test_erasing_a_person_forgets_what_was_and_what_goes_on(tmp_path: Path) -> None:
    async with centre(tmp_path) as (router, earlier):
        customer = await router.remember(Personal("+491701234567"))
        await router.submit(SignInAgent("s", "anna", ready=True))
        await called(router, "c1", customer)
        await called(router, "c2", customer, ends=False)
        await known(earlier, customer, "c2", "c1")
        await earlier.add(Note("n", "c1", "anna", router.now_us(), "personal", customer))
        assert await router.erase(customer) is True
        await router.submit(EndInteraction("x-c2", "c2", by="agent"))
        await called(router, "c3", "cu_other")
        await known(earlier, "cu_other", "c3")
        assert await earlier.of_customer(customer, "", NEWEST, 9) == []
        assert await earlier.notes(["c1"]) == []
        more = Note("m", "c1", "anna", router.now_us(), "personal", customer)
        assert await earlier.add(more) == "person-erased"


async def test_a_file_that_cannot_be_opened_stops_nobody(tmp_path: Path) -> None:
    router = Router(config(tmp_path), channels=())
    desk = msgspec.structs.replace(DeskConfig(), path=tmp_path / "nowhere" / "desk.db", key=tmp_path / "desk.key")
    async with router:
        earlier = Earlier(desk, "test", router)
        await earlier.start()
        with pytest.raises(EarlierStoreError):
            await earlier.notes(["c1"])
        await earlier.close()
