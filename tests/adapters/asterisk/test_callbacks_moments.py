"""Callbacks at moments that no telephone can bring about: between accepting and dialling, while nothing is answered."""

import asyncio

import pytest
from msgspec import structs

from acd.core.messages import Command, EndInteraction, FailCallback
from acd.errors import PersonalStoreError
from acd.ports.channel import Desired, InteractionStanding, Personal
from acd.testing.recording_host import RecordingHost
from acd_asterisk.announcer import Announcer
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call, Leg
from acd_asterisk.callbacks import NOTED, REACHED, Callbacks
from acd_asterisk.conversations import Conversations
from acd_asterisk.desk import Desk
from acd_asterisk.exits import Exits
from acd_asterisk.happenings import CustomerAnswered, CustomerGone
from acd_asterisk.mending import Keep
from acd_asterisk.names import Names
from acd_asterisk.notes import Notes
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import Answer, Question
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.voice import Voice
from acd_asterisk.wire import AriChannel, DialplanPlace
from tests.adapters.asterisk.rig import POLL_SECONDS, until
from tests.adapters.asterisk.stand_in import StandInAri, nothing_plays

OPTIONS = read_options(
    "pbx1",
    {
        "url": "http://127.0.0.1:9/ari",
        "user": "acd",
        "password": "x",
        "callbacks": {"dial": "PJSIP/{number}@trunk", "caller_id": "02112345678", "ring": "25s", "progress": []},
    },
)
NAMES = Names("pbx1", "acd")
BACK, OFFER = "b1", "b1.1"
CUSTOMER = f"channels/{NAMES.back(OFFER)}"
IN_STASIS = DialplanPlace("s", "Stasis", "acd,back:")


class Wired:
    """Callbacks, with all that they need, on a PBX that answers as it is told."""

    def __init__(self, host: RecordingHost, ari: StandInAri) -> None:
        self.host = host
        self.ari = ari
        self.desk = Desk("pbx1", OPTIONS, NAMES)
        self.desk.start(self.host)
        self.switchboard = switchboard = Switchboard(self.ari.client, NAMES, OPTIONS)
        self.orders = orders = Orders(self.desk, switchboard, nothing_plays(NAMES))
        voice = Voice(self.desk, orders)
        exits = Exits(self.desk, switchboard, orders, Conversations(self.desk, switchboard, orders), voice)
        self.announcer = Announcer(self.desk, orders, voice, exits)
        self.callbacks = Callbacks(self.desk, self.ari.client, switchboard, orders, Notes(self.desk), self.announcer)

    def told(self) -> list[Command]:
        return self.host.commands


class Parts(Wired):
    """An agent who has accepted a callback and picked up."""

    def __init__(self, number: str = "13800138000") -> None:
        host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
        host.wished[BACK] = Desired(BACK, "connected", OFFER, "anna")
        super().__init__(host, StandInAri(lambda method, path: 200 if (method, path) == ("POST", CUSTOMER) else 204))
        self.number = number

    async def opened(self) -> tuple[Call, Leg]:
        customer = await self.host.remember(Personal(number=self.number))
        self.host.interactions[BACK] = InteractionStanding(BACK, "active", "sales", kind="callback", customer=customer)
        call = self.callbacks.open(BACK)
        assert call is not None
        return call, call.add_leg(Leg(OFFER, "anna", state="answered", accepted=True))

    def dialled(self) -> list[object]:
        """The bodies with which the customer was called."""
        return [body for method, path, body in self.ari.asked if (method, path) == ("POST", CUSTOMER)]


