"""Successful responses as JSON. Owns the encoding and its headers; must not know what is in them.

An answer is written as one piece, head and body, without a table of headers in between, which was a quarter of what a
short request took. `Answer.headers` has those alone that are not the same in all answers.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from time import gmtime, time
from typing import Final

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

_HEADERS: Final = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_HEAD: Final = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_encode: Final = msgspec.json.Encoder().encode


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
    """`body` (a Struct, or dicts and lists of them) as JSON that nobody caches."""
    return encoded(_encode(body), status, headers)


def encoded(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
    """JSON that has been encoded already."""
    return Answer(status=status, body=body, headers=headers)


class Answer(web.Response):
    """A response of JSON. `headers` has those that are not the same in all of them.

    `shared`: it may be given again to whoever asks the same (`acd.api.shared`), if the route is one for that.
    """

    shared = True
    _asked_by: BaseRequest | None = None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Called by aiohttp. What is not the rule goes aiohttp's own way."""
        if request.version != HttpVersion11 or not request.keep_alive or self.keep_alive is False:
            for name, value in _HEADERS.items():
                self.headers[name] = value
            return await super().prepare(request)
        self._keep_alive = True
        self._asked_by = request
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Called by aiohttp: everything at once."""
        request = self._asked_by
        if request is None:
            await super().write_eof(data)
        elif not self._eof_sent:
            body = self.body
            if not isinstance(body, bytes):
                raise TypeError("an answer's body is bytes")
            await request.writer.write_eof(self._head(len(body)) + body)
            self._eof_sent = True
            self._asked_by = None

    def _head(self, length: int) -> bytes:
        own = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        if own.count("\r") != len(self.headers) or own.count("\n") != len(self.headers):
            raise ValueError("a header's value goes over several lines")
        status = self.status
        line = (
            f"HTTP/1.1 {status} {_phrase(status)}\r\n{_HEAD}Content-Length: {length}\r\nDate: {_date(int(time()))}\r\n"
        )
        return f"{line}{own}\r\n".encode()


@lru_cache(64)
def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


@lru_cache(1)
def _date(second: int) -> str:
    """RFC 9110, 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, whatever the locale."""
    at = gmtime(second)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year} {clock} GMT"
