"""What a PBX without ARI cannot do: options that would be taken and do nothing, which `acd check` says instead.

Owns that list. Must not know why it cannot be done over AMI, nor what the options do.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from acd_asterisk.options.waiting import Waiting

if TYPE_CHECKING:
    from acd_asterisk.options.pbx import Options
    from acd_asterisk.options.reader import Reader


def check_without_ari(reader: "Reader", options: "Options") -> None:
    """Report every option of a channel with `control = "ami"` that needs ARI."""
    if options.control == "ami":
        for key, fix in _needing_ari(reader, options):
            reader.problem(key, 'needs ARI, which control = "ami" does without', fix)


def _needing_ari(reader: "Reader", options: "Options") -> Iterator[tuple[str, str]]:
    yield from ((key, "do it in the dialplan") for key in ("menus", "answer") if reader.has(key))
    if options.recording.mode != "off":
        yield "recording.mode", "use MixMonitor in the dialplan"
    if options.survey.questions:
        yield "survey.questions", "ask in the dialplan, with X_ACD_AFTER=continue"
    fix = "leave it out"
    if options.codes.codes:
        yield "codes", fix
    if options.phones.everyone.lamps:
        yield "phones.lamps", fix
    if options.callbacks.dial:
        yield "callbacks", fix
    if options.confirm.addresses:
        yield "confirm.addresses", fix
    yield from ((f"agents.{agent_id}.confirm", fix) for agent_id, each in options.phones.agents.items() if each.confirm)
    yield from ((f"queues.{queue}.briefing", fix) for queue, each in options.queues.items() if each.briefing)
    yield from ((f"queues.{queue}.dispositions", fix) for queue, each in options.queues.items() if each.dispositions)
    fix = "do it in the dialplan"
    yield from ((f"queues.{queue}.answer", fix) for queue, each in options.queues.items() if each.answer is not None)
    fix = "say it in the dialplan, before acd-enter"
    if reader.has("sounds"):
        yield "sounds", fix
    for queue, each in options.queues.items():
        yield from ((f"queues.{queue}.{key}", fix) for key in _spoken(each.waiting))


def _spoken(waiting: Waiting) -> Iterator[str]:
    """The keys of what callers would hear and press. Music is the dialplan's to play, by its class."""
    for field in Waiting.__struct_fields__:
        if field != "music_class" and getattr(waiting, field) != getattr(Waiting(), field):
            yield field.removesuffix("_us")
