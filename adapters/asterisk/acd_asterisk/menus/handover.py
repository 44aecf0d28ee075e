"""From the menus to the engine: what a caller has pressed becomes part of the command. Pure.

Owns what takes precedence. Must not know menus' keys, nor how a command is handed in.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import structs

from acd.core import limits
from acd.core.messages import EnqueueInteraction
from acd.ports.channel import Personal
from acd_asterisk.menus.visit import Visit, joined
from acd_asterisk.wire import Party


def enqueue(
    command: EnqueueInteraction, visit: Visit, queue: str, handles: Mapping[str, str] = MappingProxyType({})
) -> EnqueueInteraction:
    """The command for a caller who was on the way to a menu, with what came of it.

    What was pressed counts before what the dialplan said, and is what is kept where there are too many attributes.
    `handles`: the names, by attribute, under which `person` keeps the secrets.
    """
    pressed = {**visit.attributes, **handles}
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


def person(party: Party, visit: Visit, handles: Mapping[str, str]) -> Personal:
    """Who the caller is, with the secrets that they entered, each under its own handle.

    Callers' numbers can be forged: under the attribute's name, whoever calls with somebody's number would overwrite
    what that person has entered, or be taken for the one who entered it.
    """
    secrets = ((handles[attribute], digits) for attribute, digits in visit.secrets.items())
    return Personal(party.number, party.name, tuple(secrets))
