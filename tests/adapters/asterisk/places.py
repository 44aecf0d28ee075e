"""Who is in which bridge, by Asterisk's own word. Owns the question; must not know any test."""

import asyncio
from collections.abc import Mapping

from acd_asterisk.lab import Pbx
from tests.adapters.asterisk.rig import APP, PATIENCE_SECONDS, POLL_SECONDS

NOWHERE = ""


async def places(pbx: Pbx) -> dict[str, str]:
    """For each endpoint that has a channel, the bridge that it is in, without what all of ours begin with."""
    bridges, channels = await pbx.bridges(), await pbx.channels()
    inside = {
        channel: str(bridge["id"]).removeprefix(f"acd-{APP}:") for bridge in bridges for channel in bridge["channels"]
    }
    return {
        each["name"].partition("/")[2].rpartition("-")[0]: inside.get(each["id"], NOWHERE)
        for each in channels
        if each["name"].startswith("PJSIP/")
    }


async def until_places(pbx: Pbx, wanted: Mapping[str, str], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until everybody is where they are to be, and nobody else is there."""
    seen: dict[str, str] = {}
    try:
        async with asyncio.timeout(seconds):
            while (seen := await places(pbx)) != wanted:
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}; there were {seen}") from None
