"""The one tree of exceptions. Refusals of commands are not exceptions: they are outcomes.

AcdError
├── RequirementError        a requirement cannot be read; its text carries a caret
├── StrategyError           a state or a journal needs a strategy of one's own that is not there or has changed
├── ConfigError             the configuration is wrong; carries every problem found
├── JournalError
│   ├── JournalCorrupt      a row is missing, altered or truncated; names the row
│   ├── JournalUnavailable  the journal cannot be written (a full disk, …)
│   └── OutcomeUnknown      a commit failed and cannot be looked up now: hand it in again with the same id
├── PastUnavailable         older events cannot be told again; says why by a code
├── HistoryUnavailable      what has happened cannot be looked up or explained just now
├── VersionsError           versions of the configuration cannot be read or written
├── VersionChanged          another version of the configuration is in force than the one that was to be replaced
├── RepeatsError            it cannot be found out whether a request was made before
│   └── RepeatsDamaged      the file about that is damaged; it is made anew from the journal
├── RequestReused           an `Idempotency-Key` was used for another request before
├── EntryOfFile             an agent, queue, capacity or calendar belongs to the configuration file, not to the API
├── PersonalStoreError      a customer's data cannot be read or written
├── ChatStoreError          conversations in writing cannot be read or written
│   └── ChatDamaged         one of them has been altered, or cut off; the others can be read
├── EarlierStoreError       earlier conversations and notes cannot be read or written
├── OutboxError             the outbox cannot be read or written
│   └── OutboxFull          too many messages wait, or one is too large; it was not taken
├── DeliveryRefused         a far end will never take this message: do not try again
├── CommandInvalid          a command's field has a wrong type or range; names the field
├── CommandQuarantined      a command made the engine raise; it was set aside
├── RouterClosed            the router is stopping or has stopped
├── RouterOverloaded        the router's inbox is full
├── ApiProblem              to a client: the API refuses; carries status, code and detail
├── StreamLost              to a client: events after its cursor cannot be had any more
└── ChannelError            a channel could not be opened or could not do what it was asked
"""


class AcdError(Exception):
    """Base of everything this library raises on purpose."""


class RequirementError(AcdError):
    """A requirement cannot be read. `str()` shows the text with a caret under the place."""

    def __init__(self, problem: str, text: str, column: int) -> None:
        """`column` counts characters from 0."""
        self.problem = problem
        self.text = text
        self.column = column
        super().__init__(f"{problem}\n  {text}\n  {' ' * column}^")


class StrategyError(AcdError):
    """A state, or a journal, was made with a strategy of one's own that is not there, or whose code has changed."""


class ConfigError(AcdError):
    """The configuration is wrong. `problems` holds every one found, each a line for a person."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """`problems` is not empty."""
        self.problems = problems
        super().__init__("\n".join(problems))


class JournalError(AcdError):
    """Something about the journal."""


class JournalCorrupt(JournalError):
    """A row is missing, altered or truncated. The message names it."""


class JournalUnavailable(JournalError):
    """The journal cannot be written or read just now: a full disk, a lost device."""


class OutcomeUnknown(JournalError):
    """A commit failed, and the journal cannot be read to find out what it left.

    The same command with the same id, handed in when the journal is back, is carried out once, whatever happened.
    """


class PastUnavailable(AcdError):
    """Older events cannot be told again: `code` is `too-old`, `busy` (come back later) or `unreadable`."""

    def __init__(self, code: str, detail: str) -> None:
        """`detail` is a sentence for a person."""
        self.code = code
        super().__init__(detail)


class HistoryUnavailable(AcdError):
    """What has happened cannot be looked up or explained just now: too much is asked at once, or it takes too long."""


class VersionsError(AcdError):
    """Versions of the configuration cannot be read or written."""


class VersionChanged(AcdError):
    """Another version of the configuration is in force than the one that was to be replaced."""


class RepeatsError(AcdError):
    """It cannot be found out just now whether a request was made before."""


class RepeatsDamaged(RepeatsError):
    """The file of requests that were made before is damaged; it is made anew from the journal."""


class RequestReused(AcdError):
    """An `Idempotency-Key` was used for another request before."""


class EntryOfFile(AcdError):
    """An agent, queue, capacity or calendar belongs to the configuration file, and is not for the API to change."""


class PersonalStoreError(AcdError):
    """A customer's data cannot be read or written."""


class ChatStoreError(AcdError):
    """Conversations of a web chat cannot be read or written."""


class EarlierStoreError(AcdError):
    """Earlier conversations and notes cannot be read or written."""


class ChatDamaged(ChatStoreError):
    """One conversation has been altered, or its file cut off. The message names it; the others can be read."""


class OutboxError(AcdError):
    """The outbox cannot be read or written."""


class OutboxFull(OutboxError):
    """Too many messages wait, or one is too large; it was not taken."""


class DeliveryRefused(AcdError):
    """Raised by a sender: the far end will never take this message, so do not try again."""


class CommandInvalid(AcdError):
    """A command has a field of a wrong type or out of range. The message names the field."""


class CommandQuarantined(AcdError):
    """A command made the engine raise. It was set aside by name and changed nothing."""


class RouterClosed(AcdError):
    """The router is stopping, or has stopped."""


class RouterOverloaded(AcdError):
    """The router's inbox is full; the command was not taken."""


class ChannelError(AcdError):
    """A channel could not be opened, or could not do what it was asked."""


class ApiProblem(AcdError):
    """What the API answers other than success, for a client: `status`, stable `code`, and a sentence, `detail`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """As in the problem document (RFC 9457)."""
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(f"{status} {code}: {detail}")


class StreamLost(AcdError):
    """For a client of events: what came after `cursor` cannot be had. Read the state anew, and follow without one."""

    def __init__(self, cursor: str, detail: str) -> None:
        """`detail` is a sentence for a person."""
        self.cursor = cursor
        super().__init__(detail)
