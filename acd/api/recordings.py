"""Routes about the recording of a conversation: how it stands, a pause for what nobody may keep, and its end.

Owns /v1/interactions/{interaction}/recording and what is under it. Must not know how a channel records
(`acd.ports.recording`). A pause is ordered first and noted then, so that what the journal says has been done.
"""

from typing import Any, Final

from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.interactions import visible
from acd.api.problems import forbidden
from acd.api.routes import Call, Example, Route
from acd.core.messages import NoteInteraction
from acd.ports.recording import Recording, RecordingState
from acd.ports.recording_names import ATTRIBUTE
from acd.runtime.records import InteractionRecord

_TALKING: Final = ("enqueue", "sign_in", "accept")
_MAIL: Final = {"interaction": "mail-1"}


class RecordingShape(Struct):
    """`state`: off, recording or paused; `off` also where the channel records nothing.

    `recordings`: the attributes `recording.…` of the interaction: names of files, and what is known of them.
    """

    state: RecordingState
    recordings: dict[str, str]


async def show(call: Call[Nothing, NoQuery]) -> RecordingShape:
    """How it stands."""
    return _shape(call, visible(call))


async def pause(call: Call[Nothing, NoQuery]) -> RecordingShape:
    """Nothing of what is said is kept from now on."""
    return await _order(call, is_pause=True)


async def resume(call: Call[Nothing, NoQuery]) -> RecordingShape:
    """It is recorded again."""
    return await _order(call, is_pause=False)


async def _order(call: Call[Nothing, NoQuery], *, is_pause: bool) -> RecordingShape:
    interaction_id = call.path("interaction")
    if not call.is_repetition():
        row = visible(call)
        _check_part(call, row)
        channel = call.context.router.channel(row.instance)
        if isinstance(channel, Recording) and channel.recording_of(row.id) != "off":
            await (channel.pause_recording if is_pause else channel.resume_recording)(row.id)
    state = _state(call, interaction_id)
    await call.submit(NoteInteraction(call.command_id(), interaction_id, ((ATTRIBUTE, state),)))
    return _shape(call, visible(call))


def _check_part(call: Call[Any, Any], row: InteractionRecord) -> None:
    """Raise a Problem with 403 for an agent who does not talk in it now."""
    talking = (row.agent_id, *(agent_id for _, agent_id in row.participants)) if row.state == "active" else ()
    if not call.who.sees_all and call.who.agent not in talking:
        raise forbidden("Only who talks in it, and supervisors, pause and resume its recording.")


def _state(call: Call[Any, Any], interaction_id: str) -> RecordingState:
    row = call.context.view.interaction(interaction_id)
    channel = None if row is None else call.context.router.channel(row.instance)
    return channel.recording_of(interaction_id) if isinstance(channel, Recording) else "off"


def _shape(call: Call[Any, Any], row: InteractionRecord) -> RecordingShape:
    recordings = {name: value for name, value in row.attributes if name.startswith(f"{ATTRIBUTE}.")}
    return RecordingShape(_state(call, row.id), recordings)


def _change(name: str, handler: Any, summary: str, notes: str) -> Route:  # noqa: ANN401 - as in the table
    return Route(
        f"{name}_recording",
        "interactions",
        "POST",
        f"/v1/interactions/{{interaction}}/recording/{name}",
        "token",
        handler,
        summary,
        RecordingShape,
        problems=("duplicate-attribute", "too-many-attributes", "channel-unavailable"),
        example=Example(_MAIL, after=_TALKING, shows={"state": "off", "recordings": {}}),
        notes=notes,
        scoped=True,
    )


ROUTES: Final = (
    Route(
        "show_recording",
        "interactions",
        "GET",
        "/v1/interactions/{interaction}/recording",
        "token",
        show,
        "Whether an interaction is being recorded, and what its recordings are called.",
        RecordingShape,
        example=Example(_MAIL, after=_TALKING, shows={"state": "off"}),
        scoped=True,
    ),
    _change(
        "pause",
        pause,
        "Record nothing of what is said, until it is resumed: for card numbers.",
        "When the answer is there, nothing more is written. By who talks in it, and supervisors. Where nothing is"
        " recorded, nothing happens, and `state` says so.",
    ),
    _change("resume", resume, "Record again.", "By who talks in it, and supervisors."),
)
