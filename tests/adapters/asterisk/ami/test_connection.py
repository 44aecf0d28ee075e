"""Every fault of panoramisk 1.4 that is known, closed: on the real Asterisk, or on a peer that misbehaves on demand."""

import asyncio
from pathlib import Path

import pytest
from panoramisk.message import Message

from acd_asterisk.ami import Access, AmiUnauthorized, AmiUnavailable, Link, Manager, text_of, texts_of
from acd_asterisk.lab import Pbx, Provisioned
from tests.adapters.asterisk.ami.certificate import certified, free_port
from tests.adapters.asterisk.ami.peer import Fields, scripted
from tests.adapters.asterisk.rig import until
from tests.frozen import frozen

PATIENCE_SECONDS = 10.0


def access(pbx: Pbx, **changes: str) -> Access:
    return Access(port=pbx.ami_port, user=pbx.ami_user, password=changes.get("password", pbx.ami_password))


async def opened(to: Access, **more: float) -> Manager:
    manager = Manager(to, deadline_seconds=more.get("deadline", 5.0), ping_seconds=more.get("ping", 60.0))
    await manager.open()
    assert text_of(await manager.next(), "Event") == "FullyBooted"
    return manager


async def test_text_that_is_cut_between_packets_stays_whole() -> None:
    async with scripted() as (peer, to):
        manager = await opened(to)
        name = "王小明 ÄÖÜ"
        for byte in f"Event: Said\r\nCallerIDName: {name}\r\n\r\n".encode():
            await peer.say(bytes((byte,)))
            await asyncio.sleep(0)  # So that it is a packet of its own.
        assert text_of(await manager.next(), "CallerIDName") == name
        manager.close()


async def test_a_callback_that_raises_harms_nobody() -> None:
    async with scripted() as (peer, to):
        manager = await opened(to)
        heard: list[str] = []

        def fails(_manager: object, _event: Message) -> None:
            raise RuntimeError("of a test")

        manager.register_event("Said", fails)
        manager.register_event("Said", lambda _manager, event: heard.append(text_of(event, "Word")))
        await peer.say("Event: Said\r\nWord: one\r\n\r\nEvent: Said\r\nWord: two\r\n\r\n")
        assert [text_of(await manager.next(), "Word") for _ in range(2)] == ["one", "two"]
        assert heard == ["one", "two"]
        assert (await manager.ask("Ping")).is_success
        manager.close()


async def test_callbacks_are_plain_functions() -> None:
    manager = Manager(Access(user="acd", password="x"))

    async def runs_beside(_manager: object, _event: Message) -> None:
        """Would lose the order."""

    with pytest.raises(TypeError, match="side by side"):
        manager.register_event("*", runs_beside)
    with pytest.raises(TypeError, match="side by side"):
        manager.register_event("*")(runs_beside)


async def test_nothing_is_sent_a_second_time() -> None:
    """panoramisk sends what had no answer again after a reconnect: a second call."""
    async with scripted() as (peer, to):

        async def hangs_up(_fields: Fields) -> None:
            peer.writer.transport.abort()

        peer.answers["Originate"] = hangs_up
        live, lost = asyncio.Event(), asyncio.Event()

        async def look(_manager: Manager) -> None:
            live.set()

        link = Link("pbx1", lambda: Manager(to), look=look, handle=lambda _event: None, lost=lost.set)
        task = asyncio.create_task(link.run())
        await live.wait()
        with pytest.raises(AmiUnavailable):
            await link.manager.ask("Originate", {"Channel": "Local/x@y"})
        await lost.wait()
        live.clear()
        await live.wait()
        await link.manager.ask("Ping")
        assert peer.connections == 2
        assert peer.names().count("Originate") == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_action_has_a_deadline() -> None:
    async with scripted() as (peer, to):
        manager = await opened(to, deadline=0.05)

        async def says_nothing(_fields: Fields) -> None:
            """As a deadlocked Asterisk does."""

        peer.answers["CoreStatus"] = says_nothing
        with pytest.raises(AmiUnavailable, match=r"no answer to CoreStatus within 0.05 s"):
            await manager.ask("CoreStatus")
        assert (await manager.ask("Ping")).is_success
        # What comes too late is nobody's.
        late = peer.asked[-2]["ActionID"]
        await peer.say(f"Response: Success\r\nActionID: {late}\r\n\r\n")
        assert (await manager.ask("Ping")).is_success
        manager.close()


async def test_a_frozen_pbx_is_noticed() -> None:
    async with scripted() as (peer, to):
        manager = await opened(to, deadline=0.05, ping=0.01)
        await until(lambda: "Ping" in peer.names(), lambda: str(peer.names()))
        assert not manager.ended.is_set()
        peer.is_frozen = True
        async with asyncio.timeout(PATIENCE_SECONDS):
            await manager.ended.wait()
        assert "a ping had no answer" in manager.reason


