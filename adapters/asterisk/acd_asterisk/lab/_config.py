"""Writes the configuration of one instance from the templates beside this file.

Owns: what each `.conf` file says, the instance's folders, its music on hold, and the validation of every
name that goes into a configuration. Must not know: processes, or when anything is started.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from acd_asterisk.lab import _documentation
from acd_asterisk.lab._modules import RECORDING_MODULES, WEBRTC_MODULES
from acd_asterisk.lab._process import open_files_limit
from acd_asterisk.lab.bridges import FIELDS
from acd_asterisk.lab.provision import Provisioned
from acd_asterisk.lab.tones import mu_law

TEMPLATES = (
    *("asterisk.conf", "modules.conf", "logger.conf", "http.conf", "ari.conf", "manager.conf", "rtp.conf"),
    *("cdr.conf", "cel.conf", "cel_custom.conf", "musiconhold.conf", "queues.conf", "pjsip.conf", "extensions.conf"),
    "indications.conf",
)
EMPTY_FILES = (
    *("features.conf", "udptl.conf", "ccss.conf", "acl.conf", "stasis.conf"),
    *("pjproject.conf", "websocket_client.conf", "queuerules.conf"),
)
"""Files that Asterisk complains of when they are absent."""

DEFAULT_FALLBACK = (
    "Queue(acd-fallback,,,,60)",
    'GotoIf($["${QUEUESTATUS}" = ""]?served)',
    "Playback(vm-goodbye)",
    "NoOp()",
)

_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_RUN_FOLDER = 90
"""A Unix socket's path has at most 107 characters; Asterisk adds `/asterisk.ctl`."""


@dataclass(frozen=True, slots=True)
class LabAgent:
    """An agent's telephone: the name is its PJSIP endpoint and the user part of its SIP address."""

    name: str
    host: str
    port: int

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 0 < self.port < 1 << 16:
            raise ValueError(f"{self.port} is not a port")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one instance listens, all on 127.0.0.1."""

    sip_port: int
    http_port: int
    ami_port: int
    https_port: int
    rtp_first: int
    rtp_last: int

    @classmethod
    def leased(cls, first: int, rtp_first: int, rtp_last: int) -> Addresses:
        """One after another from `first` on, and a block for media."""
        return cls(first, first + 1, first + 2, first + 3, rtp_first, rtp_last)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made anew for each instance."""

    ari_user: str
    ari_password: str
    ami_user: str
    ami_password: str


@dataclass(frozen=True, slots=True)
class Dialplan:
    """What the default dialplan is made from."""

    stasis_app: str = "acd"
    deadman_seconds: int = 30
    """How long a caller whose controller has gone silent waits in Stasis; 0 switches it off."""
    fallback: Sequence[str] = DEFAULT_FALLBACK
    """Applications that serve a caller whom no controller serves, one per line."""


def check_name(name: str) -> str:
    """Give `name` back, or refuse what could break out of a configuration line."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for an endpoint: letters, digits, '_', '.', '-', at most 64")
    return name


def write_configuration(
    folder: Path,
    provisioned: Provisioned,
    *,
    addresses: Addresses,
    credentials: Credentials,
    agents: Sequence[LabAgent],
    trunk: str,
    dialplan: Dialplan,
    recording: bool,
    certificate: Path | None,
    extra: Mapping[str, str],
    replace: Mapping[str, str],
) -> Path:
    """Create the instance's folders and files; gives the path of its `asterisk.conf`.

    `recording`: Asterisk writes what becomes of its channels into `record_file`. `certificate`: with it browsers'
    telephones are served, by TLS. `extra` is appended to the file of
    that name, `replace` takes its place. The files are readable by their owner only: they hold passwords.
    """
    config = folder / "config"
    for part in ("config", "run", "spool", "spool/recording", "db", "log", "cache"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_data_folder(folder / "data", provisioned)
    values = {
        **_folder_values(folder, provisioned),
        **_account_values(addresses, credentials),
        **_module_values(provisioned, addresses, recording=recording, certificate=certificate),
        "AGENTS": "\n".join(_agent_sections(agents)),
        "QUEUE_MEMBERS": "\n".join(f"member => PJSIP/{agent.name}" for agent in agents),
        "TRUNK": check_name(trunk),
        "STASIS_APP": check_name(dialplan.stasis_app),
        "RECORDING": "yes" if recording else "no",
        "RECORD": str(record_file(folder)),
        "RECORD_FIELDS": ",".join(FIELDS),
        "DEADMAN_SECONDS": str(int(dialplan.deadman_seconds)),
        "FALLBACK": "\n".join(f" same => n,{_one_line(step)}" for step in dialplan.fallback),
    }
    for name in dict.fromkeys((*TEMPLATES, *EMPTY_FILES, *extra, *replace)):
        if name != Path(name).name:
            raise ValueError(f"{name!r} is not the name of a configuration file")
        text = replace[name] if name in replace else _render(name, values)
        target = config / name
        target.touch(mode=0o600)
        target.write_text(f"{text}\n{extra.get(name, '')}\n")
    return config / "asterisk.conf"


def run_folder(folder: Path) -> Path:
    """Where the control socket goes, so that its path is not too long for a socket."""
    run = folder / "run"
    if len(str(run)) > _LONGEST_RUN_FOLDER:
        raise ValueError(f"{folder} is too long a path for a PBX's folder: sockets allow 107 characters")
    return run


def record_file(folder: Path) -> Path:
    """Where Asterisk's own record of its channels goes."""
    return folder / "log" / "channels.csv"


