"""Alarms of queues, as they are noted. Owns what is kept of them; must not know when one is worth raising."""

from acd.core.domain import Domain
from acd.core.messages import AlarmCleared, AlarmRaised, NoteAlarm, Refusal
from acd.core.state import AlarmState


def note_alarm(domain: Domain, command: NoteAlarm) -> Refusal | None:
    """Raised once, cleared once. What a retired queue has raised can still be cleared."""
    queue = domain.queues.get(command.queue)
    if queue is None or (queue.retired and command.raised):
        return Refusal("unknown-queue", f"no queue {command.queue} is configured")
    kind, known = command.alarm, queue.alarms.get(command.alarm)
    if command.raised and known is None:
        queue.alarms[kind] = AlarmState(queue.id, kind, domain.now_us, command.value, command.threshold)
        domain.events.append(AlarmRaised(queue.id, kind, command.value, command.threshold))
    elif known is not None and not command.raised:
        del queue.alarms[kind]
        lasted_us = domain.now_us - known.since_us
        domain.events.append(AlarmCleared(queue.id, kind, command.value, known.threshold, lasted_us))
    return None
