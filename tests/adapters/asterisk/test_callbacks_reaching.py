"""Customers who are called before any agent, at moments that no telephone can bring about."""

import asyncio

import pytest
from structlog.testing import capture_logs

from acd.core.messages import Command, FailCallback, NoteInteraction, NoteReached, Outcome, Refusal
from acd.errors import PersonalStoreError, RouterOverloaded
from acd.ports.channel import Desired, InteractionStanding, Personal
from acd.testing.recording_host import RecordingHost
from acd_asterisk.call import Call
from acd_asterisk.callbacks import REACHED
from acd_asterisk.customer_line import DIALLED
from acd_asterisk.happenings import CustomerAnswered, CustomerGone
from acd_asterisk.mending import Keep
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.stand_in import StandInAri
from tests.adapters.asterisk.test_callbacks_moments import BACK, IN_STASIS, NAMES, Wired

FIRST, SECOND = NAMES.back(f"{BACK}.c1"), NAMES.back(f"{BACK}.c2")


class Host(RecordingHost):
    """Answers the next command as it is told."""

    def __init__(self) -> None:
        super().__init__(lambda _agent, _channel: "PJSIP/anna")
        self.answer: Outcome | None = Outcome()
        """None: the engine takes nothing."""
        self.ahead_us = -300_000_000
        """The wall clock has been set since the engine began, which goes on with its own time."""

    async def submit(self, command: Command) -> Outcome:
        if self.answer is None:
            raise RouterOverloaded("busy")
        await super().submit(command)
        return self.answer


class Parts(Wired):
    """A callback whose turn it is."""

    host: Host

    def __init__(self, number: str = "13800138000", attempts: int = 0) -> None:
        super().__init__(Host(), StandInAri(lambda method, _path: 200 if method == "POST" else 204))
        self.host.wished[BACK] = Desired(BACK, "reaching")
        self.attempts = attempts
        self.number = number

    async def opened(self, *attributes: tuple[str, str], state: str = "reaching", left: float | None = None) -> Call:
        """`left`: seconds until the end of the turn."""
        customer = await self.host.remember(Personal(number=self.number))
        due_us = 0 if left is None else self.host.now_us() + round(left * 1e6)
        self.host.interactions[BACK] = InteractionStanding(
            BACK, state, "sales", attributes, kind="callback", customer=customer, attempts=self.attempts, due_us=due_us
        )
        call = self.callbacks.open(BACK)
        assert call is not None
        return call

    def dialled(self) -> list[str]:
        """The channels as which the customer was called."""
        return [path.removeprefix("channels/") for method, path, _ in self.ari.asked if method == "POST"]


async def test_a_customer_is_dialled_once_and_word_is_left_before() -> None:
    it = Parts(attempts=1)
    call = await it.opened()
    await it.callbacks.reach(call)
    await it.callbacks.reach(call)
    assert it.dialled() == [SECOND]
    assert it.told() == [NoteInteraction("contract-1", BACK, ((DIALLED, "2"),))]
    await it.desk.stop()


async def test_nobody_is_dialled_without_a_word_left() -> None:
    """The engine takes nothing: a comparison follows, and then they are called."""
    it = Parts()
    call = await it.opened()
    it.host.answer = None
    await it.callbacks.reach(call)
    assert (it.dialled(), call.channel_id) == ([], "")
    it.host.answer = Outcome()
    await it.callbacks.resume(call)
    assert it.dialled() == [FIRST]
    await it.desk.stop()


async def test_word_that_cannot_be_left_is_an_attempt_that_has_failed() -> None:
    it = Parts()
    call = await it.opened()
    it.host.answer = Outcome(refusal=Refusal("too-many-attributes", "there are 64"))
    with capture_logs() as logs:
        await it.callbacks.reach(call)
    assert [each.get("code") for each in logs if each["log_level"] == "warning"] == ["too-many-attributes"]
    assert it.dialled() == []
    assert it.told()[1:] == [FailCallback("contract-2", BACK, "unreachable", 1)]
    await it.desk.stop()


async def test_a_pbx_that_does_not_dial_has_called_nobody() -> None:
    """No attempt; and the word that was left is taken back, or whoever comes next would take it for one."""
    it = Parts(attempts=1)
    it.ari.status = lambda _method, _path: 500
    call = await it.opened()
    with capture_logs() as logs:
        await it.callbacks.reach(call)
    assert [each.get("status") for each in logs if each["log_level"] == "warning"] == [500]
    assert it.told() == [
        NoteInteraction("contract-1", BACK, ((DIALLED, "2"),)),
        NoteInteraction("contract-2", BACK, ((DIALLED, "0"),)),
        FailCallback("contract-3", BACK, "unreachable", 2, called=False),
    ]
    assert call.channel_id == ""
    await it.desk.stop()


