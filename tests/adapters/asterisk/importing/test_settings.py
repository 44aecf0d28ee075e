"""Every option, one by one: what it comes to, and in which words."""

import pytest

from acd.core import limits
from acd_asterisk.importing.conf import parse_conf
from acd_asterisk.importing.queues import Source, convert
from acd_asterisk.importing.report import Finding, Report
from acd_asterisk.importing.settings import STRATEGIES
from acd_asterisk.importing.unmapped import LEFT
from acd_asterisk.importing.writing import Value

MEMBERS = "member => PJSIP/1\nmember => PJSIP/2,5\n"


def converted(text: str, rules: str = "", start: int | None = None) -> tuple[dict[str, dict[str, Value]], Report]:
    """Sections of queues.conf → settings by queue, and of the agents by "agents.ID"."""
    report = Report()
    queues, changes = (parse_conf(each, "f").sections for each in (text, rules))
    result = convert(Source(queues, changes, start=start), report)
    agents = {f"agents.{part.id}": part.settings for part in result.agents}
    return {**{part.id: part.settings for part in result.queues}, **agents}, report


def one(option: str, strategy: str = "linear") -> tuple[dict[str, Value], Finding]:
    """A queue with one option besides its strategy: its settings, and what was said of the option."""
    parts, report = converted(f"[q]\nstrategy = {strategy}\n{option}\n{MEMBERS}")
    (found,) = [each for each in report.findings if each.entry.name not in {"strategy", "member"}]
    return parts["q"], found


def test_a_queue_about_which_nothing_is_said_has_app_queues_defaults() -> None:
    parts, report = converted("[q]\nmember = PJSIP/1\nmember = PJSIP/2\nmember = PJSIP/3\n")
    assert parts["q"] == {
        "title": "q",
        "requirement": '"q" in queues',
        "strategy": "broadcast",
        "broadcast": 3,
        "offer_timeout": "15s",
        "retry_after": "5s",
        "when_full": "wait",
    }
    assert report.remarks == []


@pytest.mark.parametrize(
    ("option", "outcome", "settings"),
    [
        ("timeout = 25", "mapped", {"offer_timeout": "25s"}),
        ("timeout = 0", "differs", {"offer_timeout": "1h"}),
        ("retry = 9", "differs", {"retry_after": "9s"}),
        ("retry = 0", "differs", {"retry_after": "5s"}),
        ("maxlen = 12", "mapped", {"max_waiting": 12}),
        ("maxlen = 0", "mapped", {"when_full": "wait"}),
        ("wrapuptime = 90", "mapped", {"wrap_up": "1m30s"}),
        ("wrapuptime = 99999999999", "mapped", {"wrap_up": "366d"}),
        ("servicelevel = 60", "mapped", {"service_level": "1m"}),
        ("autopause = no", "mapped", {"rona": "stay-ready"}),
        ("autopause = yes", "differs", {"rona": "not-ready"}),
        ("autopause = all", "mapped", {"rona": "not-ready"}),
        ("joinempty = yes", "mapped", {"when_unstaffed": "wait"}),
        ("joinempty = no", "differs", {"when_unstaffed": "refuse"}),
        ("joinempty = strict", "differs", {"when_unstaffed": "refuse"}),
        ("joinempty = loose", "mapped", {"when_unstaffed": "refuse"}),
        ("joinempty = unavailable,invalid", "mapped", {"when_unstaffed": "refuse"}),
        ("JoinEmpty = unavailable, nonsense", "differs", {"when_unstaffed": "refuse"}),
    ],
)
def test_what_is_mapped(option: str, outcome: str, settings: dict[str, Value]) -> None:
    found, finding = one(option)
    assert finding.outcome == outcome
    assert {**found, **settings} == found


