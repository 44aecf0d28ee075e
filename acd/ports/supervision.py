"""What a channel may be able to do besides its contract: let a supervisor hear a conversation, and take part in it.

Owns the protocol. Must not know any channel. It is no decision of the engine's; that it was asked for is in the journal
(`SuperviseInteraction`).
"""

from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from acd.core.messages import SupervisionMode
from acd.errors import ChannelError
from acd.ports.pages import Page


class NotSupervisable(ChannelError):
    """The channel has the verbs, but as it is set up nobody can ever listen by it."""


class Supervisor(Struct, frozen=True):
    """One who supervises: `state` is `calling` until the telephone has been picked up, then `there`."""

    agent_id: str
    mode: SupervisionMode
    state: Literal["calling", "there"]


@runtime_checkable
class Supervisable(Protocol):
    """A channel that can do it."""

    async def supervise(self, interaction_id: str, agent_id: str, mode: SupervisionMode) -> None:
        """Call the supervisor, who is reached as an agent is; or change what they do; `off` lets them go.

        `listen`: hears both, and nobody hears them; `whisper`: the agent does; `barge`: everybody does. It ends with
        the agent's part. Raises `NotSupervisable`, or `ChannelError` when it cannot be done just now.
        """
        ...

    def supervisors(self, interaction_id: str) -> tuple[Supervisor, ...]:
        """Those of one conversation."""
        ...


@runtime_checkable
class SupervisedByPage(Supervisable, Protocol):
    """One by which supervisors hear with a page that connects to it, instead of a telephone that it calls."""

    def supervisor_page(self, interaction_id: str, agent_id: str) -> Page:
        """The page of a supervisor, who may hear this interaction, has connected for it."""
        ...
