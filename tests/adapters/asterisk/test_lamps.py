"""Lamps on telephones: what hints on a real Asterisk show of agents, through every change and every break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from acd.core.messages import InteractionCompleted, OfferMade, SignOutAgent
from acd.ports.channel import AgentStanding
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.lamps import Lamps, agent_state, pause_state, sign_in_state
from acd_asterisk.wire import Answer
from tests.adapters.asterisk.page_text import of_language, options
from tests.adapters.asterisk.rig import EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS, Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.subscriber import subscription

OPTIONS = options("PHONES.md", "Lamps (BLF)")
HINTS = f"""
{of_language("PHONES.md", "ini")}
[hints-of-others]
exten => 8004,hint,Stasis:acd:agent:小李
"""
MODULES = "\n".join(
    f"load = {name}"
    for name in ("res_pjsip_outbound_publish", "res_pjsip_exten_state", "res_pjsip_dialog_info_body_generator")
)
DIALPLAN = (EXAMPLES / "extensions.conf").read_text() + HINTS
PATIENT = AgentBehaviour(ring_ms=300, talk_ms=300, hang_up_chance=1.0)
WRAP_UP = Queue(more='offer_timeout = "20s"\nwrap_up = "60s"')


async def lit(it: Rig, **wanted: str) -> None:
    """Wait until the hints show this, by the name of the extension."""
    seen: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                seen = await hints(it)
                if all(seen.get(name) == state for name, state in wanted.items()):
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}, the hints show {seen}") from None


async def hints(it: Rig) -> dict[str, str]:
    """What `core show hints` says: `agent`, `pause`, `sign_in`, `chinese` → state."""
    names = {"8001": "agent", "8002": "pause", "8003": "sign_in", "8004": "chinese"}
    found: dict[str, str] = {}
    for line in (await it.pbx.cli("core show hints")).splitlines():
        for exten, name in names.items():
            if line.strip().startswith(f"{exten}@"):
                found[name] = line.partition("State:")[2].split()[0]
    return found


async def kept(it: Rig, *names: str) -> None:
    """Wait until these are all the device states that Asterisk keeps for applications."""
    found: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = sorted([row["name"] for row in await it.pbx.ari_get("deviceStates")])
                if found == sorted(names):
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"wanted {sorted(names)}, there are {found}") from None


async def test_lamps_follow_the_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    """Signed out, ready, ringing, talking, after-call work, paused: every hint shows it."""
    async with rig(
        provisioned, tmp_path, [Agent("anna", PATIENT)], queues=[WRAP_UP], options=OPTIONS, dialplan=DIALPLAN
    ) as it:
        await lit(it, agent="Unavailable", pause="Idle", sign_in="Idle")
        await it.ready("anna")
        await lit(it, agent="Idle", pause="Idle", sign_in="InUse")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(OfferMade)
            await lit(it, agent="Ringing")
            await lit(it, agent="InUse")
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await lit(it, agent="Busy", pause="Idle")
        await it.presence("anna", "not-ready", "lunch")
        await lit(it, agent="Busy", pause="InUse")
        await it.router.submit(SignOutAgent("out", "anna"))
        await lit(it, sign_in="InUse")  # not before the after-call work is done
        await it.empty()


async def test_lamps_after_breaks(provisioned: Provisioned, tmp_path: Path) -> None:
    """What changed while the PBX could not be told, and whoever left while the engine was away."""
    agents = [Agent("anna"), Agent("小李", address="PJSIP/anna")]
    phones = [Agent("anna")]
    text = "\n".join(f'[agents."{agent.name}"]\naddresses.voice = "PJSIP/anna"' for agent in agents)
    async with rig(
        provisioned, tmp_path, phones, options=OPTIONS, dialplan=DIALPLAN, text=text + "\n[queues.sales]", proxied=True
    ) as it:
        await it.ready("anna")
        await lit(it, agent="Idle", chinese="Unavailable")
        it.proxy.refuse()
        await it.proxy.cut()
        await it.connected(connected=False)
        await it.presence("anna", "not-ready", "lunch")
        it.proxy.accept()
        await lit(it, agent="Hold", pause="InUse")
        await it.pbx.restart()
        await it.connected()
        await it.presence("anna", "ready")
        await lit(it, agent="Idle", pause="Idle")
        await it.stop_engine()
        it.config = structs.replace(it.config, agents=it.config.agents[:1])
        assert len(await it.pbx.ari_get("deviceStates")) == 6
        await it.start_engine()
        await kept(it, *(f"Stasis:acd:{kind}:anna" for kind in ("agent", "pause", "sign-in")))
        await lit(it, agent="Idle", chinese="Unavailable")


async def test_a_key_with_a_lamp(provisioned: Provisioned, tmp_path: Path) -> None:
    """What is pressed lights up: the key dials the extension whose hint it shows."""
    options_and_codes = {**OPTIONS, "codes": {"sounds": {"signed_in": "beep", "paused": "beep", "resumed": "beep"}}}
    async with rig(
        provisioned,
        tmp_path,
        [Agent("anna")],
        options=options_and_codes,
        dialplan=DIALPLAN,
        extra_config={"modules.conf": MODULES},
    ) as it:
        async with (
            subscription("anna", "8003", it.pbx.sip_port) as sign_in,
            subscription("anna", "8002", it.pbx.sip_port) as pause,
        ):
            await sign_in.until("terminated")
            for key in ("8003", "8002", "8002"):
                async with it.callers(CallSpec(caller="anna", dialled=key)) as callers:
                    await callers.finished(seconds=10)
            await sign_in.until("terminated", "confirmed")
            await pause.until("terminated", "confirmed", "terminated")
        await it.empty()


async def test_a_telephone_is_told(provisioned: Provisioned, tmp_path: Path) -> None:
    """A real subscription: dark, ringing, lit, and lit again while the agent is paused."""
    async with (
        rig(
            provisioned,
            tmp_path,
            [Agent("anna", PATIENT), Agent("ben")],
            options=OPTIONS,
            dialplan=DIALPLAN,
            extra_config={"modules.conf": MODULES},
        ) as it,
    ):
        await it.ready("anna")
        await lit(it, agent="Idle")
        async with subscription("ben", "8001", it.pbx.sip_port) as ben:
            await ben.until("terminated")
            async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
                await ben.until("terminated", "early", "confirmed", "terminated")
                await callers.finished(seconds=5)
            await it.presence("anna", "not-ready", "lunch")
            await ben.until("terminated", "early", "confirmed", "terminated", "confirmed")
            await it.presence("anna", "ready")
            await ben.until("terminated", "early", "confirmed", "terminated", "confirmed", "terminated")
        await it.empty()


async def test_lamps_of_an_earlier_configuration_are_put_out(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [Agent("anna")], options=OPTIONS, dialplan=DIALPLAN) as it:
        await lit(it, agent="Unavailable")
        await it.stop_engine()
        it.options = {key: value for key, value in it.options.items() if key != "phones"}
        await it.start_engine()
        await kept(it)


@pytest.mark.parametrize(
    ("presence", "following", "work", "shown"),
    [
        ("signed-out", "", (), ("UNAVAILABLE", "NOT_INUSE", "NOT_INUSE")),
        ("ready", "", (), ("NOT_INUSE", "NOT_INUSE", "INUSE")),
        ("not-ready", "", (), ("ONHOLD", "INUSE", "INUSE")),
        ("ready", "", ("offered",), ("RINGING", "NOT_INUSE", "INUSE")),
        ("ready", "", ("active", "offered"), ("RINGINUSE", "NOT_INUSE", "INUSE")),
        ("ready", "", ("wrap-up", "active"), ("INUSE", "NOT_INUSE", "INUSE")),
        ("ready", "", ("held",), ("INUSE", "NOT_INUSE", "INUSE")),
        ("ready", "", ("wrap-up",), ("BUSY", "NOT_INUSE", "INUSE")),
        ("draining", "not-ready", ("active",), ("INUSE", "INUSE", "INUSE")),
        ("draining", "signed-out", ("active",), ("INUSE", "NOT_INUSE", "INUSE")),
    ],
)
def test_states(presence: str, following: str, work: tuple[str, ...], shown: tuple[str, str, str]) -> None:
    agent = AgentStanding("anna", presence, "", following, tuple((f"i{at}", state) for at, state in enumerate(work)))
    assert (agent_state(agent), pause_state(agent), sign_in_state(agent)) == shown


@pytest.mark.parametrize("agent_id", ["a&b", "a,b", "a/b", "a:b", "a%62", "a|b", "x" * 41, "\N{SNOWMAN}\N{SNOWMAN}"])
def test_no_lamp_for_names_that_no_hint_can_hold(agent_id: str) -> None:
    assert not Lamps(cast("AriClient", None), "acd", ("agent",)).name("agent", agent_id)


class Asked:
    """Answers as a PBX would, with what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.is_gone = 200, False
        self.requests: list[str] = []

    async def request(
        self,
        method: str,
        path: str,
        *_: object,
        query: dict[str, str] | None = None,
        large: bool = False,
        patient: bool = False,
    ) -> Answer:
        assert large == (method == "GET"), "the states of all devices may be many"
        assert patient == (method != "GET"), "no lamp is worth a call's time"
        self.requests.append(f"{method} {path} {(query or {}).get('deviceState', '')}".strip())
        if self.is_gone:
            raise AriUnavailable("nobody answers")
        return Answer(self.status, b"[]")


