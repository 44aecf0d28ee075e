"""Whatever is logged about a call bears its ids, wherever it happens: a task may have begun for another call."""

import pytest
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from acd.core.messages import AcceptOffer, Command, EndInteraction, Outcome, Refusal, SetPresence
from acd.errors import RouterOverloaded
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk import mending
from acd_asterisk.desk import Desk
from acd_asterisk.differences import KINDS, interaction_of
from acd_asterisk.mending import Repair
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.wire import AriChannel

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")
CHANNEL = "1795254033.0"
INTERACTION = NAMES.interaction(CHANNEL)
OFFER = f"{INTERACTION}.1"
IDS = {"interaction": INTERACTION, "channel": CHANNEL}


class UnwillingHost(RecordingHost):
    """Refuses some commands, and takes no others."""

    async def submit(self, command: Command) -> Outcome:
        if isinstance(command, AcceptOffer):
            return Outcome(refusal=Refusal("offer-ended", "too late"))
        raise RouterOverloaded


@pytest.mark.parametrize(
    "command",
    [EndInteraction("1", INTERACTION), EndInteraction("1", f"{INTERACTION}~2"), AcceptOffer("2", OFFER, "anna")],
)
@pytest.mark.parametrize("is_known", [True, False])
async def test_what_the_engine_does_not_take(command: Command, *, is_known: bool) -> None:
    """Whether the call is known or over, and whatever the task was begun for."""
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(UnwillingHost(lambda _agent, _channel: ""))
    if is_known:
        desk.add(INTERACTION, AriChannel(CHANNEL))
    with capture_logs() as logs, bound_contextvars(interaction="another", channel="another"):
        await desk.tell(command)
    (line,) = logs
    assert (line["interaction"].partition("~")[0], line["channel"]) == tuple(IDS.values())
    await desk.stop()


async def test_what_is_about_no_call() -> None:
    """An agent's command bears none; a consult's, whose id is its maker's, no channel."""
    desk = Desk("pbx1", OPTIONS, NAMES)
    desk.start(UnwillingHost(lambda _agent, _channel: ""))
    with capture_logs() as logs:
        await desk.tell(SetPresence("1", "anna", "ready"))
    assert not {"interaction", "channel"} & logs[0].keys()
    assert desk.keys("question") == {"interaction": "question", "channel": ""}
    await desk.stop()


@pytest.mark.parametrize(
    "repair",
    [
        mending.Keep(Desired(INTERACTION, "waiting"), AriChannel(CHANNEL), (), met=False, has_bridge=False),
        mending.Enqueue(AriChannel(CHANNEL)),
        mending.LetGo(CHANNEL),
        mending.Fail(OFFER),
        mending.HangUp(NAMES.leg(OFFER)),
        mending.Park(INTERACTION),
        mending.Leave(INTERACTION, "anna"),
    ],
)
def test_what_a_difference_is_about(repair: Repair) -> None:
    assert interaction_of(NAMES, repair) == INTERACTION
    assert isinstance(repair, mending.Keep) or type(repair) in KINDS


def test_a_channel_of_nobodys_is_about_nothing() -> None:
    assert interaction_of(NAMES, mending.HangUp("acd-acd:boss:x:y~")) == ""
