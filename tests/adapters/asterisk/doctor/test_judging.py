"""What is made of answers: the pure parts of `acd doctor`."""

from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd.runtime.config import loads
from acd.runtime.filelock import FileLock
from acd_asterisk.doctor.agents import agents
from acd_asterisk.doctor.application import engine_runs
from acd_asterisk.doctor.dialplan import Step, judged_codes, judged_dialplan
from acd_asterisk.doctor.disk import disk
from acd_asterisk.doctor.findings import MAX_NAMED, named
from acd_asterisk.doctor.loaded import NEEDED, USEFUL, judged
from acd_asterisk.doctor.media import judged_music
from acd_asterisk.doctor.patient import Patient, patients
from acd_asterisk.doctor.sounds import sounds_of
from acd_asterisk.doctor.telephones import endpoint_of, judged_codecs
from acd_asterisk.doctor.trial import PLACE
from acd_asterisk.options import read_options

ALL = {*NEEDED, *(name for name, _ in USEFUL), "chan_pjsip"}


@pytest.mark.parametrize("absent", [*NEEDED, "chan_pjsip"])
def test_every_module_that_is_needed_is_missed(absent: str) -> None:
    (found,) = judged(ALL - {absent}, {"PJSIP", "Local"})
    assert found.state == "wrong"
    assert f"module load {absent}" in found.text


@pytest.mark.parametrize(("absent", "lacking"), USEFUL)
def test_what_is_useful_is_a_warning(absent: str, lacking: str) -> None:
    first, second = judged(ALL - {absent}, {"PJSIP"})
    assert (first.state, second.state) == ("good", "warning")
    assert absent in second.text
    assert lacking in second.text


def test_a_driver_is_needed_only_by_its_own_addresses() -> None:
    assert [each.state for each in judged(ALL, {"PJSIP"})] == ["good"]
    (found,) = judged(ALL, {"SIP"})
    assert "chan_sip" in found.text


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("PJSIP/anna", ("PJSIP", "anna")),
        ("pjsip/4930123@trunk", ("PJSIP", "trunk")),
        ("SIP/100", ("SIP", "100")),
        ("Local/100@from-internal/n", None),
        ("PJSIP/a&PJSIP/b", None),
        ("anna", None),
    ],
)
def test_addresses(address: str, endpoint: tuple[str, str] | None) -> None:
    assert endpoint_of(address) == endpoint


def door(*more: tuple[str, str], context: str = "in") -> list[Step]:
    lines = (("Set", "TIMEOUT(absolute)=30"), ("Stasis", "acd,sales"), *more)
    return [Step(context, "s", number, *line) for number, line in enumerate(lines, start=1)]


T = Step("in", "T", 1, "Goto", "fallback,s,1")


def test_a_dialplan_as_it_should_be() -> None:
    (found,) = judged_dialplan([*door(("Queue", "fallback")), T], "acd", has_switch=True)
    assert found.state == "good"
    assert "in,s,2" in found.text


def test_the_end_for_callers_may_stand_in_an_included_context() -> None:
    steps = [*door(("Queue", "fallback")), Step("in", "", 0, "", "deeper"), Step("deeper", "", 0, "", "in")]
    assert [each.state for each in judged_dialplan(steps, "acd", has_switch=True)] == ["wrong"]
    steps.append(Step("deeper", "T", 1, "Queue", "x"))
    assert [each.state for each in judged_dialplan(steps, "acd", has_switch=True)] == ["good"]


def test_without_a_heartbeat_no_switch_is_missed() -> None:
    steps = [Step("in", "s", 1, "Stasis", "acd,sales"), Step("in", "s", 2, "Queue", "x")]
    assert [each.state for each in judged_dialplan(steps, "acd", has_switch=False)] == ["good"]


def test_codes_are_no_door() -> None:
    """What agents dial needs no fallback and no switch; whether it leads anywhere is a question of its own."""
    code = Step("phones", "_*4X!", 1, "Stasis", "acd,code:${EXTEN}")
    steps = [*door(("Queue", "fallback")), T, code]
    assert [each.state for each in judged_dialplan(steps, "acd", has_switch=True)] == ["good"]
    assert [each.state for each in judged_dialplan([code], "acd", has_switch=True)] == ["wrong"]
    assert [each.state for each in judged_codes(steps, "acd")] == ["good"]
    for lacking in ([*door(), T], [Step("phones", "x", 1, "Stasis", "other,code:x")]):
        (found,) = judged_codes(lacking, "acd")
        assert found.state == "warning"
        assert "Stasis(acd,code:${EXTEN})" in found.text


def test_agents_of_whom_options_speak() -> None:
    """A name that is nobody's, and a telephone of which no code can say whose it is."""
    given: dict[str, object] = {
        "url": "http://127.0.0.1:9/ari",
        "user": "acd",
        "password": "x",
        "codes": {"sign_in": "*45", "shared": ["PJSIP/lobby"]},
        "agents": {"ana": {"confirm": True}, "anna": {}},
    }
    telephones = (
        *(("anna", "PJSIP/desk"), ("ben", "PJSIP/desk/sip:b@x"), ("carla", "PJSIP/lobby"), ("dora", "PJSIP/lobby")),
        *(("emil", "PJSIP/1@trunk"), ("fritz", "PJSIP/2@trunk")),
    )
    patient = Patient("pbx", read_options("pbx", given), telephones, Path("journal"), is_only=True)
    absent, shared = agents(patient)
    assert (absent.check, absent.state) == ("agents", "warning")
    assert "channels.pbx.agents.ana;" in absent.text
    assert "PJSIP/desk is the telephone of anna, ben" in shared.text
    plain = {key: value for key, value in given.items() if key not in {"codes", "agents"}}
    assert agents(Patient("pbx", read_options("pbx", plain), telephones, Path("journal"), is_only=True)) == []


