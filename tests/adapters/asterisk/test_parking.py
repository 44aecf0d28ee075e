"""An agent's telephone parks a caller: in Asterisk's own lot, from which anybody takes them. On a real Asterisk."""

from pathlib import Path

from acd.core.messages import InteractionCompleted, InteractionQueued, OfferAccepted
from acd_asterisk.lab import CallSpec, Handset, Provisioned
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import EXAMPLES, Agent, rig

LOT = {
    "modules.conf": "load = res_parking\n",
    "res_parking.conf": "[general]\n[default]\nparkext => 700\nparkpos => 701-720\ncontext => parkedcalls\n",
}
NOBODY = "exten => _[+*#0-9A-Za-z].,1,Hangup(21)"
DONE = 200


async def test_parked_and_taken_back(provisioned: Provisioned, tmp_path: Path) -> None:
    """The interaction has ended and the agent is free; the caller is Asterisk's, until a telephone dials the space."""
    phone = Handset("anna")
    example = (EXAMPLES / "extensions.conf").read_text()
    assert NOBODY in example
    plan = example.replace(NOBODY, "include => parkedcalls")
    async with rig(provisioned, tmp_path, [Agent("anna", handset=phone)], dialplan=plan, extra_config=LOT) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {"trunk": f"talk:{customer}", "anna": f"talk:{customer}"})
            await it.presence("anna", "not-ready", "lunch")
            dialog = await phone.rung()
            await phone.transfer(dialog, "700")
            await phone.told(dialog, DONE)
            await phone.hang_up(dialog)
            completed = await it.event(InteractionCompleted)
            # Asterisk tells of the caller's leaving and of the transfer in either order.
            assert completed.agent_id == "anna"
            assert completed.reason in {"transferred-out", "left-stasis"}
            assert not it.router.view.agents["anna"].work
            assert "701" in (await it.pbx.cli("parking show default")).partition("Parked Calls")[2]
            await it.channel.reconcile(())
            taken = await phone.call("701")
            where = await places(it.pbx)
            while len(set(where.values())) != 1:
                where = await places(it.pbx)  # The telephone hears of the answer before the two are joined.
            assert where.keys() == {"trunk", "anna"}
            await phone.hang_up(taken)
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)
        await it.empty()
        assert len(it.all(InteractionQueued)) == 1
