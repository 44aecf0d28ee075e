"""What is played to whom, and the collecting of keys; the same on a real Asterisk in `test_prompts_heard`."""

import asyncio

import pytest
import structlog

from acd_asterisk.ari import AriUnavailable
from acd_asterisk.happenings import CallerLeft, KeyPressed, LegLeft, PlaybackChanged
from acd_asterisk.names import Names
from acd_asterisk.prompts import MAX_KEYS, Answer, Prompts, Question
from tests.adapters.asterisk.stand_in import StandInAri

NAMES = Names("pbx1", "acd")
CHANNEL = "1795254033.0"
PLAYBACK = NAMES.playback(CHANNEL)
ALONE = f"bridges/acd-acd:say:{CHANNEL}~1"
PLAY = f"{ALONE}/play/acd-acd:play:{CHANNEL}"
STOP = f"playbacks/acd-acd:play:{CHANNEL}"
BEGAN = "2026-11-21T09:40:33.428+0000"
A_SECOND_LATER = "2026-11-21T09:40:34.428+0000"


def setting(ari: StandInAri | None = None) -> tuple[Prompts, StandInAri]:
    ari = ari or StandInAri()
    return Prompts(ari.client, NAMES, "pbx1"), ari


def changed(state: str, media: str = "sound:a", at: str = A_SECOND_LATER) -> PlaybackChanged:
    return PlaybackChanged(PLAYBACK, state, media, at)


def said(ari: StandInAri) -> list[tuple[str, str, object]]:
    """What was asked about playbacks."""
    return [entry for entry in ari.asked if "/play/" in entry[1] or "playbacks/" in entry[1]]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_playing_to_the_end() -> None:
    prompts, ari = setting()
    playing = asyncio.create_task(prompts.play(CHANNEL, ("sound:a", "number:3"), language="zh"))
    await settle()
    assert ari.asked == [
        ("POST", ALONE, {"type": "mixing", "name": "acd-say"}),
        ("POST", f"{ALONE}/addChannel", {"channel": CHANNEL}),
        ("POST", PLAY, {"media": ["sound:a", "number:3"], "lang": "zh"}),
    ]
    assert prompts.is_playing(CHANNEL)
    prompts.handle(changed("playing", at=BEGAN))
    prompts.handle(changed("continuing"))
    prompts.handle(PlaybackChanged("somebody-else's", "done", "sound:a", A_SECOND_LATER))
    await settle()
    assert not playing.done()
    prompts.handle(changed("done"))
    assert await playing == "done"
    assert not prompts.is_playing(CHANNEL)
    assert await prompts.play(CHANNEL, ()) == "done"
    await settle()
    assert len(ari.asked) == 3
    prompts.moved(CHANNEL)
    prompts.moved(CHANNEL)
    prompts.moved("another")
    await settle()
    assert ari.asked[3:] == [("DELETE", ALONE, None)]


async def test_a_bridge_hears() -> None:
    prompts, ari = setting()
    bridge = NAMES.talk("i1")
    playing = asyncio.create_task(prompts.play(bridge, ("tone:beep",), where="bridges"))
    await settle()
    assert ari.asked == [("POST", f"bridges/{bridge}/play/{NAMES.playback(bridge)}", {"media": ["tone:beep"]})]
    prompts.forget(bridge)
    assert await playing == "gone"
    await settle()
    assert len(ari.asked) == 1


async def test_what_plays_is_stopped_for_what_comes_after_it() -> None:
    """One at a time: the second waits for the end of the first, which a stop brings about at once."""
    prompts, ari = setting()
    first = asyncio.create_task(prompts.play(CHANNEL, ("sound:a",)))
    await settle()
    second = asyncio.create_task(prompts.play(CHANNEL, ("sound:b",)))
    await settle()
    assert [method for method, *_ in said(ari)] == ["POST", "DELETE"]
    prompts.handle(changed("done"))
    assert await first == "stopped"
    await settle()
    assert [path for method, path, _ in ari.asked if path.startswith(ALONE) and "/play/" not in path] == [
        *(ALONE, f"{ALONE}/addChannel"),
        f"{ALONE}/addChannel",
    ]
    assert said(ari)[2] == ("POST", PLAY, {"media": ["sound:b"]})
    prompts.handle(changed("done", "sound:b"))
    assert await second == "done"


