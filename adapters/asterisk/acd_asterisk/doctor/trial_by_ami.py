"""Test calls where there is no ARI: through the dialplan to the engine, and to an agent's telephone.

Owns what is dialled by AMI, and hangs up what was made in every case. Must not know how the engine moves calls, but for
the places in the dialplan where it puts them. A call of the first kind is a real one for it, and may ring an agent.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from panoramisk.message import Message

from acd_asterisk.ami import AmiUnavailable, Manager, text_of
from acd_asterisk.ami.wire import Value
from acd_asterisk.ami_only import dialplan as places
from acd_asterisk.doctor.findings import Finding, good, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.doctor.trial import ADDRESS, CALL_SECONDS, LOOK_SECONDS, RING_SECONDS, RUNG_SECONDS

_SHOWN: Final = "acd doctor"
_RINGING: Final = "Ringing"
_UP: Final = "Up"


async def call(patient: Patient, manager: Manager, place: str) -> Finding:
    """Call an extension through the dialplan, and see where the call comes to stand."""
    app = patient.options.app
    context = places.context_of(app)
    leads = f"{place} leads to [{context}]"
    entered, seen = False, ""
    async with _made(manager, f"Local/{place}/n") as (refusal, _, far):
        if refusal:
            return wrong("call", f"{place} cannot be called ({refusal}); is there such an extension and context?")
        with suppress(TimeoutError):
            async with asyncio.timeout(CALL_SECONDS):
                while (shown := await _channel(manager, far)) is not None or not (seen or entered):
                    at = _place(shown, context)
                    entered = entered or at == places.ENTER
                    if at in {places.HOLD, places.TALK}:
                        return good("call", f"{leads}, and the engine has taken the call in")
                    seen = _application(shown) or seen if not at else ""
                    await asyncio.sleep(LOOK_SECONDS)
    if seen and await _engine_is_there(manager, app):
        if entered:
            return warning("call", f"{leads}, and the engine sent the call on; its log says why")
        return wrong("call", f"{place} came to {seen}, not to [{context}]; let it Goto() the context of acd-enter")
    if seen:
        return good("fallback", f"{place} was served by {seen}, as no engine is connected; try again when one is")
    if entered:
        return wrong("call", f"{leads}, and nobody took the call in; `acd healthy` and the log say why")
    return wrong("call", f"{place} came to nothing; is there such an extension in this context?")


async def ring(patient: Patient, manager: Manager, agent: str) -> Finding:
    """Let an agent's telephone ring, briefly."""
    address = dict(patient.telephones).get(agent)
    if address is None:
        return wrong("ring", f"the configuration has no agent {agent} with addresses.voice")
    if not ADDRESS.fullmatch(address):
        return wrong("ring", f"{address!r} is no address that can be dialled; mend agents.{agent}.addresses.voice")
    async with _made(manager, address, other=False) as (refusal, near, _):
        if refusal:
            return wrong("ring", f"{agent}: {address} cannot be dialled ({refusal}); does it exist, is it registered?")
        return await _rung(manager, agent, address, near)


async def _rung(manager: Manager, agent: str, address: str, near: str) -> Finding:
    loop = asyncio.get_running_loop()
    deadline, rang, was_there = loop.time() + RING_SECONDS, False, False
    while loop.time() < deadline:
        shown = await _channel(manager, near)
        state = "" if shown is None else text_of(shown, "ChannelStateDesc")
        if state == _UP:
            return good("ring", f"{agent}: {address} was picked up")
        if state == _RINGING and not rang:
            rang, deadline = True, min(deadline, loop.time() + RUNG_SECONDS)
        if shown is None and was_there:
            break
        was_there = was_there or shown is not None
        await asyncio.sleep(LOOK_SECONDS)
    if rang:
        return good("ring", f"{agent}: {address} rings")
    return warning("ring", f"{agent}: {address} has not rung: busy, declined or not there; look at the telephone")


@asynccontextmanager
async def _made(manager: Manager, channel: str, *, other: bool = True) -> AsyncIterator[tuple[str, str, str]]:
    """A call of ours: why there is none, and the ids of its ends. It goes nowhere but to be waited for."""
    own = f"acd-doctor-{secrets.token_hex(4)}"
    near, far = f"{own}:near", f"{own}:far"
    asked: dict[str, Value] = {
        "Channel": channel,
        "ChannelId": near,
        **({"OtherChannelId": far} if other else {}),
        "Application": "Wait",
        "Data": "30",
        "CallerID": _SHOWN,
        "Timeout": 30_000,
        "Async": "true",
    }
    try:
        reply = await manager.ask("Originate", asked)
        yield ("" if reply.is_success else reply.reason), near, far
    finally:
        for each in (near, far) if other else (near,):
            with suppress(AmiUnavailable):
                await manager.ask("Hangup", {"Channel": each})


async def _channel(manager: Manager, channel_id: str) -> Message | None:
    reply = await manager.ask_list("CoreShowChannels")
    return next((each for each in reply.items if text_of(each, "Uniqueid") == channel_id), None)


def _place(shown: Message | None, context: str) -> str:
    """Where the engine's calls stand; empty for a channel that is elsewhere."""
    return text_of(shown, "Exten") if shown is not None and text_of(shown, "Context") == context else ""


def _application(shown: Message | None) -> str:
    name = "" if shown is None else text_of(shown, "Application")
    return f"{name}({text_of(shown, 'ApplicationData')})" if shown is not None and name else ""


async def _engine_is_there(manager: Manager, app: str) -> bool:
    """By the variable that it winds up, and the PBX's own clock."""
    until = text_of((await manager.ask("Getvar", {"Variable": places.alive_of(app)})).response, "Value")
    now = text_of((await manager.ask("Ping")).response, "Timestamp")
    try:
        return float(until) > float(now or time.time())
    except ValueError:
        return False
