"""What `acd check` says of web chats whose customers may call instead: the channel, its pages, and agents with room.

Owns these findings. Must not know how a call begins, nor how channels' options are written.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from acd.core.messages import AgentSettings, Capacity, ChannelShare
from acd.ports.channel import Channel
from acd.ports.continuing import Continuing
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.config import Problem, Report
from acd.runtime.config.lines import Lines
from acd.runtime.config.problems import Key, dotted, quoted

VOICE: Final = "voice"

Opened = Mapping[str, Channel | None]
"""The channels by name; None for one whose options are wrong, of which that is said already."""

_Finding = tuple[Key, str, str]
"""Key, reason and fix."""


def call_errors(file: Path, opened: Opened) -> list[Problem]:
    """Chats that name no channel for calls, or one that their pages may not use."""
    return _placed(file, _in_vain(opened))


def call_cautions(file: Path, report: Report, opened: Opened) -> list[Problem]:
    """Queues and agents by which such a call is somebody else's than the chat."""
    if report.config is None:
        return []
    agents = [each.settings for each in report.config.agents]
    holds = {each.settings.id: each.settings.hold_for_us for each in report.config.queues}
    return _placed(file, _of_others(opened, agents, holds))


def _chats(opened: Opened) -> Iterator[WebChatChannel]:
    yield from (each for each in opened.values() if isinstance(each, WebChatChannel) and each.options.call)


def _in_vain(opened: Opened) -> Iterator[_Finding]:
    for chat in _chats(opened):
        name, key = chat.options.call, ("channels", chat.name, "call")
        if name not in opened:
            yield key, f"there is no channel {quoted(name)}", 'name one of type "webrtc", or leave it out'
            continue
        calls: object = opened[name]
        if calls is None:
            continue
        if not isinstance(calls, Continuing):
            yield key, f"nobody can call by the channel {quoted(name)} from a page", 'name one of type "webrtc"'
            continue
        for page in chat.options.origins:
            if not calls.may_call(page):
                fix = f"add it to {dotted(('channels', name, 'origins'))}"
                yield key, f"pages of {page} may chat here, and not call there", fix


def _of_others(opened: Opened, agents: list[AgentSettings], holds: Mapping[str, int]) -> Iterator[_Finding]:
    for chat in _chats(opened):
        calls: object = opened.get(chat.options.call)
        if not isinstance(calls, Continuing):
            continue
        key, media = ("channels", chat.name, "call"), getattr(calls, "media", VOICE)
        if agents and not any(_has_room_for_both(each.capacity, chat.media, media) for each in agents):
            reason = f"no agent has room for a call of {quoted(media)} beside a conversation, so others take the calls"
            yield key, reason, 'give agents capacity = "parallel", or "reserved-voice"'
        for queue in chat.options.queues:
            if not holds.get(queue, 1):
                reason = f"a call from queue {queue} goes to anybody while the agent of the chat is busy"
                yield key, reason, f'add hold_for = "20s" to {dotted(("queues", queue))}'


def _has_room_for_both(capacity: Capacity, written: str, spoken: str) -> bool:
    one, other = _share(capacity, written), _share(capacity, spoken)
    if one is None or other is None:
        return False
    if one is other:
        return one.most > 1 and one.cost * 2 <= capacity.total
    return one.channel in other.interrupts or one.cost + other.cost <= capacity.total


def _share(capacity: Capacity, channel: str) -> ChannelShare | None:
    shares = {each.channel: each for each in capacity.channels}
    return shares.get(channel, shares.get("*"))


def _placed(file: Path, found: Iterator[_Finding]) -> list[Problem]:
    findings = list(found)
    lines = Lines(file.read_text(encoding="utf-8-sig") if findings else "")
    return [Problem(str(file), lines.line(key), dotted(key), reason, fix) for key, reason, fix in findings]
