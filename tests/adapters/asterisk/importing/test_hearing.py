"""What callers hear while they wait, from queues.conf into the queue's table at the PBX."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd_asterisk.importing.command import command
from acd_asterisk.importing.conf import parse_conf
from acd_asterisk.importing.queues import Source, convert
from acd_asterisk.importing.report import Report
from acd_asterisk.importing.writing import Value
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.options import read_options
from tests.adapters.asterisk.rig import Agent, rig, until

SAMPLES = Path(__file__).parent / "samples"
PLAIN = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"}
ALWAYS = {"position": "improved", "position_limit": 1_000, "wait": True}
"""What app_queue says every announce-frequency unless it is told otherwise."""


def converted(*options: str) -> tuple[dict[str, Value], dict[str, tuple[str, str]]]:
    """The queue's table at the PBX, and outcome and text by option."""
    report = Report()
    (queue,) = convert(Source(parse_conf("\n".join(("[q]", *options)), "f").sections), report).queues
    read_options("pbx1", {**PLAIN, "queues": {"q": dict(queue.at_pbx)}})
    return dict(queue.at_pbx), {each.entry.name: (each.outcome, each.text) for each in report.findings}


@pytest.mark.parametrize(
    ("options", "at_pbx"),
    [
        ([], {}),
        (["musicclass = jazz"], {"music_class": "jazz"}),
        (["announce = queue-markq"], {"briefing": ["queue-markq"]}),
        (["announce-frequency = 30"], {"every": "30s", **ALWAYS}),
        (["announce-frequency = 30", "announce-position = no"], {"every": "30s", "wait": True}),
        (["announce-frequency = 30", "announce-position = no", "announce-holdtime = no"], {}),
        (["announce-frequency = 30", "announce-holdtime = once"], {"every": "30s", **ALWAYS}),
        (
            ["announce-frequency = 30", "announce-holdtime = no", "announce-position = limit"],
            {"every": "30s", "position": "improved", "position_limit": 10},
        ),
        (
            [
                "announce-frequency = 1",
                "announce-holdtime = no",
                "announce-position = more",
                "announce-position-limit=5",
            ],
            {"every": "5s", "position": "improved", "position_limit": 5},
        ),
        (["announce-position = yes", "announce-holdtime = yes"], {}),
        (["periodic-announce-frequency = 60"], {"every": "1m", "announcements": ["queue-periodic-announce"]}),
        (["periodic-announce = custom/a,custom/b"], {}),
        (
            ["periodic-announce = custom/a, custom/b", "periodic-announce-frequency = 60"],
            {"every": "1m", "announcements": ["custom/a", "custom/b"]},
        ),
        (
            ["periodic-announce = a", "periodic-announce-frequency = 60", "announce-frequency = 20"],
            {"every": "20s", **ALWAYS, "announcements": ["a"]},
        ),
        (["periodic-announce = c:\\x", "periodic-announce-frequency = 60"], {}),
        (
            ["periodic-announce = a,c:\\x", "periodic-announce-frequency = 9999"],
            {"every": "1h", "announcements": ["a"]},
        ),
    ],
)
def test_what_is_taken_over(options: list[str], at_pbx: dict[str, Value]) -> None:
    """And it can be used as it is."""
    assert converted(*options)[0] == at_pbx


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        (["announce-frequency = 30", "announce-position = yes"], ["mapped", "mapped"]),
        (["announce-frequency = 0", "announce-position = yes"], ["anyway", "anyway"]),
        (["announce-frequency = 2"], ["differs"]),
        (["announce-frequency = 30", "announce-holdtime = once"], ["mapped", "differs"]),
        (["announce-frequency = 30", "announce-position = more"], ["mapped", "differs"]),
        (["announce-frequency = 30", "announce-position-limit = 3"], ["mapped", "anyway"]),
        (["announce-frequency = 30", "min-announce-frequency = 15"], ["mapped", "anyway"]),
        (["announce-frequency = 30", "min-announce-frequency = 60"], ["mapped", "differs"]),
        (["announce-frequency = 30", "announce-position-only-up = yes"], ["mapped", "differs"]),
        (["announce-frequency = 30", "announce-round-seconds = 10"], ["mapped", "left"]),
        (["announce-frequency = 30", "announce-to-first-user = yes"], ["mapped", "differs"]),
        (["periodic-announce = a", "periodic-announce-frequency = 60"], ["mapped", "mapped"]),
        (["periodic-announce = a", "periodic-announce-frequency = 0"], ["anyway", "anyway"]),
        (["periodic-announce = c:\\x", "periodic-announce-frequency = 60"], ["left", "left"]),
        (["periodic-announce-frequency = 60", "announce-frequency = 60"], ["mapped", "mapped"]),
        (["periodic-announce-frequency = 60", "announce-frequency = 30"], ["differs", "mapped"]),
        (["periodic-announce-frequency = 60", "random-periodic-announce = yes"], ["mapped", "differs"]),
        (["periodic-announce-frequency = 60", "relative-periodic-announce = yes"], ["mapped", "differs"]),
        (["periodic-announce-frequency = 60", "periodic-announce-startdelay = 5"], ["mapped", "left"]),
    ],
)
def test_how_it_is_accounted_for(options: list[str], outcomes: list[str]) -> None:
    """Whatever is different says how."""
    _, said = converted(*options)
    assert [outcome for outcome, _ in said.values()] == outcomes
    assert all(text for outcome, text in said.values() if outcome != "mapped")


