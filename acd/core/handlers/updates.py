"""What becomes known about an interaction after it has come: attributes, who the customer is, what it needs.

Owns that command's checks and moves. Must not know who finds it out: look-ups, classifiers, agents.
"""

from typing import Final

import msgspec

from acd.core import affinity, consulting, holding, limits
from acd.core.domain import Domain
from acd.core.entities import Interaction
from acd.core.handlers.interactions import live, unknown_skill
from acd.core.messages import (
    EnqueueInteraction,
    InteractionNoted,
    InteractionUpdated,
    NoteInteraction,
    Refusal,
    UpdateInteraction,
)
from acd.core.states import interaction as interaction_states
from acd.errors import RequirementError

ROUTING: Final = ("requirement", "preferences", "preferred_agent")
"""What decides who is asked, and is not to be changed any more once somebody has accepted."""


def update(domain: Domain, command: UpdateInteraction) -> Refusal | None:
    """It is what it is from now on, at its place in line; who waits is routed anew, what rings goes on ringing."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    attributes = _attributes(found.id, found.request.attributes, command)
    if isinstance(attributes, Refusal):
        return attributes
    refusal = _check_customer(domain, found, command.customer) or _check_routing(domain, found, command)
    if refusal is not None:
        return refusal
    waits = found.state == "queued"
    if waits:
        domain.leave(found)
    _take_over(domain, found, command, attributes)
    _tell(domain, found, command)
    if command.requirement is not None or command.preferences is not None:
        domain.reclassify(found)
    anew = _prefer(domain, found, command.preferred_agent)
    if waits:
        _stay(domain, found, anew=anew)
        domain.place(found)
    return None


def note(domain: Domain, command: NoteInteraction) -> Refusal | None:
    """A live one has these attributes from now on; of one that has ended they are told, and kept during wrap-up."""
    interaction = domain.interactions.get(command.interaction_id)
    said = UpdateInteraction(command.id, command.interaction_id, command.attributes)
    if interaction is not None and interaction_states.TABLE[interaction.state]:
        return update(domain, said)
    known = () if interaction is None else interaction.request.attributes
    attributes = _attributes(command.interaction_id, known, said)
    if isinstance(attributes, Refusal):
        return attributes
    if interaction is not None:
        interaction.request = msgspec.structs.replace(interaction.request, attributes=attributes)
    domain.events.append(InteractionNoted(command.interaction_id, command.attributes))
    return None


def _attributes(
    interaction_id: str, known: tuple[tuple[str, str], ...], command: UpdateInteraction
) -> tuple[tuple[str, str], ...] | Refusal:
    """Those that stay, in their order, and then those that are set."""
    named: dict[str, None] = {}
    for name in (*(name for name, _ in command.attributes), *command.remove):
        if name in named:
            detail = f"attribute {name} is given twice; set it once, or remove it"
            return Refusal("duplicate-attribute", detail)
        named[name] = None
    kept = tuple(each for each in known if each[0] not in named)
    attributes = (*kept, *command.attributes)
    if len(attributes) > limits.MAX_ATTRIBUTES:
        detail = (
            f"interaction {interaction_id} would have {len(attributes)} attributes; {limits.MAX_ATTRIBUTES} at most"
        )
        return Refusal("too-many-attributes", detail)
    return attributes


def _check_customer(domain: Domain, interaction: Interaction, customer: str) -> Refusal | None:
    request = interaction.request
    if not customer or customer == request.customer:
        return None
    if request.customer:
        return Refusal("customer-known", f"interaction {interaction.id} is another customer's; nobody takes it over")
    other = domain.callbacks.get((customer, request.queue)) if request.kind == "callback" else None
    if other is not None:
        detail = f"the customer has a callback in queue {request.queue} already: {other}"
        return Refusal("duplicate-callback", detail)
    return None


def _check_routing(domain: Domain, interaction: Interaction, command: UpdateInteraction) -> Refusal | None:
    asked = [name for name in ROUTING if getattr(command, name) is not None]
    if not asked:
        return None
    if interaction.state == "active":
        detail = (
            f"interaction {interaction.id} is with an agent; only attributes and customer can change, not {asked[0]}"
        )
        return Refusal("interaction-active", detail)
    if interaction.parent is not None and command.preferred_agent == consulting.consulting_agent(interaction).id:
        return Refusal("bad-consult", "a consult: nobody can ask themselves for advice")
    if command.requirement is None:
        return None
    request = interaction.request
    preferences = request.preferences if command.preferences is None else command.preferences
    try:
        cls = domain.classes.class_of(interaction.queue, request.channel, command.requirement, preferences)
    except RequirementError as error:
        return Refusal("bad-requirement", str(error))
    return None if cls.crew.rows else unknown_skill(domain, command.requirement)


def _take_over(
    domain: Domain, interaction: Interaction, command: UpdateInteraction, attributes: tuple[tuple[str, str], ...]
) -> None:
    """The request is what it would have been, had all this been known when it was made."""
    request: EnqueueInteraction = interaction.request
    interaction.request = msgspec.structs.replace(
        request,
        attributes=attributes,
        customer=command.customer or request.customer,
        requirement=request.requirement if command.requirement is None else command.requirement,
        preferences=request.preferences if command.preferences is None else command.preferences,
    )
    if command.customer and request.kind == "callback":
        domain.callbacks[command.customer, request.queue] = interaction.id


def _tell(domain: Domain, interaction: Interaction, command: UpdateInteraction) -> None:
    changed = [
        name
        for name, said in (
            ("attributes", bool(command.attributes or command.remove)),
            ("customer", bool(command.customer)),
            *((name, getattr(command, name) is not None) for name in ROUTING),
        )
        if said
    ]
    request = interaction.request
    preferred = interaction.preferred if command.preferred_agent is None else command.preferred_agent
    domain.events.append(
        InteractionUpdated(
            interaction.id, tuple(changed), request.attributes, request.customer, request.requirement, preferred
        )
    )


def _prefer(domain: Domain, interaction: Interaction, agent_id: str | None) -> bool:
    """Somebody else is preferred from now on, or nobody; whoever was waited for is so no more. True if that is new."""
    if agent_id is None or agent_id == interaction.preferred:
        return False
    if interaction.held is not None:
        holding.end(domain, interaction, "updated")
    interaction.preferred, interaction.preferred_by = agent_id, ""
    return True


def _stay(domain: Domain, interaction: Interaction, *, anew: bool) -> None:
    """As if it entered its queue just now, as far as whom it prefers; it is not in the line."""
    holding.reconsider(domain, interaction)
    settings = interaction.queue.settings
    if not interaction.preferred and (settings.affinity_us or settings.dedicated_attribute):
        affinity.prefer(domain, interaction)
        anew = bool(interaction.preferred)
    if anew and interaction.preferred:
        holding.begin(domain, interaction, settings.hold_for_us)
