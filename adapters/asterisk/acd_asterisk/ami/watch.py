"""A PBX's states over AMI: asked for after every connect, kept true by events, and given up when AMI stays away.

Owns what is asked, and for how long old states count. Must not know what a state means.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from acd_asterisk.ami.connection import Access, Manager
from acd_asterisk.ami.link import Link, State
from acd_asterisk.ami.states import EVENTS, States
from acd_asterisk.options.ami import AmiOptions

STALE_SECONDS: Final = 30.0
"""How long states count after the connection was lost."""

MAX_TRUNKS: Final = 200
"""That health tells of by name: each is a series in figures, and the names are whatever the PBX's files say."""

MAX_LABEL: Final = 64
"""Characters of such a name."""

CLASSES: Final = "system,call"
"""What of Asterisk's events is asked for."""


_NOT_IN_LABEL: Final = re.compile(r"[^\w.+@-]")

_REASONS: Final[dict[State, str]] = {
    "connecting": "no connection; the log says why",
    "looking": "the states of devices have not been read yet",
    "live": "",
    "unauthorized": "the user was not let in, or the password cannot be read; the log says which",
}


class Watch:
    """One PBX's. `run` it beside the channel; `states` is for everybody."""

    def __init__(self, name: str, options: AmiOptions) -> None:
        """Nothing is opened."""
        self.states = States()
        self._options = options
        self.link = Link(name, self._manager, look=self._look, handle=self.states.handle, lost=self._lost)
        self._given_up: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """For ever."""
        try:
            await self.link.run()
        finally:
            self._keep()

    def health(self) -> Mapping[str, str | int | bool]:
        """Whether AMI is there, how many endpoints are in each state (`endpoints_inuse`), and each trunk's standing."""
        link = self.link
        shown: dict[str, str | int | bool] = {
            "ami": link.state,
            # Everybody may read it: host, port and user are in the log alone.
            "ami_reason": _REASONS[link.state] if link.error else "",
            "ami_connects": link.connects,
        }
        if self.states.is_known:
            shown |= {f"endpoints_{state.lower()}": count for state, count in self.states.endpoints().items()}
            shown |= {f"trunk_{name}": is_up for name, is_up in _named(self.states.trunks).items()}
        return shown

    def _manager(self) -> Manager:
        return Manager(access_of(self._options), events=CLASSES, wanted=EVENTS)

    async def _look(self, manager: Manager) -> None:
        # A PBX without res_manager_devicestate, or without PJSIP, refuses: then that much is not known of it.
        replies = [
            await manager.ask_list(action)
            for action in ("DeviceStateList", "PJSIPShowContacts", "PJSIPShowRegistrationsOutbound")
        ]
        self._keep()
        self.states.replace(*(reply.items for reply in replies))

    def _lost(self) -> None:
        self._keep()
        if self.states.is_known:
            self._given_up = asyncio.get_running_loop().call_later(STALE_SECONDS, self.states.forget)

    def _keep(self) -> None:
        if self._given_up is not None:
            self._given_up.cancel()
            self._given_up = None


def _named(trunks: Mapping[str, bool]) -> dict[str, bool]:
    """As figures name them: what cannot be told apart any more is up when all of it is."""
    shown: dict[str, bool] = {}
    for name, is_up in sorted(trunks.items()):
        label = _NOT_IN_LABEL.sub("_", name)[:MAX_LABEL]
        if label in shown or len(shown) < MAX_TRUNKS:
            shown[label] = shown.get(label, True) and is_up
    return shown


def access_of(options: AmiOptions) -> Access:
    """For a connection that is about to be opened. Raises `PasswordUnavailable`."""
    return Access(
        host=options.host,
        port=options.port,
        user=options.user,
        password=options.password.read(),
        tls=options.tls,
        ca="" if options.tls_ca is None else str(options.tls_ca),
    )