def test_sounds_that_agents_hear() -> None:
    """Of what is configured, and of nothing else."""
    plain: dict[str, object] = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"}
    assert sounds_of(read_options("pbx", plain)) == []
    given = {
        **plain,
        "codes": {"sign_in": "*45", "sounds": {"signed_in": "custom/in"}},
        "confirm": {"addresses": ["PJSIP/*@trunk"]},
        "queues": {"sales": {"briefing": ["custom/sales", "number:5"], "dispositions": ["sold", "lost"]}},
        "survey": {"questions": ["custom/how"]},
        "recording": {"announcement": ["custom/recorded"]},
        "menus": {
            "main": {
                "entry": True,
                "prompt": {"zh": "custom/huanying", "default": ["custom/welcome", "number:1"]},
                "collect": "order",
                "confirm": ["custom/entered", "{digits}"],
                "then": {"hangup": True},
                "default": {"hangup": True},
            }
        },
    }
    found = sounds_of(read_options("pbx", given))
    assert "queue-thankyou" not in found
    waiting = {"position": "improved", "greeting": ["custom/hello"], "language": "zh"}
    told = {**plain, "queues": {"sales": waiting}, "sounds": {"zh": {"position": ["custom/before", "{ahead}"]}}}
    assert sounds_of(read_options("pbx", told)) == [
        *("custom/hello", "custom/before", "queue-youarenext", "queue-thankyou")
    ]
    assert "custom/in" in found
    assert {"beeperr", "followme/options", "custom/sales", "beep"} <= set(found)
    assert {"custom/how", "auth-thankyou", "custom/recorded"} <= set(found)
    assert {"custom/huanying", "custom/welcome", "custom/entered"} <= set(found)
    assert not [name for name in found if ":" in name]


def test_every_door_is_looked_at() -> None:
    found = judged_dialplan([*door(("Queue", "x")), T, *door(("Hangup", ""), context="other")], "acd", has_switch=True)
    assert [(each.check, each.state) for each in found] == [("fallback", "wrong"), ("dead-man", "wrong")]
    assert all("other" in each.text for each in found)


def test_codecs() -> None:
    g722, ulaw = frozenset({"g722"}), frozenset({"ulaw"})
    (found,) = judged_codecs({"a": ulaw, "b": ulaw | g722, "c": g722, "d": frozenset(), "e": ulaw})
    assert (found.state, "c lack ulaw" in found.text) == ("warning", True)
    (found,) = judged_codecs({"a": ulaw, "b": ulaw | g722})
    assert (found.state, "ulaw" in found.text, "g722" in found.text) == ("good", True, False)
    assert [each.state for each in judged_codecs({"a": frozenset()})] == ["unknown"]


def test_music() -> None:
    shown = "Class: default\n\tMode: files\nClass: 等候\n\tMode: files"
    assert judged_music(shown, ("等候", "default")).state == "good"
    assert "default, 等候" in judged_music(shown, ("opera",)).text
    assert "there is no music class opera, jaz," in judged_music(shown, ("opera", "default", "jaz")).text
    assert "musiconhold.conf" in judged_music("", ("default",)).text


def test_disk(tmp_path: Path) -> None:
    assert disk(tmp_path / "acd.db").state in {"good", "warning"}
    assert list(tmp_path.iterdir()) == []
    assert disk(tmp_path / "nowhere" / "acd.db").state == "wrong"


def test_whether_the_engine_runs_shows_in_its_lock(tmp_path: Path) -> None:
    journal = tmp_path / "acd.db"
    assert not engine_runs(journal)
    lock = FileLock(tmp_path / "acd.db.lock")
    assert engine_runs(journal)
    lock.release()
    assert not engine_runs(journal)


def test_of_many_things_only_some_are_named() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(each) for each in range(MAX_NAMED + 3)]).endswith("9 and 3 more")


@pytest.mark.parametrize("place", ["1000", "1000@a&b", "1000@x/n", "1;2@x", "${A}@x", "1,2@x", "@x", "1@", "1@x\n"])
def test_a_test_call_goes_to_one_extension_and_nowhere_else(place: str) -> None:
    assert PLACE.fullmatch(place) is None


def test_which_pbx(tmp_path: Path) -> None:
    pbx = 'type = "asterisk"\nurl = "http://127.0.0.1:9"\nuser = "acd"\npassword_env = "NONE"\n'
    config = loads(f"[channels.one]\n{pbx}[channels.two]\n{pbx}[queues.sales]\n", base=tmp_path)
    assert [each.name for each in patients(config, None)] == ["one", "two"]
    (two,) = patients(config, "two")
    assert (two.name, two.is_only, two.rival) == ("two", False, "one")
    apart = loads(f'[channels.one]\n{pbx}[channels.two]\n{pbx}app = "b"\n[queues.sales]\n', base=tmp_path)
    assert [each.rival for each in patients(apart, None)] == ["", ""]
    with pytest.raises(ConfigError, match="no channel three of type asterisk; there are: one, two"):
        patients(config, "three")
    with pytest.raises(ConfigError, match="has no PBX"):
        patients(loads("[queues.sales]\n", base=tmp_path), None)
    spoilt = loads(f'[channels.one]\n{pbx}heartbeats = "1s"\n[queues.sales]\n', base=tmp_path)
    with pytest.raises(ConfigError, match="did you mean heartbeat"):
        patients(spoilt, None)
