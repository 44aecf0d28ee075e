"""AMI as an import needs it: blocking, one question after the other.

Owns the way from the adapter's own AMI (`acd_asterisk.ami`) to a program that has no event loop. Must not know what the
answers mean (`running`).
"""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from acd.errors import ChannelError
from acd_asterisk import ami
from acd_asterisk.ami import Access, AmiUnavailable, Manager, texts_of

PATIENCE_SECONDS: Final = 10.0
"""How long the PBX may take for one answer."""

_NEVER_SECONDS: Final = 86_400.0
"""Until a ping: each answer has a deadline, and between two questions nobody listens."""

Message = tuple[tuple[str, str], ...]
"""Keys and values, in their order."""

_T = TypeVar("_T")


class AmiRefused(ChannelError):
    """The PBX would not do what it was asked. The text is Asterisk's own."""


class Ami:
    """A connection that is logged in. Use as a context manager. Whatever goes wrong is a `ChannelError`."""

    def __init__(self, host: str, port: int, user: str, secret: str, patience: float = PATIENCE_SECONDS) -> None:
        """Nothing is connected yet. `patience`: how long the PBX may take for one answer, in seconds."""
        self._place = f"AMI of {host}:{port}"
        self._access = Access(host=host, port=port, user=user, password=secret)
        self._patience = patience
        self._runner: asyncio.Runner
        self._manager: Manager

    def __enter__(self) -> Self:
        """Connect and log in."""
        self._runner = asyncio.Runner()
        try:
            self._manager = Manager(
                self._access, events="off", deadline_seconds=self._patience, ping_seconds=_NEVER_SECONDS
            )
            self._run(self._manager.open())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._manager.close()
        self._runner.close()

    def ask(self, action: str, **fields: str) -> Message:
        """The answer to one action. Raises `AmiRefused`."""
        reply = self._run(self._manager.ask(action, fields))
        if not reply.is_success:
            raise AmiRefused(reply.reason or "no reason given")
        return _pairs(reply.response)

    def ask_list(self, action: str, end: str) -> list[Message]:
        """The events of an action that answers by a list, up to the event `end`. Raises `AmiRefused`."""
        reply = self._run(self._manager.ask_list(action, until=end))
        if not reply.is_success:
            raise AmiRefused(reply.reason or "no reason given")
        return [_pairs(item) for item in reply.items]

    def _run(self, asked: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._runner.run(asked)
        except AmiUnavailable as error:
            said = str(error)
            text = said if said.startswith(self._place) else f"{self._place}: {said}"
            raise ChannelError(text) from None


def value_of(message: Message, key: str) -> str:
    """The first value of a key; "" without one."""
    return next((value for name, value in message if name.lower() == key.lower()), "")


def _pairs(message: ami.Message) -> Message:
    return tuple((key, value) for key in message for value in texts_of(message, key))