async def test_a_stop_waits_until_asterisk_knows_what_to_stop() -> None:
    """Asked for at the same moment, it would find nothing and let everything be played (measured)."""
    ari = StandInAri()
    answered = asyncio.Event()
    ask = ari.request

    async def slowly(method: str, path: str, body: object = None, *, query: object = None, attempts: int = 1) -> object:
        answer = await ask(method, path, body, query=query, attempts=attempts)
        if "/play/" in path:
            await answered.wait()
        return answer

    ari.request = slowly  # type: ignore[method-assign, assignment]
    prompts, _ = setting(ari)
    playing = asyncio.create_task(prompts.play(CHANNEL, ("sound:a",)))
    await settle()
    hushing = asyncio.create_task(prompts.hush(CHANNEL))
    await settle()
    assert [method for method, *_ in said(ari)] == ["POST"]
    answered.set()
    await hushing
    assert said(ari)[1][:2] == ("DELETE", STOP)
    prompts.handle(changed("failed"))
    assert await playing == "stopped"
    await prompts.hush(CHANNEL)
    assert len(said(ari)) == 2


@pytest.mark.parametrize("status", [404, 409, 422])
async def test_nobody_is_there(status: int) -> None:
    prompts, _ = setting(StandInAri(lambda _method, _path: status))
    assert await prompts.play(CHANNEL, ("sound:a",)) == "gone"
    assert not prompts.is_playing(CHANNEL)


async def test_the_pbx_does_not_answer() -> None:
    """It may be playing all the same: it stays known, and can be stopped."""

    def status(method: str, path: str) -> int | AriUnavailable:
        return AriUnavailable("x") if "/play/" in path else {"DELETE": 404}.get(method, 204)

    prompts, ari = setting(StandInAri(status))
    with pytest.raises(AriUnavailable):
        await prompts.play(CHANNEL, ("sound:a",))
    assert prompts.is_playing(CHANNEL)
    await prompts.hush(CHANNEL)
    assert [method for method, *_ in said(ari)] == ["POST", "DELETE"]
    assert not prompts.is_playing(CHANNEL)


async def test_who_is_moved_in_the_middle() -> None:
    """The bridge goes when what was said in it has been stopped."""
    prompts, ari = setting()
    playing = asyncio.create_task(prompts.play(CHANNEL, ("sound:a",)))
    await settle()
    prompts.moved(CHANNEL)
    await settle()
    assert len(ari.asked) == 3
    prompts.handle(changed("done"))
    assert await playing == "done"
    await settle()
    assert ari.asked[3:] == [("DELETE", ALONE, None)]


async def test_too_long() -> None:
    prompts, ari = setting()
    assert await prompts.play(CHANNEL, ("sound:a",), longest_seconds=0.01) == "too-long"
    assert said(ari)[1][:2] == ("DELETE", STOP)
    assert not prompts.is_playing(CHANNEL)


async def test_who_leaves_hears_no_more() -> None:
    prompts, _ = setting()
    offer = "i1.1"
    playing = [asyncio.create_task(prompts.play(each, ("sound:a",))) for each in (CHANNEL, NAMES.leg(offer))]
    await settle()
    prompts.handle(CallerLeft(CHANNEL))
    prompts.handle(LegLeft(offer))
    assert [await each for each in playing] == ["gone", "gone"]


async def test_a_sound_that_is_not_there_is_said_once() -> None:
    """Asterisk reports a file that it does not find as over at once. Figures are never logged: they may be personal."""
    prompts, _ = setting()
    with structlog.testing.capture_logs() as logs:
        for media in ("sound:a", "sound:a", "digits:13800138000", "sound:long", "sound:stopped"):
            playing = asyncio.create_task(prompts.play(CHANNEL, (media,)))
            await settle()
            prompts.handle(changed("playing", media, BEGAN))
            if media == "sound:stopped":
                await prompts.hush(CHANNEL)
            prompts.handle(changed("failed", media, A_SECOND_LATER if media == "sound:long" else BEGAN))
            assert await playing == ("stopped" if media == "sound:stopped" else "failed")
    assert [entry["media"] for entry in logs] == ["sound:a"]


@pytest.mark.parametrize("answers", [True, False])
async def test_who_is_let_out_is_out_before_the_bridge_goes(*, answers: bool) -> None:
    """A bridge that goes puts its channels out later than it is told; who is moved meanwhile may be lost."""
    lost = AriUnavailable("no answer")
    prompts, ari = setting(StandInAri(lambda _method, path: lost if not answers and "remove" in path else 204))
    playing = asyncio.create_task(prompts.play(CHANNEL, ("sound:a",)))
    await settle()
    prompts.handle(changed("done"))
    assert await playing == "done"
    await prompts.let_out(CHANNEL)
    assert ari.asked[3:] == [("POST", f"{ALONE}/removeChannel", {"channel": CHANNEL})]
    await prompts.let_out(CHANNEL)
    await settle()
    assert ari.asked[4:] == [("DELETE", ALONE, None)]


