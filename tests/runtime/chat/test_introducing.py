"""Customers whom the shop vouches for: which person they are, what stays with the conversation, and who is erased."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from acd.core.messages import EnqueueInteraction
from acd.errors import PersonalStoreError
from acd.ports.channel import Desired, Personal
from acd.runtime.chat.beginning import Invitation, Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Refused
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import Room
from acd.runtime.config.secrets import Secret
from tests.runtime.chat.chats import IDENTITY_SECRET, Host, options, signed

SECRETS: Final = (Secret(IDENTITY_SECRET),)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(tmp_path: Path, host: Host) -> AsyncIterator[WebChatChannel]:
    found = WebChatChannel("shop", options(tmp_path, identity_secrets=SECRETS))
    await found.start(host)
    yield found
    await found.stop()


@pytest.fixture
def reception(channel: WebChatChannel) -> Reception:
    return channel.reception


def statement(host: Host, **claims: object) -> str:
    return signed({"sub": "4711", "aud": "shop", "exp": host.now_us() // 1_000_000 + 60, **claims})


async def begun(reception: Reception, identity: str, key: str = "k", visitor: str = "cv_1") -> Room:
    room = await reception.begin(visitor, Wanted(key, name="said by the page", number="110", identity=identity))
    assert isinstance(room, Room), room
    return room


def customers(host: Host) -> list[str]:
    return [each.customer for each in host.commands if isinstance(each, EnqueueInteraction)]


async def over(channel: WebChatChannel, host: Host) -> None:
    host.wished.clear()
    await channel.reconcile(())


async def test_they_are_the_person_of_that_number(reception: Reception, host: Host) -> None:
    room = await begun(reception, statement(host, number="+491701234567", name="Chen Wei"))
    assert customers(host) == ["person-+491701234567"]
    assert host._people == {"person-+491701234567": Personal("+491701234567", "Chen Wei")}
    head = room.conversation.head
    assert (head.customer, head.name, head.number, head.vouched) == (
        "person-+491701234567",
        "Chen Wei",
        "+491701234567",
        True,
    )
    assert head.visitor == "cv_1"


async def test_without_a_number_they_are_the_shops_own_and_nobodys_telephone(reception: Reception, host: Host) -> None:
    await begun(reception, statement(host, sub="+491701234567"))
    assert customers(host) == ["person-+491701234567@shop"]


async def test_the_same_again_is_the_same_whatever_the_time(reception: Reception, host: Host) -> None:
    first = await begun(reception, statement(host))
    assert await begun(reception, signed({"sub": "4711", "aud": "shop", "exp": 1})) is first
    assert len(customers(host)) == 1


@pytest.mark.parametrize(("claims", "code"), [({"aud": "bank"}, "identity-invalid"), ({"exp": 1}, "identity-expired")])
async def test_what_is_no_good_begins_nothing(
    reception: Reception, host: Host, claims: dict[str, object], code: str
) -> None:
    answer = await reception.begin("cv_1", Wanted("k", identity=statement(host, **claims)))
    assert isinstance(answer, Refused)
    assert answer.code == code
    assert (customers(host), host._people) == ([], {})
    assert isinstance(await reception.begin("cv_1", Wanted("k2")), Room)


async def test_nobody_is_vouched_for_without_a_secret(tmp_path: Path, host: Host) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    answer = await channel.reception.begin("cv_1", Wanted("k", identity=statement(host)))
    assert isinstance(answer, Refused)
    assert answer.code == "no-identity"
    await channel.stop()


async def test_while_people_cannot_be_remembered_it_is_tried_again(
    reception: Reception, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_person: Personal) -> str:
        raise PersonalStoreError("a full disk")

    monkeypatch.setattr(host, "remember", fails)
    answer = await reception.begin("cv_1", Wanted("k", identity=statement(host)))
    assert isinstance(answer, Refused)
    assert answer.code == "unavailable"
    monkeypatch.undo()
    await begun(reception, statement(host))


async def test_an_agent_who_writes_again_writes_to_the_same_person(
    channel: WebChatChannel, reception: Reception, host: Host
) -> None:
    await begun(reception, statement(host, number="+491701234567"))
    await over(channel, host)
    invited = await reception.begin("cv_1", Wanted("i"), Invitation("anna", "i", "Is all well?"))
    assert isinstance(invited, Room)
    assert customers(host) == ["person-+491701234567"] * 2
    assert invited.conversation.head.vouched
    await over(channel, host)
    host._people.clear()  # nobody knows any more who that was
    invited = await reception.begin("cv_1", Wanted("i2"), Invitation("anna", "i2", "And now?"))
    assert isinstance(invited, Room)
    assert customers(host)[-1] == "cv_1"
    assert not invited.conversation.head.vouched


async def test_whoever_is_erased_is_forgotten_here_too(
    channel: WebChatChannel, reception: Reception, host: Host
) -> None:
    gone = await begun(reception, statement(host, number="+491701234567"))
    await over(channel, host)
    stays = await begun(reception, statement(host, number="+861380013800"), visitor="cv_2")
    assert await channel.erase("person-+491701234567") is True
    assert await channel.erase("person-+491701234567") is False
    assert await reception.find(gone.id) is None
    assert channel.rooms.get(gone.id) is None
    assert await reception.find(stays.id) is stays


async def test_whoever_is_erased_while_it_begins_is_not_kept(
    channel: WebChatChannel, reception: Reception, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the person was remembered, and before there was a conversation to forget."""
    remember = host.remember

    async def and_erased(person: Personal) -> str:
        customer = await remember(person)
        del host._people[customer]
        assert await channel.erase(customer) is False
        return customer

    monkeypatch.setattr(host, "remember", and_erased)
    who = statement(host, number="+491701234567", name="Chen Wei")
    answer = await reception.begin("cv_1", Wanted("k", identity=who))
    assert isinstance(answer, Refused)
    assert answer.code == "unavailable"
    assert customers(host) == []
    assert await reception.keeper.heads_of("cv_1", 9) == []
    monkeypatch.undo()
    await begun(reception, who)


async def test_one_that_goes_on_is_forgotten_when_it_has_ended(
    channel: WebChatChannel, reception: Reception, host: Host
) -> None:
    room = await begun(reception, statement(host, number="+491701234567"))
    assert await channel.erase(room.conversation.head.customer) is True
    host.wished[room.id] = Desired(room.id, "connected", "o1", "anna")
    await channel.reconcile(host.desired())
    assert not isinstance(await reception.post(room, "anna", "m-1", "Good day!"), Refused)
    await over(channel, host)
    await channel.sweep()
    assert await reception.find(room.id) is None
    assert await reception.keeper.heads_of("cv_1", 9) == []
