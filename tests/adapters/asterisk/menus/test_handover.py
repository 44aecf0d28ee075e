"""What was pressed, beside what the dialplan said."""

from acd.core import limits
from acd.core.messages import EnqueueInteraction
from acd_asterisk.menus.handover import enqueue, person
from acd_asterisk.menus.visit import Visit
from acd_asterisk.wire import Party
from tests.adapters.asterisk.menus.plans import menus


def pressed(keys: str) -> Visit:
    visit = Visit(menus(), "main")
    visit.begin()
    for key in keys:
        visit.press(key)
    return visit


def test_both_count() -> None:
    brought = (("did", "1000"), ("menu.main", "forged"))
    command = EnqueueInteraction(
        "c1",
        "i1",
        "voice",
        "menu:main",
        requirement="skills.a >= 1",
        priority=7,
        attributes=brought,
        preferred_agent="ben",
    )
    made = enqueue(command, pressed("21"), "support")
    assert made.queue == "support"
    assert dict(made.attributes) == {"did": "1000", "menu.main": "2", "menu.support": "1"}
    assert made.requirement == '(skills.a >= 1) && ((skills.support >= 1) && (skills["英语"] >= 5))'
    assert (made.priority, made.preferred_agent) == (7, "anna")


def test_what_was_pressed_is_kept_when_there_is_too_much() -> None:
    brought = tuple((f"a{number:02}", "x") for number in range(limits.MAX_ATTRIBUTES))
    made = enqueue(EnqueueInteraction("c1", "i1", "voice", "menu:main", attributes=brought), pressed("21"), "support")
    assert len(made.attributes) == limits.MAX_ATTRIBUTES
    assert dict(made.attributes)["menu.support"] == "1"
    assert list(made.attributes) == sorted(made.attributes)


def test_secrets() -> None:
    """With the person under a name that is nobody else's, which is all that travels with the call."""
    visit = pressed("46222020111122220")
    handles = {"card": "c-7"}
    known = person(Party("王小明", "10001"), visit, handles)
    assert (known.number, known.name, known.extra) == ("10001", "王小明", (("c-7", "6222020111122220"),))
    assert "6222" not in repr(known)
    command = EnqueueInteraction("c1", "i1", "voice", "menu:main", attributes=(("card", "forged"),))
    assert dict(enqueue(command, visit, "sales", handles).attributes) == {"menu.main": "4", "card": "c-7"}
