"""What the page of one agent is told, so that it can be their telephone.

Owns the answer to `acd.ports.browser_phones`. Must not know HTTP, nor how a page registers.
"""

from acd.errors import ChannelError
from acd.ports.browser_phones import BrowserPhone, IceServer
from acd_asterisk.browser_phones.passwords import MICROSECONDS, NoPassword, password_of, turn_credentials
from acd_asterisk.desk import Desk
from acd_asterisk.options.browser_phones import BrowserPhoneOptions


class Telling:
    """The telephones in the browser of one channel instance: `acd.ports.browser_phones.BrowserPhones`."""

    def __init__(self, desk: Desk) -> None:
        """`desk` has the options, and knows agents' addresses through its host."""
        self._desk = desk

    @property
    def urls(self) -> tuple[str, ...]:
        """The WebSocket of this PBX, if browsers are to reach it."""
        options = self._desk.options.browser_phones
        return () if options is None else (options.url,)

    def phone(self, agent_id: str) -> BrowserPhone | None:
        """How this agent's page registers. Raises `ChannelError`."""
        options = self._desk.options.browser_phones
        if options is None:
            return None
        endpoint = options.endpoint(self._desk.host.address(agent_id, "voice"))
        if not endpoint:
            return None
        own = self._desk.options.phones.agents.get(agent_id)
        try:
            return BrowserPhone(
                url=options.url,
                uri=f"sip:{endpoint}@{options.host}",
                user=endpoint,
                password=password_of(options, endpoint, None if own is None else own.phone_password_file),
                realm=options.realm,
                ice_servers=_ice_servers(options, endpoint, self._desk.host.now_us()),
                fresh_seconds=options.turn_lifetime_us // MICROSECONDS // 2 if options.turn_secret_file else 0,
            )
        except NoPassword as error:
            raise ChannelError(f"{self._desk.name}: {error}") from None


def _ice_servers(options: BrowserPhoneOptions, user: str, now_us: int) -> tuple[IceServer, ...]:
    stun = tuple(each for each in options.ice if each.startswith("stun"))
    turn = tuple(each for each in options.ice if each.startswith("turn"))
    found = (IceServer(stun),) if stun else ()
    if not turn:
        return found
    name, password = turn_credentials(options, user, now_us=now_us)
    return (*found, IceServer(turn, name, password))
