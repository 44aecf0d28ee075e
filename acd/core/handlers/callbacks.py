"""What becomes of a callback: its customer is there, or is not. Owns those commands' checks and moves."""

from acd.core import callbacks, calling, conference, ending
from acd.core.domain import Domain
from acd.core.entities import Interaction
from acd.core.handlers.interactions import live
from acd.core.messages import FailCallback, NoteReached, Refusal


def note_reached(domain: Domain, command: NoteReached) -> Refusal | None:
    """The customer who was called before any agent is there, and waits like anybody else."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state != "reaching":
        return Refusal("interaction-not-reaching", f"interaction {found.id} is {found.state}: no customer is called")
    refusal = _another(found, command.attempt)
    if refusal is not None:
        return refusal
    calling.arrive(domain, found)
    return None


def fail_callback(domain: Domain, command: FailCallback) -> Refusal | None:
    """The customer did not answer: once more later, or never again. Nobody has anything to do after it."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.request.kind != "callback":
        return Refusal("not-a-callback", f"interaction {found.id} is no callback; end it instead")
    work = found.current
    if found.state != "reaching" and (found.state != "active" or work is None):
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    refusal = _another(found, command.attempt) if command.attempt else None
    if refusal is not None:
        return refusal
    if found.consults:
        ending.end_consults(domain, found)
    for guest in tuple(found.participants or ()):
        conference.step_out(domain, guest, command.reason)
        domain.release(guest)
        domain.come_free(guest.agent)
    if work is not None:
        domain.release(work)
    callbacks.miss(domain, found, command.reason, called=command.called)
    if work is not None:
        domain.come_free(work.agent)
    return None


def _another(interaction: Interaction, attempt: int) -> Refusal | None:
    """What came of an earlier attempt is known already."""
    now = interaction.attempts + 1
    if attempt == now:
        return None
    return Refusal("other-attempt", f"interaction {interaction.id} is at attempt {now}, not {attempt}")
