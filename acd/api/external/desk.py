"""What an external channel's process asks for: commands about its own interactions, and people.

Owns what it may do, and in which order. Must not know connections. Commands of one interaction are handed in one after
the other, those of several at once. Somebody else's interaction looks as if it did not exist.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import structlog
from msgspec.structs import replace

from acd.api.external.orders import Outcome, Person, Remembered, Told
from acd.api.external.requests import (
    Enqueue,
    Ordered,
    Recall,
    Remember,
    command_of,
    enqueue_command,
    interaction_of,
)
from acd.api.interactions import reference_of
from acd.api.once import outcome_again
from acd.api.problems import RETRY_AFTER_SECONDS, Problem, internal, of_error, refused
from acd.core.messages import Command, Refusal
from acd.errors import AcdError, ChannelError
from acd.ports.channel import ChannelHost, Personal
from acd.runtime.external import ExternalChannel
from acd.runtime.repeat_store import Repeat
from acd.runtime.repeats import Repeats
from acd.runtime.request_key import RequestKey, request_key

MAX_COMMANDS: Final = 256
"""Commands of one connection that have no outcome yet; the next one is read when there is room."""

REMEMBERED: Final = 1_024
"""Commands of one channel that are remembered. A process says those again first that it had no outcome of."""

_NOT_YOURS: Final = Refusal("unknown-interaction", "")
_NO_RECALL: Final = "recall-not-allowed"

_log = structlog.get_logger(__name__)

Asked = Enqueue | Ordered | Remember | Recall


class Memory:
    """What the last commands of one channel led to, whichever connection said them: its own, however busy others are.

    What was said before a restart is looked up in what is kept of the journal.
    """

    def __init__(self, repeats: Repeats | None = None) -> None:
        """Nothing yet. `repeats`: without it the engine's own last commands are all that is known after a restart."""
        self._refusals: OrderedDict[str, Refusal | None] = OrderedDict()
        self._repeats = repeats

    async def before(self, key: RequestKey) -> Repeat | None:
        """The same command, if it was committed before. Raises `RepeatsError`, `JournalError`."""
        found = None if self._repeats is None else await self._repeats.find(key.name)
        return found if found is not None and key.fits(found.fingerprint) else None

    def keep(self, command_id: str, refusal: Refusal | None) -> None:
        """It has been committed, and accepted if there is no refusal."""
        self._refusals[command_id] = refusal
        if len(self._refusals) > REMEMBERED:
            self._refusals.popitem(last=False)

    def __contains__(self, command_id: str) -> bool:
        return command_id in self._refusals

    def __getitem__(self, command_id: str) -> Refusal | None:
        return self._refusals[command_id]


class Desk:
    """The commands of one connection."""

    def __init__(self, channel: ExternalChannel, actor: str, memory: Memory, tell: Callable[[Told], None]) -> None:
        """`memory` is the channel's. `tell` takes the answers."""
        self._memory = memory
        self._channel = channel
        self._actor = actor
        self._tell = tell
        self._under_way: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}
        """Interaction → its last command that is under way."""
        self._room = asyncio.Semaphore(MAX_COMMANDS)
        self._said = 0

    async def take(self, asked: Asked) -> None:
        """Begin with it, as soon as there is room. A connection that ends meanwhile changes nothing about it."""
        await self._room.acquire()
        key = interaction_of(asked) if isinstance(asked, Enqueue | Ordered) else ""
        task = asyncio.create_task(self._answer(asked, self._last.get(key)), name=f"command of {self._channel.name}")
        self._under_way.add(task)
        if key:
            self._last[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: str, task: "asyncio.Task[None]") -> None:
        self._room.release()
        self._under_way.discard(task)
        if self._last.get(key) is task:
            del self._last[key]

    async def _answer(self, asked: Asked, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait((before,))
        try:
            answer = await self._carry_out(asked)
        except Problem as problem:
            again = problem.code in RETRY_AFTER_SECONDS
            answer = Outcome(asked.id, accepted=False, code=problem.code, detail=problem.detail, again=again)
        self._tell(answer)

    async def _carry_out(self, asked: Asked) -> Told:
        """The answer. Raises a Problem when it is refused or cannot be done."""
        try:
            host = self._channel.host
            if isinstance(asked, Remember):
                person = Personal(asked.number, asked.name, tuple(sorted(asked.extra.items())))
                return Remembered(asked.id, await host.remember(person))
            if isinstance(asked, Recall):
                return await self._recall(asked, host)
            return await self._submit(asked, host)
        except ChannelError:
            raise Problem(503, "closed", "The engine is stopping or has stopped; try again later.") from None
        except AcdError as error:
            raise of_error(error) or self._fault(error) from None
        except Problem:
            raise
        except Exception as error:  # noqa: BLE001 - the last line: nobody is to see the inside
            raise self._fault(error) from None

    async def _submit(self, asked: Enqueue | Ordered, host: ChannelHost) -> Outcome:
        """Hand it in, unless that was done before."""
        key = _key(self._channel.name, asked)
        command_id = key.command_id
        if command_id not in self._memory:
            # What a process says again comes first on a connection: later on nothing has to be looked up.
            self._said += 1
            known = await self._memory.before(key) if self._said <= REMEMBERED else None
            if known is not None:
                outcome = outcome_again(known, host.recorded(command_id))
            else:
                command = await self._command(asked, command_id, host)
                outcome = await host.submit(replace(command, actor=self._actor))
            self._memory.keep(command_id, outcome.refusal)
        refusal = self._memory[command_id]
        if refusal is not None:
            raise refused(refusal)
        return Outcome(asked.id, accepted=True)

    async def _command(self, asked: Enqueue | Ordered, command_id: str, host: ChannelHost) -> Command:
        """The command, if it is about something of this channel's, or was when it was handed in before."""
        own = asked.parent if isinstance(asked, Enqueue) else interaction_of(asked)
        if (own or not isinstance(asked, Enqueue)) and host.wish(own) is None and host.recorded(command_id) is None:
            raise refused(_NOT_YOURS)
        if not isinstance(asked, Enqueue):
            return command_of(asked, command_id)
        customer = await reference_of(host.remember, asked.customer)
        return enqueue_command(asked, command_id, self._channel.media, self._channel.name, customer)

    async def _recall(self, asked: Recall, host: ChannelHost) -> Person:
        if not self._channel.may_recall:
            raise Problem(403, _NO_RECALL, f"Set recall = true in [channels.{self._channel.name}] to allow it.")
        person = await host.recall(asked.customer)
        if person is None:
            return Person(asked.id, known=False)
        return Person(asked.id, known=True, number=person.number, name=person.name, extra=dict(person.extra))

    def _fault(self, error: Exception) -> Problem:
        """Log what is wrong in the code: the error's type, never its text, which may hold personal data."""
        _log.error("a channel's command failed", instance=self._channel.name, error=type(error).__name__)
        return internal()


def _key(channel: str, asked: Enqueue | Ordered) -> RequestKey:
    """Of the id, and what it is said about: a process that counts from 1 again after a start loses nothing by that."""
    about = repr((type(asked).__name__, interaction_of(asked)))
    return request_key(channel, "CHANNEL", "", asked.id, about.encode("utf-8", "surrogatepass"))
