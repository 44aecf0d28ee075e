"""Whether the sounds and the music of the configuration exist on the PBX.

Owns the look-ups. Must not know when anything is played.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from acd.runtime.config.problems import Key, dotted
from acd_asterisk.ami import Manager, texts_of
from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.doctor.sounds import sounds_of
from acd_asterisk.media import media_of, sound_name

MAX_SOUNDS: Final = 500
"""Names that are looked up."""

_CLASS: Final = re.compile(r"^\s*Class:\s*(\S+)", re.MULTILINE)
_NOT_FOUND: Final = 404


Where = Callable[[str], Key]
"""From a name to the option that it is from; empty when that is not known."""


def _nowhere(_name: str) -> Key:
    return ()


class _Format(Struct, frozen=True):
    language: str = ""


class _Sound(Struct, frozen=True):
    formats: tuple[_Format, ...] = ()


async def sounds(patient: Patient, client: AriClient) -> list[Finding]:
    """Every sound that the configuration names."""
    wanted = sounds_of(patient.options)
    if not wanted:
        return []
    there: dict[str, frozenset[str]] = {}
    for name in tuple(wanted)[:MAX_SOUNDS]:
        answer = await client.request("GET", f"sounds/{quote(name, safe='')}")
        if answer.status == _NOT_FOUND and answer.message == "Resource not found":
            return [unknown("sounds", "sounds cannot be looked up; load res_ari_sounds in modules.conf")]
        there[name] = _languages(answer.body) if answer.is_success else frozenset()
    return judged_sounds(
        wanted, there, lambda name: patient.where(lambda text: sound_name(media_of(text) or "") == name)
    )


def judged_sounds(
    wanted: Mapping[str, frozenset[str]], there: Mapping[str, frozenset[str]], where: Where = _nowhere
) -> list[Finding]:
    """The languages in which each sound is wanted, and in which it is there; none: it is not there at all."""
    reload = "then `asterisk -rx 'module reload sounds'`"
    if absent := [name for name, languages in there.items() if not languages]:
        fix = f"put the files into Asterisk's folder of a language, like sounds/en, {reload}"
        key = where(absent[0])
        which = "which" if len(absent) == 1 else "the first of which"
        by = f", {which} {dotted(key)} names" if key else ""
        return [wrong("sounds", f"there is no sound {named(absent)}{by}: nobody hears anything there; {fix}", key)]
    lacking: dict[str, list[str]] = {}
    for name, languages in there.items():
        for language in sorted(wanted[name]):
            if not languages & {language, language.replace("-", "_").partition("_")[0]}:
                lacking.setdefault(language, []).append(name)
    found = []
    for language, names in lacking.items():
        text = f"not there in {language}, so that callers hear another language: {named(names)}"
        fix = f"put them into sounds/{language}, {reload}"
        found.append(warning("sounds", f"{text}; {fix}", where(names[0])))
    return found or [good("sounds", f"all {len(wanted)} sounds of the configuration exist")]


def _languages(body: bytes) -> frozenset[str]:
    try:
        return frozenset(each.language for each in msgspec.json.decode(body, type=_Sound).formats)
    except msgspec.DecodeError:
        return frozenset()


async def music(patient: Patient, manager: Manager) -> Finding:
    """The classes of the music for those who wait. Only AMI tells: ARI says yes to any name."""
    reply = await manager.ask("Command", {"Command": "moh show classes"})
    if not reply.is_success:
        return unknown("music", f"music cannot be looked up ({reply.reason}); give the AMI user `write = command`")
    shown = "\n".join(texts_of(reply.response, "Output"))
    return judged_music(shown, patient.options.music_classes, lambda name: patient.where(name.__eq__))


def judged_music(shown: str, wanted: Sequence[str], where: Where = _nowhere) -> Finding:
    """Of what `moh show classes` shows."""
    classes = _CLASS.findall(shown)
    absent = [each for each in wanted if each not in classes]
    if not absent:
        return good("music", f"the music class {named(list(wanted))} exists")
    fix = f"choose one of {named(classes)}" if classes else "add one to musiconhold.conf"
    return wrong(
        "music", f"there is no music class {named(absent)}, callers would hear silence; {fix}", where(absent[0])
    )
