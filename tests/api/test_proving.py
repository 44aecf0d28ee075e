"""Where external channels are put to the test: a real server, whose newest channel the process becomes."""

import os
from pathlib import Path

import pytest
from aiohttp import ClientSession

from acd.api.external.proving import ProvingGround
from acd.core.messages import EndInteraction
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from tests.api.external_process import JSON, Process


async def test_a_process_becomes_the_newest_channel_and_its_host_hears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    host = RecordingHost(lambda agent_id, channel: f"{channel}:{agent_id}")
    host.wished["c1"] = Desired("c1", "waiting")
    async with ProvingGround("web", "chat") as ground, ClientSession() as session:
        old, new = ground.open(), ground.open()
        for channel in (old, new):
            await channel.start(host)
        process = Process(await session.ws_connect(ground.url, protocols=(JSON,)), JSON)
        assert (await process.asked("hello"))["media"] == "chat"
        assert (old.health()["connected"], new.health()["connected"]) == (False, True)
        assert (await process.asked("end", id="1", interaction_id="c1"))["accepted"] is True
        assert [type(command) for command in host.commands] == [EndInteraction]
        await new.stop()
        assert await process.ended() == (1012, "closed")
    assert not os.listdir(tmp_path), "nothing is left behind"  # noqa: PTH208 - pathlib's is not for asynchronous functions


def test_without_listening_it_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="async with ProvingGround"):
        _ = ProvingGround("web").url