@asynccontextmanager
async def lit_by(asked: Asked) -> AsyncIterator[Lamps]:
    """Lamps of one agent, who is signed out."""
    host = RecordingHost(lambda _agent, _channel: "")
    host.staff["anna"] = AgentStanding("anna", "signed-out")
    under_test = Lamps(cast("AriClient", asked), "acd", ("agent",))
    running = asyncio.create_task(under_test.run())
    await under_test.follow(host)
    try:
        yield under_test
    finally:
        running.cancel()


async def test_without_the_modules_nothing_more_is_asked() -> None:
    """Until the next connect, when they may be there."""
    asked = Asked()
    asked.status = 501
    async with lit_by(asked) as under_test:
        await until(lambda: bool(asked.requests), lambda: "nothing was asked")
        asked.status = 200
        under_test.reconnected()
        await until(lambda: len(asked.requests) == 3, lambda: str(asked.requests))
    assert asked.requests == [
        "GET deviceStates",
        "GET deviceStates",
        "PUT deviceStates/Stasis:acd:agent:anna UNAVAILABLE",
    ]


async def test_what_was_not_answered_is_done_after_the_next_connect() -> None:
    asked = Asked()
    async with lit_by(asked) as under_test:
        await until(lambda: len(asked.requests) == 2, lambda: str(asked.requests))
        asked.is_gone = True
        under_test.reconnected()
        await until(lambda: len(asked.requests) == 3, lambda: str(asked.requests))
        asked.is_gone = False
        under_test.reconnected()
        await until(lambda: len(asked.requests) == 5, lambda: str(asked.requests))
    assert asked.requests[-1] == "PUT deviceStates/Stasis:acd:agent:anna UNAVAILABLE"
