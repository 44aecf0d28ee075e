"""What `acd check` says of callbacks: queues that promise them, channels that call, and where one lacks the other.

Owns these findings. Must not know how a channel calls, nor how its options are written.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from acd.ports.addresses import Addressing
from acd.ports.calling_back import CallsBack
from acd.ports.channel import Channel
from acd.runtime.config import Problem, Report
from acd.runtime.config.durations import format_duration
from acd.runtime.config.lines import Lines
from acd.runtime.config.problems import Key, dotted

VOICE: Final = "voice"
"""The medium of channels that ring agents' telephones."""

Opened = Mapping[str, Channel | None]
"""The channels by name; None for one whose options are wrong, of which that is said already."""

_Finding = tuple[Key, str, str]
"""Key, reason and fix."""


def callback_errors(file: Path, report: Report, opened: Opened) -> list[Problem]:
    """Queues whose callbacks are given to a channel that calls nobody."""
    return _placed(file, _given_in_vain(report, opened))


def callback_cautions(file: Path, report: Report, opened: Opened) -> list[Problem]:
    """Callbacks that nobody dials, promised by an action or by a key; and a channel that would, for no queue."""
    if report.config is None:
        return []
    found = [*_promised_by_actions(report, opened), *_promised_by_key(report, opened)]
    # Whoever is told by which channel a promise can be kept need not be told that it has nothing to do.
    return _placed(file, [*(found or _unused(report, opened)), *_cut_short(report, opened)])


def _given_in_vain(report: Report, opened: Opened) -> Iterator[_Finding]:
    for queue, name in _wanted(report).items():
        channel: object = opened.get(name)
        if channel is None or _calls_back(channel):
            continue
        key = ("queues", queue, "callback_channel")
        never = channel.never_calls_back if isinstance(channel, CallsBack) else ""
        if never:
            yield key, f"{name} {never}", "use ARI, or leave callback_channel out"
        else:
            fix = f"say how: [{dotted(('channels', name, 'callbacks'))}]; or name a channel that does"
            yield key, f"the channel {name} calls nobody back", fix


def _promised_by_actions(report: Report, opened: Opened) -> Iterator[_Finding]:
    """When all channels are for telephones: elsewhere a desk may show callbacks."""
    channels: list[object] = list(opened.values())
    if not channels or not all(isinstance(each, Addressing) and each.medium == VOICE for each in channels):
        return
    name = next((name for name, each in opened.items() if _calls_back(each)), "")
    half = f'callback_channel = "{name}" here' if name else "callback_channel here, and callbacks in its own table"
    fix = f'let a PBX call: {half}; or have a desk that shows it; or use "release"'
    reason = "an agent is offered the callback through the API, and no telephone rings"
    for queue in report.config.queues if report.config else ():
        for action in ("when_closed", "when_unstaffed", "when_full", "when_overdue"):
            if getattr(queue.settings, action).kind == "callback" and not queue.settings.callback_channel:
                yield ("queues", queue.settings.id, action), reason, fix


def _promised_by_key(report: Report, opened: Opened) -> Iterator[_Finding]:
    """Queues whose callers may press a key for it, at a channel, and which no channel has to call."""
    wanted = _wanted(report)
    queues = {queue.settings.id for queue in (report.config.queues if report.config else ())}
    for name, channel in opened.items():
        if not isinstance(channel, CallsBack):
            continue
        half = "" if channel.calls_back else f", and dial to [{dotted(('channels', name, 'callbacks'))}]"
        for queue in channel.promises_callbacks:
            if queue in queues and queue not in wanted:
                fix = f'add callback_channel = "{name}" to [{dotted(("queues", queue))}]{half}'
                yield ("channels", name, "queues", queue, "keys"), "promises a call, and no telephone rings", fix


def _unused(report: Report, opened: Opened) -> Iterator[_Finding]:
    named = set(_wanted(report).values())
    for name, channel in opened.items():
        if name not in named and _calls_back(channel):
            reason = "no queue has its customers called back here"
            fix = f'add callback_channel = "{name}" to a queue, else no telephone rings'
            yield ("channels", name, "callbacks"), reason, fix


def _cut_short(report: Report, opened: Opened) -> Iterator[_Finding]:
    """Queues that call customers first, and give up while their telephones may still ring."""
    for queue in report.config.queues if report.config else ():
        settings = queue.settings
        channel: object = opened.get(settings.callback_channel)
        if settings.callback_first != "customer" or not isinstance(channel, CallsBack) or not channel.calls_back:
            continue
        if settings.callback_reach_us <= channel.reaches_within_us:
            within, until = format_duration(channel.reaches_within_us), format_duration(settings.callback_reach_us)
            reason = f"is over after {until}, while {settings.callback_channel} rings, and asks for a key, for {within}"
            ring = dotted(("channels", settings.callback_channel, "callbacks", "ring"))
            fix = f"let callback_timeout be longer, with time for the prompt, or {ring} shorter"
            yield ("queues", settings.id, "callback_timeout"), reason, fix


def _wanted(report: Report) -> dict[str, str]:
    """By queue, the channel that is to call its customers back."""
    queues = () if report.config is None else report.config.queues
    return {each.settings.id: each.settings.callback_channel for each in queues if each.settings.callback_channel}


def _calls_back(channel: object) -> bool:
    return isinstance(channel, CallsBack) and channel.calls_back


def _placed(file: Path, found: Iterable[_Finding]) -> list[Problem]:
    findings = list(found)
    lines = Lines(file.read_text(encoding="utf-8-sig") if findings else "")
    return [Problem(str(file), lines.line(key), dotted(key), reason, fix) for key, reason, fix in findings]
