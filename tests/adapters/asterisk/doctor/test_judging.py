"""What is made of answers: the pure parts of `acd doctor`."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.errors import ConfigError
from acd.runtime.config import loads
from acd.runtime.filelock import FileLock
from acd_asterisk.doctor.agents import agents
from acd_asterisk.doctor.application import engine_runs
from acd_asterisk.doctor.codecs import judged_codecs
from acd_asterisk.doctor.connection import CLOCK_SECONDS, judged_clock
from acd_asterisk.doctor.dialplan import Step, judged_codes, judged_dialplan
from acd_asterisk.doctor.disk import disk
from acd_asterisk.doctor.findings import MAX_NAMED, named
from acd_asterisk.doctor.loaded import NEEDED, USEFUL, judged
from acd_asterisk.doctor.media import judged_music, judged_sounds
from acd_asterisk.doctor.patient import Patient, key_of, patients
from acd_asterisk.doctor.sounds import sounds_of
from acd_asterisk.doctor.telephones import endpoint_of
from acd_asterisk.doctor.trial import PLACE
from acd_asterisk.doctor.without_ari import judged_without_ari
from acd_asterisk.options import read_options

ALL = {*NEEDED, *(name for name, _ in USEFUL), "chan_pjsip"}


ANNA = {"PJSIP/anna": key_of("anna"), "Local/ben@telephones/n": key_of("ben")}


@pytest.mark.parametrize("absent", NEEDED)
def test_every_module_that_is_needed_is_missed(absent: str) -> None:
    (found,) = judged(ALL - {absent}, ANNA)
    assert found.state == "wrong"
    assert f"module load {absent}" in found.text
    assert "without which no call is handled" in found.text


@pytest.mark.parametrize(("absent", "lacking"), USEFUL)
def test_what_is_useful_is_a_warning(absent: str, lacking: str) -> None:
    first, second = judged(ALL - {absent}, ANNA)
    assert (first.state, second.state) == ("good", "warning")
    assert absent in second.text
    assert lacking in second.text


def test_a_driver_is_needed_only_by_its_own_addresses() -> None:
    assert [each.state for each in judged(ALL, ANNA)] == ["good"]
    for address, said in (
        ("SIP/100", "SIP/100 need chan_sip, which is not loaded; load it in modules.conf, or use PJSIP/"),
        ("IAX2/office", "IAX2/office need chan_iax2, which is not loaded; load it in modules.conf"),
        ("dahdi/g1/{number}", "dahdi/g1/{number} need chan_dahdi, which is not loaded"),
    ):
        _, found = judged(ALL, {**ANNA, address: key_of("carla")})
        assert found.text.startswith(said)
        assert (found.state, found.key) == ("wrong", ("agents", "carla", "addresses", "voice"))
    _, found = judged(ALL - {"chan_pjsip"}, ANNA)
    assert "chan_pjsip" in found.text


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
    assert sounds_of(read_options("pbx", plain)) == {}
    given = {
        **plain,
        "codes": {"sign_in": "*45", "sounds": {"signed_in": "custom/in"}},
        "confirm": {"addresses": ["PJSIP/*@trunk"]},
        "queues": {"sales": {"briefing": ["custom/sales", "number:5"], "dispositions": ["sold", "lost"]}},
        "survey": {"questions": ["custom/how"]},
        "recording": {"mode": "mixed", "announcement": ["custom/recorded"]},
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
    assert sounds_of(read_options("pbx", told)) == dict.fromkeys(
        ("custom/hello", "custom/before", "queue-youarenext", "queue-thankyou"), frozenset({"zh"})
    )
    assert "custom/in" in found
    assert {"beeperr", "followme/options", "custom/sales", "beep"} <= set(found)
    assert {"custom/how", "auth-thankyou", "custom/recorded"} <= set(found)
    assert {"custom/huanying", "custom/welcome", "custom/entered"} <= set(found)
    assert (found["custom/huanying"], found["custom/welcome"]) == (frozenset({"zh"}), frozenset())
    assert not [name for name in found if ":" in name]


def test_sounds_and_their_languages() -> None:
    zh, en, none = frozenset({"zh"}), frozenset({"en"}), frozenset[str]()
    (found,) = judged_sounds({"a": none, "b": zh}, {"a": en, "b": zh | en})
    assert found.state == "good"
    (found,) = judged_sounds({"a": none, "b": zh}, {"a": none, "b": en})
    assert (found.state, found.text.partition(";")[0]) == ("wrong", "there is no sound a: nobody hears anything there")
    option = ("channels", "pbx", "queues", "客服", "greeting")
    (found,) = judged_sounds({"a": none}, {"a": none}, {"a": option}.__getitem__)
    assert found.text.startswith('there is no sound a, which channels.pbx.queues."客服".greeting names: nobody hears')
    (found,) = judged_sounds({"a": none, "b": none}, {"a": none, "b": none}, lambda _name: option)
    assert found.text.startswith("there is no sound a, b, the first of which channels.pbx.queues.")
    (found,) = judged_sounds({"a": none, "b": zh, "c": zh}, {"a": en, "b": en, "c": zh})
    assert (found.state, "not there in zh" in found.text, ": b; put" in found.text) == ("warning", True, True)
    (found,) = judged_sounds({"a": frozenset({"zh_CN"})}, {"a": zh})
    assert found.state == "good"


def test_every_door_is_looked_at() -> None:
    found = judged_dialplan([*door(("Queue", "x")), T, *door(("Hangup", ""), context="other")], "acd", has_switch=True)
    assert [(each.check, each.state) for each in found] == [("fallback", "wrong"), ("dead-man", "wrong")]
    assert all("other" in each.text for each in found)


ULAW, G722, G729, OPUS = (frozenset({each}) for each in ("ulaw", "g722", "g729", "opus"))
LOADED = ("codec_ulaw", "codec_g722", "codec_opus_open_source", "chan_pjsip")


def test_codecs_of_agents() -> None:
    (found,) = judged_codecs({"a": ULAW, "b": ULAW | G722, "c": G722, "d": frozenset(), "e": ULAW}, {}, LOADED)
    assert (found.state, "c lack ulaw" in found.text) == ("warning", True)
    (found,) = judged_codecs({"a": ULAW, "b": ULAW | G722}, {}, LOADED)
    assert (found.state, "ulaw" in found.text, "g722" in found.text) == ("good", True, False)
    assert [each.state for each in judged_codecs({"a": frozenset()}, {"t": ULAW}, LOADED)] == ["unknown"]


def test_codecs_against_trunks() -> None:
    """Alike: nothing to say; translated: a warning; neither: no call, in one sentence that names both sides."""
    agents = {"anna": ULAW | G722, "ben": ULAW}
    assert [each.state for each in judged_codecs(agents, {"isp": ULAW | G729, "?": frozenset()}, LOADED)] == ["good"]
    good, said = judged_codecs(agents, {"isp": OPUS}, LOADED)
    assert (good.state, said.state) == ("good", "warning")
    assert "every call between isp (opus) and anna, ben is translated" in said.text
    (said,) = judged_codecs(agents, {"isp": G729, "other": ULAW}, LOADED)
    assert said.state == "wrong"
    assert said.text.startswith("isp (g729) can have no call with anna, ben: no codec is common to them")
    assert "codec_… for g729" in said.text
    (good, said) = judged_codecs(agents, {"isp": G729}, None)
    assert (good.state, said.state) == ("good", "warning")
    apart, silent = judged_codecs({"anna": ULAW, "ben": G729}, {}, LOADED)
    assert (apart.state, silent.state) == ("warning", "wrong")
    (apart,) = judged_codecs({"anna": ULAW, "ben": G729}, {}, (*LOADED, "codec_g729a"))
    assert apart.state == "warning"
    linear = {"anna": frozenset({"slin16"}), "ben": frozenset({"speex16"})}
    assert [each.state for each in judged_codecs(linear, {}, ("codec_speex",))] == ["warning"]


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


@given(st.integers(-10_000_000, 10_000_000), st.integers(-12, 14))
def test_clocks(milliseconds: int, zone: int) -> None:
    """However far apart, and in whatever zone the PBX tells its time."""
    theirs = datetime.fromtimestamp(NOON, timezone(timedelta(hours=zone))) + timedelta(milliseconds=milliseconds)
    said = theirs.strftime("%Y-%m-%dT%H:%M:%S.") + f"{theirs.microsecond // 1_000:03}{theirs:%z}"
    found = judged_clock(f'{{"timestamp": "{said}", "ping": "pong"}}'.encode(), NOON, NOON)
    apart = abs(milliseconds) / 1_000
    assert found.state == ("warning" if apart > CLOCK_SECONDS else "good")
    if found.state == "warning":
        assert f" s {'ahead of' if milliseconds > 0 else 'behind'} ours" in found.text


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"timestamp": "noon"}'])
def test_a_clock_that_is_not_told(body: bytes) -> None:
    assert judged_clock(body, NOON, NOON).state == "unknown"


def without_ari(*lacking: str, app: str = "acd", swap: tuple[str, str] = ("", "")) -> list[Step]:
    """The example's places, in short, but some."""
    lines = (
        *(("enter", "GotoIf", "$[${EPOCH} > 0${ACD_ALIVE_acd}]?away,1"), ("enter", "Set", "TIMEOUT(absolute)=30")),
        *(("enter", "UserEvent", "AcdEnter,App: acd,Args: x"), ("hold", "MusicOnHold", ""), ("talk", "Bridge", "")),
        *(("leg", "UserEvent", "AcdAnswered,App: acd"), ("back", "Return", ""), ("T", "Return", "")),
    )
    steps = [
        Step(f"{app}-ami", place, number, application, data.replace(*swap) if swap[0] else data)
        for number, (place, application, data) in enumerate(lines)
        if place not in lacking
    ]
    return [*steps, Step("acd-enter", "s", 1, "Gosub", f"{app}-ami,enter,1"), Step("acd-enter", "s", 2, "Queue", "x")]


