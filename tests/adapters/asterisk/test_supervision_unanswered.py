"""Supervisors on the real Asterisk, when an answer is lost: nobody listens of whom it is said that they do not."""

from pathlib import Path

import pytest

from acd.errors import ChannelError
from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.lost_answers import Lost
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.test_supervision import floor


@pytest.mark.parametrize("mode", ["listen", "barge"])
async def test_who_is_not_let_go_is_shown_and_let_go_in_the_end(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    lost = Lost(monkeypatch)
    async with floor(provisioned, tmp_path) as on:
        await on.supervise(mode)
        await on.there()
        await on.hear(boss="caller anna")
        lost.next("DELETE", ":boss:", sent=False)
        with pytest.raises(ChannelError, match="not known"):
            await on.supervise("off")
        assert [each.mode for each in on.channel.supervisors(on.call)] == [mode]
        await on.alone()
        await on.hear(anna="caller", caller="anna")


async def test_off_again_lets_go(provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Lost(monkeypatch)
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("listen")
        await on.there()
        await on.hear(boss="caller anna")
        lost.next("DELETE", ":boss:", sent=False)
        with pytest.raises(ChannelError, match="not known"):
            await on.supervise("off")
        await on.supervise("off")
        assert on.channel.supervisors(on.call) == ()
        await on.alone()
        await on.supervise("listen")
        await on.there()
        await on.hear(boss="caller anna")


async def test_a_change_that_failed_half_way_is_not_shown_as_done(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost(monkeypatch)
    async with floor(provisioned, tmp_path) as on:
        await on.supervise("whisper")
        await on.there()
        await on.hear(anna="caller boss")
        lost.next("DELETE", ":spy-whisper:", sent=False)
        with pytest.raises(ChannelError, match="not known"):
            await on.supervise("listen")
        assert [each.mode for each in on.channel.supervisors(on.call)] == ["whisper"]
        await until(lambda: [each.mode for each in on.channel.supervisors(on.call)] == ["listen"], on.standing)
        await on.hear(boss="caller anna", anna="caller", caller="anna")