def _folder_values(folder: Path, provisioned: Provisioned) -> dict[str, str]:
    return {
        "CONFIG": str(folder / "config"),
        "FOLDER": str(folder),
        "RUN": str(run_folder(folder)),
        "DATA": str(folder / "data"),
        "MODULES": str(provisioned.modules_folder),
        "MAX_FILES": str(open_files_limit()),
    }


def _account_values(addresses: Addresses, credentials: Credentials) -> dict[str, str]:
    return {
        "SIP_PORT": str(addresses.sip_port),
        "HTTP_PORT": str(addresses.http_port),
        "AMI_PORT": str(addresses.ami_port),
        "RTP_FIRST": str(addresses.rtp_first),
        "RTP_LAST": str(addresses.rtp_last),
        "ARI_USER": check_name(credentials.ari_user),
        "ARI_PASSWORD": check_name(credentials.ari_password),
        "AMI_USER": check_name(credentials.ami_user),
        "AMI_PASSWORD": check_name(credentials.ami_password),
    }


def _module_values(
    provisioned: Provisioned, addresses: Addresses, *, recording: bool, certificate: Path | None
) -> dict[str, str]:
    """What is loaded, and what browsers need: ICE, and TLS by this certificate."""
    there = set(provisioned.modules)
    if recording and not there >= RECORDING_MODULES:
        raise ValueError(f"Asterisk {provisioned.asterisk_version} keeps no record of its channels in the lab")
    if certificate is None:
        loaded = [module for module in provisioned.modules if module not in WEBRTC_MODULES]
        return {"LOAD": _loading(loaded), "TLS": "", "ICE": "no"}
    if not there >= set(WEBRTC_MODULES):
        raise ValueError(f"Asterisk {provisioned.asterisk_version} takes no browsers in the lab")
    where = f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{addresses.https_port}"
    tls = f"{where}\ntlscertfile = {certificate}\ntlsprivatekey = {certificate}"
    return {"LOAD": _loading(provisioned.modules), "TLS": tls, "ICE": "yes"}


def _loading(modules: Sequence[str]) -> str:
    return "\n".join(f"load = {module}" for module in modules)


def _render(name: str, values: Mapping[str, str]) -> str:
    if name not in TEMPLATES:
        return ""
    text = (files("acd_asterisk.lab") / "templates" / name).read_text()
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _agent_sections(agents: Sequence[LabAgent]) -> Iterator[str]:
    for agent in agents:
        yield f"[{agent.name}](acd-agent)"
        yield f"aors = {agent.name}"
        yield f"[{agent.name}](acd-agent-aor)"
        yield f"contact = sip:{agent.name}@{agent.host}:{agent.port}"


def _one_line(step: str) -> str:
    if "\n" in step or "\r" in step:
        raise ValueError("one application per line of the fallback")
    return step


def _make_data_folder(data: Path, provisioned: Provisioned) -> None:
    """The tree's read-only data by links, with music, a language and a documentation of our own beside it."""
    (data / "sounds").mkdir(parents=True, exist_ok=True)
    (data / "moh").mkdir(exist_ok=True)
    (data / "keys").mkdir(exist_ok=True)
    shipped = provisioned.data_folder
    links = {name: shipped / name for name in ("rest-api", "static-http", "agi-bin")}
    links["sounds/en"] = next(iter(sorted((shipped / "sounds").glob("en_*"))), shipped / "sounds")
    for name, target in links.items():
        if not (data / name).is_symlink():
            (data / name).symlink_to(target)
    (data / "moh" / "lab.ulaw").write_bytes(_music())
    documentation = data / "documentation"
    if documentation.is_symlink():
        documentation.unlink()  # As it was once: what is written there would be written into the tree.
    documentation.mkdir(exist_ok=True)
    (documentation / _documentation.FILE).write_bytes(_documentation.shortened(shipped / "documentation"))


@cache
def _music() -> bytes:
    """Eight seconds of a quiet falling arpeggio, G.711 µ-law at 8 kHz, so that no transcoding is needed."""
    notes = (523, 440, 349, 262)
    samples = (
        int(2_500 * math.exp(-i / 6_000) * math.sin(2 * math.pi * hertz * i / 8_000))
        for hertz in notes
        for i in range(16_000)
    )
    return bytes(mu_law(sample) for sample in samples)
