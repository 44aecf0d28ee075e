"""examples/asterisk/TRANSFERS.md taken at its word: its lines of the dialplan and of acd.toml, on a real Asterisk."""

import tomllib
from pathlib import Path

import pytest

from acd.core.messages import InteractionCompleted, InteractionTransferred, OfferAccepted
from acd_asterisk.lab import AgentBehaviour, CallSpec, Handset, Provisioned
from tests.adapters.asterisk import page_text
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, rig

PAGE = EXAMPLES / "TRANSFERS.md"
LISTENER = AgentBehaviour(ring_ms=50, talk_ms=60_000)
ACCEPTED = 202


@pytest.mark.parametrize("number", ["600", "0123"])
async def test_the_page(provisioned: Provisioned, tmp_path: Path, number: str) -> None:
    """A queue by its number, and a number outside, which the caller's side of the dialplan dials."""
    plan = [text for text in page_text.blocks(PAGE) if text.startswith("[acd-")]
    (toml,) = (text for text in page_text.blocks(PAGE) if text.startswith("[channels."))
    options = tomllib.loads(toml)["channels"]["pbx"]
    dialplan = (EXAMPLES / "extensions.conf").read_text() + "\n".join(plan)
    phone = Handset("anna")
    agents = [Agent("anna", handset=phone), Agent("ben", LISTENER, {"cables": 5})]
    queues = (Queue(), Queue("support", "skills.cables >= 1"))
    async with rig(provisioned, tmp_path, agents, queues=queues, options=options, dialplan=dialplan) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers, it.pbx.ami() as ami:
            customer = (await it.event(OfferAccepted)).interaction_id
            await until_places(it.pbx, {"trunk": f"talk:{customer}", "anna": f"talk:{customer}"})
            await it.ready("ben")
            dialog = await phone.rung()
            assert await phone.transfer(dialog, number) == ACCEPTED
            if number == "600":
                assert (await it.event(InteractionTransferred)).reason == "blind-transfer"
                await until_places(it.pbx, {"trunk": f"talk:{customer}", "ben": f"talk:{customer}"})
                assert it.router.view.interactions[customer].queue == "support"
            else:
                assert (await it.event(InteractionCompleted)).reason == "transferred-out"
                await ami.event("Newexten", lambda each: each["AppData"] == "PJSIP/123@trunk")
            for channel in await it.pbx.channels():
                await it.pbx.cli(f"channel request hangup {channel['name']}")
            await callers.finished(seconds=5)
