"""The layout of a line: nothing that comes from outside makes a field or a line of its own."""

import pytest

from acd.runtime.queue_log.layout import MAX_FIELD, Line, mark_of


def test_a_line_reads_as_app_queue_writes_it() -> None:
    line = Line(1_700_000_000, "1699999990.17", "sales", "anna", "CONNECT", ("10", "1699999999.18", "3"))
    assert line.text() == "1700000000|1699999990.17|sales|anna|CONNECT|10|1699999999.18|3"
    assert Line(1_700_000_000, "", "", "", "QUEUESTART").text() == "1700000000|NONE|NONE|NONE|QUEUESTART|"


@pytest.mark.parametrize("bad", ["|", "\n", "\r\n", "\x00", "\u2028", "\x85", "\x1b[2J", "\ud800"])
def test_no_value_breaks_out_of_its_field(bad: str) -> None:
    text = Line(1, f"c{bad}1", f"q{bad}", f"{bad}a", "ENTERQUEUE", ("", f"+86{bad}10", "1")).text(f"13{bad}9")
    assert text.count("|") == 7
    assert len(text.splitlines()) == 1
    text.encode()


def test_a_value_is_cut_to_its_bound() -> None:
    assert len(Line(1, "c" * 10_000, "q", "a", "WITHDRAW", ("x" * 10_000,)).text()) < 3 * MAX_FIELD


def test_a_line_is_found_again_whatever_is_said_of_the_caller() -> None:
    line = Line(1, "c", "q", "", "ENTERQUEUE", ("", "ref", "1"), "ref")
    assert line.text("13800000000") == "1|c|q|NONE|ENTERQUEUE||13800000000|1"
    assert mark_of(line.text("13800000000")) == line.mark() == mark_of(line.text(""))
    assert line.mark() != Line(1, "c", "q", "", "ENTERQUEUE", ("", "ref", "2"), "ref").mark()