async def test_a_store_that_does_not_say_whom_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be called: no attempt, unlike the customer of whom there is no number."""
    it = Parts()
    call = await it.opened()

    async def recall(_customer: str) -> Personal | None:
        raise PersonalStoreError("closed")

    monkeypatch.setattr(it.host, "recall", recall)
    await it.callbacks.reach(call)
    assert it.dialled() == []
    assert it.told()[-1] == FailCallback("contract-2", BACK, "unreachable", 1, called=False)
    await it.desk.stop()


async def test_it_rings_no_longer_than_the_turn_lasts() -> None:
    it = Parts()
    await it.callbacks.reach(await it.opened(left=9.5))
    ((_, _, body),) = [each for each in it.ari.asked if each[0] == "POST"]
    assert isinstance(body, dict)
    assert body["timeout"] == 10
    await it.desk.stop()


@pytest.mark.parametrize(("left", "dials"), [(24.0, False), (60.0, True)])
async def test_a_turn_that_is_nearly_over_is_given_back(*, left: float, dials: bool) -> None:
    """After an outage: whose telephone could not ring for its whole 25 s is called another time, and that is none."""
    it = Parts()
    call = await it.opened(left=left)
    it.callbacks.take_over(keep(AriChannel("")))
    await it.callbacks.resume(call)
    uncalled = FailCallback("contract-1", BACK, "unreachable", 1, called=False)
    assert (it.dialled() == [FIRST], uncalled in it.told()) == (dials, not dials)
    await it.desk.stop()


@pytest.mark.parametrize(
    ("left", "dialled", "known", "given_back"),
    [
        (0.5, "", False, True),
        (0.5, "", True, True),
        (5.0, "", False, False),
        (None, "", False, False),
        (0.5, "1", False, False),
    ],
)
async def test_turns_are_given_back_while_the_pbx_is_away(
    *, left: float | None, dialled: str, known: bool, given_back: bool
) -> None:
    """Just before their end, and only if certainly nobody was called."""
    it = Parts()
    call = await it.opened((DIALLED, dialled), left=left)
    if not known:
        it.desk.forget(call)
    await it.callbacks.spare(it.host.now_us() + 1_000_000)
    uncalled = [each for each in it.told() if isinstance(each, FailCallback)]
    assert all((each.attempt, each.called) == (1, False) for each in uncalled)
    assert bool(uncalled) is given_back
    await it.desk.stop()


async def test_a_turn_is_not_given_back_while_they_are_being_called() -> None:
    it = Parts()
    call = await it.opened(left=0.5)
    assert call.back is not None
    call.back.state = "dialling"
    await it.callbacks.spare(it.host.now_us() + 1_000_000)
    assert it.told() == []
    await it.desk.stop()


async def test_nobody_is_dialled_whose_turn_is_over() -> None:
    it = Parts()
    call = await it.opened(state="scheduled")
    await it.callbacks.reach(call)
    assert (it.dialled(), it.told()) == ([], [])
    await it.desk.stop()


async def test_nobody_knows_where() -> None:
    it = Parts(number="")
    call = await it.opened()
    await it.callbacks.reach(call)
    assert (it.dialled(), it.told()) == ([], [FailCallback("contract-1", BACK, "no-number", 1)])
    await it.desk.stop()


async def test_who_has_answered_is_noted_before_the_engine_is_told() -> None:
    """Whoever comes after this process between the two tells the engine, and does not ask the customer again."""
    it = Parts()
    call = await it.opened()
    await it.callbacks.reach(call)
    it.callbacks.handle(CustomerAnswered(FIRST))
    while len(it.told()) < 3:
        await asyncio.sleep(0)
    assert it.told()[1:] == [
        NoteInteraction("contract-2", BACK, ((REACHED, "1"),)),
        NoteReached("contract-3", BACK, 1),
    ]
    assert call.is_reached
    await it.desk.stop()


@pytest.mark.parametrize("dialled", ["", "1", "2"])
async def test_nobody_is_called_at_the_moment(dialled: str) -> None:
    """Dialled at this attempt, what came of it nobody heard; dialled at an earlier one, or never: now."""
    it = Parts(attempts=1)
    call = await it.opened((DIALLED, dialled))
    it.callbacks.take_over(keep(AriChannel("")))
    await it.callbacks.resume(call)
    lost = [each for each in it.told() if isinstance(each, FailCallback)]
    if dialled == "2":
        assert (it.dialled(), lost) == ([], [FailCallback("contract-1", BACK, "lost", 2)])
    else:
        assert (it.dialled(), lost) == ([SECOND], [])
    await it.desk.stop()


def keep(channel: AriChannel) -> Keep:
    return Keep(Desired(BACK, "reaching"), channel, (), met=False, has_bridge=False, is_back=True)


async def test_another_process_finds_somebody_who_is_there() -> None:
    """Noted and not told: told now."""
    it = Parts()
    call = await it.opened((REACHED, "1"), (DIALLED, "1"))
    it.callbacks.take_over(keep(AriChannel(FIRST, "Up", dialplan=IN_STASIS)))
    assert call.is_reached
    it.callbacks.welcome(call)
    await it.desk.lanes_idle()
    assert it.told()[-1] == NoteReached("contract-2", BACK, 1)
    await it.desk.stop()


async def test_another_process_finds_a_telephone_that_rings() -> None:
    it = Parts()
    call = await it.opened((DIALLED, "1"))
    it.callbacks.take_over(keep(AriChannel(FIRST, "Ringing")))
    assert (call.channel_id, call.is_reached) == (FIRST, False)
    await it.callbacks.reach(call)
    assert it.dialled() == []
    it.callbacks.handle(CustomerGone(FIRST, 17))
    await it.desk.lanes_idle()
    assert it.told() == [FailCallback("contract-1", BACK, "busy", 1)]
    await it.desk.stop()


async def test_what_the_patrol_takes_for_forgotten() -> None:
    it = Parts()
    call = await it.opened()
    assert it.callbacks.is_forgotten(BACK)
    assert call.back is not None
    call.back.state = "asking"
    assert it.callbacks.is_forgotten(BACK)
    call.back.welcoming = asyncio.create_task(asyncio.sleep(0))
    assert not it.callbacks.is_forgotten(BACK)
    it.desk.forget(call)
    assert it.callbacks.is_forgotten(BACK)
    await it.desk.stop()