def said_without_ari(steps: list[Step], *, has_switch: bool = True) -> list[tuple[str, str, str]]:
    return [(each.check, each.state, each.text) for each in judged_without_ari(steps, "acd", has_switch=has_switch)]


def test_the_dialplan_of_a_pbx_without_ari() -> None:
    ((check, state, text),) = said_without_ari(without_ari())
    assert (check, state, "acd-enter,s,1" in text) == ("dialplan", "good", True)
    for steps, about in (
        ([], "no context [acd-ami]"),
        (without_ari(app="other"), "no context [acd-ami]"),
        (without_ari("hold", "T"), "no extension hold, T"),
        (without_ari(swap=("App: acd", "App: other")), "acd-ami,enter does not tell the engine of its calls"),
        (without_ari()[:-2], "nothing in the dialplan leads to Gosub(acd-ami,enter,1)"),
    ):
        check, state, text = said_without_ari(steps)[0]
        assert (check, state) == ("dialplan", "wrong")
        assert about in text
    ((check, state, text),) = said_without_ari(without_ari()[:-1])
    assert (check, state, "hung up on" in text) == ("fallback", "wrong", True)
    ((check, state, text),) = said_without_ari(without_ari(swap=("ACD_ALIVE_acd", "ACD_ALIVE_sales")))
    assert (check, state, "ACD_ALIVE_acd" in text) == ("fallback", "wrong", True)
    bare = without_ari(swap=("TIMEOUT(absolute)", "X"))
    assert [each[:2] for each in said_without_ari(bare)] == [("dead-man", "warning")]
    assert [each[:2] for each in said_without_ari(bare, has_switch=False)] == [("dialplan", "good")]


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
    by_ami = 'type = "asterisk"\ncontrol = "ami"\nami = { user = "acd", password_env = "NONE" }\n'
    both = loads(f"[channels.one]\n{by_ami}[channels.two]\n{by_ami}[queues.sales]\n", base=tmp_path)
    assert [each.rival for each in patients(both, None)] == ["two", "one"]
    with pytest.raises(ConfigError, match="no channel three of type asterisk; there are: one, two"):
        patients(config, "three")
    with pytest.raises(ConfigError, match="has no PBX"):
        patients(loads("[queues.sales]\n", base=tmp_path), None)
    spoilt = loads(f'[channels.one]\n{pbx}heartbeats = "1s"\n[queues.sales]\n', base=tmp_path)
    with pytest.raises(ConfigError, match="did you mean heartbeat"):
        patients(spoilt, None)
