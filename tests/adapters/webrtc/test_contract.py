"""Calls from pages as a channel: the contract of channels on which agents ask each other, too."""

from pathlib import Path

import pytest

from acd.testing.contract_consult import ConsultContract
from tests.adapters.webrtc.callers import WebrtcDriver


@pytest.mark.parametrize("check", ConsultContract.checks())
async def test_contract(check: str, tmp_path: Path) -> None:
    driver = WebrtcDriver(tmp_path)
    contract = ConsultContract(driver)
    driver.host = contract.host
    await contract.run(check)
