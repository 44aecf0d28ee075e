"""What a caller's keys lead to, without a PBX: each way through a menu, and that there is always an end."""

from hypothesis import given
from hypothesis import strategies as st

from acd_asterisk.menus.plan import Action
from acd_asterisk.menus.visit import KEYS, MAX_ASKED, Turn, Visit, joined
from tests.adapters.asterisk.menus.plans import SHOP, menus

SECOND_US = 1_000_000


def visit(language: str = "", entry: str = "main") -> Visit:
    it = Visit(menus(), entry, language)
    it.begin()
    return it


def pressed(it: Visit, keys: str) -> Turn:
    turn = Turn()
    for key in keys:
        turn = it.press(key)
    return turn


def test_prompt_then_key() -> None:
    it = Visit(menus(), "main")
    assert it.begin() == Turn(say=("sound:acd/welcome",))
    assert it.said() == Turn(wait_us=5 * SECOND_US)
    assert it.said() == Turn()
    turn = it.press("9")
    assert turn.leave == Action(ending="hangup")
    assert not turn.hush
    assert it.attributes == {"menu.main": "9"}
    assert it.press("1") == it.time_out() == it.said() == Turn()


def test_key_cuts_the_prompt() -> None:
    turn = visit().press("9")
    assert turn.hush
    assert turn.leave is not None


def test_what_has_to_be_heard_to_its_end() -> None:
    """Keys during the prompt are nothing; so they are while the number is said again."""
    it = Visit(menus(SHOP.replace("[menus.main]", "[menus.main]\nbarge_in = false")), "main")
    it.begin()
    assert it.press("9") == Turn()
    it.said()
    assert it.press("9").leave == Action(ending="hangup")


def test_queue_with_everything() -> None:
    it = visit()
    turn = pressed(it, "21")
    assert turn.leave is not None
    assert turn.leave.queue == "support"
    assert it.attributes == {"menu.main": "2", "menu.support": "1"}
    assert it.requirement == '(skills.support >= 1) && (skills["英语"] >= 5)'
    assert (it.priority, it.agent) == (None, "anna")
    again = visit()
    again.time_out()
    again.said()
    assert again.time_out().say == ("sound:acd/nothing", "sound:acd/welcome")


def test_attributes_and_priority() -> None:
    it = visit()
    it.said()
    turn = it.press("1")
    # 1 may be the beginning of 100.
    assert turn == Turn(wait_us=3 * SECOND_US)
    turn = it.time_out()
    assert turn.leave is not None
    assert turn.leave.queue == "sales"
    assert it.attributes == {"menu.main": "1", "topic": "购买"}
    assert it.priority == 2


def test_several_keys_in_a_row() -> None:
    it = visit()
    turn = pressed(it, "100")
    assert turn.leave is not None
    assert turn.leave.dialplan == "100@extensions"
    assert pressed(visit(), "101").say == ("sound:acd/invalid", "sound:acd/welcome")
    half = visit()
    pressed(half, "10")
    assert half.time_out().say == ("sound:acd/invalid", "sound:acd/welcome")


def test_wrong_keys_and_the_default() -> None:
    it = visit()
    assert it.press("7") == Turn(hush=True, say=("sound:acd/invalid", "sound:acd/welcome"))
    it.said()
    assert it.time_out() == Turn(say=("sound:acd/nothing", "sound:acd/welcome"))
    assert it.press("x") == it.press("") == it.press("12") == Turn()
    it.said()
    turn = it.press("5")
    assert turn.leave == Action(queue="sales")
    assert it.attributes == {"menu.main": "default"}


def test_language() -> None:
    it = visit()
    assert it.press("8").say == ("sound:acd/huanying", "sound:acd/caidan")
    assert it.language == "zh"
    assert Visit(menus(), "main", "zh").begin().say == ("sound:acd/huanying", "sound:acd/caidan")
    assert Visit(menus(), "main", "fr").begin().say == ("sound:acd/welcome",)


def test_back_forgets_what_was_pressed() -> None:
    it = visit()
    assert pressed(it, "2*") == Turn(hush=True, say=("sound:acd/welcome",))
    assert (it.menu, it.requirement, it.attributes) == ("main", "", {})
    assert it.press("*").say == ("sound:acd/welcome",), "at the entry there is nowhere to go back to"
    it.said()
    turn = it.press("9")
    assert turn.leave == Action(ending="hangup")
    assert it.attributes == {"menu.main": "9"}


