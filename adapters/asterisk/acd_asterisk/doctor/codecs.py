"""Whether telephones and trunks speak a language in common, or one that Asterisk can translate.

Owns the questions about codecs. Must not know whose an endpoint is. Of PJSIP only: ARI tells no other's codecs.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.loaded import loaded_modules

MAX_ASKED: Final = 500
"""Endpoints whose codecs are asked for, agents' before others."""

AT_ONCE: Final = 8

_CODEC: Final = re.compile(r"[a-z0-9_]+")
_LINEAR: Final = "slin"
"""Begins the names of what everything is translated by."""


class _Setting(Struct, frozen=True):
    attribute: str
    value: str = ""


class Speaker(Struct, frozen=True):
    """An endpoint: what it allows, nothing when that is not known.

    `is_trunk`: whoever calls from there needs no password. Telephones do, trunks are known by their address.
    """

    codecs: frozenset[str] = frozenset()
    is_trunk: bool = True


async def codecs(agents: Sequence[str], others: Sequence[str], client: AriClient) -> list[Finding]:
    """Of agents' endpoints among each other, and of the trunks among the others against them."""
    if not agents:
        return []
    free = asyncio.Semaphore(AT_ONCE)

    async def one(resource: str) -> Speaker:
        async with free:
            path = f"asterisk/config/dynamic/res_pjsip/endpoint/{quote(resource, safe='')}"
            answer = await client.request("GET", path)
        try:
            listed = msgspec.json.decode(answer.body, type=list[_Setting])
        except msgspec.DecodeError:
            return Speaker()
        settings = {each.attribute: each.value for each in listed}
        return Speaker(frozenset(_CODEC.findall(settings.get("allow", "").lower())), not settings.get("auth"))

    asked = [*agents, *others][:MAX_ASKED]
    speakers = dict(zip(asked, await asyncio.gather(*map(one, asked)), strict=True))
    trunks = {name: speakers[name].codecs for name in others if name in speakers and speakers[name].is_trunk}
    own = {name: speakers[name].codecs for name in agents if name in speakers}
    return judged_codecs(own, trunks, await loaded_modules(client))


def judged_codecs(
    agents: Mapping[str, frozenset[str]], trunks: Mapping[str, frozenset[str]], modules: Iterable[str] | None
) -> list[Finding]:
    """Of endpoints' codecs, by name; an empty set is one of which nothing is known.

    `modules`: what Asterisk has loaded; None when that is not known, so that whatever there is may be translated.
    """
    known = {name: each for name, each in agents.items() if each}
    if not known:
        return [unknown("codecs", "the PBX does not say which codecs agents' endpoints have")]
    translated = _translated({*frozenset().union(*known.values(), *trunks.values())}, modules)
    common = frozenset.intersection(*known.values())
    found = [_apart(known)] if not common else []
    found += _silent(known, known, translated)
    for name, each in sorted(trunks.items()):
        if each:
            found += _silent({name: each}, known, translated) or _transcoded(name, each, known)
    if common and not any(each.state == "wrong" for each in found):
        found.insert(0, good("codecs", f"agents' endpoints have in common: {', '.join(sorted(common))}"))
    return found


def _translated(names: set[str], modules: Iterable[str] | None) -> frozenset[str]:
    """Those of some codecs for which there is a module: `g729` for codec_g729a, `speex16` for codec_speex."""
    if modules is None:
        return frozenset(names)
    loaded = [name.removeprefix("codec_") for name in modules if name.startswith("codec_")]
    return frozenset(
        each for each in names if each.startswith(_LINEAR) or any(each in one or each.startswith(one) for one in loaded)
    )


def _silent(
    some: Mapping[str, frozenset[str]], agents: Mapping[str, frozenset[str]], translated: frozenset[str]
) -> list[Finding]:
    """Two that have no codec in common and none that could be translated: their call ends as soon as it is joined."""
    for name, own in some.items():
        deaf = [
            other
            for other, theirs in agents.items()
            if not own & theirs and not (own & translated and theirs & translated)
        ]
        if deaf:
            lacking = sorted(each for each in own | agents[deaf[0]] if each not in translated)
            fix = f"add {_most(agents)} to `allow` of {name}, or load a module codec_… for {' or '.join(lacking)}"
            text = f"{name} ({', '.join(sorted(own))}) can have no call with {named(deaf)}: no codec is common to them"
            return [wrong("codecs", f"{text}, and Asterisk cannot translate; {fix}")]
    return []


def _apart(agents: Mapping[str, frozenset[str]]) -> Finding:
    usual = _most(agents)
    apart = [name for name, each in agents.items() if usual not in each]
    fix = f"add {usual} to `allow` of these endpoints"
    return warning("codecs", f"no codec is common to all agents' endpoints: {named(apart)} lack {usual}; {fix}")


def _transcoded(trunk: str, own: frozenset[str], agents: Mapping[str, frozenset[str]]) -> list[Finding]:
    others = [name for name, each in agents.items() if not own & each]
    if not others:
        return []
    fix = f"add {' or '.join(sorted(own))} to `allow` of these, or {_most(agents)} to that of {trunk}"
    text = f"every call between {trunk} ({', '.join(sorted(own))}) and {named(others)} is translated"
    return [warning("codecs", f"{text}, which costs processor time and sound; {fix}")]


def _most(agents: Mapping[str, frozenset[str]]) -> str:
    """The codec that most of them have."""
    counts: dict[str, int] = {}
    for each in agents.values():
        for codec in each:
            counts[codec] = counts.get(codec, 0) + 1
    return max(sorted(counts), key=lambda codec: counts[codec])
