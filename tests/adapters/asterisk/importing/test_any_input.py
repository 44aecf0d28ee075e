"""Whatever stands in the files: a clear refusal, or a configuration that the engine can use, and a full account."""

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.errors import ConfigError
from acd.runtime.config import check_text
from acd_asterisk.importing.conf import parse_conf
from acd_asterisk.importing.document import document
from acd_asterisk.importing.members import read_member
from acd_asterisk.importing.pool import pool_names
from acd_asterisk.importing.queues import Source, convert
from acd_asterisk.importing.report import Report
from acd_asterisk.importing.settings import _MAPPED, ELSEWHERE, STRATEGIES
from acd_asterisk.importing.unmapped import ANYWAY, LEFT

ANY = st.text(max_size=60)
NAMES = st.sampled_from(["general", "sales", "客服", "a b", "x(y", 'q"', "\u3000", "6000"]) | ANY
OPTIONS = st.sampled_from(sorted({*_MAPPED, *ANYWAY, *LEFT, *ELSEWHERE, "music", "penaltychange", "fullname", "agent"}))
NUMBERS = st.integers(-5, 10**20).map(str)
WORDS = st.sampled_from(["yes", "no", "all", "strict", "loose", "paused,inuse", "prio", "r", "", *STRATEGIES])
DEVICES = (
    st.sampled_from(["PJSIP/1", "Local/2@c/n", "Agent/3", "SIP/4", "DAHDI/5", 'PJSIP/"6"', "/7", "PJSIP/张"]) | ANY
)
MEMBERS = st.tuples(DEVICES, NUMBERS | st.just(""), ANY, DEVICES, WORDS, NUMBERS).map(",".join)
CHANGES = st.tuples(NUMBERS, st.sampled_from(["", "+3", "-1", "5", "r2"]), st.sampled_from(["", "2"])).map(",".join)
LINES = st.one_of(
    st.tuples(OPTIONS, WORDS | NUMBERS | ANY).map(" = ".join),
    MEMBERS.map(lambda text: f"member => {text}"),
    CHANGES.map(lambda text: f"penaltychange => {text}"),
    NAMES.map(lambda name: f"[{name}]"),
    NAMES.map(lambda name: f"[{name}](!)"),
    NAMES.map(lambda name: f"[{name}](+)"),
    ANY,
)
TEXTS = st.lists(LINES, max_size=40).map("\n".join)


def converted(queues: str, rules: str, agents: str) -> tuple[str, Report, int]:
    """The configuration, the account, and how many lines there were."""
    report = Report()
    read = [parse_conf(text, "f").sections for text in (queues, rules, agents)]
    source = Source(read[0], read[1], pool_names(read[2], report))
    text = document(convert(source, report), report, ["f"], "default")
    return text, report, sum(len(section.entries) for sections in read for section in sections)


@settings(max_examples=300, deadline=None)
@given(TEXTS.map(lambda text: f"[first]\n{text}"), TEXTS, TEXTS)
def test_it_is_refused_or_can_be_used(queues: str, rules: str, agents: str) -> None:
    try:
        text, report, lines = converted(queues, rules, agents)
    except ConfigError:
        return  # what is said then, test_conf sees
    checked = check_text(text, environment={})
    assert checked.errors == ()
    assert checked.queues
    assert len(report.findings) == lines
    assert all(line.isprintable() for line in report.summary())


@given(ANY)
def test_what_is_written_as_a_member_is_read_back(name: str) -> None:
    escaped = "".join(f"\\{char}" if char in ',"\\()' else char for char in name)
    member = read_member(f"PJSIP/1,0,{escaped}")
    assert member is not None
    assert member.name == name.strip()