async def test_how_a_customer_is_dialled() -> None:
    """Once, with nothing of theirs but digits, after word was left at the agent's channel."""
    it = Parts("+86 138-0013 8000")
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)
    await it.callbacks.dial(call, leg)
    assert it.dialled() == [
        {
            "endpoint": "PJSIP/+8613800138000@trunk",
            "app": "acd",
            "appArgs": "back:",
            "timeout": 25,
            "callerId": "02112345678",
        }
    ]
    (noted,) = (body for _, path, body in it.ari.asked if path == f"channels/{NAMES.leg(OFFER)}/variable")
    assert noted == {"variable": NOTED, "value": OFFER}
    assert [path for _, path, _ in it.ari.asked].index(CUSTOMER) == len(it.ari.asked) - 1
    await it.desk.stop()


@pytest.mark.parametrize("known", [True, False])
async def test_what_is_known_of_a_customer_changes_before_they_are_dialled(*, known: bool) -> None:
    """Known better since an agent's telephone rang, or erased: then nobody is dialled, by whatever memory."""
    it = Parts()
    call, leg = await it.opened()
    await it.callbacks.recall(call)
    assert call.party.number == "13800138000"
    customer = await it.host.remember(Personal(number="+8613900139000")) if known else "erased"
    it.host.interactions[BACK] = structs.replace(it.host.interactions[BACK], customer=customer)
    await it.callbacks.dial(call, leg)
    assert [each["endpoint"] for each in it.dialled() if isinstance(each, dict)] == (
        ["PJSIP/+8613900139000@trunk"] if known else []
    )
    assert it.told() == ([] if known else [FailCallback("contract-1", BACK, "no-number")])
    await it.desk.stop()


@pytest.mark.parametrize("noted", [True, False])
async def test_an_agent_waits_and_nobody_is_called(*, noted: bool) -> None:
    """Of an engine that died between accepting and dialling nothing was noted: the customer is called now.

    If they were called for this agent, what came of it nobody heard: an attempt, and no second call.
    """
    it = Parts()
    call, _ = await it.opened()
    it.ari.status = lambda _method, _path: 200
    it.ari.body = lambda method, _path: {"value": OFFER if noted else ""} if method == "GET" else {}
    await it.callbacks.resume(call)
    await it.desk.lanes_idle()
    assert bool(it.dialled()) is not noted
    assert it.told() == ([FailCallback("contract-1", BACK, "lost")] if noted else [])
    await it.desk.stop()


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(17, "busy"), (19, "no-answer"), (0, "no-answer"), (21, "rejected"), (1, "unknown-number"), (38, "unreachable")],
)
async def test_why_nobody_answered(cause: int, reason: str) -> None:
    it = Parts()
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)
    it.callbacks.handle(CustomerGone(NAMES.back(OFFER), cause))
    it.callbacks.handle(CustomerGone(NAMES.back(OFFER), cause))
    await it.desk.lanes_idle()
    assert it.told() == [FailCallback("contract-1", BACK, reason)]
    assert not call.channel_id
    await it.desk.stop()


async def test_no_answer_from_the_pbx_is_none_from_the_customer() -> None:
    """It may ring all the same: nothing is told, and a comparison has to see to it."""
    it = Parts()
    call, leg = await it.opened()
    it.ari.status = lambda _method, path: AriUnavailable("late") if path == CUSTOMER else 204
    with pytest.raises(AriUnavailable):
        await it.callbacks.dial(call, leg)
    assert it.told() == []
    it.callbacks.take_over(keep(AriChannel(NAMES.back(OFFER), "Ringing")))
    await it.callbacks.dial(call, leg)
    assert len(it.dialled()) == 1
    await it.desk.stop()


