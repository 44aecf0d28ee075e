"""One telephone that does as a test says, step by step: picks up, calls, holds, transfers, hangs up.

Owns: its dialogs and the messages in them. Must not know: other telephones (SIPp plays those by the thousand), the
PBX's configuration, the adapter or the engine. It speaks as much SIP as transfers take (RFC 3261, 3515, 3891), without
retransmissions: everything is on one machine.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Self

from acd_asterisk.lab._config import LabAgent, check_name
from acd_asterisk.lab._ports import lease_ports

MAX_DIALOGS = 16

_PATIENCE_SECONDS = 10.0
_RINGING, _IN_PROGRESS = 180, 183
_FINAL = 200
_REDIRECTION = 300
_STATUS_LINE = re.compile(r"SIP/2\.0 ([0-9]{3})")
_URI = re.compile(r"<([^>]+)>|(sips?:[^;\s]+)")
_TAG = re.compile(r";tag=([^;\s]+)")
_SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


@dataclass
class Dialog:
    """One call of the telephone. `local` and `remote` are the From and To that it sends, with their tags."""

    call_id: str
    local: str
    remote: str
    target: str = ""
    """Where requests go: the other side's contact."""
    sequence: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    """The latest answer to a request of ours."""
    answers: asyncio.Condition = field(default_factory=asyncio.Condition)
    progress: list[int] = field(default_factory=list)
    """What the PBX has told of a transfer, in order."""


