"""What the API owns beside the file: never the same entry, and nothing that reads files or holds secrets."""

from pathlib import Path

from acd.runtime.config import check, check_text
from acd.runtime.config.owned import Change, Document, changes

FILE = """
[capacities.two]
total = 100
channels = { chat = { cost = 50, most = 2 } }

[agents.anna]
skills = { english = 8 }

[queues.sales]
requirement = "skills.english >= 5"
"""


def test_both_parts_are_in_force_and_may_name_each_other() -> None:
    owned: Document = {
        "agents": {"carla": {"skills": {"english": 6}, "capacity": "two", "queues": ["sales", "mail"]}},
        "queues": {"mail": {"strategy": "least-loaded"}},
    }
    config = check_text(FILE, owned=owned).config
    assert config is not None
    assert [agent.settings.id for agent in config.agents] == ["anna", "carla"]
    assert [queue.settings.id for queue in config.queues] == ["mail", "sales"]
    assert config.agents[1].settings.capacity.channels[0].most == 2


def test_an_entry_has_one_owner() -> None:
    report = check_text(FILE, owned={"agents": {"anna": {}}, "queues": {"sales": {}}})
    assert report.config is None
    assert [(each.key, each.reason, each.line) for each in report.errors] == [
        ("agents.anna", "is named by the file and by the API", 0),
        ("queues.sales", "is named by the file and by the API", 0),
    ]


def test_problems_in_it_have_no_line_and_those_of_the_file_do() -> None:
    owned: Document = {"queues": {"mail": {"strategy": "best"}, "chat": {"wrap_up": None}}}
    report = check_text(FILE.replace("skills = {", "skils = {"), owned=owned)
    assert {(each.key, each.line) for each in report.errors} == {
        ("queues.mail.strategy", 0),
        ("queues.chat.wrap_up", 0),
        ("agents.anna.skils", 7),
    }


def test_neither_secrets_nor_files_are_its_own() -> None:
    report = check_text(FILE, owned={"api": {"tokens": {}}, "calendars": {"a": {"dates_file": "passwords.toml"}}})
    assert [(each.key, each.reason) for each in report.errors][:2] == [
        ("api", "does not belong to the API"),
        ("calendars.a.dates_file", "names a file, which the API must not"),
    ]


def test_its_problems_are_not_the_files() -> None:
    report = check_text("[agents.anna]\nskills = 5", owned={"agents": {"carla": {"skills": {"english": 30}}}})
    assert [(each.file, each.line, each.key) for each in report.errors] == [
        ("the API's part", 0, "agents.carla.skills.english"),
        ("acd.toml", 2, "agents.anna.skills"),
    ]


def test_nothing_of_its_own_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text(FILE)
    assert check(file, {}) == check(file)


def test_a_section_that_is_no_table_is_the_files_fault() -> None:
    report = check_text("agents = 5", owned={"agents": {"carla": {}}})
    assert [each.key for each in report.errors] == ["agents"]


def test_what_changes_between_two_documents() -> None:
    before: Document = {"agents": {"a": {"skills": {"english": 5}, "name": "A"}, "b": {}}, "queues": {"q": {}}}
    after: Document = {"agents": {"a": {"skills": {"english": 6}, "position": 2}, "c": {}}, "queues": {"q": {}}}
    assert changes(before, after) == (
        Change(
            "agents",
            "a",
            "changed",
            (("name", "A", None), ("position", None, 2), ("skills", {"english": 5}, {"english": 6})),
        ),
        Change("agents", "b", "removed"),
        Change("agents", "c", "added"),
    )
    assert changes(after, after) == ()