async def test_a_frozen_asterisk_is_noticed(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        manager = await opened(access(pbx), deadline=0.3, ping=0.05)
        assert pbx.pid is not None
        with frozen(pbx.pid):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await manager.ended.wait()
        assert "a ping had no answer" in manager.reason


async def test_before_it_is_connected() -> None:
    with pytest.raises(AmiUnavailable, match="not connected"):
        await Manager(Access(user="acd", password="x")).ask("Ping")


async def test_nobody_listens() -> None:
    with pytest.raises(AmiUnavailable, match=r"AMI of 127\.0\.0\.1:9: Connection refused"):
        await Manager(Access(port=9, user="acd", password="x")).open()


async def test_what_is_not_ami_is_said() -> None:
    async with scripted() as (peer, to):

        async def other(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(other, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AmiUnavailable, match="which is not AMI; is it the right port"):
            await Manager(Access(port=port, user=to.user, password=to.password)).open()
        server.close()
        assert peer.connections == 0


async def test_too_many_events_end_the_connection() -> None:
    async with scripted() as (peer, to):
        manager = Manager(to, most_events=3)
        await manager.open()
        await peer.say("Event: Said\r\n\r\n" * 3)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await manager.ended.wait()
        assert manager.reason == "more than 3 events were waiting"


async def test_only_what_is_wanted_is_read() -> None:
    async with scripted() as (peer, to):
        manager = Manager(to, wanted=frozenset({"Said"}))
        await manager.open()
        await peer.say("Event: Noise\r\n\r\nEvent: Said\r\nWord: one\r\n\r\nEvent: SaidAloud\r\n\r\n")
        await peer.say("Event: Said\r\nWord: two\r\n\r\n")
        names = [await manager.next() for _ in range(3)]
        assert [text_of(each, "Word") for each in names] == ["", "one", "two"]
        assert manager.waiting == 0
        manager.close()


async def test_the_secret_is_not_sent() -> None:
    async with scripted() as (peer, to):
        manager = await opened(to)
        assert "canary" not in str(peer.asked)
        assert "canary" not in repr(to)
        manager.close()


async def test_a_wrong_secret_is_an_error(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        with pytest.raises(AmiUnauthorized, match='"acd" was not let in'):
            await Manager(access(pbx, password="canary-wrong")).open()


async def test_a_user_who_may_not_hear_that_it_has_booted(provisioned: Provisioned) -> None:
    config = {"manager.conf": "\n[deaf]\nsecret = x\nread = call\nwrite = all\n"}
    async with Pbx(provisioned, extra_config=config) as pbx:
        deaf = Access(port=pbx.ami_port, user="deaf", password="x")
        with pytest.raises(AmiUnauthorized, match="give its user read = system"):
            await Manager(deaf, boot_seconds=0.2).open()


async def test_queue_add_is_answered_and_lists_are_whole(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        manager = await opened(access(pbx))
        added = await manager.ask(
            "QueueAdd", {"Queue": "acd-fallback", "Interface": "Local/1@x", "MemberName": "王小明"}
        )
        assert added.is_success
        status = await manager.ask_list("QueueStatus", {"Queue": "acd-fallback"})
        members = [each for each in status.items if text_of(each, "Event") == "QueueMember"]
        assert [text_of(each, "Name") for each in members] == ["王小明"]
        again = await manager.ask("QueueAdd", {"Queue": "acd-fallback", "Interface": "Local/1@x"})
        assert not again.is_success
        assert "Already there" in again.reason
        shown = await manager.ask("Command", {"Command": "core show uptime"})
        assert "System uptime" in texts_of(shown.response, "Output")[0]
        manager.close()


async def test_after_a_restart_everything_is_looked_up_again(provisioned: Provisioned) -> None:
    async with Pbx(provisioned) as pbx:
        looked: list[str] = []
        news = asyncio.Event()

        async def look(manager: Manager) -> None:
            looked.append(text_of((await manager.ask("CoreStatus")).response, "CoreStartupTime"))
            news.set()

        link = Link("pbx1", lambda: Manager(access(pbx)), look=look, handle=lambda _event: None, lost=lambda: None)
        task = asyncio.create_task(link.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await news.wait()
            news.clear()
            await pbx.restart()
            await news.wait()
        assert link.connects >= 2
        assert all(looked)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not link.is_live


async def test_over_tls(provisioned: Provisioned, tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    port = free_port()
    more = f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\ntlscertfile = {certificate}\ntlsprivatekey = {key}\n"
    async with Pbx(provisioned) as pbx:
        path = pbx.folder / "config" / "manager.conf"
        path.write_text(path.read_text().replace("displayconnects = no", f"displayconnects = no\n{more}"))
        await pbx.restart()
        to = access(pbx)
        safe = Access(host="127.0.0.1", port=port, user=to.user, password=to.password, tls=True, ca=str(certificate))
        manager = Manager(safe)
        await manager.open()
        assert (await manager.ask("Ping")).is_success
        manager.close()
        distrusted = Access(host="127.0.0.1", port=port, user=to.user, password=to.password, tls=True)
        with pytest.raises(AmiUnavailable, match="its certificate is not trusted"):
            await Manager(distrusted).open()
        wrong = Access(host="127.0.0.1", port=pbx.ami_port, user=to.user, password=to.password, tls=True)
        with pytest.raises(AmiUnavailable, match=r"does not speak TLS|no connection"):
            await Manager(wrong, deadline_seconds=1.0).open()
