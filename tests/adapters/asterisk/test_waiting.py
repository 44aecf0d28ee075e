"""What callers who wait hear and may press, on a real Asterisk, by what arrives in their ears."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.core.messages import (
    CancelInteraction,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionOverflowed,
    InteractionQueued,
    MoveInteraction,
    OfferAccepted,
)
from acd_asterisk.announcements import rounded_minutes
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.media import sound_name
from acd_asterisk.options.sounds import LISTS, Sounds
from tests.adapters.asterisk.recording.sounds import loudness, samples_of, seconds
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, Rig, rig, until

TALKER = AgentBehaviour(ring_ms=50, talk_ms=200, hang_up_chance=1.0)
SILENT = AgentBehaviour(no_answer_chance=1.0)
MUSIC, JAZZ = range(600), 2_900
LOUD = 1_500
WELCOME, LONG, BEFORE, AFTER, PLEASE, SORRY = 800, 1_000, 1_200, 1_400, 1_600, 1_800
ONE, CHINESE_ONE = 2_200, 2_400
MINUTES = {minutes: 3_000 + 100 * minutes for minutes in (1, 2, 3, 4, 5)}
SHORT = Queue(more='offer_timeout = "20s"\nretry_after = "1s"')

SOUNDS: Mapping[str, object] = {
    "zh": {
        "position": ["before", "{ahead}", "after"],
        "next": ["after"],
        "thanks": [],
        "announcements": {"sorry": ["sorry"]},
    }
}


@dataclass
class Listening:
    """A rig whose PBX has sounds, and the ear of the caller."""

    rig: Rig
    ear: Ear

    def heard(self, since: int = 0) -> list[int]:
        return [each for each in self.ear.tones(since) if each not in MUSIC]

    async def hears(self, *expected: int, since: int = 0, seconds: float = 10.0) -> None:
        """Wait until these tones have been heard besides music, one after another, and nothing else."""
        await until(lambda: self.heard(since) == list(expected), lambda: str(self.ear.tones(since)), seconds)


@asynccontextmanager
async def listening(
    provisioned: Provisioned,
    folder: Path,
    waiting: Mapping[str, object],
    *agents: Agent,
    queues: tuple[Queue, ...] = (SHORT,),
    dialplan: str | None = None,
    **more: object,
) -> AsyncIterator[Listening]:
    options = {"queues": {"sales": {"language": "zh", **waiting}}, "sounds": SOUNDS, **more}
    jazz = f"[jazz]\nmode = files\ndirectory = {folder}"
    (folder / "jazz.ulaw").write_bytes(tone(JAZZ, 4_000))
    config = {"musiconhold.conf": jazz}
    async with (
        Ear() as ear,
        rig(
            *(provisioned, folder, agents or [Agent("anna", TALKER)]),
            queues=queues,
            options=options,
            extra_config=config,
            dialplan=dialplan,
        ) as it,
    ):
        for name, hertz, language in (
            *(("welcome", WELCOME, ""), ("before", BEFORE, ""), ("after", AFTER, ""), ("please", PLEASE, "")),
            *(("sorry", SORRY, ""), ("digits/1", ONE, "xx"), ("digits/1", CHINESE_ONE, "zh")),
        ):
            it.pbx.add_sound(name, tone(hertz, 200), language)
        it.pbx.add_sound("long", tone(LONG, 30_000))
        yield Listening(it, ear)


def caller(ear: Ear, number: str = "10001", dialled: str = "sales") -> CallSpec:
    return CallSpec(number, dialled, ear=ear.port)


async def test_greeting_then_positions_and_announcements(provisioned: Provisioned, tmp_path: Path) -> None:
    """Numbers in the queue's language. Who is second hears how many are before, and it when that has changed."""
    waiting = {"greeting": ["welcome"], "position": "every", "every": "5s", "announcements": ["please"]}
    async with listening(provisioned, tmp_path, waiting) as it:
        async with it.rig.callers(CallSpec("10000", "sales")) as first:
            await it.rig.event(InteractionQueued)
            async with it.rig.callers(caller(it.ear)) as callers:
                await it.hears(WELCOME, BEFORE, CHINESE_ONE, AFTER, PLEASE)
                await until(lambda: it.ear.tones()[-1] in MUSIC, lambda: str(it.ear.tones()))
                since = it.ear.packets
                ahead = it.rig.all(InteractionQueued)[0].interaction_id
                (channel,) = (each for each in await it.rig.pbx.channels() if each["caller"]["number"] == "10000")
                await it.rig.pbx.cli(f"channel request hangup {channel['name']}")
                gone = await it.rig.event(InteractionAbandoned)
                assert gone.interaction_id == ahead
                await it.hears(AFTER, PLEASE, since=since)
                await it.rig.ready("anna")
                await callers.finished(seconds=5)
            await first.finished(seconds=5)
        await it.rig.empty()


