"""What goes with a call, on the real Asterisk: headers to an agent's telephone, and headers of a caller's INVITE."""

from pathlib import Path

import pytest

from acd.core.messages import (
    InteractionMoved,
    InteractionQueued,
    InteractionTransferred,
    OfferAccepted,
    TransferInteraction,
)
from acd_asterisk.lab import CallSpec, Handset, Provisioned
from acd_asterisk.passing import clean
from tests.adapters.asterisk.hostile import HOSTILE
from tests.adapters.asterisk.raw_telephone import headers, raw_telephone
from tests.adapters.asterisk.rig import Agent, rig
from tests.adapters.asterisk.test_variables import was_made

DATA = {
    "headers": ["X-Customer-Id"],
    "agent_variables": ["queue", "attribute.x_customer_id"],
    "agent_headers": {"X-ACD-Queue": "queue", "X-Customer": "attribute.x_customer_id", "X-ACD-Call": "interaction"},
}

TO_SUPPORT = "\n[acd-agents](+)\nexten => 600,1,Wait(1)\n"

DESK = """
[acd-desk]
exten => anna,1,Dial(PJSIP/raw,30,b(acd-desk-headers^s^1))
[acd-desk-headers]
exten => s,1,Set(PJSIP_HEADER(add,X-From-Dialplan)=${ACD_QUEUE}/${ACD_DATA_X_CUSTOMER_ID})
 same => n,Return()
"""


async def test_headers_in_and_out(provisioned: Provisioned, tmp_path: Path) -> None:
    """A header of the caller's INVITE is an attribute, and a header of the agent's INVITE."""
    async with (
        raw_telephone() as telephone,
        rig(
            provisioned,
            tmp_path,
            [Agent("anna", address="PJSIP/raw")],
            options={"data": DATA},
            extra_config={"pjsip.conf": telephone.config("raw")},
        ) as it,
    ):
        await it.ready("anna")
        call = CallSpec(
            "10001", "sales", hang_up_after_ms=300, headers={"X-Customer-Id": "王小明 4711", "X-Other": "no"}
        )
        async with it.callers(call) as callers:
            invite = await telephone.invite()
            await callers.finished(seconds=10)
        queued = await it.event(InteractionQueued)
        assert dict(queued.attributes) == {"did": "sales", "x_customer_id": "王小明 4711"}
        found = dict(headers(invite))
        assert found["X-ACD-Queue"] == "sales"
        assert found["X-Customer"] == "王小明 4711"
        assert found["X-ACD-Call"] == queued.interaction_id
        await it.empty()


@pytest.mark.parametrize("how", ["desk", "telephone"])
async def test_a_transfer_takes_everything_along(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """Back into a queue by either way: the next agent's INVITE has what the caller brought, and the place is kept."""
    text = """
[queues.sales]
requirement = 'skills.sales > 0'
[queues.support]
requirement = 'skills.support > 0'
retry_after = "1s"
[agents.anna]
skills.sales = 1
addresses.voice = "PJSIP/anna"
[agents.ben]
skills.support = 1
addresses.voice = "PJSIP/raw"
"""
    options: dict[str, object] = {"data": DATA, "queues": {"support": {"number": "600"}}}
    phone = Handset("anna")
    async with (
        raw_telephone() as telephone,
        rig(
            provisioned,
            tmp_path,
            [Agent("anna", handset=phone)],
            options=options,
            text=text,
            extra_config={"pjsip.conf": telephone.config("raw"), "extensions.conf": TO_SUPPORT},
        ) as it,
    ):
        await it.ready("anna")
        first = CallSpec("10001", "sales", headers={"X-Customer-Id": "王小明 4711", "X-ACD-Priority": "3"})
        async with it.callers(first) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await it.talking()
            async with it.callers(CallSpec("10002", "support")) as later:
                await it.event(InteractionQueued, lambda each: each.queue == "support")
                if how == "desk":
                    await it.router.submit(TransferInteraction(it.router.new_id(), customer, "anna", "support"))
                else:
                    dialog = await phone.rung()
                    await phone.transfer(dialog, "600")
                    await it.event(InteractionTransferred)
                    await phone.hang_up(dialog)
                await it.event(InteractionMoved)
                await it.ready("ben")
                found = dict(headers(await telephone.invite()))
                assert found["X-ACD-Call"] == customer
                assert (found["X-ACD-Queue"], found["X-Customer"]) == ("support", "王小明 4711")
                assert it.router.view.interactions[customer].priority == 3
                await it.presence("ben", "not-ready", "test")
                for channel in await it.pbx.channels():
                    await it.pbx.cli(f"channel request hangup {channel['name']}")
                await later.finished(seconds=5)
            await callers.finished(seconds=5)
        await it.empty()


async def test_variables_reach_the_dialplan_of_a_desk(provisioned: Provisioned, tmp_path: Path) -> None:
    """An agent behind a dialplan of their own: the variables are there, too."""
    async with (
        raw_telephone() as telephone,
        rig(
            provisioned,
            tmp_path,
            [Agent("anna", address="Local/anna@acd-desk")],
            options={"data": DATA},
            extra_config={"pjsip.conf": telephone.config("raw"), "extensions.conf": DESK},
        ) as it,
    ):
        await it.ready("anna")
        call = CallSpec("10001", "sales", hang_up_after_ms=300, headers={"X-Customer-Id": "4711"})
        async with it.callers(call) as callers:
            invite = await telephone.invite()
            await callers.finished(seconds=10)
        assert dict(headers(invite))["X-From-Dialplan"] == "sales/4711"
        await it.empty()


async def test_hostile_headers(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whatever a caller sends: one header goes out, of harmless characters, and nothing is carried out."""
    marker = tmp_path / "acd-was-here"
    values = [value.replace("MARKER", str(marker)) for value in HOSTILE]
    async with (
        raw_telephone() as telephone,
        rig(
            provisioned,
            tmp_path,
            [Agent("anna", address="PJSIP/raw")],
            options={"data": DATA},
            extra_config={"pjsip.conf": telephone.config("raw")},
        ) as it,
    ):
        await it.ready("anna")
        for number, value in enumerate(values, start=1):
            await it.presence("anna", "ready")
            call = CallSpec(f"1{number:04}", "sales", hang_up_after_ms=200, headers={"X-Customer-Id": value})
            async with it.callers(call) as callers:
                invite = await telephone.invite(number)
                await callers.finished(seconds=10)
            sent = [text for name, text in headers(invite) if name == "X-Customer"]
            assert sent == [clean(value)] * bool(clean(value))
            assert not set("".join(sent)) & set("&,|;${}\"'<>()\\%!?\r\n")
            assert "X-Evil" not in dict(headers(invite))
        queued = it.all(InteractionQueued)
        assert [dict(each.attributes)["x_customer_id"] for each in queued] == [value.strip() for value in values]
        assert not was_made(marker)
        await it.empty()
