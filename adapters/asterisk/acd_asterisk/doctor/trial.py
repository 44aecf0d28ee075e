"""Test calls: through the dialplan to the engine, and to an agent's telephone.

Owns what is dialled, and an application of its own for the near end, so that nothing is taken from the engine. What was
made is hung up in every case. A call of the first kind is a real one for the engine: it may ring an agent.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import quote

import msgspec

from acd_asterisk import wire
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.doctor.findings import Finding, good, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient, key_of
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.names import Names

PLACE: Final = re.compile(r"(?P<extension>[0-9A-Za-z*#+_.-]{1,40})@(?P<context>[0-9A-Za-z_.-]{1,79})")
"""`1000@from-internal`: nothing in it means anything to Asterisk but itself."""

ADDRESS: Final = re.compile(r"[A-Za-z0-9]+/[0-9A-Za-z*#+_.@:/-]{1,128}")

CALL_SECONDS: Final = 8.0
"""How long a test call may take to be where it belongs."""

RING_SECONDS: Final = 10.0
RUNG_SECONDS: Final = 2.0
"""How long a telephone that rings is left to ring."""

LOOK_SECONDS: Final = 0.1

_CAUSES: Final = {
    17: "is busy",
    18: "did not answer the INVITE",
    19: "was not picked up",
    20: "is not registered",
    21: "declined",
}
_SHOWN: Final = "acd doctor"


async def call(patient: Patient, client: AriClient, place: str, *, is_held: bool | None) -> Finding:
    """Call an extension through the dialplan, and see where the call comes to stand.

    `is_held`: a controller is there.
    """
    async with _own_application(client) as (own, _):
        near, far = f"{own}:near", f"{own}:far"
        endpoint = f"Local/{place}/n"
        body = {"endpoint": endpoint, "app": own, "otherChannelId": far, "callerId": _SHOWN, "timeout": 30}
        try:
            answer = await client.request("POST", f"channels/{near}", body)
            if not answer.is_success:
                return wrong(
                    "call", f"{place} cannot be called ({answer.message}); is there such an extension and context?"
                )
            return await _followed(patient, client, (near, far), place, is_held=is_held)
        finally:
            await _hang_up(client, near, far)


async def _followed(
    patient: Patient, client: AriClient, ends: tuple[str, str], place: str, *, is_held: bool | None
) -> Finding:
    """Look where it is until it has come to stand or is over.

    Without a controller Stasis() is a place on the way: it may be seen there before it has found nobody.
    """
    app, (near, far) = patient.options.app, ends
    seen: wire.AriChannel | None = None
    was_there = is_over = False
    with suppress(TimeoutError):
        async with asyncio.timeout(CALL_SECONDS):
            while not is_over and (is_held is False or not _is_ours(seen, app)):
                await asyncio.sleep(LOOK_SECONDS)
                now = await _channel(client, far)
                if now is None:
                    is_over = was_there or await _channel(client, near) is None
                elif now.dialplan.app_name:
                    seen = now  # Between two lines of the dialplan it is nowhere.
                was_there = was_there or now is not None
    if not _is_ours(seen, app):
        return _elsewhere(place, app, seen, is_held=is_held)
    if is_over:
        text = f"{place} leads to Stasis({app}), and has ended there, as no engine is connected"
        return warning("fallback", f"{text}; let a fallback come after `Stasis()`")
    return await _taken(patient, client, far, place)


def _is_ours(channel: wire.AriChannel | None, app: str) -> bool:
    place = wire.DialplanPlace() if channel is None else channel.dialplan
    return place.app_name == "Stasis" and place.app_data.partition(",")[0] == app


async def _taken(patient: Patient, client: AriClient, far: str, place: str) -> Finding:
    """The call is in the application: wait until it hears music, which is the engine's doing."""
    app = patient.options.app
    hold = quote(Names(patient.name, app).hold, safe=":")
    leads = f"{place} leads to Stasis({app})"
    with suppress(TimeoutError):
        async with asyncio.timeout(CALL_SECONDS):
            while (channel := await _channel(client, far)) is not None:
                if not _is_ours(channel, app):
                    return warning("call", f"{leads}, and the engine sent the call on; its log says why")
                answer = await client.request("GET", f"bridges/{hold}")
                if answer.is_success and far in msgspec.json.decode(answer.body, type=wire.AriBridge).channels:
                    return good("call", f"{leads}, and the engine has taken the call in")
                await asyncio.sleep(LOOK_SECONDS)
            # An agent has been quick: what is not wanted goes on in the dialplan, and would still be there.
            return good("call", f"{leads}, and the engine has taken the call in; it has been answered and ended since")
    return wrong("call", f"{leads}, and nobody took the call in; `acd healthy` and the log say why")


