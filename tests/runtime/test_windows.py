"""A window holds the last so many, and knows their quantiles."""

from random import Random

from acd.runtime.windows import Window


def test_it_holds_the_last_so_many_in_order() -> None:
    window, chance = Window(7), Random(4)  # noqa: S311 - not a secret
    numbers = [chance.randrange(5) + chance.random() * (chance.random() < 0.5) for _ in range(60)]
    for count, number in enumerate(numbers, 1):
        window.add(number)
        assert list(window.ordered) == sorted(numbers[max(0, count - 7) : count])
    assert window.count == 7


def test_quantiles_are_interpolated_and_go_on_beyond_the_edges() -> None:
    window = Window(10)
    for number in (0.0, 10.0, 20.0):
        window.add(number)
    assert [window.quantile(share) for share in (0.0, 0.25, 0.5, 1.0)] == [0.0, 5.0, 10.0, 20.0]
    assert window.quantile(1.5) == 25.0
    assert window.quantile(-1.0) == -10.0
