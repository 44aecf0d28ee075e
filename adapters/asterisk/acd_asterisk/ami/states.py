"""What a PBX says of its devices, endpoints' contacts and trunks: a snapshot, kept true by events. No IO.

Owns the meaning of the events and lists, and telling who listens. Must not know connections (`link`), nor what a state
means for an agent: it is evidence, never the truth.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import structlog

from acd_asterisk.ami.wire import Message, text_of

MAX_DEVICES: Final = 50_000
"""Devices, contacts and trunks, each; further ones are not known."""

UNKNOWN: Final = "UNKNOWN"

EVENTS: Final = frozenset({"DeviceStateChange", "ContactStatus", "Registry"})

ENDPOINT: Final = "PJSIP/"

DEVICE_STATES: Final = (
    "NOT_INUSE",
    "INUSE",
    "BUSY",
    "INVALID",
    "UNAVAILABLE",
    "RINGING",
    "RINGINUSE",
    "ONHOLD",
    UNKNOWN,
)
"""Asterisk's, as DEVICE_STATE() has them."""

_OF_ONE_CALL: Final = ("Local/", "Snoop/")
"""Technologies whose channels are named after what they are there for: nobody's telephone, and each another one."""

_GONE: Final = frozenset({"Removed"})
_REACHABLE: Final = frozenset({"Reachable", "NonQualified", "Avail", "NonQual", "Created"})
_REGISTERED: Final = "Registered"

_log = structlog.get_logger(__name__)


class DeviceChanged(NamedTuple):
    """A device's state has changed. Asterisk's names: NOT_INUSE, INUSE, RINGING, UNAVAILABLE."""

    device: str
    state: str
    before: str


class States:
    """One PBX's. `is_known`: whether anything has been looked up that still counts."""

    def __init__(self) -> None:
        """Nothing is known: every device is `UNKNOWN`."""
        self._devices: dict[str, str] = {}
        self._contacts: dict[tuple[str, str], str] = {}
        self._trunks: dict[str, bool] = {}
        self._registrations: dict[tuple[str, str], str] = {}
        self._listeners: list[Callable[[DeviceChanged], None]] = []
        self.is_known = False

    def device(self, name: str) -> str:
        """A device's state, like `INUSE` of `PJSIP/anna`; `UNKNOWN` when the PBX has not said."""
        return self._devices.get(name, UNKNOWN)

    def is_reachable(self, endpoint: str) -> bool | None:
        """Whether any telephone of an endpoint (`anna`) is; None when it has none registered that the PBX knows of."""
        found = [status in _REACHABLE for (owner, _), status in self._contacts.items() if owner == endpoint]
        return any(found) if found else None

    def trunk(self, name: str) -> bool | None:
        """Whether an outbound registration (`[name]` of pjsip.conf) stands; None when there is none of this name."""
        return self._trunks.get(name)

    @property
    def trunks(self) -> dict[str, bool]:
        """All outbound registrations: whether each stands."""
        return dict(self._trunks)

    def endpoints(self) -> dict[str, int]:
        """How many PJSIP endpoints are in each state."""
        counts = dict.fromkeys(DEVICE_STATES, 0)
        for device, state in self._devices.items():
            if device.startswith(ENDPOINT):
                counts[state] = counts.get(state, 0) + 1
        return counts

    def listen(self, listener: Callable[[DeviceChanged], None]) -> None:
        """Call it at every change of a device, in order. It must not wait, and had better not raise."""
        self._listeners.append(listener)

    # ---- for whoever keeps it true

    def replace(self, devices: Iterable[Message], contacts: Iterable[Message], trunks: Iterable[Message]) -> None:
        """All of it anew; only what differs is told."""
        found = {text_of(each, "Device"): text_of(each, "State") for each in devices}
        self._contacts = {}
        for each in contacts:
            # Those that registered; of those written into pjsip.conf events tell, when they are qualified.
            name = text_of(each, "Endpoint") or text_of(each, "ObjectName").partition("/")[0]
            self._contact(name, text_of(each, "Uri"), text_of(each, "Status"))
        self._trunks, self._registrations = {}, {}
        for each in trunks:
            name = text_of(each, "ObjectName")
            if name and len(self._trunks) < MAX_DEVICES:
                self._trunks[name] = text_of(each, "Status") == _REGISTERED
                self._registrations[text_of(each, "ServerUri"), text_of(each, "ClientUri")] = name
        self.is_known = True
        for device in [each for each in self._devices if each not in found]:
            self._set(device, UNKNOWN)
        for device, state in found.items():
            self._set(device, state)

    def forget(self) -> None:
        """Nobody keeps it true any more."""
        self.is_known = False
        self._contacts, self._trunks, self._registrations = {}, {}, {}
        for device in tuple(self._devices):
            self._set(device, UNKNOWN)

    def handle(self, event: Message) -> None:
        """Take in an event; one that is not of `EVENTS` is left alone."""
        match text_of(event, "Event"):
            case "DeviceStateChange":
                self._set(text_of(event, "Device"), text_of(event, "State"))
            case "ContactStatus":
                self._contact(text_of(event, "EndpointName"), text_of(event, "URI"), text_of(event, "ContactStatus"))
            case "Registry":
                name = self._registrations.get((text_of(event, "Domain"), text_of(event, "Username")))
                if name is not None:
                    self._trunks[name] = text_of(event, "Status") == _REGISTERED

    def _set(self, device: str, state: str) -> None:
        if device.startswith(_OF_ONE_CALL):
            return
        before = self._devices.get(device, UNKNOWN)
        if state == UNKNOWN:
            self._devices.pop(device, None)
        elif device in self._devices or len(self._devices) < MAX_DEVICES:
            self._devices[device] = state
        else:
            return
        if state != before:
            self._tell(DeviceChanged(device, state, before))

    def _contact(self, endpoint: str, uri: str, status: str) -> None:
        if status in _GONE:
            self._contacts.pop((endpoint, uri), None)
        elif endpoint and (len(self._contacts) < MAX_DEVICES or (endpoint, uri) in self._contacts):
            self._contacts[endpoint, uri] = status

    def _tell(self, change: DeviceChanged) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception as error:  # noqa: BLE001 - the others are to hear of it all the same
                _log.error("who listens to device states failed", error=type(error).__name__)