async def test_after_missed_events() -> None:
    """What has ended meanwhile is found out, and what an earlier process has begun is stopped."""
    gone = set[str]()
    prompts, ari = setting(StandInAri(lambda method, path: 404 if method == "GET" and path in gone else 204))
    playing = asyncio.create_task(prompts.play(CHANNEL, ("sound:a",)))
    await settle()
    await prompts.take_over([NAMES.say("other"), NAMES.say(CHANNEL)])
    assert [entry[:2] for entry in ari.asked[3:]] == [
        ("GET", STOP),
        ("DELETE", "playbacks/acd-acd:play:other"),
        ("POST", "bridges/acd-acd:say:other~1/removeChannel"),
        ("DELETE", "bridges/acd-acd:say:other~1"),
    ]
    await settle()
    assert not playing.done()
    gone.add(STOP)
    await prompts.take_over([])
    assert await playing == "done"


# ---- keys


async def asked(question: Question, *keys: str, prompt: str = "") -> tuple[Answer, list[str]]:
    """Ask, and press these keys: at once, or when the prompt is over (`prompt`: how it ends)."""
    prompts, ari = setting()
    asking = asyncio.create_task(prompts.ask(CHANNEL, question))
    await settle()
    if prompt:
        prompts.handle(changed(prompt))
        await settle()
    for key in keys:
        prompts.handle(CallerLeft(CHANNEL) if key == "gone" else KeyPressed(CHANNEL, key))
        await settle()
    prompts.handle(changed("done"))
    return await asking, [method for method, *_ in said(ari)]


PIN = Question(media=("sound:a",), most=4, terminators="#", first_seconds=0.05, between_seconds=0.05)


async def test_answers() -> None:
    assert await asked(PIN, "4", "7", "1", "1", "9", prompt="done") == (Answer("4711", "full"), ["POST"])
    assert await asked(PIN, "4", "7", "#", prompt="done") == (Answer("47", "terminator"), ["POST"])
    assert await asked(PIN, "4", "7", prompt="done") == (Answer("47", "silence"), ["POST"])
    assert await asked(PIN, prompt="failed") == (Answer("", "silence"), ["POST"])
    assert await asked(PIN, "#", prompt="done") == (Answer("", "terminator"), ["POST"])
    assert await asked(PIN, "4", "gone", prompt="done") == (Answer("4", "gone"), ["POST"])
    assert await asked(PIN, "gone") == (Answer("", "gone"), ["POST"])


async def test_barge_in() -> None:
    """A key ends the prompt and counts; without barge-in neither."""
    assert await asked(PIN, "4", "7", "#") == (Answer("47", "terminator"), ["POST", "DELETE"])
    patient = Question(media=("sound:a",), most=1, barge_in=False, first_seconds=0.05)
    assert await asked(patient, "4") == (Answer("", "silence"), ["POST"])
    assert await asked(patient, "4", prompt="done") == (Answer("4", "full"), ["POST"])


async def test_without_a_prompt() -> None:
    assert await asked(Question(), "4") == (Answer("4", "full"), [])


async def test_the_last_who_listens_hears() -> None:
    prompts, _ = setting()
    heard = list[str]()
    prompts.listen(CHANNEL, heard.append)
    asking = asyncio.create_task(prompts.ask(CHANNEL, Question()))
    await settle()
    prompts.handle(KeyPressed(CHANNEL, "1"))
    assert await asking == Answer("1", "full")
    prompts.handle(KeyPressed(CHANNEL, "2"))
    prompts.handle(KeyPressed("another", "3"))
    assert heard == ["2"]
    prompts.unlisten(CHANNEL, heard.append)
    prompts.handle(KeyPressed(CHANNEL, "4"))
    assert heard == ["2"]
    prompts.listen(CHANNEL, heard.append)
    prompts.handle(CallerLeft(CHANNEL))
    assert heard == ["2", ""]


async def test_more_keys_than_anybody_can_press_are_not_kept() -> None:
    prompts, _ = setting()
    asking = asyncio.create_task(prompts.ask(CHANNEL, Question(most=1_000, first_seconds=0.05)))
    await settle()
    for _ in range(MAX_KEYS + 5):
        prompts.handle(KeyPressed(CHANNEL, "1"))
    assert await asking == Answer("1" * MAX_KEYS, "full")
