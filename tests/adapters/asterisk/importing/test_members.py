"""Members are read, and told apart by their devices; numbers are people's ids where they can be."""

import pytest

from acd.core import limits
from acd_asterisk.importing.members import Member, Person, cleaned, persons, read_member, whole
from acd_asterisk.importing.report import Report


def people(*lines: str, names: dict[str, str] | None = None) -> tuple[list[Person], Report]:
    report = Report()
    members = [member for line in lines if (member := read_member(line))]
    return list(persons(members, names or {}, report).values()), report


def test_everything_a_member_can_say_is_read() -> None:
    assert read_member('Local/1@a/n, 3 , "May, Flowers" ,Agent:1,no,12,yes') == Member(
        "Local/1@a/n", 3, "May, Flowers", "Agent:1", "no", "12", "yes"
    )


@pytest.mark.parametrize("line", ["", "1001", "/", ",3,Anna", "PJSIP/" + "x" * 500, "PJSIP/\x07"])
def test_what_names_no_device_is_no_member(line: str) -> None:
    assert read_member(line) is None


@pytest.mark.parametrize(("text", "number"), [("7up", 7), (" -3", -3), ("+4", 4), ("x", 0), ("", 0), ("٣", 0)])
def test_numbers_are_read_as_c_reads_them(text: str, number: int) -> None:
    assert whole(text) == number


def test_one_device_is_one_person_rung_where_it_was_named_first() -> None:
    found, report = people("Local/1001@agents/n,0,Anna,PJSIP/1001", "PJSIP/1001,3")
    assert found == [Person("1001", "Anna", "Local/1001@agents/n")]
    assert "PJSIP/1001 and Local/1001@agents/n have one device: one agent, rung at the latter" in report.remarks


def test_the_first_name_is_kept_and_a_missing_one_is_filled_in() -> None:
    found, report = people("PJSIP/1", "PJSIP/1,0,Anna", "PJSIP/1,0,Ann")
    assert [each.name for each in found] == ["Anna"]
    assert report.remarks == ['PJSIP/1 is called "Anna" and "Ann": the first is kept']


def test_two_devices_of_one_number_are_two_people() -> None:
    found, _ = people("PJSIP/1001", "Local/1001@a/n", "Local/1001@b/n", "IAX2/1001")
    assert [each.id for each in found] == ["1001", "local-1001", "local-1001-2", "iax2-1001"]


@pytest.mark.parametrize(
    ("line", "identity"),
    [
        ("Local/1001@from-queue/n,0,A,hint:1001@ext-local", "1001"),
        ("PJSIP/anna/sip:anna@192.0.2.1:5060", "anna"),
        ("DAHDI/3", "dahdi-3"),
        ("PJSIP/张伟", "张伟"),
        ('PJSIP/a "b" c', "a-b-c"),
        ("PJSIP/" + "x" * 200, "x" * (limits.MAX_ID - 8)),
    ],
)
def test_ids_come_from_devices(line: str, identity: str) -> None:
    member = read_member(line.replace('"', '\\"'))
    assert member is not None
    assert [each.id for each in persons([member], {}, Report()).values()] == [identity]


def test_agents_of_the_pool_have_their_names_and_no_address() -> None:
    found, report = people(
        "Agent/1001", "Local/1002@agents,0,,Agent:1002", names={"1001": "王芳", "1002": "", "1003": "C"}
    )
    assert found == [Person("1001", "王芳", ""), Person("1002", "1002", "Local/1002@agents"), Person("1003", "C", "")]
    assert any(text.startswith("members like Agent/1001 sign in at any phone") for text in report.remarks)


def test_chan_sip_is_warned_of() -> None:
    found, report = people("SIP/7")
    assert found == [Person("7", "7", "SIP/7")]
    assert any("chan_sip, which Asterisk 21 has no more" in text for text in report.remarks)


def test_names_that_are_nothing_but_blanks_get_one() -> None:
    assert cleaned(" \t\u3000", set()) == "unnamed"
    assert cleaned(" ", {"unnamed"}) == "unnamed-2"
