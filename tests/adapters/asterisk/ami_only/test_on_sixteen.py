"""AMI, and calls over it, on Asterisk 16: what has no ARI is mostly old."""

from pathlib import Path

import pytest

from acd_asterisk.lab import LabUnavailable, Provisioned, provision
from tests.adapters.asterisk.ami.test_connection import (
    test_a_wrong_secret_is_an_error,
    test_queue_add_is_answered_and_lists_are_whole,
)
from tests.adapters.asterisk.ami.test_states import test_states_of_a_real_asterisk
from tests.adapters.asterisk.ami_only.test_calls import (
    test_caller_goes_on_when_the_dialplan_says_so,
    test_callers_whom_nobody_noticed,
)
from tests.adapters.asterisk.ami_only.test_contract import test_contract
from tests.adapters.asterisk.doctor.test_examination_by_ami import test_calls_without_ari
from tests.adapters.asterisk.test_hostile import test_hostile as hostile
from tests.missing import missing_tool

__all__ = [
    "test_a_wrong_secret_is_an_error",
    "test_caller_goes_on_when_the_dialplan_says_so",
    "test_callers_whom_nobody_noticed",
    "test_calls_without_ari",
    "test_contract",
    "test_queue_add_is_answered_and_lists_are_whole",
    "test_states_of_a_real_asterisk",
]


@pytest.fixture(scope="module")
def provisioned() -> Provisioned:
    """Asterisk 16 instead of 22, for every test named here."""
    try:
        return provision(version="16")
    except LabUnavailable as reason:
        missing_tool(f"an Asterisk 16 for the tests: {reason}")


@pytest.mark.parametrize("way", ["number", "dialled"])
async def test_line_breaks_of_callers(
    provisioned: Provisioned, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    """Its AMI writes them into events, too."""
    await hostile(provisioned, tmp_path, capsys, way, "ami")
