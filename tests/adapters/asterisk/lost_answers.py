"""Answers of the real Asterisk that get lost on their way: what was asked for is done, and nobody is told.

Owns the loss. Must not know what requests are for.
"""

import pytest

from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.wire import Answer


class Lost:
    """Requests that have no answer: of this method, with this in their path, so many. `sent`: they reach Asterisk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._asked = AriClient.request
        self._method = self._path = ""
        self._sent = True
        self.left = 0
        asked = self

        async def request(client: AriClient, method: str, path: str, body: object = None, **more: object) -> Answer:
            return await asked.pass_on(client, method, path, body, **more)

        monkeypatch.setattr(AriClient, "request", request)

    def next(self, method: str, path: str, *, times: int = 1, sent: bool = True) -> None:
        """Lose those that come from now on."""
        self._method, self._path, self.left, self._sent = method, path, times, sent

    async def pass_on(self, client: AriClient, method: str, path: str, body: object, **more: object) -> Answer:
        is_lost = self.left > 0 and method == self._method and self._path in path
        if is_lost:
            self.left -= 1
            if not self._sent:
                raise AriUnavailable("not sent")
        answer = await self._asked(client, method, path, body, **more)  # type: ignore[arg-type]
        if is_lost:
            raise AriUnavailable("no answer within the deadline")
        return answer
