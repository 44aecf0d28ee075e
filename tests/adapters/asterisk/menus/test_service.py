"""Menus on the real Asterisk: by what arrives in the caller's ear, and by what becomes of the caller."""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from acd.core.messages import InteractionCompleted, InteractionQueued
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_passing_variables import seen

CALLER: Final = "10001"
TALKER: Final = AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0)
"""Who hangs up at once may be gone before a busy engine has joined them, and is offered the call again."""
MUSIC: Final = range(600)
VOICE_HZ: Final = 400
"""Callers are never silent: Asterisk takes a key for released when it hears something again."""

WELCOME, CHINESE, INVALID, NOTHING, SUPPORT, ORDER, ENTERED, PRESS = range(800, 2_400, 200)
"""Tones that stand for sounds."""

SOUNDS: Final = {
    "acd/welcome": WELCOME,
    "zh:acd/welcome": CHINESE,
    "acd/invalid": INVALID,
    "acd/nothing": NOTHING,
    "acd/support": SUPPORT,
    "acd/order": ORDER,
    "acd/entered": ENTERED,
    "acd/press": PRESS,
}

MENUS: Final = """
menu = "main"

[menus.main]
prompt = "acd/welcome"
invalid = "acd/invalid"
timeout = "acd/nothing"
first_digit = "400ms"
between_digits = "300ms"
keys.1 = { queue = "sales", attributes = { topic = "购买" }, priority = 2 }
keys.2 = { menu = "support", requirement = "skills.support >= 1", language = "zh" }
keys.3 = { menu = "order" }
keys.4 = { menu = "card" }
keys.5 = { dialplan = "elsewhere@acd-elsewhere" }
keys.6 = { queue = "nowhere" }
keys.8 = { repeat = true, language = "zh" }
keys.9 = { hangup = true }
retries = 1
default = { queue = "sales" }

[menus.support]
prompt = "acd/support"
entry = true
first_digit = "60s"
keys.1 = { queue = "support" }
keys."*" = { back = true }
default = { hangup = true }

[menus.order]
prompt = "acd/order"
invalid = "acd/invalid"
collect = "order_number"
min_digits = 4
max_digits = 6
first_digit = "60s"
between_digits = "2s"
confirm = ["acd/entered", "acd/press"]
then = { queue = "sales" }
default = { hangup = true }

[menus.card]
prompt = "acd/order"
collect = "card"
secret = true
min_digits = 16
max_digits = 16
first_digit = "60s"
then = { queue = "sales" }
default = { hangup = true }
"""

ELSEWHERE: Final = """
[acd-elsewhere]
exten => elsewhere,1,Set(GLOBAL(SEEN)=${ACD_RESULT}/${ACD_MENU}/${ACD_QUEUE}/${EXTEN})
 same => n,Hangup()
"""

BARE: Final = """
[acd-inbound]
exten => _[0-9a-z].,1,Set(TIMEOUT(absolute)=30)
 same => n,Stasis(acd)
 same => n,Set(GLOBAL(SEEN)=${ACD_RESULT}/${ACD_REFUSAL})
 same => n,Hangup()
exten => T,1,Set(GLOBAL(SEEN)=dead-man)
 same => n,Hangup()
"""


