"""The `queue_log`: what Asterisk's app_queue writes, for the reports and panels that read it."""

from acd.runtime.queue_log.feeding import QueueLog

__all__ = ["QueueLog"]
