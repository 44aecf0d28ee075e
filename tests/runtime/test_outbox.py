"""The outbox: nothing lost, nothing taken twice, order per destination, bounds."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acd.errors import OutboxError, OutboxFull
from acd.ports.stores import OutboxMessage
from acd.runtime.outbox import MAX_PAYLOAD, Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with closing(Outbox(tmp_path / "outbox", max_pending=20, max_attempts=3)) as outbox:
        yield outbox


def keys(messages: tuple[OutboxMessage, ...]) -> list[str]:
    return [message.key for message in messages]


def test_a_message_is_due_until_it_is_done(outbox: Outbox) -> None:
    assert outbox.put("k1", "webhook:crm", b"hello")
    assert outbox.due(0, 10) == (OutboxMessage("k1", "webhook:crm", b"hello", 0),)
    assert outbox.due(0, 10) == outbox.due(0, 10)
    outbox.done("k1")
    assert outbox.due(0, 10) == ()
    outbox.done("k1")
    assert outbox.counts() == (0, 0)


def test_a_key_is_taken_once_also_after_delivery_and_restart(outbox: Outbox, tmp_path: Path) -> None:
    assert outbox.put("k1", "sms", b"x")
    assert not outbox.put("k1", "sms", b"x")
    assert len(outbox.due(0, 10)) == 1
    outbox.done("k1")
    assert not outbox.put("k1", "sms", b"x")
    outbox.close()
    with closing(Outbox(tmp_path / "outbox")) as again:
        assert not again.put("k1", "sms", b"x")
        assert again.due(0, 10) == ()


def test_what_waits_survives_a_restart_in_order_with_its_attempts(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put_many([OutboxMessage(f"k{n}", "sms", b"%d" % n) for n in range(5)], position=17)
    outbox.done("k0")
    outbox.failed("k1", "down", 1_000)
    outbox.close()
    outbox.close()
    with closing(Outbox(tmp_path / "outbox")) as again:
        assert again.counts() == (4, 0)
        assert again.position() == 17
        assert again.due(999, 10) == ()
        due = again.due(1_000, 10)
        assert keys(due) == ["k1", "k2", "k3", "k4"]
        assert [message.attempts for message in due] == [1, 0, 0, 0]
    with pytest.raises(OutboxError, match="closed"):
        outbox.put("k9", "sms", b"")


def test_a_failing_destination_rests_whole_and_alone(outbox: Outbox) -> None:
    outbox.put_many([OutboxMessage(f"{name}{n}", name, b"") for n in range(2) for name in ("a", "b")])
    assert not outbox.failed("a0", "down", 500)
    assert keys(outbox.due(499, 10)) == ["b0", "b1"]
    assert sorted(keys(outbox.due(500, 10))) == ["a0", "a1", "b0", "b1"]
    assert outbox.next_retry_us(besides={"b"}) == 500
    assert outbox.next_retry_us() == 0
    assert outbox.next_retry_us(besides={"a", "b"}) is None


def test_the_last_attempt_makes_a_dead_letter_and_frees_the_line(outbox: Outbox) -> None:
    outbox.put_many([OutboxMessage("k0", "sms", b"0"), OutboxMessage("k1", "sms", b"1")])
    assert [outbox.failed("k0", f"error {n}", 10 * n) for n in range(3)] == [False, False, True]
    assert keys(outbox.due(0, 10)) == ["k1"]
    assert outbox.dead() == ((OutboxMessage("k0", "sms", b"0", 3), "error 2"),)
    assert outbox.counts() == (1, 1)
    assert not outbox.failed("k0", "again", 0)
    assert not outbox.put("k0", "sms", b"0")


def test_a_final_failure_is_dead_at_once_and_can_be_revived(outbox: Outbox) -> None:
    outbox.put_many([OutboxMessage("k0", "sms", b"0"), OutboxMessage("k1", "sms", b"1")])
    assert outbox.failed("k0", "refused", 10, final=True)
    assert outbox.revive("k0")
    assert not outbox.revive("k0")
    assert outbox.due(0, 10) == (OutboxMessage("k1", "sms", b"1"), OutboxMessage("k0", "sms", b"0", 0))
    assert outbox.counts() == (2, 0)


def test_full_is_refused_whole_and_says_so(outbox: Outbox) -> None:
    outbox.put_many([OutboxMessage(f"k{n}", "sms", b"") for n in range(15)])
    with pytest.raises(OutboxFull, match="15 messages wait in the outbox already, of at most 20"):
        outbox.put_many([OutboxMessage(f"m{n}", "sms", b"") for n in range(6)], position=3)
    assert outbox.counts() == (15, 0)
    assert outbox.position() == 0
    assert outbox.put_many([OutboxMessage(f"k{n}", "sms", b"") for n in range(20)]) == 5
    assert not outbox.put("k0", "sms", b"")
    outbox.done("k0")
    assert outbox.put("m0", "sms", b"")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (OutboxMessage("k", "d", b"x" * (MAX_PAYLOAD + 1)), OutboxFull),
        (OutboxMessage("", "d", b""), OutboxError),
        (OutboxMessage("k" * 600, "d", b""), OutboxError),
        (OutboxMessage("k", "", b""), OutboxError),
        (OutboxMessage("k", "d" * 600, b""), OutboxError),
    ],
)
def test_unfit_messages_are_refused_with_their_batch(
    outbox: Outbox, message: OutboxMessage, error: type[Exception]
) -> None:
    with pytest.raises(error):
        outbox.put_many([OutboxMessage("good", "sms", b""), message])
    assert outbox.counts() == (0, 0)
    assert outbox.put("good", "sms", b"")


def test_too_many_destinations(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.runtime.outbox.MAX_DESTINATIONS", 2)
    outbox.put_many([OutboxMessage("k0", "a", b""), OutboxMessage("k1", "b", b"")])
    with pytest.raises(OutboxFull, match="2 destinations"):
        outbox.put("k2", "c", b"")
    outbox.done("k0")
    assert outbox.put("k2", "c", b"")


def test_due_is_shared_out_and_destinations_take_turns(outbox: Outbox) -> None:
    outbox.put_many([OutboxMessage(f"{name}{n}", name, b"") for name in "abcd" for n in range(4)])
    assert keys(outbox.due(0, 4)) == ["a0", "b0", "c0", "d0"]
    turns = [keys(outbox.due(0, 4, each=2)) for _ in range(4)]
    assert all(len(turn) == 4 for turn in turns)
    assert {key for turn in turns for key in turn} == {f"{name}{n}" for name in "abcd" for n in range(2)}
    assert keys(outbox.due(0, 100, besides=["a", "b", "c"])) == ["d0", "d1", "d2", "d3"]


def test_the_position_never_goes_back(outbox: Outbox) -> None:
    outbox.put_many([], position=9)
    outbox.put_many([], position=4)
    assert outbox.position() == 9


def test_delivered_keys_and_dead_letters_are_bounded(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.runtime.outbox.MAX_DELIVERED", 3)
    monkeypatch.setattr("acd.runtime.outbox._PRUNE_EVERY", 2)
    monkeypatch.setattr("acd.runtime.outbox.MAX_DEAD", 2)
    for n in range(6):
        outbox.put(f"k{n}", "sms", b"")
        outbox.done(f"k{n}")
    assert [outbox.put(f"k{n}", "sms", b"") for n in range(6)] == [True, True, True, False, False, False]
    for n in range(3):
        outbox.failed(f"k{n}", "refused", 0, final=True)
    assert [message.key for message, _ in outbox.dead()] == ["k2", "k1"]
    assert outbox.counts() == (0, 2)


def test_a_delivered_payload_is_forgotten(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put("k0", "sms", b"canary-payload")
    outbox.done("k0")
    outbox.close()
    assert b"canary-payload" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_full_disk_takes_nothing(outbox: Outbox) -> None:
    connection = outbox._connection
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(OutboxError, match="full"):
        outbox.put("k0", "sms", b"x" * 50_000)
    assert outbox.counts() == (0, 0)
    connection.execute("PRAGMA max_page_count = 100000")
    assert outbox.put("k0", "sms", b"x" * 50_000)


def test_other_files_and_other_processes(outbox: Outbox, tmp_path: Path) -> None:
    assert outbox.counts() == (0, 0)
    with pytest.raises(OutboxError, match=f"in use by process {os.getpid()}"):
        Outbox(tmp_path / "outbox")
    (tmp_path / "garbage").write_bytes(b"garbage" * 1_000)
    with pytest.raises(OutboxError, match="not a database"):
        Outbox(tmp_path / "garbage")
    with closing(sqlite3.connect(tmp_path / "theirs")) as theirs:
        theirs.execute("CREATE TABLE t (x)")
    with pytest.raises(OutboxError, match="another program's, not the outbox"):
        Outbox(tmp_path / "theirs")


PUTTER = """
import sys
from acd.runtime.outbox import Outbox
outbox = Outbox(sys.argv[1])
number = 0
while True:
    outbox.put(f"k{number}", "sms", b"x")
    print(number, flush=True)
    number += 1
"""


def test_what_was_put_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "killed"
    with subprocess.Popen([sys.executable, "-c", PUTTER, str(path)], stdout=subprocess.PIPE, text=True) as putter:
        assert putter.stdout is not None
        for _ in range(30):
            putter.stdout.readline()
        putter.kill()
        told = [line for line in putter.stdout.read().split("\n") if line]
    last = int(told[-1]) if told else 29
    with closing(Outbox(path)) as outbox:
        due = keys(outbox.due(0, 100_000))
    assert due[: last + 1] == [f"k{n}" for n in range(last + 1)]
    assert len(due) <= last + 2
