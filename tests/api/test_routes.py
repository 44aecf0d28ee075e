"""What is done around every handler: who asked and in which trace goes along with the command."""

import pytest

from acd.api.traces import trace_of
from acd.core.messages import SignInAgent
from tests.api.harness import Client, MemoryRouter

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_who_asked_and_the_trace_are_kept_with_the_command(anna: Client, router: MemoryRouter) -> None:
    await anna("POST", "/v1/agents/anna/sign-in", traceparent=TRACE)
    command = router.last(SignInAgent)
    assert (command.actor, command.trace) == ("anna-desktop", TRACE)
    await anna("POST", "/v1/agents/anna/sign-out")
    assert (router.submitted[-1].actor, router.submitted[-1].trace) == ("anna-desktop", "")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "13812345678",
        TRACE.upper(),
        TRACE + "-more",
        TRACE + "\n",
        "00-" + "0" * 32 + TRACE[35:],
        TRACE[:36] + "0" * 16 + "-01",
        "ff" + TRACE[2:],
    ],
)
def test_a_header_that_is_no_trace_is_ignored(header: str) -> None:
    assert trace_of(header) == ""


def test_a_later_version_of_the_header_is_read_as_far_as_it_is_known() -> None:
    assert trace_of("01" + TRACE[2:] + "-more") == "01" + TRACE[2:]
    assert trace_of("01" + TRACE[2:]) == "01" + TRACE[2:]
    assert trace_of("01" + TRACE[2:] + "more") == ""
