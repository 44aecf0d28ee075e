"""The table of examples/asterisk/README.md that says where what is: all is in it, and what it names is there.

That its links lead somewhere is in `tests/test_repository.py`.
"""

import re

import pytest

from tests.adapters.asterisk.rig import EXAMPLES

README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("\n## Where is what\n")[2].partition("\n## ")[0]
ROWS = [row for row in re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", TABLE, re.MULTILINE) if "](" in row[2]]
LINK = re.compile(r"\[(.+)\]\(([^)#]*)(?:#(.+))?\)")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_named_is_there(row: tuple[str, str, str]) -> None:
    """Whoever follows the link finds the key, the command or the route."""
    match = LINK.fullmatch(row[2])
    assert match is not None
    text = README.replace(TABLE, "") if not match[2] else (EXAMPLES / match[2]).read_text(encoding="utf-8")
    named = re.findall(r"`([^`]+)`", row[1])
    assert named
    assert [each for each in named if each.removeprefix("…") not in text] == []


def test_every_table_of_a_channel_can_be_found() -> None:
    """Each option of `[channels.NAME]` that is a table has a page that a row leads to."""
    options = README.partition("\n## All options of `[channels.NAME]`\n")[2].partition("\n## ")[0]
    pages = set(re.findall(r"\]\(([^)#]+)\)", options))
    assert len(pages) > 8
    assert pages <= {match[2] for row in ROWS if (match := LINK.fullmatch(row[2])) is not None}
