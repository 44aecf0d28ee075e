"""What a PBX says of devices, contacts and trunks: pure, and kept true against a real Asterisk."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest
from msgspec import structs
from panoramisk.message import Message

from acd.ports.queue_log import LineRefused
from acd.runtime.config import Secret
from acd_asterisk.ami import Access, Manager
from acd_asterisk.ami.queue_log import write_line
from acd_asterisk.ami.states import MAX_DEVICES, DeviceChanged, States
from acd_asterisk.ami.watch import MAX_LABEL, MAX_TRUNKS, Watch
from acd_asterisk.lab import LabAgent, Pbx, Provisioned
from acd_asterisk.options.ami import AmiOptions
from acd_asterisk.options.password import Password
from tests.adapters.asterisk.rig import EXAMPLES, manager_section, until
from tests.kept import kept


def device(name: str, state: str) -> Message:
    return Message({"Event": "DeviceStateChange", "Device": name, "State": state})


def contact(endpoint: str, status: str) -> Message:
    fields = {"EndpointName": endpoint, "URI": f"sip:{endpoint}@10.0.0.1", "ContactStatus": status}
    return Message({"Event": "ContactStatus", **fields})


def test_nothing_is_known_at_first() -> None:
    states = States()
    assert not states.is_known
    assert states.device("PJSIP/anna") == "UNKNOWN"
    assert states.is_reachable("anna") is None
    assert states.trunk("carrier") is None


def test_changes_are_told_in_order_and_once() -> None:
    states = States()
    heard: list[DeviceChanged] = []
    states.listen(heard.append)
    states.replace([device("PJSIP/anna", "NOT_INUSE"), device("PJSIP/ben", "INUSE")], [], [])
    states.handle(device("PJSIP/anna", "RINGING"))
    states.handle(device("PJSIP/anna", "RINGING"))
    states.replace([device("PJSIP/anna", "INUSE")], [], [])
    assert heard == [
        ("PJSIP/anna", "NOT_INUSE", "UNKNOWN"),
        ("PJSIP/ben", "INUSE", "UNKNOWN"),
        ("PJSIP/anna", "RINGING", "NOT_INUSE"),
        ("PJSIP/ben", "UNKNOWN", "INUSE"),
        ("PJSIP/anna", "INUSE", "RINGING"),
    ]
    states.forget()
    assert heard[-1] == ("PJSIP/anna", "UNKNOWN", "INUSE")
    assert not states.is_known


def test_a_listener_that_raises_harms_nobody() -> None:
    states = States()
    heard: list[DeviceChanged] = []

    def fails(_change: DeviceChanged) -> None:
        raise RuntimeError("of a test")

    states.listen(fails)
    states.listen(heard.append)
    states.handle(device("PJSIP/anna", "INUSE"))
    assert len(heard) == 1


def test_contacts_and_trunks() -> None:
    states = States()
    listed = {"ServerUri": "sip:carrier.example", "ClientUri": "sip:me@carrier.example"}
    states.replace([], [], [Message({"ObjectName": "carrier", "Status": "Unregistered", **listed})])
    assert states.trunks == {"carrier": False}
    said = {"Event": "Registry", "Domain": listed["ServerUri"], "Username": listed["ClientUri"]}
    states.handle(Message({**said, "Status": "Registered"}))
    assert states.trunk("carrier") is True
    states.handle(contact("anna", "Reachable"))
    assert states.is_reachable("anna") is True
    states.handle(contact("anna", "Unreachable"))
    assert states.is_reachable("anna") is False
    states.handle(contact("anna", "Removed"))
    assert states.is_reachable("anna") is None


def test_what_is_known_is_bounded() -> None:
    states = States()
    states.replace((device(f"PJSIP/{number}", "INUSE") for number in range(MAX_DEVICES + 10)), [], [])
    assert states.endpoints()["INUSE"] == MAX_DEVICES
    assert states.device(f"PJSIP/{MAX_DEVICES}") == "UNKNOWN"
    states.handle(device("PJSIP/0", "NOT_INUSE"))
    assert states.device("PJSIP/0") == "NOT_INUSE"


@pytest.mark.parametrize("name", ["Local/13800138000@trunk", "Snoop/acd-acd:tape:pbx1-1.1:caller"])
def test_what_is_named_after_one_call_is_no_device(name: str) -> None:
    """Asterisk tells of its channels as if they were, and never that they are gone: one more with each call."""
    states = States()
    heard: list[DeviceChanged] = []
    states.listen(heard.append)
    states.handle(device(name, "INVALID"))
    states.replace([device(name, "INVALID"), device("PJSIP/anna", "NOT_INUSE")], [], [])
    assert heard == [("PJSIP/anna", "NOT_INUSE", "UNKNOWN")]
    assert kept(states)["States._devices"] == 1


def test_names_of_trunks_are_bounded_and_clean() -> None:
    """A PBX's files name them; figures have a series for each."""
    watch = Watch("pbx1", AmiOptions(host="127.0.0.1", port=9, user="acd", password=Password()))

    def shown(*trunks: tuple[str, str]) -> dict[str, object]:
        watch.states.replace([], [], [Message({"ObjectName": name, "Status": status}) for name, status in trunks])
        return {key: value for key, value in watch.health().items() if key.startswith("trunk_")}

    up, down = "Registered", "Rejected"
    assert shown(("运营商", up), ("a\x1b[2J\n{}", down)) == {"trunk_运营商": True, "trunk_a__2J___": False}
    assert shown(("a b", up), ("a\tb", down)) == {"trunk_a_b": False}
    assert shown(("x" * 70 + "1", up), ("x" * 70 + "2", up)) == {f"trunk_{'x' * MAX_LABEL}": True}
    assert len(shown(*((f"t{number}", up) for number in range(MAX_TRUNKS + 5)))) == MAX_TRUNKS


