"""A TURN client of a page, as far as tests need one: it binds, allocates and asks for permissions (RFC 8489, 8656).

Owns requests over UDP and their authentication with long-term credentials. Knows nothing of how those are made.
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
import struct
from types import TracebackType
from typing import Final, NamedTuple, Self

COOKIE: Final = 0x2112A442
BINDING, ALLOCATE, CREATE_PERMISSION = 0x0001, 0x0003, 0x0008
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, XOR_PEER, REALM = 0x0006, 0x0008, 0x0009, 0x0012, 0x0014
NONCE, XOR_RELAYED, REQUESTED_FAMILY, REQUESTED_TRANSPORT = 0x0015, 0x0016, 0x0017, 0x0019
FAILED: Final = 0x0110
ANSWERED: Final = 0x01
"""In the first octet: the class is success or error."""
UDP: Final = 17
IPV4, IPV6 = 0x01, 0x02
IPV4_BYTES: Final = 4


class Answer(NamedTuple):
    """`code` is 0 for success, else that of the error."""

    code: int
    attributes: dict[int, bytes]


class TurnClient:
    """One socket of a page. A request that is not answered raises TimeoutError."""

    def __init__(self, port: int, username: str = "", password: str = "", *, seconds: float = 5) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(seconds)
        self._socket.connect(("127.0.0.1", port))
        self._username, self._password = username, password
        self._realm = self._nonce = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def bind(self) -> Answer:
        return self._ask(BINDING, [])

    def allocate(self, family: int = IPV4) -> Answer:
        """As RFC 8656 has it: the first request is refused with what the second one needs."""
        wanted = [(REQUESTED_TRANSPORT, bytes([UDP, 0, 0, 0]))]
        if family != IPV4:
            wanted.append((REQUESTED_FAMILY, bytes([family, 0, 0, 0])))
        first = self._ask(ALLOCATE, wanted)
        assert first.code == 401
        self._realm, self._nonce = first.attributes[REALM], first.attributes[NONCE]
        return self._ask(ALLOCATE, wanted, signed=True)

    def permit(self, peer: str) -> Answer:
        """Ask for sending to `peer` and hearing from it."""
        transaction = secrets.token_bytes(12)
        address = ipaddress.ip_address(peer).packed
        mask = struct.pack("!I", COOKIE) + transaction  # RFC 8489, 14.2: IPv6 goes by the transaction, too
        hidden = bytes(one ^ other for one, other in zip(address, mask, strict=False))
        family = IPV4 if len(address) == IPV4_BYTES else IPV6
        wanted = [(XOR_PEER, struct.pack("!BBH", 0, family, 0) + hidden)]
        return self._ask(CREATE_PERMISSION, wanted, signed=True, transaction=transaction)

    def _ask(
        self, method: int, attributes: list[tuple[int, bytes]], *, signed: bool = False, transaction: bytes = b""
    ) -> Answer:
        transaction = transaction or secrets.token_bytes(12)
        if signed:
            known = [(USERNAME, self._username.encode()), (REALM, self._realm), (NONCE, self._nonce)]
            attributes = [*attributes, *known]
        body = b"".join(_attribute(kind, value) for kind, value in attributes)
        if signed:
            key = hashlib.md5(  # noqa: S324 - the protocol's
                b":".join([self._username.encode(), self._realm, self._password.encode()])
            ).digest()
            covered = _header(method, len(body) + 24, transaction) + body
            body += _attribute(MESSAGE_INTEGRITY, hmac.new(key, covered, hashlib.sha1).digest())
        self._socket.send(_header(method, len(body), transaction) + body)
        # A socket that the system gave the very port it sends to hears itself: a request is no answer.
        while (answer := self._socket.recv(2_048))[8:20] != transaction or not answer[0] & ANSWERED:
            pass
        return _read(answer)


def _header(method: int, length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", method, length, COOKIE) + transaction


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _read(answer: bytes) -> Answer:
    attributes, place = {}, 20
    while place < len(answer):
        kind, length = struct.unpack_from("!HH", answer, place)
        attributes[kind] = answer[place + 4 : place + 4 + length]
        place += 4 + length + -length % 4
    failed = struct.unpack_from("!H", answer)[0] & FAILED == FAILED
    error = attributes.get(ERROR_CODE, bytes(4))
    return Answer(error[2] * 100 + error[3] if failed else 0, attributes)
