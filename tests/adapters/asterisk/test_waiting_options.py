"""`[channels.NAME.queues.QUEUE]` and `[channels.NAME.sounds.LANGUAGE]`: what is read, and what is complained of."""

from collections.abc import Mapping

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, read_options
from acd_asterisk.options.sounds import Sounds
from acd_asterisk.options.waiting import Waiting

PLAIN: Mapping[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}


def read(**more: object) -> Options:
    return read_options("pbx1", {**PLAIN, **more})


def problems(**more: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**more)
    return [problem.removeprefix("channels.pbx1.") for problem in caught.value.problems]


def test_nothing_is_said_unless_it_is_configured() -> None:
    options = read(queues={"sales": {}})
    assert options.waiting_in("sales") == options.waiting_in("support") == Waiting()
    assert options.sounds_for("zh") == Sounds()
    assert options.music_classes == ("default",)


def test_everything() -> None:
    options = read(
        music_class="quiet",
        queues={
            "sales": {
                "music_class": "jazz",
                "language": "zh",
                "greeting": ["acd/欢迎"],
                "position": "improved",
                "position_limit": 9,
                "wait": True,
                "every": "30s",
                "announcements": ["please-hold", "tone:ring"],
                "keys": {"1": "message", "*": "leave"},
            }
        },
        sounds={
            "zh": {"position": ["acd/前面", "{ahead}", "acd/位"], "announcements": {"sorry": ["acd/抱歉"]}},
            "any": {"next": []},
        },
    )
    assert options.waiting_in("sales") == Waiting(
        music_class="jazz",
        language="zh",
        greeting=("sound:acd/欢迎",),
        position="improved",
        position_limit=9,
        wait=True,
        every_us=30_000_000,
        announcements=("sound:please-hold", "tone:ring"),
        keys={"1": "message", "*": "leave"},
    )
    chinese = options.sounds_for("zh_CN")
    assert chinese.position == ("sound:acd/前面", "{ahead}", "sound:acd/位")
    assert chinese.wait == Sounds().wait
    assert chinese.announcements == {"sorry": ("sound:acd/抱歉",)}
    assert options.sounds_for("en").next == options.sounds_for("").next == ()
    assert options.music_classes == ("quiet", "jazz")
    assert (options.music_in("sales"), options.music_in("support")) == ("jazz", "quiet")


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ({"greeting": ["a b"]}, "greeting: 'a b' cannot be played"),
        ({"greeting": ["{position}"]}, "greeting: '{position}' cannot be played"),
        ({"greeting": "welcome"}, "greeting: is not a list of texts"),
        ({"language": "中文"}, "language: '中文' cannot be used"),
        ({"music_class": "a b"}, "music_class: 'a b' cannot be used"),
        ({"position": "always"}, "position: 'always' is no choice"),
        ({"position": "every"}, "every: is missing, so that position would never be said"),
        ({"wait": True, "announcements": ["a"]}, "every: is missing, so that wait and announcements would never"),
        ({"every": "1s"}, "every: is too often for anybody to listen"),
        ({"keys": {"12": "leave"}}, "keys.12: is no key of a telephone"),
        ({"keys": {"1": "fly"}}, "keys.1: 'fly' is no choice"),
        ({"music": "jazz"}, "music: is no option of a queue at this PBX; did you mean music_class?"),
    ],
)
def test_what_a_queue_cannot_have(queue: object, expected: str) -> None:
    (problem,) = problems(queues={"sales": queue})
    assert problem.startswith(f"queues.sales.{expected}")


@pytest.mark.parametrize(
    ("sounds", "expected"),
    [
        ({"zh": {"position": ["{number}"]}}, "zh.position: '{number}' cannot be played"),
        ({"zh": {"announcements": {"a b": []}}}, "zh.announcements.a b: is no name of an announcement"),
        ({"zh": {"announcements": {"a": ["{ahead}"]}}}, "zh.announcements.a: '{ahead}' cannot be played"),
        ({"中文": {}}, "中文: is no language"),
        ({"zh": {"positions": []}}, "zh.positions: is no option of sounds of a language; did you mean position?"),
    ],
)
def test_what_sounds_cannot_be(sounds: object, expected: str) -> None:
    (problem,) = problems(sounds=sounds)
    assert problem.startswith(f"sounds.{expected}")


def test_too_many_languages() -> None:
    (problem,) = problems(sounds={f"x{chr(97 + n // 26)}{chr(97 + n % 26)}": {} for n in range(33)})
    assert problem == "sounds: has 33 languages; 32 at most"


def test_without_ari_nothing_is_said_and_no_key_is_heard() -> None:
    """Every option of what callers hear but the music is refused, by its own name."""
    without = {"control": "ami", "ami": {"user": "acd", "password": "x"}}
    sales = {
        "language": "zh",
        "greeting": ["welcome"],
        "position": "every",
        "position_limit": 3,
        "wait": True,
        "every": "30s",
        "announcements": ["please"],
        "keys": {"*": "leave"},
    }
    queues: Mapping[str, object] = {"sales": {**sales, "music_class": "jazz", "answer": "when-agent-answers"}}
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**without, "queues": queues, "sounds": {"zh": {"next": ["next"]}}})
    refused = [each.partition(": needs ARI")[0].removeprefix("channels.pbx1.") for each in caught.value.problems]
    assert sorted(refused) == sorted(["sounds", "queues.sales.answer", *(f"queues.sales.{key}" for key in sales)])
    with pytest.raises(ConfigError, match=r"queues\.sales\.answer: needs ARI"):
        read_options("pbx1", {**without, "queues": {"sales": {"answer": "at-once"}}})
    assert read_options("pbx1", {**without, "queues": {"sales": {"music_class": "jazz"}}}).music_classes


def test_announcements_that_look_like_misspelt_ones() -> None:
    """A caution, as a queue may announce what it wants by its own name."""
    names = ("callback-imposible", "callback", "longer-than-usual", "fulfilled")
    given: dict[str, object] = {"any": {"announcements": {name: ["beep"] for name in names}}}
    said = [each for each in read(sounds=given).cautions if each[0].startswith("sounds.")]
    key, reason = "sounds.any.announcements.callback-imposible", "is said only if a queue names it"
    assert said == [(key, reason, "did you mean callback-impossible?")]
