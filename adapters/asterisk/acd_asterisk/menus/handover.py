"""From the menus to the engine: what a caller has pressed becomes part of the command. Pure.

Owns what takes precedence. Must not know menus' keys, nor how a command is handed in.
"""

from msgspec import structs

from acd.core import limits
from acd.core.messages import EnqueueInteraction
from acd.ports.channel import Personal
from acd_asterisk.menus.visit import Visit, joined
from acd_asterisk.wire import Party


def enqueue(command: EnqueueInteraction, visit: Visit, queue: str) -> EnqueueInteraction:
    """The command for a caller who was on the way to a menu, with what came of it.

    What was pressed counts before what the dialplan said, and is what is kept where there are too many attributes.
    """
    pressed = visit.attributes
    brought = [pair for pair in command.attributes if pair[0] not in pressed]
    room = max(limits.MAX_ATTRIBUTES - len(pressed), 0)
    attributes = sorted([*pressed.items(), *brought[:room]])[: limits.MAX_ATTRIBUTES]
    return structs.replace(
        command,
        queue=queue,
        attributes=tuple(attributes),
        requirement=joined(command.requirement, visit.requirement),
        priority=command.priority if visit.priority is None else visit.priority,
        preferred_agent=visit.agent or command.preferred_agent,
    )


def person(party: Party, visit: Visit) -> Personal | None:
    """Who the caller is, with the secrets that they entered; None when there were none."""
    if not visit.secrets:
        return None
    return Personal(party.number, party.name, tuple(visit.secrets.items()))
