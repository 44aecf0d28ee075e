"""The machine as it is: ids that differ, chance in its range, a thread that runs."""

import random

from acd.runtime.machine import SystemMachine


def test_tokens_are_twenty_digits_and_never_the_same() -> None:
    machine = SystemMachine()
    tokens = {machine.token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert {len(token) for token in tokens} == {20}
    assert all(set(token) <= set("0123456789abcdef") for token in tokens)


def test_chance_is_from_zero_up_to_one() -> None:
    drawn = [SystemMachine().chance() for _ in range(1_000)]
    assert all(0 <= each < 1 for each in drawn)
    assert max(drawn) - min(drawn) > 0.5


def test_chance_is_nobody_elses() -> None:
    before = random.getstate()
    SystemMachine().chance()
    assert random.getstate() == before


async def test_a_worker_runs_what_it_is_given() -> None:
    worker = SystemMachine().worker("test")
    assert await worker.run(divmod, 7, 2) == (3, 1)
    worker.close()