@pytest.mark.parametrize(
    ("option", "outcome"),
    [
        ("wrapuptime = 0", "anyway"),
        ("servicelevel = 0", "left"),
        ("joinempty = inuse,ringing", "left"),
        ("leavewhenempty = no", "anyway"),
        ("leavewhenempty = strict", "left"),
        ("ringinuse = no", "anyway"),
        ("ringinuse = yes", "differs"),
        ("autofill = yes", "anyway"),
        ("autofill = no", "differs"),
        ("autopauseunavail = yes", "anyway"),
        ("autopauseunavail = no", "differs"),
        ("music = default", "anyway"),
        ("musiconhold = a b", "left"),
        ("announce = no", "anyway"),
        ("announce = c:\\x", "left"),
        ("weight = 4", "anyway"),
        ("announce-frequency = 0", "anyway"),
        ("queue-thankyou =", "anyway"),
        ("queue-thankyou = silence/1", "anyway"),
        ("queue-less-than = queue-less-than", "left"),
        ("queue-lessthan = queue-less-than", "anyway"),
        ("announce-position = yes", "anyway"),
        ("queue-thankyou = custom/thanks", "left"),
        ("timeoutpriority = app", "anyway"),
        ("timeoutpriority = conf", "left"),
        ("defaultrule = nowhere", "left"),
        ("colour = blue", "left"),
    ],
)
def test_what_is_not_and_changes_nothing(option: str, outcome: str) -> None:
    plain, _ = converted(f"[q]\nstrategy = linear\n{MEMBERS}")
    found, finding = one(option)
    assert found == plain["q"]
    assert finding.outcome == outcome
    assert len(finding.text) > 10


@pytest.mark.parametrize("option", sorted(LEFT))
def test_what_is_left_out_has_its_own_reason(option: str) -> None:
    _, finding = one(f"{option} = custom/x")
    assert (finding.outcome, finding.text) == ("left", LEFT[option])


def test_a_misspelt_option_is_recognised() -> None:
    _, finding = one("wrapuptim = 30")
    assert finding.text == 'app_queue has no such option and passes over it; did you mean "wrapuptime"?'


@pytest.mark.parametrize("given", sorted(STRATEGIES))
def test_every_strategy_has_its_counterpart(given: str) -> None:
    parts, report = converted(f"[q]\nstrategy = {given}\nmember = PJSIP/1\n")
    assert parts["q"]["strategy"] == STRATEGIES[given][0]
    (finding,) = [each for each in report.findings if each.entry.name == "strategy"]
    assert finding.outcome == ("differs" if STRATEGIES[given][1] else "mapped")


def test_a_strategy_that_is_none_is_ringall() -> None:
    parts, report = converted(f"[q]\nstrategy = best\n{MEMBERS}")
    assert parts["q"]["strategy"] == "broadcast"
    assert any("there is no such strategy, and app_queue takes ringall" in each.text for each in report.findings)


def test_ringall_makes_nobody_not_ready() -> None:
    parts, report = converted(f"[q]\nstrategy = ringall\nautopause = all\n{MEMBERS}")
    assert "rona" not in parts["q"]
    assert ("left", "autopause") in [(each.outcome, each.entry.name) for each in report.findings]


def test_penalties_are_weights_for_wrandom_and_ignored_in_small_queues() -> None:
    for option in ("strategy = wrandom", "strategy = linear\npenaltymemberslimit = 2"):
        parts, _ = converted(f"[q]\n{option}\n{MEMBERS}")
        assert "levels" not in parts["agents.2"]
    parts, _ = converted(f"[q]\nstrategy = linear\npenaltymemberslimit = 1\n{MEMBERS}")
    assert parts["agents.2"]["levels"] == {"q": 2}


def test_rules_are_followed_as_far_as_they_widen() -> None:
    rules = "[r]\npenaltychange => 30,+5\npenaltychange => 60,-5,2\n[s]\npenaltychange => nonsense\n"
    parts, report = converted(f"[q]\nstrategy = linear\ndefaultrule = r\n{MEMBERS}", rules)
    assert parts["q"]["level_delays"] == ["30s"]
    said = {(each.entry.value, each.outcome) for each in report.findings}
    assert {("30,+5", "mapped"), ("60,-5,2", "differs"), ("nonsense", "left"), ("r", "differs")} <= said
    (rule,) = [each.text for each in report.findings if each.entry.value == "r"]
    assert "QUEUE_MAX_PENALTY to 0" in rule
    assert "a minimum and a raise have no counterpart" in rule
    assert "becomes less again" in rule
    parts, _ = converted(f"[q]\nstrategy = linear\ndefaultrule = r\n{MEMBERS}", rules, start=5)
    assert "level_delays" not in parts["q"]