async def test_the_expected_wait(provisioned: Provisioned, tmp_path: Path) -> None:
    """In minutes, rounded up: the middle of what is estimated for this caller, whose agent has just begun to talk."""
    sounds = {"zh": {"wait": ["before", "{minutes}", "after"], "thanks": []}}
    anna = Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=60_000))
    async with listening(provisioned, tmp_path, {"wait": True, "every": "5s"}, anna, sounds=sounds) as it:
        for minutes, hertz in MINUTES.items():
            it.rig.pbx.add_sound(f"digits/{minutes}", tone(hertz, 200), "zh")
        await it.rig.ready("anna")
        async with it.rig.callers(CallSpec("10000", "sales")):
            await it.rig.event(OfferAccepted)
            async with it.rig.callers(caller(it.ear)):
                await until(lambda: len(it.rig.all(InteractionQueued)) == 2, lambda: str(it.rig.events))
                waiting = it.rig.all(InteractionQueued)[-1].interaction_id
                await until(lambda: AFTER in it.heard(), lambda: str(it.ear.tones()))
                band = it.rig.router.waits.remaining(waiting)
                assert band is not None
                before, said, after = it.heard()
                assert (before, after) == (BEFORE, AFTER)
                # It was a little more a moment ago.
                about = {rounded_minutes(int((band.middle_s + late) * 1e6)) for late in (0, 5)}
                assert [minutes in about for minutes, hertz in MINUTES.items() if hertz == said] == [True]


async def test_an_agent_is_there_at_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """Half a minute of greeting keeps nobody from an agent, nor does what an engine said that has died meanwhile."""
    async with listening(provisioned, tmp_path, {"greeting": ["long"]}) as it:
        for restart in (False, True):
            since = it.ear.packets
            async with it.rig.callers(caller(it.ear)) as callers:
                await it.hears(LONG, since=since)
                if restart:
                    await it.rig.stop_engine(crash=True)
                    await it.rig.start_engine()
                began = time.monotonic()
                await (it.rig.presence("anna", "ready") if restart else it.rig.ready("anna"))
                await callers.finished(seconds=5)
                assert time.monotonic() - began < 2.0
                await it.rig.event(InteractionCompleted, lambda each: each.by == "agent")
            await it.rig.empty()
            await it.rig.presence("anna", "not-ready", "lunch")


async def test_nobody_is_greeted_twice(provisioned: Provisioned, tmp_path: Path) -> None:
    """Neither by another engine, nor when an agent was lost."""
    async with listening(provisioned, tmp_path, {"greeting": ["welcome"]}) as it:
        async with it.rig.callers(caller(it.ear)) as callers:
            await it.hears(WELCOME)
            await it.rig.stop_engine()
            await it.rig.start_engine()
            await it.rig.ready("anna")
            await callers.finished(seconds=5)
        assert it.heard() == [WELCOME]
        await it.rig.empty()


async def test_music_for_everybody(provisioned: Provisioned, tmp_path: Path) -> None:
    """Not for the first caller alone: a bridge's music ends when the last one leaves."""
    async with listening(provisioned, tmp_path, {}) as it:
        for number in ("10001", "10002"):
            since = it.ear.packets
            async with it.rig.callers(CallSpec(number, "sales", ear=it.ear.port, hang_up_after_ms=2_000)) as callers:
                await until(lambda since=since: any(t in MUSIC for t in it.ear.tones(since)), lambda: "no music")  # type: ignore[misc]
                await callers.finished(seconds=5)
            await it.rig.empty()


async def test_music_for_the_second_when_the_first_is_gone_at_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody is first any more who could have it begun."""
    async with listening(provisioned, tmp_path, {}) as it:
        async with it.rig.callers(CallSpec("10001", "sales", hang_up_after_ms=1_000)) as callers:
            await callers.finished(seconds=5)
        await it.rig.empty()
        brief = CallSpec("10002", "sales", hang_up_after_ms=150)
        patient = CallSpec("10003", "sales", ear=it.ear.port, hang_up_after_ms=3_000)
        async with it.rig.callers(brief, patient) as callers:
            await until(lambda: it.ear.tones() != [], lambda: "no music", 5)
            await callers.finished(seconds=5)
        await it.rig.empty()


async def test_music_of_the_queue(provisioned: Provisioned, tmp_path: Path) -> None:
    """Its own, and another queue's after a move."""
    queues = (SHORT, Queue("support", more=SHORT.more))
    async with listening(provisioned, tmp_path, {"music_class": "jazz"}, queues=queues) as it:
        async with it.rig.callers(caller(it.ear)) as callers:
            await it.hears(JAZZ)
            queued = await it.rig.event(InteractionQueued)
            bridges = {each["id"]: each["channels"] for each in await it.rig.pbx.bridges()}
            assert [len(bridges[each]) for each in ("acd-acd:hold", "acd-acd:hold:jazz")] == [0, 1]
            since = it.ear.packets
            await it.rig.router.submit(MoveInteraction(it.rig.router.new_id(), queued.interaction_id, "support"))
            await until(lambda: it.ear.tones(since)[-1:] not in ([], [JAZZ]), lambda: str(it.ear.tones(since)))
            assert it.ear.tones(since)[-1] in MUSIC
            await it.rig.ready("anna")
            await callers.finished(seconds=5)
        await it.rig.empty()


