"""What the runtime keeps besides the journal: people, and messages that are on their way out.

Owns the two contracts. Must not know SQLite, files or encryption. Both block: they are called from threads.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from acd.errors import PersonalStoreError
from acd.ports.channel import Personal

References = tuple[str | PersonalStoreError, ...]


class PersonStore(Protocol):
    """Numbers, names and texts behind opaque references, so that erasing a person leaves the journal whole."""

    def remember(self, person: Personal) -> str:
        """Keep a person durably; returns the reference, the same for the same number. Raises `PersonalStoreError`."""
        ...

    def remember_many(self, people: Sequence[Personal]) -> References:
        """As `remember`, in one commit; a person who cannot be kept has the reason in place of a reference."""
        ...

    def begin_many(self, people: Sequence[Personal]) -> References:
        """As `remember_many`, but nothing is durable before `commit`. May be called again before it.

        When it raises, nobody is kept who has come since the last commit.
        """
        ...

    def commit(self) -> None:
        """What was begun is durable. Raises `PersonalStoreError`: then nobody is kept who has come since the last."""
        ...

    def recall(self, customer: str) -> Personal | None:
        """The person behind a reference; None when unknown or erased. Raises `PersonalStoreError`."""
        ...

    def erase(self, customer: str) -> bool:
        """Forget the person beyond recovery; False when there was none. Raises `PersonalStoreError`."""
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


@runtime_checkable
class PromptStore(PersonStore, Protocol):
    """A store that can often tell without a look at where people are kept. Optional: known by having these methods."""

    def remember_at_once(self, person: Personal) -> str | None:
        """The reference, the same for the same number; None when that cannot be told at once, or nobody can be kept.

        Called from the event loop: does not block, while another call does neither. What is new is told by `recall` and
        by the others from now on, and durable with the next `commit`; when that raises, it is lost.
        """
        ...

    def learn(self) -> bool:
        """Prepare, for a millisecond, to tell at once; True when there is nothing left. Raises `PersonalStoreError`."""
        ...


class OutboxMessage(Struct, frozen=True, gc=False):
    """A message on its way. `key` lets the far end drop a repetition; `attempts` counts failed ones so far.

    `destination` is `kind` or `kind:where` (`webhook:crm`): the kind picks the sender, the whole is one line
    whose order is kept. Neither may hold personal data: both appear in logs. `payload` should name people by reference
    only; the sender looks them up.
    """

    key: str
    destination: str
    payload: bytes
    attempts: int = 0


class LineStanding(Struct, frozen=True, gc=False):
    """How the messages to one destination stand.

    `pending` wait, `dead` were given up. Of the first that waits: `attempts` have failed, the last with `error`, and
    the next is not made before `retry_at_us`.
    """

    pending: int = 0
    dead: int = 0
    attempts: int = 0
    error: str = ""
    retry_at_us: int = 0


Sender = Callable[[OutboxMessage], Awaitable[None]]
"""Delivers one message, or raises: `DeliveryRefused` for good, anything else for now."""


class MessageOutbox(Protocol):
    """A durable outbox: at least once, in order per destination."""

    def put(self, idempotency_key: str, destination: str, payload: bytes) -> bool:
        """Take a message; False when the key was taken before. Raises `OutboxFull`, `OutboxError`."""
        ...

    def put_many(self, messages: Iterable[OutboxMessage], position: int | None = None) -> int:
        """As `put`, in one commit, with the journal row up to which this feeds it; returns how many were new."""
        ...

    def position(self) -> int:
        """The journal row of the last `put_many` that named one: feeding goes on after it."""
        ...

    def due(self, now_us: int, limit: int) -> tuple[OutboxMessage, ...]:
        """Messages that may be sent now, in order within each destination; none of one that waits for its retry."""
        ...

    def done(self, key: str) -> None:
        """It was delivered. The key stays known, so that putting it again does nothing."""
        ...

    def failed(self, key: str, error: str, retry_at_us: int) -> bool:
        """It was not. True when that was the last attempt, and it is now a dead letter."""
        ...
