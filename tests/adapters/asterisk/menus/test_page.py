"""MENUS.md says what is: its menu works as it stands there."""

from acd_asterisk.menus.visit import Visit
from acd_asterisk.options import read_options
from tests.adapters.asterisk.page_text import options


def test_the_menu_of_the_page() -> None:
    shown = options("MENUS.md", "A menu")
    assert shown.pop("type") == "asterisk"
    read = read_options("pbx", shown)
    it = Visit({menu.name: menu for menu in read.menus}, read.menu)
    assert it.begin().say == ("sound:shop/welcome", "sound:shop/menu")
    it.press("3")
    for key in "240815":
        it.press(key)
    turn = it.time_out()
    assert turn.say == ("sound:shop/you-entered", "digits:240815", "sound:shop/press-1-if-right")
    left = it.press("1").leave
    assert left is not None
    assert left.queue == "orders"
    assert it.attributes == {"menu.main": "3", "order_number": "240815"}
