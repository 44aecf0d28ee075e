"""The parsers of SIPp's logs, and the check for overlaps."""

from acd_asterisk.lab import AgentDialog, CallerDialog, overlapping, parse_agents, parse_callers


def at(seconds: str) -> str:
    return f"2026-01-01\t00:00:00.000000\t{seconds}"


def test_an_agents_dialog_from_invite_to_bye() -> None:
    log = "\n".join(
        f"{event}|{at(time)}|call-1|ann|+4930"
        for event, time in (
            ("invited", "1700000000.000001"),
            ("ringing", "1700000000.000002"),
            ("answered", "1700000001.500000"),
            ("pbx", "1700000002.000000"),
        )
    )
    assert parse_agents(log) == [
        AgentDialog(
            agent="ann",
            caller="+4930",
            call_id="call-1",
            invited_us=1_700_000_000_000_001,
            ringing_us=1_700_000_000_000_002,
            answered_us=1_700_000_001_500_000,
            ended_us=1_700_000_002_000_000,
            how="pbx",
        )
    ]


def test_the_first_end_counts_when_both_hang_up_at_once() -> None:
    log = "\n".join(
        (
            f"invited|{at('1.000000')}|c|4900|+1",
            f"ended|{at('2.000000')}|c|4900|+1|caller",
            f"ended|{at('2.000100')}|c|4900|+1|pbx",
        )
    )
    assert [(dialog.how, dialog.ended_us) for dialog in parse_callers(log)] == [("caller", 2_000_000)]


def test_a_refused_call_has_its_code() -> None:
    log = f"invited|{at('1.000000')}|c|4900|+1\nfailed|{at('1.100000')}|c|4900|+1|486\n"
    assert parse_callers(log) == [
        CallerDialog("+1", "4900", "c", 1_000_000, ended_us=1_100_000, how="failed", code=486)
    ]


def test_a_line_that_is_still_being_written_is_left_for_later() -> None:
    log = f"invited|{at('1.000000')}|c|ann|+1\nansw"
    assert [dialog.is_answered for dialog in parse_agents(log)] == [False]


def dialog(agent: str, start: int, end: int | None) -> AgentDialog:
    return AgentDialog(agent, "+1", f"{agent}{start}", start, ended_us=end, how=None if end is None else "pbx")


def test_dialogs_of_one_agent_that_overlap_are_found_in_pairs() -> None:
    first, inside, after = dialog("ann", 0, 10), dialog("ann", 5, 8), dialog("ann", 10, 12)
    assert overlapping([after, inside, first]) == [(first, inside)]


def test_two_agents_do_not_overlap() -> None:
    assert overlapping([dialog("ann", 0, 10), dialog("ben", 0, 10)]) == []


def test_a_dialog_that_never_ended_overlaps_everything_after_it() -> None:
    endless, later = dialog("ann", 0, None), dialog("ann", 99, 100)
    assert overlapping([endless, later]) == [(endless, later)]


def test_a_call_refused_as_busy_did_not_ring() -> None:
    busy = AgentDialog("ann", "+1", "x", 5, ended_us=6, how="busy")
    assert overlapping([dialog("ann", 0, 10), busy]) == []
