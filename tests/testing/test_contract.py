"""The contract suite: the fake channel passes every check, and channels with a fault fail the check made for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from acd.core.messages import (
    DisconnectAgent,
    EndInteraction,
    JoinAgent,
    OfferInteraction,
    OpenConsult,
    ReleaseInteraction,
    RevokeOffer,
)
from acd.core.messages.effects import ConnectInteraction, Effect
from acd.errors import ChannelError
from acd.ports.channel import Channel, ChannelHost, Desired
from acd.testing import FakeChannel, contract, recording_host
from acd.testing.contract import ChannelContract, Standing
from acd.testing.contract_consult import ConsultContract
from acd.testing.recording_host import ContractViolation
from acd.testing.simulated import Behaviour, SimulatedChannel
from acd.testing.world_channel import Call, WorldChannel


class FakeDriver:
    """`acd.testing.contract.Driver` over a channel whose far end is in this process."""

    agent_id = "anna"
    adviser_id = "ben"

    def __init__(self, make: Callable[[], WorldChannel]) -> None:
        self._make = make
        self._world: dict[str, Call] = {}
        self._rings: dict[str, int] = {}
        self._channel: WorldChannel | None = None
        self._customers = 0

    async def make(self, *, far_end: bool = True) -> Channel:
        self._channel = channel = self._make()
        channel.calls = self._world
        return channel if far_end else _Away(channel.name)

    def address(self, agent_id: str, channel: str) -> str:
        return f"{channel}/{agent_id}"

    async def customer_arrives(self) -> str:
        self._customers += 1
        interaction_id = f"customer-{self._customers}"
        self._world[interaction_id] = Call(interaction_id)
        return interaction_id

    async def customer_leaves(self, interaction_id: str) -> None:
        del self._world[interaction_id]
        channel = self._channel
        if isinstance(channel, FakeChannel) and channel.host is not None:
            await channel.hang_up(interaction_id)

    async def device_answers(self, offer_id: str) -> None:
        channel = self._channel
        assert isinstance(channel, FakeChannel)
        await channel.answer(offer_id, silently=channel.host is None)

    async def device_dies(self, offer_id: str) -> None:
        channel = self._channel
        assert isinstance(channel, FakeChannel)
        channel.stop_ringing(offer_id)

    async def standing(self, interaction_id: str) -> Standing:
        call = self._world.get(interaction_id)
        if call is None:
            return "absent"
        return "ringing" if call.standing == "answered" else call.standing

    async def talking(self, interaction_id: str) -> frozenset[str]:
        call = self._world.get(interaction_id)
        return frozenset() if call is None else frozenset(call.talking.values())

    async def rings(self, offer_id: str) -> int:
        return sum(call.rings for call in self._world.values() if call.offer_id == offer_id)


class _Away(FakeChannel):
    """Its far end is away."""

    def health(self) -> dict[str, str | int | bool]:
        return {"connected": False}

    async def perform(self, effect: Effect) -> None:
        raise ChannelError(f"channel {self.name}: the far end is away; {effect.interaction_id} is left as it was")


@asynccontextmanager
async def driver(make: Callable[[], WorldChannel] = FakeChannel) -> AsyncIterator[FakeDriver]:
    yield FakeDriver(make)


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_the_fake_channel_keeps_the_contract(check: str) -> None:
    async with driver() as moved:
        await ChannelContract(moved).run(check)


@pytest.mark.parametrize("check", ConsultContract.checks())
async def test_the_fake_channel_keeps_the_contract_of_consults(check: str) -> None:
    async with driver() as moved:
        await ConsultContract(moved).run(check)


# ---- channels with one fault each


class _WaitsForFarEnd(_Away):
    async def start(self, host: ChannelHost) -> None:
        self.hang("start")
        await super().start(host)


class _ClaimsConnected(_Away):
    def health(self) -> dict[str, str | int | bool]:
        return {"connected": True}


class _Nameless(_Away):
    async def perform(self, effect: Effect) -> None:
        raise ChannelError(f"something went wrong with {effect.interaction_id}")


class _Silent(_Away):
    async def perform(self, effect: Effect) -> None:
        """As if all were well."""


class _HangsUpOnStop(FakeChannel):
    async def stop(self) -> None:
        self.calls.clear()
        await super().stop()


class _RingsTwice(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        await super().perform(effect)
        if isinstance(effect, OfferInteraction):
            self.calls[effect.interaction_id].rings += len(self.performed(OfferInteraction)) - 1


class _NeverReleases(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        if not isinstance(effect, ReleaseInteraction):
            await super().perform(effect)


class _NeverConnects(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        if not isinstance(effect, ConnectInteraction):
            await super().perform(effect)


class _RingsOn(FakeChannel):
    async def perform(self, effect: Effect) -> None:
        if not isinstance(effect, RevokeOffer):
            await super().perform(effect)


class _KeepsExtras(FakeChannel):
    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Looks at nothing."""


class _ReportsEverything(FakeChannel):
    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        await super().reconcile(desired)
        for each in desired:
            await self.hosted().submit(EndInteraction("x", each.interaction_id))


