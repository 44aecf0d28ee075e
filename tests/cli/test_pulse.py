"""How several routers are, in one line."""

from collections.abc import Mapping

from acd.cli.pulse import Pulse


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
