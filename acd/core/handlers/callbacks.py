"""What becomes of a callback that nobody answers. Owns that command's checks and moves."""

from acd.core import callbacks, ending
from acd.core.domain import Domain
from acd.core.handlers.interactions import live
from acd.core.messages import FailCallback, InteractionFailed, Refusal, ReleaseInteraction


def fail_callback(domain: Domain, command: FailCallback) -> Refusal | None:
    """The customer did not answer: once more later, or never again."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.request.kind != "callback":
        return Refusal("not-a-callback", f"interaction {found.id} is no callback; end it instead")
    work = found.current
    if found.state != "active" or work is None:
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    if found.participants:
        return Refusal("in-conference", f"several agents talk in interaction {found.id}; end it instead")
    if found.consults:
        ending.end_consults(domain, found)
    found.attempts += 1
    domain.release(work)
    settings = found.queue.settings
    release = ReleaseInteraction(found.id, found.request.instance, "callback-failed")
    if found.attempts < settings.callback_attempts:
        callbacks.schedule(domain, found, domain.now_us + settings.callback_retry_us)
        domain.effects.append(release)
    else:
        domain.close(found, "fail")
        domain.events.append(InteractionFailed(found.id, found.attempts, command.reason))
        domain.effects.append(release)
        domain.forget_if_done(found)
    domain.come_free(work.agent)
    return None
