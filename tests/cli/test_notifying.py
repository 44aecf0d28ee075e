"""What systemd hears: the datagrams of sd_notify, on a real socket."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from acd.cli.notifying import MAX_STATUS, Notifier, watch
from tests.cli.systemd import ServiceManager


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[ServiceManager]:
    with ServiceManager(str(tmp_path / "notify")) as listening:
        yield listening


Notify = Callable[..., Notifier]


@pytest.fixture
def notify(systemd: ServiceManager) -> Iterator[Notify]:
    """A notifier to it, with further variables."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(closing(Notifier({"NOTIFY_SOCKET": systemd.address, **more})))


def test_it_says_when_it_is_ready_reloads_and_stops(systemd: ServiceManager) -> None:
    environment = {"NOTIFY_SOCKET": systemd.address, "HOME": "kept"}
    notifier = Notifier(environment)
    assert environment == {"HOME": "kept"}, "processes started from here do not speak for this one"
    notifier.ready("ready\nREADY=0")
    notifier.status("ready\nREADY=0")
    notifier.status("no channel is connected")
    notifier.reloading()
    notifier.stopping()
    notifier.close()
    heard = systemd.take(4)
    assert heard[0] == {"READY": "1", "STATUS": "ready READY=0"}, "one line, whatever the status holds"
    assert heard[1] == {"STATUS": "no channel is connected"}, "the same status is told once"
    assert heard[2].keys() == {"RELOADING", "MONOTONIC_USEC"}
    assert heard[2]["MONOTONIC_USEC"].isdecimal()
    assert heard[3] == {"STOPPING": "1", "STATUS": "stopping"}
    assert not notifier.heard


def test_a_socket_without_a_file() -> None:
    with ServiceManager(f"@acd-test-{os.getpid()}") as systemd:
        with closing(Notifier({"NOTIFY_SOCKET": systemd.address})) as notifier:
            notifier.ready("ready")
        assert systemd.take(1)[0]["READY"] == "1"


def test_a_status_is_bounded(systemd: ServiceManager, notify: Notify) -> None:
    notify().status("x" * 10_000)
    assert len(systemd.take(1)[0]["STATUS"]) == MAX_STATUS


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_whose_watchdog_it_is(notify: Notify, variables: dict[str, str], seconds: float | None) -> None:
    assert notify(**variables).watchdog_seconds == seconds
    assert Notifier(dict(variables)).watchdog_seconds is None, "without a socket there is nobody to tell"


def test_nobody_listens(tmp_path: Path) -> None:
    with closing(Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})) as notifier:
        notifier.ready("ready")
    assert not Notifier({}).heard


def test_a_manager_that_is_slow_holds_nobody_up(systemd: ServiceManager, notify: Notify) -> None:
    systemd.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    notifier = notify()
    for _ in range(10_000):
        notifier.alive()
    assert systemd.take(1) == [{"WATCHDOG": "1"}]


async def test_the_watchdog_is_fed_while_nothing_is_stuck(systemd: ServiceManager, notify: Notify) -> None:
    notifier = notify(WATCHDOG_USEC="30000")
    stuck = ""
    task = asyncio.create_task(watch(notifier, lambda: stuck, lambda: "ready"))
    loop = asyncio.get_running_loop()
    heard = [await loop.run_in_executor(None, systemd.one) for _ in range(4)]
    assert heard == [{"WATCHDOG": "1"}, {"STATUS": "ready"}, {"WATCHDOG": "1"}, {"WATCHDOG": "1"}]
    stuck = "default: a commit has hung for 31 s"
    while (last := await loop.run_in_executor(None, systemd.one)) == {"WATCHDOG": "1"}:
        pass
    assert last == {"STATUS": stuck}
    task.cancel()
    await asyncio.wait((task,))
    assert systemd.waiting() == []