class Handset:
    """Use as an async context manager; `telephone` is what `Pbx(agents=…)` takes."""

    def __init__(self, name: str) -> None:
        """Choose a port; nothing is opened yet."""
        self._name = check_name(name)
        self._ports = lease_ports("sipp")
        self._pbx_port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._ids = count(1)
        self.dialogs: list[Dialog] = []
        """All calls, oldest first."""
        self._news = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        where = ("127.0.0.1", self.telephone.port)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Wire(self), local_addr=where)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Fall silent, without a word to anybody."""
        for task in tuple(self._working):
            task.cancel()
        if self._transport is not None:
            self._transport.close()
        self._ports.release()

    @property
    def telephone(self) -> LabAgent:
        """Its name and address."""
        return LabAgent(self._name, "127.0.0.1", self._ports.first)

    def attach(self, sip_port: int) -> None:
        """Which PBX it belongs to."""
        self._pbx_port = sip_port

    async def rung(self, calls: int = 1) -> Dialog:
        """The latest call, once so many have come in or been made and been answered."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(self.dialogs) < calls or not self.dialogs[calls - 1].answered.is_set():
                self._news.clear()
                await self._news.wait()
        return self.dialogs[calls - 1]

    async def call(self, number: str, *headers: str) -> Dialog:
        """Call somebody, and wait until the PBX has answered. `headers`: further lines of the INVITE."""
        dialog = await self._invite(number, headers)
        await asyncio.wait_for(dialog.answered.wait(), _PATIENCE_SECONDS)
        return dialog

    async def ring(self, number: str) -> Dialog:
        """Call somebody, and wait until it rings there."""
        dialog = await self._invite(number, ())
        async with asyncio.timeout(_PATIENCE_SECONDS), dialog.answers:
            await dialog.answers.wait_for(lambda: dialog.status in {_RINGING, _IN_PROGRESS})
        return dialog

    async def _invite(self, number: str, headers: tuple[str, ...]) -> Dialog:
        number = check_name(number)
        local = f"<sip:{self._name}@127.0.0.1>;tag=here-{next(self._ids)}"
        dialog = Dialog(f"handset-{self._name}-{next(self._ids)}", local, f"<sip:{number}@127.0.0.1>")
        dialog.target = f"sip:{number}@127.0.0.1:{self._pbx_port}"
        self._add(dialog)
        await self._request(dialog, "INVITE", *headers, body=self._sdp)
        return dialog

    async def take_over(self, other: Dialog, number: str) -> Dialog:
        """Put a call of this telephone in the place of another telephone's, by an INVITE with Replaces."""
        local, remote = (_TAG.search(side) for side in (other.local, other.remote))
        tags = f"to-tag={remote[1] if remote else ''};from-tag={local[1] if local else ''}"
        return await self.call(number, f"Replaces: {other.call_id};{tags}", "Require: replaces", "Supported: replaces")

    async def transfer(self, dialog: Dialog, number: str, *, silent: bool = False) -> int:
        """Blind: ask the PBX to connect the other side with this number; gives the answer's status.

        `silent`: ask not to be told what has come of it.
        """
        headers = ("Refer-Sub: false", "Supported: norefersub") if silent else ()
        return await self._refer(dialog, f"<sip:{check_name(number)}@127.0.0.1:{self._pbx_port}>", *headers)

    async def transfer_to(self, dialog: Dialog, other: Dialog) -> int:
        """Attended: ask the PBX to connect the other sides of two calls; gives the answer's status."""
        tags = [_TAG.search(side) for side in (other.remote, other.local)]
        to_tag, from_tag = (tag[1] if tag else "" for tag in tags)
        replaces = f"{other.call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}"
        target = _URI.search(other.remote)
        return await self._refer(dialog, f"<{target[1] if target else ''}?Replaces={replaces}>")

    async def hold(self, dialog: Dialog) -> None:
        """Put the other side on hold, by a re-INVITE that only sends."""
        await self._request(dialog, "INVITE", body=f"{self._sdp}a=sendonly\r\n")

    async def hang_up(self, dialog: Dialog) -> None:
        """End a call."""
        await self._request(dialog, "BYE")
        dialog.ended.set()

    async def told(self, dialog: Dialog, status: int) -> None:
        """Wait until the PBX has said this of a transfer."""
        async with asyncio.timeout(_PATIENCE_SECONDS), dialog.answers:
            await dialog.answers.wait_for(lambda: status in dialog.progress)

    async def _refer(self, dialog: Dialog, refer_to: str, *headers: str) -> int:
        dialog.status = 0
        by = f"Referred-By: <sip:{self._name}@127.0.0.1>"
        await self._request(dialog, "REFER", f"Refer-To: {refer_to}", by, *headers)
        async with asyncio.timeout(_PATIENCE_SECONDS), dialog.answers:
            await dialog.answers.wait_for(lambda: dialog.status >= _FINAL)
        return dialog.status

    # ---- messages

    @property
    def _sdp(self) -> str:
        return _SDP.format(port=self._ports.last - 1)

    async def _request(self, dialog: Dialog, method: str, *headers: str, body: str = "", number: int = 0) -> None:
        if not number:
            dialog.sequence += 1
        self._send(
            f"{method} {dialog.target} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.telephone.port};branch=z9hG4bK-{self._name}-{next(self._ids)}",
            "Max-Forwards: 70",
            f"From: {dialog.local}",
            f"To: {dialog.remote}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {number or dialog.sequence} {method}",
            f"Contact: <sip:{self._name}@127.0.0.1:{self.telephone.port}>",
            *headers,
            body=body,
        )

    def _answer(self, request: _Message, status: str, *, to: str = "", body: str = "") -> None:
        kept = [f"{name}: {request.one(name)}" for name in ("From", "Call-ID", "CSeq")]
        vias = [f"Via: {via}" for via in request.all("Via")]
        contact = f"Contact: <sip:{self._name}@127.0.0.1:{self.telephone.port}>"
        self._send(f"SIP/2.0 {status}", *vias, f"To: {to or request.one('To')}", *kept, contact, body=body)

    def _send(self, *lines: str, body: str = "") -> None:
        assert self._transport is not None  # noqa: S101 - the context manager has been entered
        kind = ("Content-Type: application/sdp",) if body else ()
        text = "\r\n".join((*lines, *kind, f"Content-Length: {len(body)}", "", body))
        self._transport.sendto(text.encode(), ("127.0.0.1", self._pbx_port))

    def heard(self, text: str) -> None:
        """A message has come."""
        message = _Message(text)
        dialog = next((each for each in self.dialogs if each.call_id == message.one("Call-ID")), None)
        status = _STATUS_LINE.match(text)
        if status is None:
            self._asked(message, dialog)
        elif dialog is not None:
            self._working.add(task := asyncio.ensure_future(self._answered(dialog, message, int(status[1]))))
            task.add_done_callback(self._working.discard)

    def _asked(self, request: _Message, dialog: Dialog | None) -> None:
        method = request.first.partition(" ")[0]
        if method == "INVITE" and dialog is None:
            local = f"{request.one('To')};tag=there-{next(self._ids)}"
            dialog = Dialog(request.one("Call-ID"), local, request.one("From"), _uri(request.one("Contact")))
            self._add(dialog)
            self._answer(request, "180 Ringing", to=local)
            self._answer(request, "200 OK", to=local, body=self._sdp)
        elif method == "INVITE":
            self._answer(request, "200 OK", body=self._sdp)
        elif method == "ACK" and dialog is not None:
            dialog.answered.set()
            self._news.set()
        elif method != "ACK":
            self._answer(request, "200 OK")
            if dialog is not None and method == "BYE":
                dialog.ended.set()
            elif dialog is not None and method == "NOTIFY" and (found := _STATUS_LINE.search(request.body)):
                self._working.add(task := asyncio.ensure_future(self._told(dialog, int(found[1]))))
                task.add_done_callback(self._working.discard)

    async def _told(self, dialog: Dialog, status: int) -> None:
        async with dialog.answers:
            dialog.progress.append(status)
            dialog.answers.notify_all()

    async def _answered(self, dialog: Dialog, message: _Message, status: int) -> None:
        number, _, method = message.one("CSeq").partition(" ")
        if method == "INVITE" and _TAG.search(message.one("To")):
            dialog.remote = message.one("To")
        async with dialog.answers:
            dialog.status = status
            dialog.answers.notify_all()
        if method == "INVITE" and status >= _FINAL:
            if status < _REDIRECTION:
                dialog.target = _uri(message.one("Contact"))
            await self._request(dialog, "ACK", number=int(number))
            if status < _REDIRECTION:
                dialog.answered.set()
                self._news.set()

    def _add(self, dialog: Dialog) -> None:
        if len(self.dialogs) >= MAX_DIALOGS:
            raise ValueError(f"a handset has at most {MAX_DIALOGS} calls in its life")
        self.dialogs.append(dialog)


class _Message:
    """A SIP message: its first line, its headers by name, its body."""

    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self._headers = [(name.strip().lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self._headers if known == name.lower()]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")


class _Wire(asyncio.DatagramProtocol):
    def __init__(self, handset: Handset) -> None:
        self._handset = handset

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - from the one PBX
        self._handset.heard(data.decode(errors="replace"))


def _uri(header: str) -> str:
    found = _URI.search(header)
    return "" if found is None else found[1] or found[2]
