"""What is done to whole queues: opened and closed. Owns those commands' checks and moves."""

from acd.core import callbacks
from acd.core.domain import Domain
from acd.core.messages import CloseQueue, NoteEstimate, OpenQueue, QueueClosed, QueueOpened, Refusal
from acd.core.queue_entity import Queue


def open_queue(domain: Domain, command: OpenQueue) -> Refusal | None:
    """From now on it takes interactions; one that is open stays so."""
    queue = _queue(domain, command.queue)
    if isinstance(queue, Refusal):
        return queue
    if queue.closed is not None:
        queue.close(None)
        domain.events.append(QueueOpened(queue.id))
        callbacks.let_in(domain, queue)
    return None


def close_queue(domain: Domain, command: CloseQueue) -> Refusal | None:
    """From now on it takes none; one that is closed may get another reason."""
    queue = _queue(domain, command.queue)
    if isinstance(queue, Refusal):
        return queue
    if queue.closed != command.reason:
        queue.close(command.reason)
        domain.events.append(QueueClosed(queue.id, command.reason))
    return None


def note_estimate(domain: Domain, command: NoteEstimate) -> Refusal | None:
    """Kept for the steps that ask for it."""
    queue = _queue(domain, command.queue)
    if isinstance(queue, Refusal):
        return queue
    queue.estimate_us = command.estimated_wait_us
    return None


def _queue(domain: Domain, queue_id: str) -> Queue | Refusal:
    queue = domain.queues.get(queue_id)
    if queue is None or queue.retired:
        return Refusal("unknown-queue", f"no queue {queue_id} is configured")
    return queue
