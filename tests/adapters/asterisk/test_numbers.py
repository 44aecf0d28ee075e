"""Callers who are transferred to a number, on a real Asterisk: reached, refused, not reached, the engine killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from acd.core.messages import EndInteraction, InteractionCompleted, InteractionNoted, InteractionQueued, OfferAccepted
from acd.errors import ChannelError
from acd.ports.numbers import HasNumbers, NoNumbers, NumberNotAllowed
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned, SippCallers
from tests.adapters.asterisk import page_text
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS, Agent, Rig, rig

PAGE: Final = EXAMPLES / "TRANSFERS.md"
LISTENER: Final = AgentBehaviour(ring_ms=50, talk_ms=60_000)
BUSY: Final = AgentBehaviour(busy_chance=1.0)
SILENT: Final = AgentBehaviour(no_answer_chance=1.0)
TRUNK: Final = "trunk"
NUMBER: Final = "021 6329 6188"
DIALLED: Final = "02163296188"
OPTIONS: Final[dict[str, object]] = {
    "transfers": {"outside": {"context": "acd-numbers", "only": ["021", "13"], "region": "CN"}}
}
HOSTILE: Final = (
    "",
    " ",
    "110",
    "anna",
    "02163296188&PJSIP/900",
    "02163296188@acd-inbound",
    "02163296188,30,g",
    "02163296188)\n same => n,System(id",
    "${SHELL(id)}",
    "02163296188;",
    "021632961880216329618802163296188",
    "+8621 6329 6188\r\nAction: Originate",
    "0021 10 6552 9988",
    "009 02163296188",
    "+1 900 555 0100",
    "+49 30 901820",
    "*72 02163296188",
    "020 8888 8888",
)


def dialplan() -> str:
    """The page's, but that somebody here is at the far end, and is not rung as long."""
    (plan,) = (text for text in page_text.blocks(PAGE) if text.startswith("[acd-numbers]"))
    here = plan.replace("Dial(PJSIP/${EXTEN}@trunk,30)", "UserEvent(Number,To: ${EXTEN})\n same => n,Dial(PJSIP/far,2)")
    assert here != plan
    return (EXAMPLES / "extensions.conf").read_text() + here


@asynccontextmanager
async def talking(
    provisioned: Provisioned,
    folder: Path,
    far: AgentBehaviour = LISTENER,
    options: Mapping[str, object] = OPTIONS,
) -> AsyncIterator[tuple[Rig, str, SippCallers]]:
    """A caller who talks with anna; somebody is at the far end, behind every number."""
    agents = [Agent("anna", LISTENER), Agent("far", far)]
    async with rig(provisioned, folder, agents, options=options, dialplan=dialplan()) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {TRUNK: f"talk:{customer}", "anna": f"talk:{customer}"})
            yield it, customer, callers
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=10)


async def ended(it: Rig, customer: str) -> bool:
    command = EndInteraction(it.router.new_id(), customer, by="agent", reason="transferred-out")
    return (await it.router.submit(command)).refusal is None


async def transferred(it: Rig, customer: str, number: str = NUMBER) -> None:
    assert isinstance(it.channel, HasNumbers)
    await it.channel.numbers.transfer(customer, "anna", number, partial(ended, it, customer))


async def not_ended() -> bool:
    pytest.fail("it has been ended")


async def refused() -> bool:
    return False


async def talk_outside(it: Rig) -> None:
    """Wait until caller and far end are in a bridge that is none of the engine's."""

    async def are_there() -> bool:
        names = {each["id"]: each["name"] for each in await it.pbx.channels()}
        there = [{names.get(one, "").partition("-")[0] for one in each["channels"]} for each in await it.pbx.bridges()]
        return {"PJSIP/trunk", "PJSIP/far"} in there

    await until_true(are_there)


