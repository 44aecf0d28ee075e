"""One webhook's delivery over HTTP.

Owns the request, and what became of the last ones. Must not know retries (`acd.runtime.pump`), nor where messages come
from. It goes to the configured address and nowhere else: redirects are not followed, no proxy of the environment is
used, certificates are verified. A receiver can therefore not lead the engine to another address.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import aiohttp

from acd.errors import DeliveryRefused
from acd.ports.stores import OutboxMessage
from acd.runtime.config import WebhookConfig
from acd.runtime.webhooks.signing import headers, id_of, key_of
from acd.runtime.webhooks.standing import Pinged, Tried

MEDIA_TYPE: Final = "application/cloudevents+json"

GONE: Final = HTTPStatus.GONE
"""The receiver wants no more: Standard Webhooks."""

_OK: Final = range(200, 300)


class WebhookFailed(Exception):
    """The receiver did not take it; it will be tried again."""


class WebhookSender:
    """Delivers what the outbox has for `webhook:NAME`. `tried`: by name, what became of the last attempts."""

    def __init__(self, hooks: tuple[WebhookConfig, ...], domain: str, wall_us: Callable[[], int]) -> None:
        """`wall_us`: the wall clock, for the signature's time."""
        self.tried: dict[str, Tried] = {hook.name: Tried() for hook in hooks}
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
        tried = self.tried[hook.name]
        try:
            status = await self._post(hook, message.key, message.payload)
            if status == GONE:
                raise DeliveryRefused("the receiver answers 410: it wants no more")
            if status not in _OK:
                raise WebhookFailed(f"the receiver answers {status}")
        except BaseException as error:
            tried.failed_at_us, tried.error = self._wall_us(), said(error)
            raise
        tried.succeeded_at_us = self._wall_us()

    async def ping(self, name: str, payload: bytes) -> Pinged:
        """Post a message that no event stands behind, signed as all are, once. `name` is configured."""
        hook, began_us = self._hooks[name], self._wall_us()
        status, error = 0, ""
        try:
            status = await self._post(hook, f"{name}:ping-{began_us}", payload)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
            error = said(failure)
        return Pinged(status in _OK, status, error, self._wall_us() - began_us)

    async def close(self) -> None:
        """Release connections. Idempotent."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _post(self, hook: WebhookConfig, key: str, payload: bytes) -> int:
        """One request; returns the answer's status, which is all that counts: the body is not read."""
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        message_id = f"{id_of(self._domain)}-{id_of(key)}"
        signed = headers(self._keys[hook.name], message_id, self._wall_us() // 1_000_000, payload)
        sent = {"Content-Type": MEDIA_TYPE, "User-Agent": "acd-engine", **signed}
        timeout = aiohttp.ClientTimeout(total=hook.timeout_us / 1_000_000)
        async with self._session.post(
            hook.url, data=payload, headers=sent, timeout=timeout, allow_redirects=False
        ) as response:
            return response.status


def said(error: BaseException) -> str:
    """An error as others may see it: only our own texts are known to quote neither the address nor what was sent."""
    return str(error) if isinstance(error, DeliveryRefused | WebhookFailed) else type(error).__name__
