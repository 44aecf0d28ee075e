"""The auditor's rules, one by one: each says what is wrong with what it is shown."""

from collections.abc import Callable

import pytest

from acd.core.engine import Engine
from acd.core.messages import (
    ApplyConfig,
    Command,
    CoreSettings,
    EnqueueInteraction,
    OfferInteraction,
    Outcome,
    Recover,
    SignInAgent,
    Tick,
)
from acd.core.messages.codec import encode
from acd.core.messages.settings import AgentSettings, QueueSettings
from acd.ports.channel import Desired
from acd.ports.journal import Entry
from acd.runtime.replay import outcome_digest
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.coverage import Coverage
from acd.testing.simulator.referee import Referee, Violation


class Book:
    """An auditor with a little history, and an engine that writes for it."""

    def __init__(self) -> None:
        self.auditor = Auditor("main", Referee(), Coverage())
        self.engine = Engine("main")
        self.write(ApplyConfig("config", CoreSettings((AgentSettings("anna"),), (QueueSettings("sales"),))))
        self.write(SignInAgent("in", "anna", ready=True))
        self.write(EnqueueInteraction("enqueue", "call", "voice", "sales", instance="pbx"))

    def entry(self, command: Command, at_us: int = 0) -> Entry:
        outcome = self.engine.apply(command, max(at_us, self.engine.now_us))
        return Entry(command.id, command.ORIGIN, self.engine.now_us, encode(command), outcome_digest(outcome))

    def write(self, command: Command, epoch: int = 1, at_us: int = 0) -> None:
        self.auditor.durable(epoch, self.auditor.seq + 1, [self.entry(command, at_us)])


RING = OfferInteraction("call.1", "call", "anna", "pbx", 20_000_000)

BREACHES: dict[str, Callable[[Book], object]] = {
    "was published, and the disk ends at 3": lambda book: book.auditor.published(4),
    "left before its commit": lambda book: book.auditor.performed(OfferInteraction("x.1", "x", "anna", "pbx", 5)),
    "the offer was never committed": lambda book: book.auditor.wished((Desired("x", "offered", "x.1", "anna"),)),
    "was answered before its commit": lambda book: book.auditor.answered("nobody", Outcome()),
    "on disk is": lambda book: book.auditor.answered("enqueue", Outcome()),
    "was said not to be": lambda book: book.auditor.denied("enqueue"),
    "is not the one that wrote it": lambda book: book.auditor.loaded("0123"),
    "was carried out before": lambda book: book.write(SignInAgent("in", "anna")),
    "a new life began without recovery": lambda book: book.write(Tick("tick"), epoch=2),
    "was written after row 3": lambda book: book.auditor.durable(1, 9, [book.entry(Tick("tick"))]),
    "recorded is wrong": lambda book: book.auditor.durable(
        1, 4, [Entry("t", "system", book.engine.now_us, encode(Tick("t")), "wrong")]
    ),
}


@pytest.mark.parametrize("words", BREACHES)
def test_a_breach_is_named(words: str) -> None:
    book = Book()
    with pytest.raises(Violation, match=words):
        BREACHES[words](book)
    assert words in book.auditor._referee.verdict
    assert book.auditor._referee.called.is_set()


def test_what_is_right_is_let_pass() -> None:
    book = Book()
    auditor = book.auditor
    auditor.published(3)
    auditor.performed(RING)
    auditor.wished((Desired("call", "offered", "call.1", "anna"),))
    recorded = book.engine.recorded("enqueue")
    assert recorded is not None
    auditor.answered("enqueue", recorded)
    auditor.denied("another")
    auditor.loaded(book.engine.digest())
    book.write(Recover("recover-2"), epoch=2)
    assert auditor.lives("call")
    assert auditor.desired() == {"pbx": {"call": Desired("call", "offered", "call.1", "anna")}}
    assert auditor.live() == ["call", "call.1"]


def test_an_offer_that_expires_over_a_restart_is_a_breach() -> None:
    book = Book()
    # As if the recovery had been left out: its row is there, what it does is not.
    book.auditor.epoch = 2
    with pytest.raises(Violation, match="expired on an agent over a restart"):
        book.write(Tick("tick"), epoch=2, at_us=21_000_000)
