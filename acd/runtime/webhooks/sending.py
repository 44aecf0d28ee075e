"""One webhook's delivery over HTTP.

Owns the request. Must not know retries (`acd.runtime.pump`), nor where messages come from. It goes to the configured
address and nowhere else: redirects are not followed, no proxy of the environment is used, certificates are verified. A
receiver can therefore not lead the engine to another address.
"""

from collections.abc import Callable
from typing import Final

import aiohttp

from acd.errors import DeliveryRefused
from acd.ports.stores import OutboxMessage
from acd.runtime.config import WebhookConfig
from acd.runtime.webhooks.signing import headers, id_of, key_of

MEDIA_TYPE: Final = "application/cloudevents+json"

GONE: Final = 410
"""The receiver wants no more: Standard Webhooks."""

_OK: Final = range(200, 300)


class WebhookFailed(Exception):
    """The receiver did not take it; it will be tried again."""


class WebhookSender:
    """Delivers what the outbox has for `webhook:NAME`."""

    def __init__(self, hooks: tuple[WebhookConfig, ...], domain: str, wall_us: Callable[[], int]) -> None:
        """`wall_us`: the wall clock, for the signature's time."""
        self._hooks = {hook.name: hook for hook in hooks}
        self._keys = {hook.name: [key for each in hook.secrets if (key := key_of(each.reveal()))] for hook in hooks}
        self._domain = domain
        self._wall_us = wall_us
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, message: OutboxMessage) -> None:
        """Raises `DeliveryRefused` for 410 and for a hook that is not configured any more, else what went wrong."""
        hook = self._hooks.get(message.destination.partition(":")[2])
        if hook is None:
            raise DeliveryRefused("this webhook is not configured any more")
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        signed = headers(
            self._keys[hook.name],
            f"{id_of(self._domain)}-{id_of(message.key)}",
            self._wall_us() // 1_000_000,
            message.payload,
        )
        sent = {"Content-Type": MEDIA_TYPE, "User-Agent": "acd-engine", **signed}
        timeout = aiohttp.ClientTimeout(total=hook.timeout_us / 1_000_000)
        async with self._session.post(
            hook.url, data=message.payload, headers=sent, timeout=timeout, allow_redirects=False
        ) as response:
            # The body is not read: whatever it says, only the status counts.
            if response.status == GONE:
                raise DeliveryRefused("the receiver answers 410: it wants no more")
            if response.status not in _OK:
                raise WebhookFailed(f"the receiver answers {response.status}")

    async def close(self) -> None:
        """Release connections. Idempotent."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
