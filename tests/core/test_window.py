"""A window remembers the last names, and no more."""

from acd.core.window import Window


def test_the_oldest_is_forgotten_first() -> None:
    window: Window[int] = Window(3)
    for number in range(5):
        window.remember(f"n{number}", number)
    assert window.items() == (("n2", 2), ("n3", 3), ("n4", 4))
    assert window.get("n1") is None
    assert window.get("n4") == 4


def test_remembering_again_changes_the_value_and_keeps_the_age() -> None:
    window: Window[int] = Window(2)
    window.remember("a", 1)
    window.remember("b", 2)
    window.remember("a", 3)
    assert window.items() == (("a", 3), ("b", 2))
    window.remember("c", 4)
    assert window.items() == (("b", 2), ("c", 4))
