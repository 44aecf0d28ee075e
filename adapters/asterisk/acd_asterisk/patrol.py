"""Looks now and then whether the PBX still is as the engine wants it, while calls go on, and has it healed if not.

Owns the period, and what is certain enough to act upon. Must not know how a difference is healed.

A look stops nothing: events are handled and effects performed meanwhile, so a single look sees much that is only on its
way. What two looks see, some time apart, is stuck: an event that was lost, a bridge or a channel that nobody ended.
Only then everything is compared as after a connect, which takes a few milliseconds in which events wait.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from acd_asterisk import mending
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.differences import KINDS
from acd_asterisk.mending import Repair

CONFIRM_SECONDS: Final = 2.0
"""Between the two looks. What is under way takes as long only where the PBX cannot keep up: `looking` leaves it out."""

MAX_NAMED: Final = 5
"""Interactions, channels and offers that one line of the log names."""

STUCK: Final = (
    mending.End,
    mending.Fail,
    mending.Requeue,
    mending.Enqueue,
    mending.LetGo,
    mending.HangUp,
    mending.Destroy,
    mending.Join,
    mending.Park,
    mending.CallBack,
    mending.Welcome,
)
"""Something is gone, or there, that nobody is doing anything about; those who talked are apart; or somebody waits and
hears nothing. All else may rightly last: an agent who has picked up may have a key to press."""

_log = structlog.get_logger(__name__)


class Patrol:
    """The looks of one channel instance."""

    def __init__(
        self,
        name: str,
        every_us: int,
        *,
        look: Callable[[], Awaitable[list[Repair]]],
        heal: Callable[[], Awaitable[None]],
        is_live: Callable[[], bool],
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        """`look` gives what differs and changes nothing; `heal` compares and heals everything. 0 µs: never."""
        self._name = name
        self._every_us = every_us
        self._look = look
        self._heal = heal
        self._is_live = is_live
        self._confirm_seconds = confirm_seconds

    async def run(self) -> None:
        """For ever."""
        while self._every_us:
            await asyncio.sleep(self._every_us / 1e6)
            try:
                await self.round()
            except AriUnavailable as error:
                # Whoever needs an answer will find out, too, and connect anew.
                _log.info("the PBX did not answer a look", instance=self._name, reason=str(error))
            except Exception as error:  # noqa: BLE001 - without further looks nothing that gets lost is ever found
                # Of what kind only; its text might hold a caller's number.
                _log.error("a look at the PBX failed", instance=self._name, error=type(error).__name__)

    async def round(self) -> None:
        """One look, a second one if there is something to see, and the healing. Raises `AriUnavailable`."""
        if not self._is_live():
            return
        first = _stuck(await self._look())
        if not first:
            return
        await asyncio.sleep(self._confirm_seconds)
        if not self._is_live():
            return  # A comparison has been, or is to come.
        found = first & _stuck(await self._look())
        if found:
            kinds, about = sorted({kind for kind, _ in found}), sorted(about for _, about in found)[:MAX_NAMED]
            _log.warning(
                "the PBX differs from what it should be",
                instance=self._name,
                count=len(found),
                kinds=kinds,
                about=about,
            )
            await self._heal()


def _stuck(repairs: Iterable[Repair]) -> set[tuple[str, str]]:
    """Kind and name of what may be stuck: to be known again at the second look."""
    return {(KINDS[type(repair)], _about(repair)) for repair in repairs if isinstance(repair, STUCK)}


def _about(repair: Repair) -> str:
    match repair:
        case mending.Enqueue(channel):
            return channel.id
        case mending.HangUp(channel_id) | mending.LetGo(channel_id):
            return channel_id
        case mending.Fail(offer_id):
            return offer_id
        case (
            mending.End(interaction_id)
            | mending.Requeue(interaction_id)
            | mending.Destroy(interaction_id)
            | mending.Join(interaction_id)
            | mending.Park(interaction_id)
            | mending.CallBack(interaction_id)
            | mending.Welcome(interaction_id)
        ):
            return interaction_id
        case _:
            return ""