async def test_what_a_step_announces(provisioned: Provisioned, tmp_path: Path) -> None:
    """By its name: what is configured for it, else the sound of that name."""
    steps = (
        '[[queues.sales.steps]]\nafter = "1s"\nannounce = "sorry"\n[[queues.sales.steps]]\nafter = "3s"\n'
        'announce = "please"'
    )
    async with listening(provisioned, tmp_path, {}, queues=(Queue(more=f"{SHORT.more}\n{steps}"),)) as it:
        async with it.rig.callers(caller(it.ear)) as callers:
            await it.hears(SORRY, PLEASE)
            await it.rig.ready("anna")
            await callers.finished(seconds=5)
        await it.rig.empty()


async def test_told_why_before_being_let_go(provisioned: Provisioned, tmp_path: Path) -> None:
    """Play and release: a full queue. Asterisk's own queue, for the time without the ACD, does not get them."""
    full = Queue(more=f'{SHORT.more}\nmax_waiting = 1\nwhen_full = {{ release = "sorry" }}')
    async with (
        listening(provisioned, tmp_path, {}, queues=(full,), dialplan=told_places()) as it,
        it.rig.callers(CallSpec("10000", "sales")),
        it.rig.pbx.ami() as ami,
    ):
        await it.rig.event(InteractionQueued)
        async with it.rig.callers(caller(it.ear)) as callers:
            assert (await it.rig.event(InteractionOverflowed)).reason == "sorry"
            await it.hears(SORRY)
            await callers.finished(seconds=5)
        left = await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Left")
        assert (left["Place"], left["Result"], left["Reason"]) == ("released", "released", "sorry")