def files_with(folder: Path, text: str) -> list[Path]:
    """All files below that hold this."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@asynccontextmanager
async def menus(provisioned: Provisioned, folder: Path, **more: Any) -> AsyncIterator[Rig]:  # noqa: ANN401 - as rig's
    """A rig with the menus above; whoever names no queue begins in `main`."""
    options = {**tomllib.loads(MENUS), **more.pop("options", {})}
    agents = [Agent("anna", TALKER, {"support": 3})]
    queues = [Queue("sales"), Queue("support")]
    dialplan = f"{more.pop('dialplan', BARE)}\n{ELSEWHERE}\n[acd-agents]\nexten => _X.,1,Hangup()\n"
    async with rig(provisioned, folder, agents, queues=queues, options=options, dialplan=dialplan, **more) as it:
        for name, hertz in SOUNDS.items():
            language, _, own = name.rpartition(":")
            it.pbx.add_sound(own, tone(hertz, 200), language)
        await it.ready("anna")
        yield it


async def hears(ear: Ear, *expected: int, since: int = 0) -> None:
    """Wait until exactly these tones have been heard besides music."""
    await until(
        lambda: [each for each in ear.tones(since) if each not in MUSIC] == list(expected),
        lambda: f"{expected}: {ear.tones(since)}",
    )


async def test_two_menus_and_a_language(provisioned: Provisioned, tmp_path: Path) -> None:
    """Chinese on one key, then support: what was pressed goes with the interaction."""
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "8")
            await hears(ear, WELCOME, CHINESE)
            assert it.channel.health()["in_menus"] == 1
            assert not it.all(InteractionQueued)
            (channel,) = await it.pbx.channels()
            assert channel["language"] == "zh", "announcements and the dialplan are to speak it, too"
            await it.press(CALLER, "2")
            await hears(ear, WELCOME, CHINESE, SUPPORT)
            await it.press(CALLER, "1")
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        queued = await it.event(InteractionQueued)
        assert (queued.queue, queued.requirement, completed.agent_id) == ("support", "skills.support >= 1", "anna")
        assert dict(queued.attributes) == {"did": "hotline", "menu.main": "2", "menu.support": "1"}
        assert it.channel.health()["in_menus"] == 0
        await it.empty()


async def test_nothing_and_something_wrong_then_the_default(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME, NOTHING, WELCOME)
            await callers.finished(seconds=10)
        queued = await it.event(InteractionQueued)
        assert (queued.queue, dict(queued.attributes)["menu.main"]) == ("sales", "default")
        await it.empty()


async def test_a_number_is_entered_and_confirmed(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "3")
            await hears(ear, WELCOME, ORDER)
            await it.press(CALLER, "12#")
            await hears(ear, WELCOME, ORDER, INVALID, ORDER)
            await it.press(CALLER, "4711#")
            await hears(ear, WELCOME, ORDER, INVALID, ORDER, ENTERED, PRESS)
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        queued = await it.event(InteractionQueued)
        assert dict(queued.attributes) == {"did": "hotline", "menu.main": "3", "order_number": "4711"}
        await it.empty()


async def test_a_secret_goes_to_the_personal_store_only(provisioned: Provisioned, tmp_path: Path) -> None:
    """Not into the journal, no event, no variable, no log; and who forges the number writes no other call's."""
    card, forged = "6222020111122220", "6222020000000000"
    found: list[dict[str, str]] = []
    async with menus(provisioned, tmp_path) as it:
        for digits in (f"4{card}", f"4{forged}", "1"):
            async with Ear() as ear:
                call = CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)
                async with it.callers(call) as callers:
                    await hears(ear, WELCOME)
                    await it.press(CALLER, digits)
                    await callers.finished(seconds=10)
            found.append(dict(it.all(InteractionQueued)[-1].attributes))
            await it.empty()
        customers = {queued.customer for queued in it.all(InteractionQueued)}
        person = await it.router.recall(customers.pop())
        assert person is not None
        assert not customers
        kept = dict(person.extra)
        assert [kept.get(each.get("card", "")) for each in found] == [card, forged, None]
        assert person.number == CALLER
        assert found[0].keys() == {"did", "menu.main", "card"}
        await it.stop_engine()
    assert files_with(tmp_path, card) == files_with(tmp_path, forged) == []


async def test_to_the_dialplan_and_the_end(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "5")
            await callers.finished(seconds=10)
        assert await seen(it.pbx, "SEEN") == "menu///elsewhere"
        async with it.callers(CallSpec("10002", "hotline")) as callers:
            await until(lambda: it.channel.health()["in_menus"] == 1, lambda: str(it.channel.health()))
            await it.press("10002", "9")
            (caller,) = await callers.finished(seconds=10)
            assert caller.how == "pbx"
        assert it.channel.health()["menu_hangups"] == 0
        assert not it.all(InteractionQueued)
        await it.empty()