class _BlamesTheAgent(FakeChannel):
    async def _report_lost(self, interaction_id: str) -> None:
        await self.hosted().submit(EndInteraction("x", interaction_id, by="agent"))


@pytest.mark.parametrize(
    ("faulty", "check", "complaint"),
    [
        (_WaitsForFarEnd, "check_starts_without_far_end", "must not wait for the far end"),
        (_ClaimsConnected, "check_starts_without_far_end", "connected = False"),
        (_Nameless, "check_error_names_the_channel", "must name the channel 'fake'"),
        (_Silent, "check_error_names_the_channel", "must raise ChannelError"),
        (_Away, "check_connects", "connected = True"),
        (_HangsUpOnStop, "check_stop_leaves_the_world", "leave waiting customers"),
        (_RingsTwice, "check_effects_are_idempotent", "must ring once"),
        (_NeverReleases, "check_walk_of_one_interaction", "to be absent"),
        (_NeverConnects, "check_walk_of_one_interaction", "to be connected"),
        (_RingsOn, "check_revoke_after_offer", "to be waiting"),
        (_KeepsExtras, "check_reconcile_releases_what_nobody_desires", "to be absent"),
        (_KeepsExtras, "check_reconcile_reports_what_is_missing", "to submit EndInteraction"),
        (_KeepsExtras, "check_reconcile_reports_answered_meanwhile", "to submit AcceptOffer"),
        (_KeepsExtras, "check_reconcile_reports_ringing_that_was_lost", "to submit FailOffer"),
        (_KeepsExtras, "check_reconcile_stops_ringing_that_nobody_desires", "to be waiting"),
        (_KeepsExtras, "check_reconcile_joins_who_should_talk", "to be connected"),
        (_BlamesTheAgent, "check_reconcile_reports_what_is_missing", "nobody knows that it was the agent"),
        (_ReportsEverything, "check_reconcile_of_a_sound_world_changes_nothing", "nothing to report"),
    ],
)
async def test_a_channel_with_a_fault_fails_the_check_for_it(
    faulty: type[FakeChannel], check: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (contract, recording_host):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(contract, "START_SECONDS", 0.05)
    moved = FakeDriver(faulty)
    if issubclass(faulty, _Away):

        async def make(*, far_end: bool = True) -> Channel:  # noqa: ARG001 - the driver's signature
            return faulty()

        monkeypatch.setattr(moved, "make", make)
    with pytest.raises(ContractViolation, match=complaint):
        await ChannelContract(moved).run(check)


@pytest.mark.parametrize(
    ("missing", "check", "complaint"),
    [
        (ReleaseInteraction, "check_a_consult_comes_and_goes", "to be absent"),
        (OpenConsult, "check_a_consult_comes_and_goes", "to be waiting"),
        (JoinAgent, "check_a_consult_becomes_a_conference", "anna, ben and nobody else to talk"),
        (DisconnectAgent, "check_a_consult_becomes_a_conference", "anna and nobody else to talk"),
        (DisconnectAgent, "check_a_consult_becomes_a_transfer", "ben and nobody else to talk"),
    ],
)
async def test_a_channel_that_leaves_out_an_effect_fails_the_check_for_it(
    missing: type[Effect], check: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "PATIENCE_SECONDS", 0.05)

    class Forgetful(FakeChannel):
        async def perform(self, effect: Effect) -> None:
            if not isinstance(effect, missing):
                await super().perform(effect)

    with pytest.raises(ContractViolation, match=complaint):
        await ConsultContract(FakeDriver(Forgetful)).run(check)


@pytest.mark.parametrize(
    "check",
    [
        "check_reconcile_opens_a_consult",
        "check_reconcile_reports_a_consult_about_nobody",
        "check_reconcile_joins_everybody",
    ],
)
async def test_a_channel_that_does_not_look_fails(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (contract, recording_host):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(ContractViolation):
        await ConsultContract(FakeDriver(_KeepsExtras)).run(check)


async def test_a_customer_who_leaves_unnoticed_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_host, "PATIENCE_SECONDS", 0.05)
    moved = FakeDriver(FakeChannel)

    async def unnoticed(interaction_id: str) -> None:
        del moved._world[interaction_id]

    monkeypatch.setattr(moved, "customer_leaves", unnoticed)
    with pytest.raises(ContractViolation, match="to submit EndInteraction; it submitted nothing"):
        await ChannelContract(moved).run("check_customer_leaves")


NEVER = Behaviour(ring=(0.0, 0.0), talk=(3600.0, 3600.0), patience=(3600.0, 3600.0), no_answer=0.0, decline=0.0)


@pytest.mark.parametrize(
    "check",
    [
        "check_connects",
        "check_walk_of_one_interaction",
        "check_stop_leaves_the_world",
        "check_reconcile_releases_what_nobody_desires",
        "check_reconcile_reports_what_is_missing",
        "check_reconcile_of_a_sound_world_changes_nothing",
    ],
)
async def test_the_simulated_channel_keeps_the_contract_where_nobody_moves_its_people(check: str) -> None:
    class Driver(FakeDriver):
        async def device_answers(self, offer_id: str) -> None:
            """Its agents answer by themselves."""

    await ChannelContract(Driver(lambda: SimulatedChannel("sim", NEVER))).run(check)
