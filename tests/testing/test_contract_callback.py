"""The contract suite of customers who are called: a channel that calls them passes, and those with a fault fail."""

from collections import Counter
from collections.abc import Callable

import pytest

from acd.core.messages import Effect, FailCallback, NoteInteraction, NoteReached, ReachCustomer, ReleaseInteraction
from acd.ports.channel import Channel, Desired
from acd.testing import FakeChannel, contract, recording_host
from acd.testing.contract_callback import CallbackContract
from acd.testing.recording_host import ContractViolation
from acd.testing.world_channel import Call
from tests.testing.test_contract import FakeDriver

DIALLED = "dialled"
"""The attribute that says for which attempt somebody was called."""


class Dialling(FakeChannel):
    """Calls the customers of callbacks. `called`: whose telephones ring, and for which attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.called: dict[str, int] = {}
        self.rung_up: Counter[str] = Counter()

    def attempt(self, interaction_id: str) -> int:
        standing = self.hosted().interaction(interaction_id)
        assert standing is not None
        return standing.attempts + 1

    async def reach(self, interaction_id: str) -> None:
        host, attempt = self.hosted(), self.attempt(interaction_id)
        standing = host.interaction(interaction_id)
        if interaction_id in self.called or standing is None:
            return
        if dict(standing.attributes).get(DIALLED) == str(attempt):
            await self.fail_call(interaction_id, attempt)
            return
        self.called[interaction_id] = attempt
        self.rung_up[interaction_id] += 1
        await host.submit(NoteInteraction(host.new_id(), interaction_id, ((DIALLED, str(attempt)),)))

    async def fail_call(self, interaction_id: str, attempt: int) -> None:
        host = self.hosted()
        await host.submit(FailCallback(host.new_id(), interaction_id, "no-answer", attempt))

    async def pick_up(self, interaction_id: str) -> None:
        host, attempt = self.hosted(), self.called.pop(interaction_id)
        self.calls[interaction_id] = Call(interaction_id)
        await host.submit(NoteReached(host.new_id(), interaction_id, attempt))

    async def refuse(self, interaction_id: str) -> None:
        attempt = self.called.pop(interaction_id)
        if self.host is not None:
            await self.fail_call(interaction_id, attempt)

    async def perform(self, effect: Effect) -> None:
        if isinstance(effect, ReleaseInteraction):
            self.called.pop(effect.interaction_id, None)
        await super().perform(effect)

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        wanted = {each.interaction_id for each in desired}
        for interaction_id in [each for each in self.called if each not in wanted]:
            del self.called[interaction_id]
        await super().reconcile(desired)


class CallbackFakeDriver(FakeDriver):
    """Over channels that call."""

    customer_number = "13800138000"

    def __init__(self, make: Callable[[], Dialling]) -> None:
        super().__init__(make)
        self.channel: Dialling | None = None

    async def make(self, *, far_end: bool = True) -> Channel:
        before, made = self.channel, await super().make(far_end=far_end)
        assert isinstance(made, Dialling)
        if before is not None:
            made.called, made.rung_up = before.called, before.rung_up
        self.channel = made
        return made

    async def is_called(self, interaction_id: str) -> bool:
        return self.channel is not None and interaction_id in self.channel.called

    async def calls(self, interaction_id: str) -> int:
        return 0 if self.channel is None else self.channel.rung_up[interaction_id]

    async def customer_answers(self, interaction_id: str) -> None:
        assert self.channel is not None
        await self.channel.pick_up(interaction_id)

    async def customer_refuses(self, interaction_id: str) -> None:
        assert self.channel is not None
        await self.channel.refuse(interaction_id)


@pytest.mark.parametrize("check", CallbackContract.checks())
async def test_a_channel_that_calls_keeps_the_contract(check: str) -> None:
    await CallbackContract(CallbackFakeDriver(Dialling)).run(check)


class _CallsNobody(Dialling):
    async def reach(self, interaction_id: str) -> None:
        """As if nobody were to be called."""


class _CallsTwice(Dialling):
    async def perform(self, effect: Effect) -> None:
        if isinstance(effect, ReachCustomer):
            self.called.pop(effect.interaction_id, None)
        await super().perform(effect)

    async def reach(self, interaction_id: str) -> None:
        self.called[interaction_id] = 1
        self.rung_up[interaction_id] += 1


class _NamesNoAttempt(Dialling):
    async def fail_call(self, interaction_id: str, attempt: int) -> None:
        await super().fail_call(interaction_id, attempt - 1)


class _RingsOn(Dialling):
    async def perform(self, effect: Effect) -> None:
        if not isinstance(effect, ReleaseInteraction):
            await super().perform(effect)


class _ComparesNothing(Dialling):
    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """As if all were well."""


class _RingsOnUndesired(Dialling):
    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        if desired:
            await super().reconcile(desired)


class _StartsAnew(Dialling):
    async def stop(self) -> None:
        self.called = {}
        await super().stop()


class _ForgetsAttempts(Dialling):
    async def reach(self, interaction_id: str) -> None:
        if interaction_id not in self.called:
            self.called[interaction_id] = 1
            self.rung_up[interaction_id] += 1


class _TellsNobody(Dialling):
    async def pick_up(self, interaction_id: str) -> None:
        self.calls[interaction_id] = Call(interaction_id)
        del self.called[interaction_id]


@pytest.mark.parametrize(
    ("make", "check", "words"),
    [
        (_CallsNobody, "check_a_customer_is_called_and_waits", "telephone to ring"),
        (_CallsTwice, "check_a_customer_is_called_and_waits", "must ring 1 times; it rang 2"),
        (_TellsNobody, "check_a_customer_is_called_and_waits", "to submit NoteReached"),
        (_NamesNoAttempt, "check_a_customer_who_does_not_answer", "must name attempt 2, not 1"),
        (_RingsOn, "check_nobody_wants_it_any_more", "telephone to stop"),
        (_ComparesNothing, "check_reconcile_calls_whose_turn_it_is", "telephone to ring"),
        (_RingsOnUndesired, "check_reconcile_calls_whose_turn_it_is", "telephone to stop"),
        (_StartsAnew, "check_another_process_finds_a_telephone_that_rings", "to go on ringing"),
        (_ForgetsAttempts, "check_another_process_finds_nobody", "to submit FailCallback"),
    ],
)
async def test_a_fault_is_a_violation(
    make: type[Dialling], check: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_host, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(contract, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(ContractViolation, match=words):
        await CallbackContract(CallbackFakeDriver(make)).run(check)
