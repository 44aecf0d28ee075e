"""One real Asterisk on 127.0.0.1, with folders, ports and passwords of its own; several run side by side.

Owns: its life (start, stop, kill, restart), knowing when it is ready, and looking inside it (channels,
bridges, its log, its record) with nothing but the standard library.

Must not know: the adapter or the engine, which are what a test examines with this.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import shutil
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acd_asterisk.lab import _process
from acd_asterisk.lab._ami import AmiRefused, AmiSession
from acd_asterisk.lab._config import (
    Addresses,
    Credentials,
    Dialplan,
    LabAgent,
    check_name,
    record_file,
    write_configuration,
)
from acd_asterisk.lab._ports import lease_ports
from acd_asterisk.lab.bridges import ChannelRecord, parse_record
from acd_asterisk.lab.provision import Provisioned

BOOT_TIMEOUT_SECONDS = 30.0
STOP_PATIENCE_SECONDS = 5.0
LOG_LINES = 40
_POLL_SECONDS = 0.02
_HTTP_TIMEOUT_SECONDS = 10.0


class PbxFailed(Exception):
    """Asterisk did not come up, or is not running; the text ends with its log."""


class Pbx:
    """An instance of Asterisk. Use as an async context manager, or call `start` and `stop`.

    Unless `detached`, the system kills it when the thread that called `start` dies, however it dies.
    """

    def __init__(
        self,
        provisioned: Provisioned,
        *,
        agents: Sequence[LabAgent] = (),
        trunk: str = "trunk",
        dialplan: Dialplan | None = None,
        extra_config: Mapping[str, str] | None = None,
        replace_config: Mapping[str, str] | None = None,
        ari_user: str = "acd",
        ami_user: str = "acd",
        recording: bool = False,
        certificate: Path | None = None,
        folder: Path | None = None,
        detached: bool = False,
    ) -> None:
        """Choose ports and passwords, and write the configuration; nothing is started yet.

        Args:
            provisioned: what `provision()` gave.
            agents, trunk: an endpoint for each, with a fixed contact, and the one that callers from here come in by.
            dialplan: parameters of the default dialplan.
            extra_config, replace_config: text to append to a configuration file, or to replace it, by file name.
            ari_user, ami_user: the names for ARI and AMI; the passwords are random.
            recording: keep Asterisk's own record of every channel for `record`; an eighth more of processor time.
            certificate: a PEM file with certificate and key: then browsers' telephones reach it over TLS.
            folder: where everything of this instance goes; by default a temporary folder that `stop` removes.
            detached: outlive this process.
        """
        self._provisioned, self._recording, self.detached = provisioned, recording, detached
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="acd-pbx-"))
        self._media, self._ports = lease_ports("rtp"), lease_ports("pbx")
        self._addresses = Addresses.leased(self._ports.first, self._media.first, self._media.last)
        self._credentials = Credentials(ari_user, secrets.token_hex(16), ami_user, secrets.token_hex(16))
        self._process: asyncio.subprocess.Process | None = None
        self._config = write_configuration(
            self.folder,
            provisioned,
            addresses=self._addresses,
            credentials=self._credentials,
            agents=agents,
            trunk=trunk,
            dialplan=dialplan or Dialplan(),
            recording=recording,
            certificate=certificate,
            extra=extra_config or {},
            replace=replace_config or {},
        )

    async def __aenter__(self) -> Self:
        """Start it; a failed start leaves nothing behind."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        await self.stop()

    @property
    def sip_port(self) -> int:
        """SIP over UDP."""
        return self._addresses.sip_port

    @property
    def ami_port(self) -> int:
        """AMI over TCP."""
        return self._addresses.ami_port

    @property
    def ari_url(self) -> str:
        """The address of ARI, without a slash at the end: `http://127.0.0.1:PORT/ari`."""
        return f"http://127.0.0.1:{self._addresses.http_port}/ari"

    @property
    def browser_url(self) -> str:
        """SIP over WebSocket, with a `certificate`."""
        return f"wss://127.0.0.1:{self._addresses.https_port}/ws"

    @property
    def ari_user(self) -> str:
        """The name to log in to ARI with."""
        return self._credentials.ari_user

    @property
    def ari_password(self) -> str:
        """Random for each instance."""
        return self._credentials.ari_password

    @property
    def ami_user(self) -> str:
        """The name to log in to AMI with."""
        return self._credentials.ami_user

    @property
    def ami_password(self) -> str:
        """Random for each instance."""
        return self._credentials.ami_password

    @property
    def rtp_ports(self) -> range:
        """Where media may flow; two ports for each channel."""
        return range(self._addresses.rtp_first, self._addresses.rtp_last + 1)

    @property
    def pid(self) -> int | None:
        """The process, while it runs; it shows as the loader's name, not as asterisk."""
        return self._process.pid if self.is_running and self._process is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start Asterisk and return when it is fully booted.

        Raises:
            PbxFailed: it ended, or was not ready in time.
        """
        if self.is_running:
            raise PbxFailed("already running")
        self._process = await _process.spawn(
            self._provisioned.asterisk_command("-C", str(self._config), "-f", "-n"),
            environment=self._provisioned.environment(),
            folder=self.folder,
            output=self.folder / "log" / "console.log",
            detached=self.detached,
        )
        try:
            async with asyncio.timeout(BOOT_TIMEOUT_SECONDS):
                await self._until_booted()
        except TimeoutError:
            await self.kill()
            raise PbxFailed(f"Asterisk was not ready after {BOOT_TIMEOUT_SECONDS:.0f} s\n{self.log_tail()}") from None

    async def stop(self) -> None:
        """End it, release its ports, and remove its folder unless the caller gave one.

        Without a folder of the caller's it is killed, as by `kill`: nothing of it is kept, and to end in order would
        take a second.
        """
        if self._process is not None and self._own_folder:
            await _process.kill(self._process)
        elif self._process is not None:
            await _process.end(self._process, patience_seconds=STOP_PATIENCE_SECONDS)
        self._ports.release()
        self._media.release()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def kill(self) -> None:
        """SIGKILL: no BYE is sent and nothing is saved. `start` or `restart` brings it back."""
        if self._process is not None:
            await _process.kill(self._process)

    async def restart(self) -> None:
        """End it and start it again, with the same configuration, ports and passwords."""
        if self._process is not None:
            await _process.end(self._process, patience_seconds=STOP_PATIENCE_SECONDS)
        await self.start()

    def ami(self) -> AmiSession:
        """A new AMI connection, to be used as an async context manager."""
        return AmiSession(self.ami_port, self.ami_user, self.ami_password)

    async def cli(self, command: str) -> str:
        """Run a command of Asterisk's command line and give its output."""
        async with self.ami() as session:
            return (await session.action("Command", Command=command)).get("Output", "")

    async def channels(self) -> list[dict[str, Any]]:
        """All live channels, as ARI describes them."""
        return await self._list("channels")

    async def bridges(self) -> list[dict[str, Any]]:
        """All bridges, as ARI describes them."""
        return await self._list("bridges")

    async def ari_get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """`GET` on ARI, with `path` relative to `ari_url`, parsed.

        Raises:
            urllib.error.HTTPError: any status but 2xx.
            OSError: nobody answers.
        """
        token = base64.b64encode(f"{self.ari_user}:{self.ari_password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - always http on 127.0.0.1
            f"{self.ari_url}/{path.lstrip('/')}", headers={"Authorization": f"Basic {token}"}
        )

        def fetch() -> bytes:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=_HTTP_TIMEOUT_SECONDS) as answer:
                return bytes(answer.read())

        return json.loads(await asyncio.to_thread(fetch))

    def add_sound(self, name: str, coded: bytes, language: str = "") -> None:
        """A sound file, G.711 µ-law, of one language or, without one, for all that lack it: `digits/3`."""
        folder = self.folder / "data" / "sounds" / (check_name(language) if language else "")
        if folder.is_symlink():
            raise ValueError(f"the sounds of {language!r} are not this instance's own")
        path = folder / f"{name}.ulaw"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(coded)

    def record(self) -> list[ChannelRecord]:
        """What became of every channel since the first start, by Asterisk's own record, which is a moment behind.

        Raises:
            PbxFailed: it is not `recording`.
        """
        if not self._recording:
            raise PbxFailed("this instance keeps no record; make it with recording=True")
        try:
            return parse_record(record_file(self.folder).read_text(errors="replace"))
        except FileNotFoundError:
            return []  # The first event makes the file.

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """The end of its log and of what it printed."""
        parts = []
        for name in ("messages.log", "console.log"):
            with suppress(OSError):
                text = (self.folder / "log" / name).read_text(errors="replace")
                parts.append("\n".join(text.splitlines()[-lines:]))
        return "\n".join(part for part in parts if part)

    async def _list(self, path: str) -> list[dict[str, Any]]:
        answer = await self.ari_get(path)
        if not isinstance(answer, list):
            raise PbxFailed(f"ARI answered {path} with {type(answer).__name__}, not a list")
        return answer

    async def _until_booted(self) -> None:
        while True:
            if not self.is_running:
                raise PbxFailed(f"Asterisk ended while booting\n{self.log_tail()}")
            try:
                async with self.ami() as session:
                    await session.event("FullyBooted")
                    # It registers its own commands a moment after it has said so.
                    await session.action("Command", Command="core show version")
                    return
            except (OSError, AmiRefused):
                # AMI comes up in the middle of the boot, and logs people in a little later.
                await asyncio.sleep(_POLL_SECONDS)
