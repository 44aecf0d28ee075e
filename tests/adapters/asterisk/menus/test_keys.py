"""Keys as they come over the wire, on the real Asterisk: by RFC 4733, by INFO, and such as no telephone has."""

import asyncio
from pathlib import Path
from typing import Final

from acd.core.messages import InteractionQueued
from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.hostile import HOSTILE
from tests.adapters.asterisk.menus.test_service import CALLER, menus
from tests.adapters.asterisk.raw_caller import PATIENCE_SECONDS, raw_caller
from tests.adapters.asterisk.rig import POLL_SECONDS, Rig, until
from tests.adapters.asterisk.test_variables import was_made

ENDLESS: Final = "0123456789" * 4


async def in_menu(it: Rig, variable: str) -> None:
    """Wait until the caller's channel says so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await noted(it) != variable:
            await asyncio.sleep(POLL_SECONDS)


async def noted(it: Rig) -> str:
    """Where in the menus the only caller is, by the word at their channel."""
    channels = await it.pbx.channels()
    if not channels:
        return ""
    (channel,) = channels
    return str((await it.pbx.ari_get(f"channels/{channel['id']}/variable?variable=EVAL($%7BACD_MENU%7D)"))["value"])


async def test_by_rfc_4733(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it:
        async with raw_caller(it.pbx.sip_port, CALLER, "hotline") as caller:
            await in_menu(it, "main")
            await caller.press("2")
            await in_menu(it, "main:2,support")
            await caller.press("1")
            await it.event(InteractionQueued)
        queued = await it.event(InteractionQueued)
        assert dict(queued.attributes) == {"did": "hotline", "menu.main": "2", "menu.support": "1"}
        await it.empty()


async def test_by_info(provisioned: Provisioned, tmp_path: Path) -> None:
    async with menus(provisioned, tmp_path) as it:
        async with raw_caller(it.pbx.sip_port, CALLER, "hotline") as caller:
            await in_menu(it, "main")
            await caller.inform("Signal=2\r\nDuration=100\r\n")
            await in_menu(it, "main:2,support")
            await caller.inform("1", "application/dtmf")
            await it.event(InteractionQueued)
        assert dict((await it.event(InteractionQueued)).attributes)["menu.support"] == "1"
        await it.empty()


async def test_hostile_keys(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whatever an INFO holds is at most one key, and no command; the menu is where it was, and goes on."""
    marker = tmp_path / "acd-was-here"
    async with menus(provisioned, tmp_path) as it:
        async with raw_caller(it.pbx.sip_port, CALLER, "hotline") as caller:
            await in_menu(it, "main")
            await caller.press("2")
            await in_menu(it, "main:2,support")
            for value in HOSTILE:
                text = value.replace("MARKER", str(marker))
                await caller.inform(f"Signal={text}\r\nDuration=100\r\n")
                await caller.inform(text, "application/dtmf")
            await caller.press("ABCD")
            assert it.channel.health()["in_menus"] == 1
            await in_menu(it, "main:2,support")
            assert not it.all(InteractionQueued)
            await caller.press("1")
            queued = await it.event(InteractionQueued)
        assert dict(queued.attributes) == {"did": "hotline", "menu.main": "2", "menu.support": "1"}
        assert not was_made(marker)
        await it.empty()


async def test_more_keys_than_anybody_asked_for(provisioned: Provisioned, tmp_path: Path) -> None:
    """Who goes on pressing keys presses them in vain; memory and menus stay as they are."""
    async with menus(provisioned, tmp_path) as it:
        async with raw_caller(it.pbx.sip_port, CALLER, "hotline") as caller:
            await in_menu(it, "main")
            await caller.press(f"4{ENDLESS[:16]}")
            await it.event(InteractionQueued)
            await caller.press(ENDLESS[:20])
            await until(lambda: it.channel.health()["in_menus"] == 0, lambda: str(it.channel.health()))
        queued = it.all(InteractionQueued)
        assert len(queued) == 1
        (handle,) = (value for name, value in queued[0].attributes if name == "card")
        assert dict(queued[0].attributes) == {"did": "hotline", "menu.main": "4", "card": handle}
        assert not handle.isdecimal()
        await it.empty()