def test_nobody_is_in_more_queues_than_an_agent_can_be() -> None:
    parts, report = converted("".join(f"[q{number}]\nmember = PJSIP/1\n" for number in range(limits.MAX_SKILLS + 2)))
    assert parts["agents.1"]["queues"] == [f"q{number}" for number in range(limits.MAX_SKILLS)]
    assert report.remarks == [f"1 is in more than {limits.MAX_SKILLS} queues; the rest is left out"]


def test_names_are_put_on_one_line() -> None:
    parts, _ = converted("[q]\nmember = PJSIP/1,0,张\u3000伟\x07\n")
    assert parts["agents.1"]["name"] == "张 伟?"


def test_who_is_beyond_the_maximum_for_ever_is_named_and_not_in_the_queue() -> None:
    parts, report = converted(f"[q]\ndefaultrule = r\n{MEMBERS}", "[r]\npenaltychange => 30,3\n")
    assert "queues" not in parts["agents.2"]
    assert "[q] never asks PJSIP/2: their penalty is above every maximum" in report.remarks


def test_the_heaviest_queue_is_in_the_first_band() -> None:
    parts, _ = converted("[a]\nweight = 1\n[b]\n[c]\nweight = 10\n[d]\nweight = 1\n")
    assert [parts[each]["band"] for each in "abcd"] == [2, 3, 1, 2]


def test_one_order_suits_all_queues_that_go_by_order_if_there_is_one() -> None:
    first = "[a]\nstrategy = linear\nmember = PJSIP/2\nmember = PJSIP/3\n"
    second = "[b]\nstrategy = rrmemory\nmember = PJSIP/1\nmember = PJSIP/2\n"
    parts, report = converted(first + second)
    assert [parts[f"agents.{number}"]["position"] for number in "123"] == [1, 2, 3]
    assert report.remarks == []
    third = "[c]\nstrategy = linear\nmember = PJSIP/3\nmember = PJSIP/1\n"
    parts, report = converted(first + second + third)
    assert [parts[f"agents.{number}"]["position"] for number in "231"] == [1, 2, 3]
    assert report.remarks == ["[b] has its members in another order than queues above: theirs is taken"]


def test_names_that_no_queue_may_have_are_changed_and_said() -> None:
    parts, report = converted('[a b]\n[a-b]\n["x"]\n')
    assert [name for name in parts if "." not in name] == ["a-b", "a-b-2", "x"]
    assert parts["a-b"]["title"] == "a b"
    assert 'the queue "a b" is called "a-b": say so in your dialplan' in report.remarks


def test_an_option_that_stands_twice_counts_as_it_stands_last() -> None:
    parts, report = converted("[q]\nmusic = a\ntimeout = 1\nTimeout = 2\nmusicclass = default\n")
    assert parts["q"]["offer_timeout"] == "2s"
    assert [each.outcome for each in report.findings] == ["anyway", "anyway", "mapped", "anyway"]


def test_ringall_with_many_members_or_penalties_says_what_is_different() -> None:
    _, report = converted("[q]\n" + "".join(f"member = PJSIP/{number}\n" for number in range(20)))
    assert report.remarks == [
        "[q] names no strategy, which is ringall: 16 at most are rung at once, those with the lowest penalty first"
    ]
    _, report = converted(f"[q]\nstrategy = ringall\n{MEMBERS}")
    (finding,) = [each for each in report.findings if each.entry.name == "strategy"]
    assert finding.text == (
        'strategy = "broadcast"; all are rung at once, whatever their penalties, as far as level_delays allow'
    )