async def test_no_comparison_cuts_the_last_words_off(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whoever is told why is known to be let go of."""
    full = Queue(more=f'{SHORT.more}\nmax_waiting = 1\nwhen_full = {{ release = "sorry" }}')
    sounds = {"zh": {"announcements": {"sorry": ["long", "sorry"]}}}
    async with (
        listening(provisioned, tmp_path, {}, queues=(full,), sounds=sounds) as it,
        it.rig.callers(CallSpec("10000", "sales")),
    ):
        it.rig.pbx.add_sound("long", tone(LONG, 2_000))
        await it.rig.event(InteractionQueued)
        async with it.rig.callers(caller(it.ear)) as callers:
            await it.hears(LONG)
            await it.rig.channel.reconcile(())
            assert it.rig.channel.health()["difference_caller-kept"] == 0
            await it.hears(LONG, SORRY)
            await callers.finished(seconds=5)
        await until(lambda: it.rig.channel.health()["calls"] == 1, lambda: str(it.rig.channel.health()))


async def test_let_go_for_a_callback_and_cancelled(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whose place a callback keeps is not served a second time; whom somebody takes out of the queue still is."""
    queues = (
        Queue(more=f'{SHORT.more}\nmax_wait = "1s"\nwhen_overdue = "callback"'),
        Queue("support", more=SHORT.more),
    )
    async with listening(provisioned, tmp_path, {}, queues=queues, dialplan=told_places()) as it:
        for queue, place, result in (("sales", "released", "released"), ("support", "serve", "cancelled")):
            async with it.rig.pbx.ami() as ami, it.rig.callers(CallSpec("10001", queue)) as callers:
                queued = await it.rig.event(InteractionQueued, lambda each, queue=queue: each.queue == queue)  # type: ignore[misc]
                if queue == "support":
                    cancel = CancelInteraction(it.rig.router.new_id(), queued.interaction_id, reason="by hand")
                    await it.rig.router.submit(cancel)
                left = await ami.event("UserEvent", lambda event: event.get("UserEvent") == "Left")
                assert (left["Place"], left["Result"]) == (place, result)
                await callers.finished(seconds=5)


GONE = "exten => cancelled,1,UserEvent(Left,Result: ${ACD_RESULT},Key: ${ACD_KEY})\n same => n,Hangup()"
PLACE = (
    "exten => {0},1,UserEvent(Left,Place: {0},Result: ${{ACD_RESULT}},Reason: ${{ACD_REASON}})\n same => n,Hangup()\n"
)


def told_places() -> str:
    """The example's dialplan, which says whom Asterisk's own queue gets, and who hears goodbye."""
    text = (EXAMPLES / "extensions.conf").read_text()
    for place in ("serve", "released"):
        text = text.replace(f"exten => {place},1,", f"{PLACE.format(place)} same => n,", 1)
    return text


async def test_keys(provisioned: Provisioned, tmp_path: Path) -> None:
    """A key leads back to the dialplan, in the middle of what is being said; a key without a meaning to nothing."""
    waiting = {"greeting": ["long"], "keys": {"*": "leave", "2": "message"}}
    dialplan = (EXAMPLES / "extensions.conf").read_text()
    for name in ("key,1,Goto(serve,1)", "message,1,Set(TIMEOUT(absolute)=0)"):
        dialplan = dialplan.replace(f"exten => {name}", GONE.replace("cancelled", name.partition(",")[0]), 1)
    async with listening(provisioned, tmp_path, waiting, dialplan=dialplan) as it:
        for number, (pressed, key, result) in enumerate([("9*", "*", "key"), ("2", "2", "message")]):
            since = it.ear.packets
            who = f"1000{number}"
            async with it.rig.callers(caller(it.ear, who)) as callers, it.rig.pbx.ami() as ami:
                await it.hears(LONG, since=since)
                await it.rig.press(who, pressed)
                event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Left")
                assert (event["Result"], event["Key"]) == (result, key)
                await callers.finished(seconds=5)
            reasons = [each.reason for each in it.rig.all(InteractionCancelled)]
            assert reasons[-1] == f"key:{key}"
        await it.rig.empty()


async def test_a_message_is_left(provisioned: Provisioned, tmp_path: Path) -> None:
    """By the example's dialplan as it stands: what the caller says after the key is in a file."""
    voice, second = 400, 16_000
    async with listening(provisioned, tmp_path, {"keys": {"2": "message"}}) as it, Ear(voice) as ear:
        folder = it.rig.pbx.folder / "data" / "sounds"
        async with it.rig.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
            await it.rig.event(InteractionQueued)
            await until(lambda: bool(ear.tones()), lambda: "no music")
            await it.rig.press("10001", "2")
            await until(
                lambda: any(file.stat().st_size > second for file in folder.glob("acd-message-*.wav")),
                lambda: f"no message; heard {ear.tones()}",
                20,
            )
            (channel,) = await it.rig.pbx.channels()
            await it.rig.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=10)
        await it.rig.empty()
        (message,) = folder.glob("acd-message-*.wav")
        samples = samples_of(message)
        assert seconds(samples) >= 1.0
        assert loudness(samples, voice) > LOUD


async def test_asterisks_own_english(
    provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any table: each sound that is shipped is one of Asterisk's, and position and wait are said with them."""
    anna = Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=60_000))
    options = {"queues": {"sales": {"language": "en", "position": "every", "wait": True, "every": "5s"}}}
    async with Ear() as ear, rig(provisioned, tmp_path, [anna], queues=(SHORT,), options=options) as it:
        shipped = Sounds()
        names = {name for field in LISTS for each in getattr(shipped, field) if (name := sound_name(each))}
        names |= {f"digits/{number}" for number in range(21)}
        there = {each["id"]: {one["language"] for one in each["formats"]} for each in await it.pbx.ari_get("sounds")}
        assert [name for name in sorted(names) if "en" not in there.get(name, ())] == []
        await it.ready("anna")
        async with it.callers(CallSpec("10000", "sales")):
            await it.event(OfferAccepted)
            async with it.callers(CallSpec("10001", "sales")), it.callers(CallSpec("10002", "sales", ear=ear.port)):
                await until(lambda: any(each not in MUSIC for each in ear.tones()), lambda: str(ear.tones()), 15)
                await until(lambda: ear.tones()[-1] in MUSIC, lambda: str(ear.tones()), 30)
        assert "cannot be played" not in capsys.readouterr().out


async def test_a_key_does_nothing_while_talking(
    provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine is not even asked. The hang-up comes after the key by the same way: then the key has been seen."""
    anna = Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=60_000))
    async with listening(provisioned, tmp_path, {"keys": {"*": "leave"}}, anna) as it:
        await it.rig.ready("anna")
        async with it.rig.callers(CallSpec("10001", "sales", ear=it.ear.port, hang_up_after_ms=3_000)) as callers:
            await it.rig.event(OfferAccepted)
            await it.rig.talking()
            await it.rig.press("10001", "*")
            completed = await it.rig.event(InteractionCompleted)
            assert completed.by == "customer"
            await callers.finished(seconds=5)
        assert not it.rig.all(InteractionCancelled)
        assert "CancelInteraction" not in capsys.readouterr().out