async def test_a_hangup_is_counted(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(
            CallSpec(CALLER, "hotline", hang_up_after_ms=250, ear=ear.port, voice_hz=VOICE_HZ)
        ) as callers:
            await callers.finished(seconds=10)
        await until(lambda: it.channel.health()["menu_hangups"] == 1, lambda: str(it.channel.health()))
        assert it.channel.health()["in_menus"] == it.channel.health()["calls"] == 0
        assert not it.all(InteractionQueued)
        await it.empty()


async def test_refused(provisioned: Provisioned, tmp_path: Path) -> None:
    """A key leads to a queue that there is not: the dialplan is told, as of any queue."""
    async with menus(provisioned, tmp_path) as it:
        async with it.callers(CallSpec(CALLER, "hotline")) as callers:
            await until(lambda: it.channel.health()["in_menus"] == 1, lambda: str(it.channel.health()))
            await it.press(CALLER, "6")
            await callers.finished(seconds=10)
        assert await seen(it.pbx, "SEEN") == "refused/unknown-queue"
        await it.empty()


async def test_the_dialplan_names_the_menu(provisioned: Provisioned, tmp_path: Path) -> None:
    """`Stasis(acd,menu:support)`, as it is in the example; and a menu that nobody may enter there."""
    example = (EXAMPLES / "extensions.conf").read_text()
    async with menus(provisioned, tmp_path, dialplan=example) as it, Ear() as ear:
        call = CallSpec(CALLER, "hotline", headers={"X-ACD-Queue": "menu:support"}, ear=ear.port, voice_hz=VOICE_HZ)
        async with it.callers(call) as callers:
            await hears(ear, SUPPORT)
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        assert (await it.event(InteractionQueued)).queue == "support"
        async with it.callers(CallSpec("10002", "hotline", headers={"X-ACD-Queue": "menu:order"})) as callers:
            await callers.finished(seconds=20)
        assert len(it.all(InteractionQueued)) == 1
        assert "10002" in {each.caller for each in it.phones.dialogs()}, "the fallback had them"
        await it.empty()


async def test_the_engine_dies_in_a_menu(provisioned: Provisioned, tmp_path: Path) -> None:
    """Another engine goes on where the caller was, and what was pressed before counts."""
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "2")
            await hears(ear, WELCOME, SUPPORT)
            await it.stop_engine(crash=True)
            await it.start_engine()
            since = ear.packets
            await hears(ear, SUPPORT, since=since)
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        queued = await it.event(InteractionQueued)
        assert queued.requirement == "skills.support >= 1"
        assert dict(queued.attributes) == {"did": "hotline", "menu.main": "2", "menu.support": "1"}
        await it.empty()


async def test_the_engine_dies_after_the_menu(provisioned: Provisioned, tmp_path: Path) -> None:
    """Who waits has had the menus: another engine goes on with the waiting."""
    async with menus(provisioned, tmp_path) as it, Ear() as ear:
        await it.presence("anna", "not-ready", "lunch")
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "1")
            await it.event(InteractionQueued)
            await it.stop_engine(crash=True)
            await it.start_engine()
            await it.presence("anna", "ready")
            await callers.finished(seconds=10)
        assert [each for each in ear.tones() if each not in MUSIC] == [WELCOME]
        assert len(it.all(InteractionQueued)) == 1
        await it.empty()


async def test_the_connection_is_lost_in_a_menu(provisioned: Provisioned, tmp_path: Path) -> None:
    """A key that nobody heard is pressed again; nothing else is lost."""
    async with menus(provisioned, tmp_path, proxied=True) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "2")
            await hears(ear, WELCOME, SUPPORT)
            await it.proxy.cut()
            await it.connected(connected=False)
            await it.connected()
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        assert dict((await it.event(InteractionQueued)).attributes)["menu.support"] == "1"
        await it.empty()


async def test_who_hangs_up_while_nobody_looks(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path, proxied=True) as it, Ear() as ear:
        call = CallSpec(CALLER, "hotline", hang_up_after_ms=700, ear=ear.port, voice_hz=VOICE_HZ)
        async with it.callers(call) as callers:
            await hears(ear, WELCOME)
            it.proxy.refuse()
            await it.proxy.cut()
            await callers.finished(seconds=10)
            it.proxy.accept()
        await it.connected()
        await until(lambda: it.channel.health()["menu_hangups"] == 1, lambda: str(it.channel.health()))
        assert it.channel.health()["calls"] == 0
        await it.empty()