# ---- on a real Asterisk

TRUNK = """
[carrier]
type = registration
transport = udp
server_uri = sip:127.0.0.1:9
client_uri = sip:me@127.0.0.1:9
retry_interval = 60
; Else it waits up to ten seconds before a first REGISTER, and before one that is asked for by hand.
max_random_initial_delay = 0

[carla]
type = endpoint
transport = udp
disallow = all
allow = ulaw
aors = carla

[carla]
type = aor
contact = sip:carla@127.0.0.1:9
qualify_frequency = 1
qualify_timeout = 0.2
"""
DIALPLAN = """
[states]
exten => busy,1,Set(DEVICE_STATE(Custom:desk)=INUSE)
 same => n,Hangup()
exten => free,1,Set(DEVICE_STATE(Custom:desk)=NOT_INUSE)
 same => n,Hangup()
"""


def options(pbx: Pbx) -> AmiOptions:
    return AmiOptions(
        host="127.0.0.1", port=pbx.ami_port, user=pbx.ami_user, password=Password(value=Secret(pbx.ami_password))
    )


@asynccontextmanager
async def watched(pbx: Pbx) -> AsyncIterator[Watch]:
    watch = Watch("pbx1", options(pbx))
    task = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(10):
            await watch.link.live.wait()
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_states_of_a_real_asterisk(provisioned: Provisioned) -> None:
    agents = [LabAgent("anna", "127.0.0.1", 9), LabAgent("ben", "127.0.0.1", 9)]
    config = {"pjsip.conf": TRUNK, "extensions.conf": DIALPLAN}
    async with Pbx(provisioned, agents=agents, extra_config=config) as pbx, watched(pbx) as watch:
        states = watch.states
        heard: list[DeviceChanged] = []
        states.listen(heard.append)
        assert states.is_known
        assert states.device("PJSIP/anna") == "NOT_INUSE"
        assert states.trunk("carrier") is False
        await until(lambda: states.is_reachable("carla") is False, lambda: str(states.is_reachable("carla")))
        health = watch.health()
        assert health["ami_reason"] == ""
        assert (health["endpoints_not_inuse"], health["trunk_carrier"], health["ami"]) == (2, False, "live")
        async with pbx.ami() as ami:
            for exten, state in (("busy", "INUSE"), ("free", "NOT_INUSE")):
                await ami.action(
                    "Originate", Channel=f"Local/{exten}@states", Application="Wait", Data="1", Async="true"
                )
                await until(lambda s=state: states.device("Custom:desk") == s, lambda: str(heard))  # type: ignore[misc]
        assert [each.state for each in heard if each.device == "Custom:desk"] == ["INUSE", "NOT_INUSE"]