async def test_who_could_not_be_told_anything_is_told_after_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is lost at the moment at which the customer picks up."""
    it = Parts()
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)
    told: list[str] = []

    async def play(channel_id: str, *_media: object, **_how: object) -> str:
        told.append(channel_id)
        if len(told) == 1:
            raise AriUnavailable("POST bridges: disconnected")
        return "gone"

    monkeypatch.setattr(it.orders.prompts, "play", play)
    it.callbacks.handle(CustomerAnswered(NAMES.back(OFFER)))
    while it.host.reconciles == 0:
        await asyncio.sleep(POLL_SECONDS)
    it.callbacks.take_over(keep(AriChannel(NAMES.back(OFFER), "Up", dialplan=IN_STASIS)))
    it.callbacks.welcome(call)
    await asyncio.sleep(0)
    assert told == [NAMES.back(OFFER)] * 2
    assert it.told() == []
    await it.desk.stop()


async def test_an_endpoint_that_is_not_there() -> None:
    it = Parts()
    call, leg = await it.opened()
    it.ari.status = lambda _method, path: 500 if path == CUSTOMER else 204
    await it.callbacks.dial(call, leg)
    assert it.told() == [FailCallback("contract-1", BACK, "unreachable")]
    await it.desk.stop()


async def test_a_store_that_does_not_say_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt like any other that reaches nobody; there will be another one."""
    it = Parts()
    call, leg = await it.opened()

    async def recall(_customer: str) -> Personal | None:
        raise PersonalStoreError("closed")

    monkeypatch.setattr(it.host, "recall", recall)
    await it.callbacks.dial(call, leg)
    assert it.dialled() == []
    assert it.told() == [FailCallback("contract-1", BACK, "no-number")]
    await it.desk.stop()


async def test_a_customer_of_an_attempt_that_is_over_is_hung_up() -> None:
    """The agent went while it rang, and the customer picked up at that moment."""
    it = Parts()
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)
    leg.end()
    await it.callbacks.rest(call)
    it.callbacks.handle(CustomerAnswered(NAMES.back(OFFER)))
    await it.desk.lanes_idle()
    assert ("DELETE", CUSTOMER, None) in it.ari.asked
    assert call.back is not None
    assert (call.back.state, call.channel_id, it.told()) == ("away", "", [])
    await it.desk.stop()


async def test_a_voicemail_that_goes_on_after_it_was_hung_up_is_not_left_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk said that it was hung up, and has it still: it is asked again. Nobody is asked twice at a time."""
    it = Parts()
    callbacks = structs.replace(OPTIONS.callbacks, key="1", tries=1)
    it.desk.options = structs.replace(OPTIONS, callbacks=callbacks)
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)
    answers: list[asyncio.Future[Answer]] = []

    async def ask(_channel_id: str, _question: Question) -> Answer:
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    monkeypatch.setattr(it.orders.prompts, "ask", ask)
    it.callbacks.handle(CustomerAnswered(NAMES.back(OFFER)))
    await until(lambda: len(answers) == 1, lambda: "never asked")
    up = keep(AriChannel(NAMES.back(OFFER), "Up", dialplan=IN_STASIS))
    assert not it.callbacks.is_forgotten(BACK)
    it.callbacks.take_over(up)
    it.callbacks.welcome(call)
    assert call.back is not None
    assert (call.back.state, len(answers)) == ("asking", 1)
    answers[0].set_result(Answer("", "silence"))
    await until(lambda: it.callbacks.is_forgotten(BACK), lambda: "never found by a look")
    assert ("DELETE", CUSTOMER, None) in it.ari.asked
    it.callbacks.take_over(up)
    it.callbacks.welcome(call)
    await until(lambda: len(answers) == 2, lambda: "never asked again")
    await it.desk.stop()


async def test_an_agent_who_goes_while_the_number_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is called for them; a customer who answers to nobody's call is hung up."""
    it = Parts()
    call, leg = await it.opened()
    known = asyncio.Event()
    recall = it.host.recall

    async def slow(customer: str) -> Personal | None:
        await known.wait()
        return await recall(customer)

    monkeypatch.setattr(it.host, "recall", slow)
    dialling = asyncio.create_task(it.callbacks.dial(call, leg))
    await asyncio.sleep(0)
    leg.end()
    await it.callbacks.rest(call)
    known.set()
    await dialling
    assert it.dialled() == []
    assert call.back is not None
    assert (call.back.state, call.channel_id, it.told()) == ("away", "", [])
    again = call.add_leg(Leg("b1.2", "ben", state="answered", accepted=True))
    await it.callbacks.dial(call, again)
    assert [path for method, path, _ in it.ari.asked if method == "POST" and "/variable" not in path] == [
        f"channels/{NAMES.back('b1.2')}"
    ]
    await it.desk.stop()


