"""What a channel may be able to do besides its contract: record conversations, and pause while nobody may listen.

Owns the protocol. Must not know any channel. What is recorded is the channel's business, and told by `NoteInteraction`:
attributes `recording.N`.
"""

from typing import Literal, Protocol, runtime_checkable

RecordingState = Literal["off", "recording", "paused"]


@runtime_checkable
class Recording(Protocol):
    """A channel that records. Pausing and resuming what is so already is fine."""

    def recording_of(self, interaction_id: str) -> RecordingState:
        """Whether it is being recorded."""
        ...

    async def pause_recording(self, interaction_id: str) -> None:
        """On return nothing that is said is recorded, until it is resumed or the channel's bound of a pause is over.

        Raises `ChannelError` when that is not certain, or when it is not being recorded.
        """
        ...

    async def resume_recording(self, interaction_id: str) -> None:
        """Go on. Raises `ChannelError` likewise."""
        ...