async def test_dead_mans_switch(provisioned: Provisioned, tmp_path: Path) -> None:
    """It is wound up in a menu as in a queue; when the engine dies, the dialplan has the caller."""
    short: dict[str, object] = {"heartbeat": "500ms", "dead_man": "2s"}
    plan = BARE.replace("TIMEOUT(absolute)=30", "TIMEOUT(absolute)=1.2")
    async with menus(provisioned, tmp_path, options=short, dialplan=plan) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "2")
            await hears(ear, WELCOME, SUPPORT)
            requests = int(it.channel.health()["requests"])
            # Four times, each half a second at the latest, is longer than the switch was set for to begin with.
            await until(lambda: int(it.channel.health()["requests"]) >= requests + 4, lambda: str(it.channel.health()))
            assert not callers.dialogs()[0].ended_us
            assert it.channel.health()["in_menus"] == 1
            await it.stop_engine(crash=True)
            await callers.finished(seconds=10)
        assert await seen(it.pbx, "SEEN") == "dead-man"


async def test_the_end_of_a_prompt_is_missed(provisioned: Provisioned, tmp_path: Path) -> None:
    """It has ended while the line was cut: the time for a key begins as soon as that is found out."""
    async with menus(provisioned, tmp_path, proxied=True) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.proxy.cut()
            await it.connected(connected=False)
            await it.connected()
            await hears(ear, WELCOME, NOTHING, WELCOME)
            await it.press(CALLER, "9")
            await callers.finished(seconds=10)
        assert not it.all(InteractionQueued)
        await it.empty()


async def test_who_is_in_a_menu_is_no_difference(provisioned: Provisioned, tmp_path: Path) -> None:
    """Looked at again and again, and compared: a caller in a menu is left in peace, and hears nothing twice."""
    async with menus(provisioned, tmp_path, options={"reconcile_every": "100ms"}) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "2")
            await hears(ear, WELCOME, SUPPORT)
            requests = int(it.channel.health()["requests"])
            await until(lambda: int(it.channel.health()["requests"]) > requests + 20, lambda: str(it.channel.health()))
            for _ in range(3):
                await it.channel.reconcile(())
            assert it.channel.health()["in_menus"] == 1
            assert [each for each in ear.tones() if each not in MUSIC] == [WELCOME, SUPPORT]
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        assert (await it.event(InteractionQueued)).queue == "support"
        assert len(it.all(InteractionQueued)) == 1
        await it.empty()


async def test_back_from_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller has been served, and comes again, to another menu: another interaction, of which nothing is left over.

    Also when the engine has died in between.
    """
    plan = """
[acd-inbound]
exten => _[0-9a-z].,1,Stasis(acd,,after=continue)
 same => n,Set(GLOBAL(SEEN)=<${ACD_MENU}>)
 same => n,Stasis(acd,menu:support)
 same => n,Hangup()
"""
    async with menus(provisioned, tmp_path, dialplan=plan, options={"heartbeat": 0}) as it, Ear() as ear:
        async with it.callers(CallSpec(CALLER, "hotline", ear=ear.port, voice_hz=VOICE_HZ)) as callers:
            await hears(ear, WELCOME)
            await it.press(CALLER, "1")
            await until(lambda: SUPPORT in ear.tones(), lambda: str(ear.tones()))
            assert await seen(it.pbx, "SEEN") == "<>"
            await it.stop_engine(crash=True)
            await it.start_engine()
            since = ear.packets  # What the engine that has died was saying is heard to its end.
            await until(lambda: SUPPORT in ear.tones(since), lambda: str(ear.tones(since)))
            await it.press(CALLER, "1")
            await callers.finished(seconds=10)
        first, second = it.all(InteractionQueued)
        assert (first.queue, second.queue) == ("sales", "support")
        assert second.interaction_id == f"{first.interaction_id}~2"
        assert "menu.main" not in dict(second.attributes)
        await it.empty()