async def test_who_is_there_when_the_agent_has_gone_waits_like_any_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever speaks to those who wait is told of them."""
    it = Parts()
    waiting: list[Call] = []
    monkeypatch.setattr(it.announcer, "begin", waiting.append)
    call, leg = await it.opened()
    await it.callbacks.dial(call, leg)

    async def play(_channel_id: str, *_media: object, **_how: object) -> str:
        leg.end()
        return "end"

    monkeypatch.setattr(it.orders.prompts, "play", play)
    it.callbacks.handle(CustomerAnswered(NAMES.back(OFFER)))
    await until(lambda: waiting == [call], lambda: f"{len(waiting)} wait")
    assert call.is_reached
    assert call.parking is not None
    await it.desk.stop()


@pytest.mark.parametrize("unusable", ["订单/1;2", "a!b", "x" * 101])
@pytest.mark.parametrize("found", [False, True])
async def test_an_id_that_no_channel_can_be_named_after_ends_the_callback(unusable: str, *, found: bool) -> None:
    """Whether it is offered now, or was while nobody could be called; no telephone rings."""
    it = Parts()
    offer = f"{unusable}.1"
    it.host.interactions[unusable] = InteractionStanding(unusable, "offered", "sales", kind="callback")
    if found:
        wish = Desired(unusable, "offered", offer, "anna")
        kept = Keep(wish, AriChannel(""), (), met=False, has_bridge=False, is_back=True)
        call: Call | None = it.callbacks.take_over(kept)
    else:
        call = it.callbacks.open(unusable)
    assert call is not None
    await it.orders.ring(call, offer, "anna")
    await until(lambda: len(it.told()) > 0, lambda: "nothing was told")
    assert it.told() == [EndInteraction("contract-1", unusable, by="system", reason="unusable-id")]
    assert it.ari.asked == []
    await it.desk.stop()


async def test_who_was_reached_at_an_earlier_attempt_has_not_been_at_this_one() -> None:
    it = Parts()
    await it.opened()
    standing = InteractionStanding(BACK, "active", "sales", ((REACHED, "1"),), kind="callback", attempts=0)
    it.host.interactions[BACK] = standing
    assert it.callbacks.is_reached(BACK)
    it.host.interactions[BACK] = InteractionStanding(
        BACK, "active", "sales", ((REACHED, "1"),), kind="callback", attempts=1
    )
    assert not it.callbacks.is_reached(BACK)
    it.host.interactions[BACK] = InteractionStanding(BACK, "active", "sales")
    assert not it.callbacks.is_back(BACK)
    await it.desk.stop()


def keep(channel: AriChannel, *, met: bool = False) -> Keep:
    return Keep(Desired(BACK, "connected", OFFER, "anna"), channel, (), met, has_bridge=False, is_back=True)


async def test_what_another_process_finds() -> None:
    """Ringing goes on, who has answered is welcomed, who talks talks on."""
    for channel, met, state in (
        (AriChannel(""), False, "away"),
        (AriChannel(NAMES.back(OFFER), "Ringing"), False, "dialling"),
        (AriChannel(NAMES.back(OFFER), "Up", dialplan=IN_STASIS), False, "dialling"),
        (AriChannel(NAMES.back(OFFER), "Up", dialplan=IN_STASIS), True, "there"),
    ):
        it = Parts()
        it.host.interactions[BACK] = InteractionStanding(BACK, "active", "sales", kind="callback")
        call = it.callbacks.take_over(keep(channel, met=met))
        assert call.back is not None
        assert (call.back.state, call.channel_id, call.is_reached) == (state, channel.id, met)
        await it.desk.stop()
