"""Calls from pages as a channel: the contract of every channel."""

from pathlib import Path

import pytest

from acd.testing.contract import ChannelContract
from tests.adapters.webrtc.callers import WebrtcDriver


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_contract(check: str, tmp_path: Path) -> None:
    driver = WebrtcDriver(tmp_path)
    contract = ChannelContract(driver)
    driver.host = contract.host
    await contract.run(check)