def imported(folder: Path, *files: Path) -> dict[str, object]:
    """What the configuration holds when the # is taken away from the lines of the channel, as the file says."""
    result = CliRunner().invoke(command, [str(each) for each in files])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    begin = lines.index("# [channels.pbx]")
    end = begin + lines[begin:].index("")
    raw = tomllib.loads("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[begin:end]))
    (folder / "ari.password").write_text("x")
    table: dict[str, object] = raw["channels"]["pbx"]
    return table


def test_it_stands_beneath_the_channel(tmp_path: Path) -> None:
    table = imported(tmp_path, SAMPLES / "freepbx" / "queues.conf")
    del table["type"], table["password_file"]
    assert table["queues"] == {
        "6001": {"music_class": "lobby", "every": "30s", "announcements": ["custom/please-wait"]}
    }
    read_options("pbx", {**table, "password": "x"})


def test_every_kind_of_value_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "queues.conf").write_text("[销售]\nannounce-frequency = 30\nmember = PJSIP/anna\n")
    table = imported(tmp_path, tmp_path / "queues.conf")
    assert table["queues"] == {"销售": {**ALWAYS, "every": "30s"}}


async def test_callers_and_agents_hear_it(provisioned: Provisioned, tmp_path: Path) -> None:
    """On the real Asterisk: the queue's music, then what is said regularly; and the agent what announces the queue."""
    jazz, please, markq = 2_900, 1_600, 1_800
    (tmp_path / "queues.conf").write_text(
        "[sales]\nmusicclass = jazz\nannounce = queue-markq\nannounce-position = no\nannounce-holdtime = no\n"
        "periodic-announce = custom/please\nperiodic-announce-frequency = 5\nmember = PJSIP/anna\n"
    )
    table = imported(tmp_path, tmp_path / "queues.conf")
    (tmp_path / "jazz.ulaw").write_bytes(tone(jazz, 4_000))
    music = {"musiconhold.conf": f"[jazz]\nmode = files\ndirectory = {tmp_path}"}
    async with Ear() as caller, Ear() as agent:
        anna = Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=1_500, hang_up_chance=1.0, ear=agent.port))
        options = {"queues": table["queues"]}
        async with rig(provisioned, tmp_path, [anna], options=options, extra_config=music) as it:
            it.pbx.add_sound("custom/please", tone(please, 300))
            it.pbx.add_sound("queue-markq", tone(markq, 300))
            async with it.callers(CallSpec("10001", "sales", ear=caller.port)) as callers:
                await until(lambda: please in caller.tones(), lambda: f"the caller heard {caller.tones()}", 10)
                assert caller.tones()[0] == jazz
                await it.ready("anna")
                await until(lambda: markq in agent.tones(), lambda: f"the agent heard {agent.tones()}")
                await callers.finished(seconds=10)
            assert markq not in caller.tones()
            await it.empty()
