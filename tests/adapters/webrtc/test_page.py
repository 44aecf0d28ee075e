"""WEBRTC.md is true: its examples run, and its figures are those of the code."""

import re
from pathlib import Path

import pytest

from acd_webrtc import negotiation, quality, session, signalling, signals, turn
from acd_webrtc.emodel import DEFAULT_R, mean_opinion

PAGE = (Path(__file__).parents[3] / "WEBRTC.md").read_text(encoding="utf-8")
USUAL = turn.TurnServer(host="turn.example.org", realm="example.org", secret="0" * 64)
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (
            0,
            ["external-ip=198.51.100.7\n", "denied-peer-ip=10.0.0.5\n", "'stun:turn.example.org:3478'", ":visit-8f3a'"],
        ),
        (1, ['"type":"welcome","session":1,"got":0,"polite":true', '"type":"got","got":1', "over: lost"]),
        (2, ["loss_percent=2.0", "round_trip_ms=Spread(mean=80.0"]),
    ],
)
def test_examples_run(example: int, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(EXAMPLES[example], "WEBRTC.md", "exec"), {})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert [each for each in said if each not in printed] == []


def test_there_is_no_example_that_is_not_run() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(
    "figure",
    [
        f"| {signalling.NORMAL} |",
        f"| {signalling.BROKEN} |",
        f"| {signalling.REPLACED} |",
        f"| {signalling.TOO_MANY} | more than {signalling.MESSAGES_PER_SECOND} messages a second",
        f"messages a second, after {signalling.BURST_MESSAGES} at once",
        f"within {signalling.Limits().join_us // signalling.MICROSECONDS} s, has not come back",
        f"{signals.MAX_TEXT_BYTES // 1_024} KiB at most, a description {signals.MAX_DESCRIPTION_LETTERS // 1_024} KiB",
        f"a candidate {signals.MAX_CANDIDATE_LETTERS} letters; {negotiation.MAX_CANDIDATES} candidates",
        f"{session.MAX_UNCONFIRMED:,} messages that are not confirmed",
        f"from {turn.MIN_LIFETIME_SECONDS} to {turn.MAX_LIFETIME_SECONDS}",
        f"each way ({USUAL.bytes_per_second:,}), all together",
        f"`total_bytes_per_second` ({USUAL.total_bytes_per_second:,})",
        f"`allocations_per_user` ({USUAL.allocations_per_user}) at a time, all together",
        f"`allocations` ({USUAL.allocations:,})",
        f"udp dport != {USUAL.first_relay_port}-{USUAL.last_relay_port} drop",
        f"whose best is {mean_opinion(DEFAULT_R):.2f}",
        f"{quality.PACKET_MS + quality.LOOKAHEAD_MS} ms of packet and codec",
    ],
)
def test_figures_are_those_of_the_code(figure: str) -> None:
    assert figure in PAGE.replace("\n", " ")