def _elsewhere(place: str, app: str, seen: wire.AriChannel | None, *, is_held: bool | None) -> Finding:
    if seen is None:
        return wrong("call", f"{place} came to nothing; is there such an extension in this context?")
    where = f"{seen.dialplan.app_name}({seen.dialplan.app_data})"
    if is_held is False:
        return good("fallback", f"{place} was served by {where}, as no engine is connected; try again when one is")
    return wrong("call", f"{place} came to {where}, not to Stasis({app}); let it Goto() the context of Stasis()")


async def ring(patient: Patient, client: AriClient, agent: str) -> Finding:
    """Let an agent's telephone ring, briefly."""
    address = dict(patient.telephones).get(agent)
    if address is None:
        return wrong("ring", f"the configuration has no agent {agent} with addresses.voice")
    if not ADDRESS.fullmatch(address):
        text = f"{address!r} is no address that can be dialled; mend agents.{agent}.addresses.voice"
        return wrong("ring", text, key_of(agent))
    async with _own_application(client) as (own, socket):
        channel = f"{own}:ring"
        body = {"endpoint": address, "app": own, "callerId": _SHOWN, "timeout": int(RING_SECONDS)}
        try:
            answer = await client.request("POST", f"channels/{channel}", body)
            if not answer.is_success:
                reason = answer.message or f"status {answer.status}"
                return wrong(
                    "ring", f"{agent}: {address} cannot be dialled ({reason}); does it exist, is it registered?"
                )
            return await _rung(agent, address, channel, socket)
        finally:
            await _hang_up(client, channel)


async def _rung(agent: str, address: str, channel: str, socket: EventSocket) -> Finding:
    rang = False
    deadline = asyncio.get_running_loop().time() + RING_SECONDS
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                event = await socket.next()
        except TimeoutError:
            break
        if event is None or event.channel is None or event.channel.id != channel:
            continue
        if event.type == "StasisStart":
            return good("ring", f"{agent}: {address} was picked up")
        if event.type == "ChannelDestroyed":
            how = _CAUSES.get(event.cause, f"ended with cause {event.cause}")
            return warning("ring", f"{agent}: {address} {how}; look at the telephone")
        if event.channel.state == "Ringing" and not rang:
            rang = True
            deadline = min(deadline, asyncio.get_running_loop().time() + RUNG_SECONDS)
    if rang:
        return good("ring", f"{agent}: {address} rings")
    return unknown("ring", f"{agent}: {address} was dialled and has not begun to ring; look at the telephone")


@asynccontextmanager
async def _own_application(client: AriClient) -> AsyncIterator[tuple[str, EventSocket]]:
    """An application of a name that nobody has, with its events."""
    own = f"acd-doctor-{secrets.token_hex(4)}"
    async with await client.events(own) as socket:
        pump = asyncio.create_task(socket.pump())
        try:
            yield own, socket
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)


async def _channel(client: AriClient, channel_id: str) -> wire.AriChannel | None:
    answer = await client.request("GET", f"channels/{channel_id}")
    return msgspec.json.decode(answer.body, type=wire.AriChannel) if answer.is_success else None


async def _hang_up(client: AriClient, *channels: str) -> None:
    for channel in channels:
        with suppress(AriUnavailable):
            await client.request("DELETE", f"channels/{channel}", attempts=2)