class Registrar(asyncio.DatagramProtocol):
    """A carrier that lets everybody register."""

    def __init__(self) -> None:
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # it is one
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = data.decode().split("\r\n")
        kept = [line for line in lines if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:", "Contact:"))]
        to = next(line for line in lines if line.startswith("To:"))
        expires = [line for line in lines if line.startswith("Expires:")]
        answer = ["SIP/2.0 200 OK", *kept, f"{to};tag=carrier", *expires, "Content-Length: 0", "", ""]
        assert self._transport is not None
        self._transport.sendto("\r\n".join(answer).encode(), addr)


async def test_a_trunk_comes_and_goes(provisioned: Provisioned) -> None:
    """Registered with a carrier, no longer, and again: told as it happens, and known after a connect."""
    loop = asyncio.get_running_loop()
    transport, carrier = await loop.create_datagram_endpoint(Registrar, local_addr=("127.0.0.1", 0))
    config = {"pjsip.conf": TRUNK.partition("[carla]")[0].replace("127.0.0.1:9", f"127.0.0.1:{carrier.port}")}
    try:
        async with Pbx(provisioned, extra_config=config) as pbx:
            async with watched(pbx) as watch:
                await until(lambda: watch.states.trunk("carrier") is True, lambda: str(watch.states.trunks))
                assert watch.health()["trunk_carrier"] is True
                await pbx.cli("pjsip send unregister carrier")
                await until(lambda: watch.states.trunk("carrier") is False, lambda: str(watch.states.trunks))
                await pbx.cli("pjsip send register carrier")
                await until(lambda: watch.states.trunk("carrier") is True, lambda: str(watch.states.trunks))
            async with watched(pbx) as watch:
                assert watch.states.trunk("carrier") is True
    finally:
        transport.close()


async def test_after_a_loss_states_count_for_a_while_and_are_replaced(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Pbx(provisioned, agents=[LabAgent("anna", "127.0.0.1", 9)]) as pbx, watched(pbx) as watch:
        assert watch.states.device("PJSIP/anna") == "NOT_INUSE"
        await pbx.kill()
        await until(lambda: not watch.link.is_live, lambda: watch.link.state)
        assert watch.states.device("PJSIP/anna") == "NOT_INUSE"
        await pbx.start()
        await until(lambda: watch.link.is_live, lambda: watch.link.error)
        assert watch.states.device("PJSIP/anna") == "NOT_INUSE"
        monkeypatch.setattr("acd_asterisk.ami.watch.STALE_SECONDS", 0.01)
        await pbx.kill()
        await until(lambda: not watch.states.is_known, lambda: watch.link.state)
        assert watch.states.device("PJSIP/anna") == "UNKNOWN"


async def turned_away(access: AmiOptions) -> None:
    """What everybody may read of it names neither user nor host."""
    watch = Watch("pbx1", structs.replace(access, password=Password(value=Secret("another"))))
    task = asyncio.create_task(watch.run())
    await until(lambda: watch.link.state == "unauthorized", lambda: watch.link.error)
    assert access.user in watch.link.error
    assert watch.health()["ami_reason"] == "the user was not let in, or the password cannot be read; the log says which"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("page", ["AMI.md", "AMI_ONLY.md"])
async def test_nothing_but_what_the_page_says(provisioned: Provisioned, page: str) -> None:
    """Its manager.conf by itself: AMI is on, on this machine only, and the user may come from nowhere else."""
    text = (EXAMPLES / page).read_text()
    found = re.search(r"^   \[general\]\n(?:   .*\n|\n)+?(?=   ```)", text, re.MULTILINE)
    assert found is not None, "AMI is off in Asterisk's own manager.conf"
    file = dedent(found[0])
    assert "bindaddr = 127.0.0.1\n" in file
    assert file.index("deny = 0.0.0.0/0.0.0.0\n") < file.index("permit = 127.0.0.1/255.255.255.255\n")
    pbx = Pbx(provisioned)
    of_the_lab = f"\n[acd]\nsecret = {pbx.ami_password}\nread = all\nwrite = all\n"
    file = file.replace("[general]\n", f"[general]\nport = {pbx.ami_port}\n").replace("[acd]", "[least]")
    (pbx.folder / "config" / "manager.conf").write_text(file + of_the_lab)
    async with pbx:
        manager = Manager(Access(port=pbx.ami_port, user="least", password="a password"), events="system")
        await manager.open()
        manager.close()


async def test_the_rights_that_the_page_names_are_enough(provisioned: Provisioned) -> None:
    agents = [LabAgent("anna", "127.0.0.1", 9)]
    config = {"pjsip.conf": TRUNK, "manager.conf": manager_section("AMI.md")}
    async with Pbx(provisioned, agents=agents, extra_config=config) as pbx:
        access = AmiOptions(
            host="127.0.0.1", port=pbx.ami_port, user="least", password=Password(value=Secret("a password"))
        )
        watch = Watch("pbx1", access)
        task = asyncio.create_task(watch.run())
        await until(lambda: watch.link.is_live, lambda: watch.link.error)
        assert watch.states.device("PJSIP/anna") == "NOT_INUSE"
        assert watch.states.trunk("carrier") is False
        await until(lambda: watch.states.is_reachable("carla") is False, lambda: "the event of a contact")
        for line in ("", "# by hand", "1700000000|call-1||anna|", "1700000000|call-1|sales|anna|CONNECT|1\r"):
            with pytest.raises(LineRefused):
                await write_line(watch.link.manager, line)
        await write_line(watch.link.manager, "1700000000|call-1|sales|anna|CONNECT|1|leg|2")
        log = pbx.folder / "log" / "queue_log"
        await until(lambda: "|call-1|sales|anna|CONNECT|1|leg|2" in log.read_text(), log.read_text)
        await turned_away(access)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
