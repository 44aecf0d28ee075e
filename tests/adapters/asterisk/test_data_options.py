"""Options of `[channels.NAME.data]`: what cannot be asked for is said, with a reason and a fix."""

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import read_options
from acd_asterisk.options.data import DataOptions
from tests.adapters.asterisk.menus.plans import PLAIN


def test_nothing_by_default() -> None:
    assert read_options("pbx1", PLAIN).data == DataOptions()


def test_all_of_it() -> None:
    data = {
        "headers": ["X-Customer-Id", "User-to-User"],
        "attributes": ["order_number", "menu.main"],
        "set_on_connect": True,
        "agent_variables": ["interaction", "attribute.tier"],
        "agent_headers": {"X-ACD-Queue": "queue"},
    }
    read = read_options("pbx1", {**PLAIN, "data": data}).data
    assert read.headers == ("X-Customer-Id", "User-to-User")
    assert read.agent_headers == (("X-ACD-Queue", "queue"),)
    assert read.set_on_connect


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (3, "channels.pbx1.data: is not a table"),
        ({"headers": ["X-*"]}, "channels.pbx1.data.headers: 'X-*' is no header's name; name each one"),
        ({"headers": ["X-ACD-Queue"]}, "channels.pbx1.data.headers: 'X-ACD-Queue' would decide where the call goes"),
        ({"headers": "X-A"}, "channels.pbx1.data.headers: is not a list"),
        ({"headers": ["X-A"] * 33}, "channels.pbx1.data.headers: has 33 entries"),
        ({"attributes": ["${X}"]}, "channels.pbx1.data.attributes: '${X}' is no attribute's name"),
        ({"set_on_connect": "yes"}, "channels.pbx1.data.set_on_connect: 'yes' is not true or false"),
        ({"agent_variables": ["caller"]}, "channels.pbx1.data.agent_variables: 'caller' is nothing that can be told"),
        ({"agent_headers": 5}, "channels.pbx1.data.agent_headers: is not a table"),
        ({"agent_headers": {"Via": "queue"}}, "channels.pbx1.data.agent_headers.Via: is no header that can be added"),
        ({"agent_headers": {"X-A\r\nB": "queue"}}, "channels.pbx1.data.agent_headers.X-A\r\nB: is no header"),
        ({"agent_headers": {"X-A": "name"}}, "channels.pbx1.data.agent_headers.X-A: 'name' is nothing"),
        ({"agent_headers": {"X-A": 5}}, "channels.pbx1.data.agent_headers.X-A: is not a text"),
        ({"header": []}, "channels.pbx1.data.header: is no option of what goes with a call; did you mean headers?"),
    ],
)
def test_problem(data: object, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**PLAIN, "data": data})
    (found,) = caught.value.problems
    assert found.startswith(says), found
