"""AMI over a real socket, with a far end that behaves badly; the real Asterisk is in `test_running`."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from acd.errors import ChannelError
from acd_asterisk.importing.ami import Ami, AmiRefused, value_of

GREETING = b"Asterisk Call Manager/9.0.0\r\n"
Answer = Callable[[str, str], bytes]
"""(action, its id) → what the far end sends."""


def polite(action: str, own: str) -> bytes:
    more = "Challenge: 12345\r\n" if action == "Challenge" else ""
    return f"Response: Success\r\nActionID: {own}\r\n{more}\r\n".encode()


class FarEnd:
    """Takes one connection, greets, and answers each action; keeps what it was sent."""

    def __init__(self, answer: Answer, greeting: bytes, piece: int) -> None:
        self.received = b""
        self._answer, self._greeting, self._piece = answer, greeting, piece
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Whoever has heard enough hangs up in the middle.
        with connection, suppress(ConnectionError):
            self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        self._send(connection, self._greeting)
        done = 0
        while more := connection.recv(4_096):
            self.received += more
            actions = self.received.split(b"\r\n\r\n")[:-1]
            for each in actions[done:]:
                found = dict(re.findall(r"(\w+): (.*)", each.decode().replace("\r", "")))
                answer = self._answer(found["Action"], found["ActionID"])
                if not answer:
                    return
                self._send(connection, answer)
            done = len(actions)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        for start in range(0, len(data), self._piece):
            connection.sendall(data[start : start + self._piece])


@contextmanager
def far_end(answer: Answer = polite, greeting: bytes = GREETING, piece: int = 1_000_000) -> Iterator[FarEnd]:
    found = FarEnd(answer, greeting, piece)
    found.start()
    try:
        yield found
    finally:
        found.stop()


def test_names_survive_packets_that_end_within_a_character() -> None:
    def answer(action: str, own: str) -> bytes:
        listed = (
            f"Event: QueueMember\r\nName: 张伟 Ünal\r\nActionID: {own}\r\n\r\nEvent: End\r\nActionID: {own}\r\n\r\n"
        )
        return polite(action, own) + (listed.encode() if action == "QueueStatus" else b"")

    with far_end(answer, piece=1) as pbx, Ami("127.0.0.1", pbx.port, "acd", "secret") as ami:
        (member,) = ami.ask_list("QueueStatus", "End")
        assert value_of(member, "name") == "张伟 Ünal"


def test_the_secret_is_proved_and_not_sent() -> None:
    with far_end() as pbx, Ami("127.0.0.1", pbx.port, "acd", "secret"):
        pass
    assert b"secret" not in pbx.received
    assert hashlib.md5(b"12345secret", usedforsecurity=False).hexdigest().encode() in pbx.received
    assert b"Events: off" in pbx.received


def test_events_and_answers_of_others_are_passed_over() -> None:
    def answer(action: str, own: str) -> bytes:
        noise = b"Event: FullyBooted\r\n\r\nResponse: Error\r\nActionID: somebody-else\r\nMessage: no\r\n\r\n"
        return noise + polite(action, own)

    with far_end(answer) as pbx, Ami("127.0.0.1", pbx.port, "acd", "secret") as ami:
        assert value_of(ami.ask("Ping"), "Response") == "Success"


def test_a_refusal_is_asterisks_own_text() -> None:
    def answer(action: str, own: str) -> bytes:
        refused = f"Response: Error\r\nActionID: {own}\r\nMessage: Permission denied\r\n\r\n".encode()
        return refused if action == "GetConfig" else polite(action, own)

    with (
        far_end(answer) as pbx,
        Ami("127.0.0.1", pbx.port, "acd", "secret") as ami,
        pytest.raises(AmiRefused, match=r"^Permission denied$"),
    ):
        ami.ask("GetConfig", Filename="queues.conf")


def test_a_line_break_cannot_begin_another_action() -> None:
    with far_end() as pbx, Ami("127.0.0.1", pbx.port, "acd", "secret") as ami:
        for bad in ("x\r\n\r\nAction: Originate", "x\ny", "x\0y"):
            with pytest.raises(ChannelError, match="a line break or NUL, which would be another action"):
                ami.ask("GetConfig", Filename=bad)
    assert b"Originate" not in pbx.received


def test_another_service_is_recognised() -> None:
    with (
        far_end(greeting=b"SSH-2.0-OpenSSH_9.2\r\n") as pbx,
        pytest.raises(ChannelError, match=r'says "SSH-2\.0-OpenSSH_9\.2", which is not AMI; is it the right port\?'),
        Ami("127.0.0.1", pbx.port, "acd", "secret"),
    ):
        pass


def test_a_far_end_that_hangs_up_is_said() -> None:
    with (
        far_end(lambda action, own: b"" if action == "Login" else polite(action, own)) as pbx,
        pytest.raises(ChannelError, match=f"AMI of 127.0.0.1:{pbx.port}: the PBX closed the connection"),
        Ami("127.0.0.1", pbx.port, "acd", "secret"),
    ):
        pass


def test_a_far_end_that_is_silent_is_waited_for_so_long_and_no_longer() -> None:
    with (
        far_end(lambda _action, _own: b"A", greeting=b"") as pbx,
        pytest.raises(ChannelError, match=r"no answer to Challenge within 0\.05 s"),
        Ami("127.0.0.1", pbx.port, "acd", "secret", patience=0.05),
    ):
        pass


def test_a_line_without_an_end_is_not_read_for_ever() -> None:
    with (
        far_end(greeting=b"x" * 1_000_000) as pbx,
        pytest.raises(ChannelError, match="which is not AMI"),
        Ami("127.0.0.1", pbx.port, "acd", "secret"),
    ):
        pass


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        pytest.raises(
            ChannelError, match=f"AMI of 127.0.0.1:{port}: Connection refused; is it enabled in manager.conf"
        ),
        Ami("127.0.0.1", port, "acd", "secret"),
    ):
        pass
