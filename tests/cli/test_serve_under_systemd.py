"""`acd serve` as systemd sees it: a real process, and the real datagrams that it sends."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.systemd import ServiceManager
from tests.frozen import frozen
from tests.served import CONFIG, Served, ask, write_centre

WATCHDOG_SECONDS = 1.5


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[ServiceManager]:
    with ServiceManager(str(tmp_path / "notify")) as listening:
        yield listening


@pytest.fixture
def served(tmp_path: Path, systemd: ServiceManager, lives: list[Served]) -> Served:
    write_centre(tmp_path, CONFIG.replace("enabled = false", "enabled = true"))
    variables = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1_000_000))}
    lives.append(Served(tmp_path, "--log", "json", **variables))
    return lives[0]


def test_it_is_ready_when_commands_are_taken_and_says_when_it_stops(served: Served, systemd: ServiceManager) -> None:
    first = systemd.one()
    assert first == {"READY": "1", "STATUS": "ready"}
    address = served.ready()
    assert ask(f"{address}/v1/agents/anna/sign-in", "POST")[0] == 200
    status, _, log = served.end(signal.SIGTERM)
    assert status == 0, log
    assert systemd.until("STOPPING")["STATUS"] == "stopping"
    assert systemd.waiting() == [], "the follower's process says nothing"


def test_the_watchdog_is_fed_until_the_process_hangs(served: Served, systemd: ServiceManager) -> None:
    systemd.until("READY")
    for _ in range(3):
        assert systemd.until("WATCHDOG") == {"WATCHDOG": "1"}
    with frozen(served.process.pid):
        systemd.waiting()  # those that were under way
        with pytest.raises(TimeoutError):
            systemd.one(WATCHDOG_SECONDS)
    assert systemd.one() == {"WATCHDOG": "1"}


def test_sighup_is_a_reload_and_ends_nothing(served: Served, systemd: ServiceManager) -> None:
    address = served.ready()
    systemd.until("READY")
    served.process.send_signal(signal.SIGHUP)
    assert systemd.until("RELOADING")["MONOTONIC_USEC"].isdecimal()
    assert systemd.until("READY") == {"READY": "1", "STATUS": "ready"}
    assert ask(f"{address}/readyz")[0] == 200
    assert served.end(signal.SIGTERM)[0] == 0
