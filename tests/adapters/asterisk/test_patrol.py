"""Looking at the PBX while calls go on: what is stuck is healed and counted, what is on its way is left alone."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from acd.core.messages import EndInteraction, InteractionCompleted, InteractionQueued, OfferAccepted
from acd.ports.channel import Desired
from acd_asterisk import mending
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.differences import KINDS, Differences
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.mending import Repair
from acd_asterisk.names import Names
from acd_asterisk.patrol import Patrol
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import APP, INSTANCE, Agent, Rig, rig, until

LISTENER = AgentBehaviour(ring_ms=20, talk_ms=60_000)
TALKER = AgentBehaviour(ring_ms=20, talk_ms=100, hang_up_chance=1.0)
NAMES = Names(INSTANCE, APP)
GONE = f"{INSTANCE}-1795254033.77"
UNLISTENED = ["StasisEnd", "ChannelDestroyed", "ChannelHangupRequest", "ApplicationReplaced", "ChannelUserevent"]


class World:
    """Shows what it is told to, look by look."""

    def __init__(self, *looks: list[Repair], live: bool = True) -> None:
        self.looks = list(looks)
        self.live = live
        self.healed = 0

    async def look(self) -> list[Repair]:
        return self.looks.pop(0)

    async def heal(self) -> None:
        self.healed += 1

    def patrol(self) -> Patrol:
        return Patrol("pbx1", 1, look=self.look, heal=self.heal, is_live=lambda: self.live, confirm_seconds=0)


KEPT = mending.Keep(Desired("i", "waiting"), AriChannel("1"), (), met=False, has_bridge=False)
ORPHAN = mending.HangUp("acd-acd:leg:x.1")
BRIDGE = mending.Destroy("x")


async def test_what_two_looks_see_is_healed() -> None:
    world = World([KEPT, ORPHAN, BRIDGE], [KEPT, BRIDGE])
    await world.patrol().round()
    assert world.healed == 1


@pytest.mark.parametrize("kind", [mending.CallBack, mending.Welcome])
async def test_two_customers_at_two_looks_are_not_one_who_is_stuck(
    kind: type[mending.CallBack] | type[mending.Welcome],
) -> None:
    for second, healed in ((kind("y"), 0), (kind("x"), 1)):
        world = World([kind("x")], [second])
        await world.patrol().round()
        assert world.healed == healed


@pytest.mark.parametrize(
    "looks",
    [
        ([KEPT],),
        ([ORPHAN], []),
        ([ORPHAN], [mending.HangUp("another")]),
        # Of the same name, and another thing.
        ([mending.End("x", "customer", "gone-while-away")], [BRIDGE]),
        # May rightly last: a key that is waited for.
        ([mending.Accept("i", "i.1")],) * 2,
    ],
)
async def test_what_is_on_its_way_is_left_alone(looks: tuple[list[Repair], ...]) -> None:
    world = World(*looks)
    await world.patrol().round()
    assert world.healed == 0


async def test_without_a_connection_nobody_looks() -> None:
    world = World([ORPHAN], [ORPHAN], live=False)
    await world.patrol().round()
    assert len(world.looks) == 2


async def test_a_look_that_fails_is_not_the_last() -> None:
    """Whatever of: without further looks nothing that gets lost is ever found."""
    looks, again = 0, asyncio.Event()

    async def look() -> list[Repair]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise KeyError
        again.set()
        return []

    world = World()
    patrol = Patrol("pbx1", 1, look=look, heal=world.heal, is_live=lambda: True, confirm_seconds=0)
    running = asyncio.create_task(patrol.run())
    try:
        await asyncio.wait((running, asyncio.create_task(again.wait())), return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert again.is_set()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("error", [AriUnavailable("no answer"), KeyError("x")])
async def test_a_healing_that_fails_is_done_anew(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """By a new connection: else all that happens would wait for its end."""
    options: dict[str, object] = {"reconcile_every": "1s"}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options) as it:
        await it.ready("anna")
        assert isinstance(it.channel, AsteriskChannel)
        failed = asyncio.Event()
        healed = it.channel._healer.heal

        async def heal() -> None:
            if failed.is_set():
                await healed()
                return
            failed.set()
            raise error

        monkeypatch.setattr(it.channel._healer, "heal", heal)
        await plant(it, ("POST", f"bridges/{NAMES.talk(GONE)}", {"type": "mixing"}))
        await until(lambda: it.channel.health()["connects"] == 2, lambda: str(it.channel.health()))
        await it.connected()
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()


def test_every_difference_has_a_kind_and_is_counted() -> None:
    every = {part for part in Repair.__args__ if part is not mending.Keep}
    assert set(KINDS) == every
    differences = Differences()
    assert differences.note([KEPT, ORPHAN, ORPHAN, BRIDGE]) == 3
    health = differences.health()
    assert {key: count for key, count in health.items() if count} == {
        "difference_orphaned-channel": 2,
        "difference_orphaned-bridge": 1,
    }
    assert len(health) == len(every)


async def planted(it: Rig) -> None:
    """A channel and a bridge, named as ours are, that nobody knows; and from now on no word of new callers."""
    leg: dict[str, object] = {"endpoint": "Local/1@nobody/n", "extension": "1", "context": "nobody", "priority": 1}
    await plant(
        it,
        ("PUT", f"applications/{APP}/eventFilter", {"allowed": [{"type": each} for each in UNLISTENED]}),
        ("POST", f"bridges/{NAMES.talk(GONE)}", {"type": "mixing"}),
        ("POST", f"channels/{NAMES.leg(f'{GONE}.1')}", leg),
    )


async def plant(it: Rig, *requests: tuple[str, str, dict[str, object]]) -> None:
    """Ask the PBX past the channel."""
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": auth}) as session:
        for method, path, body in requests:
            async with session.request(method, f"{it.pbx.ari_url}/{path}", json=body) as answer:
                assert answer.ok, await answer.text()


async def listening_again(it: Rig) -> None:
    """As the channel had it."""
    await plant(it, ("PUT", f"applications/{APP}/eventFilter", {"allowed": []}))


async def test_those_who_talked_and_are_apart_are_joined_again(provisioned: Provisioned, tmp_path: Path) -> None:
    """A request that was given up has taken the caller out of the talk, late."""
    options: dict[str, object] = {"reconcile_every": "1s"}
    async with rig(provisioned, tmp_path, [Agent("anna", LISTENER)], options=options) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")):
            accepted = await it.event(OfferAccepted)
            talk = f"talk:{accepted.interaction_id}"
            together = {"trunk": talk, "anna": talk}
            await until_places(it.pbx, together)
            (caller,) = [each["id"] for each in await it.pbx.channels() if "trunk" in each["name"]]
            await plant(it, ("POST", f"bridges/{NAMES.hold}/addChannel", {"channel": caller}))
            await until_places(it.pbx, {"trunk": "hold", "anna": talk})
            await until_places(it.pbx, together)
            assert it.channel.health()["connects"] == 1
            await it.router.submit(EndInteraction("end", accepted.interaction_id, by="agent"))
            await it.empty()


@pytest.mark.parametrize("place", ["none", "say"])
async def test_who_waits_and_hears_nothing_is_put_back(provisioned: Provisioned, tmp_path: Path, place: str) -> None:
    """Taken away from the music, and told nothing: late, by a request that was given up, or by somebody else."""
    options: dict[str, object] = {"reconcile_every": "1s"}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options) as it:
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await until_places(it.pbx, {"trunk": "hold"})
            (caller,) = [each["id"] for each in await it.pbx.channels() if "trunk" in each["name"]]
            if place == "none":
                await plant(it, ("POST", f"bridges/{NAMES.hold}/removeChannel", {"channel": caller}))
                await until_places(it.pbx, {"trunk": ""})
            else:
                say = NAMES.say(caller)
                await plant(
                    it,
                    ("POST", f"bridges/{say}", {"type": "mixing"}),
                    ("POST", f"bridges/{say}/addChannel", {"channel": caller}),
                )
                await until_places(it.pbx, {"trunk": say.removeprefix("acd-acd:")})
            await until_places(it.pbx, {"trunk": "hold"})
            assert it.channel.health()["connects"] == 1
            await it.ready("anna")
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()


async def test_what_got_lost_is_found_while_a_call_goes_on(provisioned: Provisioned, tmp_path: Path) -> None:
    """A caller of whom nobody told, a channel and a bridge that nobody ended: healed, counted, nobody disturbed."""
    agents = [Agent("anna", LISTENER), Agent("ben", TALKER)]
    dialplan = {"extensions.conf": "\n[nobody]\nexten => 1,1,Wait(600)\n"}
    options: dict[str, object] = {"reconcile_every": "1s"}
    async with rig(provisioned, tmp_path, agents, options=options, extra_config=dialplan) as it:
        await it.ready("anna")
        async with raw_caller(it.pbx.sip_port, "10001", "sales") as talking:
            await it.event(OfferAccepted)
            await it.talking()
            before = it.channel.health()
            await planted(it)
            async with it.callers(CallSpec(caller="10002", dialled="sales")) as unheard:
                await unheard.wait_for(lambda dialogs: len(dialogs) == 1)
                await listening_again(it)
                await it.ready("ben")
                completed = await it.event(InteractionCompleted)
                await unheard.finished(seconds=5)
            assert completed.agent_id == "ben"
            health = it.channel.health()
            for kind in ("orphaned-bridge", "orphaned-channel", "unknown-caller"):
                await until(lambda kind=kind: it.channel.health()[f"difference_{kind}"] == 1, lambda: str(health))  # type: ignore[misc] # a default for the loop
            assert health["connects"] == before["connects"]
            assert len(it.all(InteractionQueued)) == 2
            (anna,) = [each for each in it.phones.dialogs() if each.agent == "anna"]
            assert anna.how is None
            assert not talking.ended.is_set()
        await it.empty()
