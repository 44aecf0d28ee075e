"""`acd doctor` on a real Asterisk whose agents have telephones in the browser, and on each way to get that wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from click.testing import CliRunner

from acd_asterisk.browser_phones.command import command
from acd_asterisk.lab import Pbx, Provisioned
from tests.adapters.asterisk.ami.certificate import certified
from tests.adapters.asterisk.doctor.ward import Ward, states, wrongs
from tests.adapters.asterisk.rig import EXAMPLES

CHECK = "browser-phones"
BROWSER = '[channels.pbx1.browser_phones]\nurl = "{url}"\naddresses = ["PJSIP/web-*"]\n'


@asynccontextmanager
async def ward(provisioned: Provisioned, folder: Path, pjsip: str = "", modules: str = "") -> AsyncIterator[Ward]:
    """With what `acd browser-phones` writes, unless something else is given."""
    certificate, key = certified(folder)
    pem = folder / "pbx.pem"
    pem.write_bytes(certificate.read_bytes() + key.read_bytes())
    pbx = Pbx(
        provisioned,
        replace_config={"extensions.conf": (EXAMPLES / "extensions.conf").read_text()},
        extra_config={"pjsip.conf": pjsip or "#include pjsip_acd_browser.conf", "modules.conf": modules},
        certificate=pem,
    )
    it = Ward(pbx, folder)
    result = CliRunner().invoke(command, [str(write(it)), "-o", str(pbx.folder / "config")])
    assert result.exit_code == 0, result.output
    async with pbx:
        yield it


def write(it: Ward, *, url: str = "", anna: str = "PJSIP/web-anna", codecs: str = "") -> Path:
    return it.write(after=BROWSER.format(url=url or it.pbx.browser_url) + codecs, anna=anna)


def said(found: dict[str, list[tuple[str, str]]], state: str) -> str:
    return " ".join(text for each, text in found[CHECK] if each == state)


async def test_what_the_command_writes_is_well(provisioned: Provisioned, tmp_path: Path) -> None:
    """But for the certificate, which nobody has signed."""
    async with ward(provisioned, tmp_path) as it:
        found = await it.examine(write(it))
        assert CHECK not in wrongs(found)
        assert states(found, CHECK) == ["good", "warning", "good"]
        assert "self-signed certificate" in said(found, "warning")
        assert states(found, "endpoint") == ["good"]
        assert states(found, "codecs") == ["good"]
        # Nobody listens at another port, and there is no telephone at another path.
        assert "nobody answers at" in wrongs(await it.examine(write(it, url="wss://127.0.0.1:9/ws")))[CHECK]
        other = it.pbx.browser_url.replace("/ws", "/other")
        assert "takes no SIP over WebSocket" in wrongs(await it.examine(write(it, url=other)))[CHECK]
        nobody = await it.examine(write(it, anna="PJSIP/anna"))
        assert states(nobody, CHECK) == ["warning"]


async def test_what_is_not_loaded(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path, modules="noload = res_srtp.so\nnoload = codec_opus_open_source.so") as it:
        found = await it.examine(write(it, codecs='codecs = ["opus", "alaw"]'))
        assert "res_srtp is not loaded: pages' media cannot be encrypted" in wrongs(found)[CHECK]
        assert "no module translates opus" in said(found, "warning")


async def test_a_key_that_others_read(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        (tmp_path / "browser-phones.key").chmod(0o644)
        assert "chmod 600" in wrongs(await it.examine(write(it)))[CHECK]
        (tmp_path / "browser-phones.key").unlink()
        assert "acd browser-phones" in wrongs(await it.examine(write(it)))[CHECK]


async def test_endpoints_that_no_browser_can_use(provisioned: Provisioned, tmp_path: Path) -> None:
    plain = (
        "[web-anna](acd-endpoint)\ncontext = acd-agents\naors = web-anna\n[web-anna]\ntype = aor\nmax_contacts = 1\n"
    )
    async with ward(provisioned, tmp_path, plain) as it:
        assert "has no webrtc = yes" in wrongs(await it.examine(write(it)))[CHECK]
        assert "is no endpoint of this PBX" in wrongs(await it.examine(write(it, anna="PJSIP/web-ben")))[CHECK]
    async with ward(provisioned, tmp_path, plain.replace("context =", "webrtc = yes\ncontext =")) as it:
        assert "asks for no password" in wrongs(await it.examine(write(it)))[CHECK]