def test_number_with_confirmation() -> None:
    it = visit()
    assert it.press("3").say == ("sound:acd/enter-order",)
    assert pressed(it, "12345") == Turn(wait_us=3 * SECOND_US)
    assert it.press("#").say == ("sound:acd/invalid", "sound:acd/enter-order"), (
        "five digits have no form of an order's number"
    )
    assert pressed(it, "12") == Turn(wait_us=3 * SECOND_US)
    pressed(it, "3456")
    assert it.time_out().say == ("sound:acd/you-entered", "digits:123456", "sound:acd/press-1")
    assert it.press("2").say == ("sound:acd/enter-order",), "anything but 1 means to enter it again"
    assert pressed(it, "91234567").say == ("sound:acd/you-entered", "digits:91234567", "sound:acd/press-1")
    it.said()
    turn = it.press("1")
    assert turn.leave is not None
    assert turn.leave.queue == "orders"
    assert it.attributes == {"menu.main": "3", "order_number": "91234567", "has_order": "yes"}
    assert it.secrets == {}


def test_number_wrong_or_not_confirmed() -> None:
    it = visit(entry="orders")
    pressed(it, "123456#")
    it.said()
    assert it.time_out().say == ("sound:acd/enter-order",), "the confirmation was not answered"
    assert it.press("*").say == ("sound:acd/invalid", "sound:acd/enter-order")
    turn = it.press("#")
    assert turn.leave == Action(queue="sales")
    assert it.attributes == {"menu.orders": "default"}


def test_secret_number() -> None:
    it = visit()
    pressed(it, "4")
    turn = pressed(it, "6222020000000000")
    assert turn.leave == Action(queue="sales")
    assert it.attributes == {"menu.main": "4"}
    assert it.secrets == {"card": "6222020000000000"}
    assert "6222" not in it.trail()


def test_default_to_another_menu() -> None:
    it = visit()
    pressed(it, "2")
    it.said()
    assert it.time_out().say == ("sound:acd/enter-order",)
    assert it.trail() == "main:2,support:default,orders"


def test_trail_is_followed() -> None:
    it = visit()
    pressed(it, "2")
    assert it.trail() == "main:2,support"
    again = Visit(menus(), "main")
    again.follow(it.trail())
    assert (again.menu, again.attributes) == (it.menu, it.attributes)
    assert again.begin().say == ("sound:acd/support",)
    turn = pressed(again, "1")
    assert turn.leave is not None
    assert again.requirement.startswith("(skills.support >= 1)")
    lost = Visit(menus(), "main")
    lost.follow("support:1,nowhere:2")
    assert lost.menu == "main"


def test_requirements_joined() -> None:
    assert joined() == joined("", "") == ""
    assert joined("", "skills.a >= 1", "skills.a >= 1") == "skills.a >= 1"
    assert joined("skills.a >= 1 || skills.b >= 1", "skills.c >= 1") == (
        "(skills.a >= 1 || skills.b >= 1) && (skills.c >= 1)"
    )


EVENTS = st.lists(
    st.one_of(st.sampled_from([*KEYS, "", "x", "四"]), st.sampled_from(["time out", "said"])), max_size=300
)


@given(EVENTS, st.sampled_from(["", "zh"]))
def test_whatever_happens(happenings: list[str], language: str) -> None:
    """There is always something under way, or an end; nothing after it; and a trail that leads to where one is."""
    it = Visit(menus(), "main", language)
    last, ended = it.begin(), False
    asked = 1
    for what in happenings:
        before = it.phase
        turn = it.time_out() if what == "time out" else it.said() if what == "said" else it.press(what)
        if ended:
            assert turn == Turn()
            continue
        asked += bool(turn.say)
        ended = turn.leave is not None
        assert ended == (it.phase == "left")
        assert not (turn.hush and before != "speaking")
        if turn != Turn():
            last = turn
        assert ended or last.say or last.wait_us
        assert (it.phase == "speaking") == bool(last.say) or ended
        follower = Visit(menus(), "main", language)
        follower.follow(it.trail())
        if not ended and "order_number" not in it.attributes:
            assert follower.menu == it.menu
    assert asked <= MAX_ASKED


def test_no_caller_presses_keys_for_ever() -> None:
    it = visit()
    turns = [it.press("8") for _ in range(MAX_ASKED)]
    assert turns[-1].leave == Action(ending="hangup")
    assert all(turn.leave is None for turn in turns[:-1])