async def until_true(seen: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await seen():
            await asyncio.sleep(POLL_SECONDS)


async def test_the_pbx_dials_and_the_agent_is_done(provisioned: Provisioned, tmp_path: Path) -> None:
    async with talking(provisioned, tmp_path) as (it, customer, _), it.pbx.ami() as ami:
        await transferred(it, customer)
        event = await ami.event("UserEvent", lambda each: each.get("UserEvent") == "Number")
        assert event["To"] == DIALLED
        await talk_outside(it)
        completed = await it.event(InteractionCompleted)
        assert (completed.agent_id, completed.reason) == ("anna", "transferred-out")
        assert not it.router.view.agents["anna"].work
        noted = await it.event(InteractionNoted, lambda each: each.interaction_id == customer)
        assert noted.attributes == (("transferred.to", "****88"),)


async def test_hostile_numbers_and_others_that_are_not_allowed(provisioned: Provisioned, tmp_path: Path) -> None:
    async with talking(provisioned, tmp_path) as (it, customer, _):
        assert isinstance(it.channel, HasNumbers)
        for number in HOSTILE:
            with pytest.raises(NumberNotAllowed):
                await it.channel.numbers.transfer(customer, "anna", number, not_ended)
        with pytest.raises(ChannelError, match=r"does not talk"):
            await it.channel.numbers.transfer(customer, "far", NUMBER, not_ended)
        with pytest.raises(ChannelError, match=r"does not talk"):
            await it.channel.numbers.transfer("pbx1-nobody", "anna", NUMBER, not_ended)
        await until_places(it.pbx, {TRUNK: f"talk:{customer}", "anna": f"talk:{customer}"})
        assert not it.all(InteractionCompleted)


@pytest.mark.parametrize("options", [{}, {"transfers": {"context": "acd-numbers"}}])
async def test_off_unless_numbers_are_named(
    provisioned: Provisioned, tmp_path: Path, options: Mapping[str, object]
) -> None:
    async with talking(provisioned, tmp_path, options=options) as (it, customer, _):
        assert isinstance(it.channel, HasNumbers)
        assert not it.channel.numbers.are_there
        with pytest.raises(NoNumbers):
            await it.channel.numbers.transfer(customer, "anna", NUMBER, not_ended)


@pytest.mark.parametrize("far", [BUSY, SILENT], ids=["busy", "unanswered"])
async def test_who_is_not_reached_comes_back_to_the_agent(
    provisioned: Provisioned, tmp_path: Path, far: AgentBehaviour
) -> None:
    async with talking(provisioned, tmp_path, far) as (it, customer, _):
        await transferred(it, customer)
        again = await it.event(InteractionQueued, lambda each: each.interaction_id != customer)
        assert (again.queue, again.priority) == ("sales", 5)
        accepted = await it.event(OfferAccepted, lambda each: each.interaction_id == again.interaction_id)
        assert accepted.agent_id == "anna"
        await until_places(it.pbx, {TRUNK: f"talk:{again.interaction_id}", "anna": f"talk:{again.interaction_id}"})


async def test_not_taken_by_the_engine_is_no_transfer(provisioned: Provisioned, tmp_path: Path) -> None:
    """And whoever has not been transferred is hung up on with the agent, as ever."""
    async with talking(provisioned, tmp_path) as (it, customer, callers):
        assert isinstance(it.channel, HasNumbers)
        await it.channel.numbers.transfer(customer, "anna", NUMBER, refused)
        await until_places(it.pbx, {TRUNK: f"talk:{customer}", "anna": f"talk:{customer}"})
        await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
        await callers.finished(seconds=10)
        assert not [each for each in await it.pbx.channels() if "far" in each["name"]]


async def test_whoever_presses_twice_leads_them_there_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """As in two tabs: what is refused of the second press takes nothing from the first."""
    async with talking(provisioned, tmp_path) as (it, customer, _):
        assert isinstance(it.channel, HasNumbers)
        numbers = it.channel.numbers

        async def end() -> bool:
            with suppress(ChannelError):
                await numbers.transfer(customer, "anna", NUMBER, refused)
            return await ended(it, customer)

        await numbers.transfer(customer, "anna", NUMBER, end)
        await talk_outside(it)


async def test_who_is_not_transferred_and_hung_up_on_later_is_led_nowhere(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    """It was not known whether the engine took it; it did not. Then the agent ends the talk."""
    async with talking(provisioned, tmp_path) as (it, customer, callers):

        async def end() -> bool:
            raise ConnectionError

        assert isinstance(it.channel, HasNumbers)
        with pytest.raises(ConnectionError):
            await it.channel.numbers.transfer(customer, "anna", NUMBER, end)
        await it.router.submit(EndInteraction(it.router.new_id(), customer, by="agent"))
        await callers.finished(seconds=10)
        assert not [each for each in await it.pbx.channels() if "far" in each["name"]]


@pytest.mark.parametrize("is_ended", [True, False])
async def test_the_engine_is_killed_in_between(provisioned: Provisioned, tmp_path: Path, *, is_ended: bool) -> None:
    """Ended, and not let go of: the next one leads them there. Not ended: they talk on with the agent."""
    async with talking(provisioned, tmp_path) as (it, customer, _):

        class Killed(Exception):
            pass

        async def end() -> bool:
            await it.channel.stop()  # From now on nothing that is decided is carried out.
            if is_ended:
                command = EndInteraction(it.router.new_id(), customer, by="agent", reason="transferred-out")
                assert (await it.router.submit(command)).refusal is None
            raise Killed

        assert isinstance(it.channel, HasNumbers)
        with pytest.raises(Killed):
            await it.channel.numbers.transfer(customer, "anna", NUMBER, end)
        await it.stop_engine(crash=True)
        await it.start_engine()
        if is_ended:
            await talk_outside(it)
        else:
            await until_places(it.pbx, {TRUNK: f"talk:{customer}", "anna": f"talk:{customer}"})
            assert not it.all(InteractionCompleted)
