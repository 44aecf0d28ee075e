"""How several routers are, in one line."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from acd.cli.notifying import Notifier, watch
from acd.cli.pulse import Pulse
from tests.cli.systemd import ServiceManager
from tests.runtime.live import GatedJournal, call, configuration, router_of


class Router:
    def __init__(self, domain: str, reason: str = "", seconds: float = 0.0, status: str = "running") -> None:
        self.domain, self.reason, self.seconds, self.status = domain, reason, seconds, status

    def health(self) -> Mapping[str, object]:
        return {
            "domain": self.domain,
            "ready": not self.reason,
            "reason": self.reason,
            "status": self.status,
            "appending_seconds": self.seconds,
        }


def test_one_that_is_away_is_named() -> None:
    routers = [Router("north"), Router("south", "no channel is connected (pbx)")]
    pulse = Pulse(lambda: tuple(routers), 60.0)
    assert pulse.status() == "south: no channel is connected (pbx)"
    assert pulse.stuck() == "", "an outage that is known of is no hang"
    del routers[1]
    assert pulse.status() == "ready"


def test_a_commit_that_hangs_is_stuck_after_half_the_timeout() -> None:
    router = Router("north")
    pulse = Pulse(lambda: (router,), 60.0)
    for seconds, stuck in ((29.0, ""), (31.0, "north: a commit has hung for 31 s"), (0.0, "")):
        router.seconds = seconds
        assert pulse.stuck() == stuck
    router.seconds = 31.0
    assert Pulse(lambda: (router,), 10.0).stuck()
    assert Pulse(lambda: (router,), None).stuck()


def test_one_of_several_that_hangs_is_said_and_does_not_stop_the_others() -> None:
    hung, well, gone = Router("north", seconds=31.0), Router("south"), Router("east", "fenced", status="fenced")
    pulse = Pulse(lambda: (hung, well, gone), 60.0)
    assert pulse.status() == "north: a commit has hung for 31 s; east: fenced"
    assert pulse.stuck() == ""
    well.seconds = 40.0
    assert pulse.stuck() == "north: a commit has hung for 31 s; south: a commit has hung for 40 s"


async def test_a_disk_that_does_not_answer_is_seen_while_the_loop_turns(tmp_path: Path) -> None:
    """With a real router and real datagrams: pings stop while a commit hangs, and come back with it."""
    journal = GatedJournal()
    with ServiceManager(str(tmp_path / "notify")) as systemd, ExitStack() as stack:
        variables = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "60000"}
        notifier = stack.enter_context(closing(Notifier(variables)))
        async with router_of(configuration(tmp_path), journal) as router:
            assert router.health()["appending_seconds"] == 0.0
            pulse = Pulse(lambda: (router,), notifier.watchdog_seconds)
            watching = asyncio.create_task(watch(notifier, pulse.stuck, pulse.status))
            assert await asyncio.to_thread(systemd.one) == {"WATCHDOG": "1"}
            journal.shut()
            asked = asyncio.create_task(router.submit(call(1)))
            await journal.blocked()
            while "STATUS" not in (said := await asyncio.to_thread(systemd.one)) or "hung" not in said["STATUS"]:
                assert said in ({"WATCHDOG": "1"}, {"STATUS": "ready"})
            assert systemd.waiting() == [], "not fed any more"
            journal.gate.set()
            assert (await asked).refusal is None
            assert await asyncio.to_thread(systemd.until, "WATCHDOG") == {"WATCHDOG": "1"}
            assert router.health()["appending_seconds"] == 0.0
            watching.cancel()
