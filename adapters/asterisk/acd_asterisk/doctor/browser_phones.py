"""Whether agents' telephones in the browser can work: modules, the WebSocket, and what their endpoints are set to.

Owns these questions. Must not know how a page registers, nor any password.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.browser_phones.conf import MODULES
from acd_asterisk.browser_phones.passwords import NoPassword, password_of
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.loaded import loaded_modules
from acd_asterisk.doctor.patient import Patient, key_of
from acd_asterisk.options.browser_phones import BrowserPhoneOptions

CHECK: Final = "browser-phones"
SECONDS: Final = 5.0
MAX_ASKED: Final = 500
AT_ONCE: Final = 8
UPGRADE_REQUIRED: Final = 426


class _Setting(Struct, frozen=True):
    attribute: str
    value: str = ""


async def browser_phones(patient: Patient, client: AriClient) -> list[Finding]:
    """Everything about them; nothing where there are none."""
    options = patient.options.browser_phones
    if options is None:
        return []
    phones = [(agent, name) for agent, address in patient.telephones if (name := options.endpoint(address))]
    if not phones:
        text = f"no agent's addresses.voice is one of {named(list(options.addresses))}"
        key = patient.key("browser_phones", "addresses")
        return [warning(CHECK, f"{text}; mend one of the two, or leave the table out", key)]
    found = [*await _modules(options, client), await _socket(patient, options)]
    found += _passwords(patient, options, phones)
    return [*found, *await _endpoints(options, phones, client)]


async def _modules(options: BrowserPhoneOptions, client: AriClient) -> list[Finding]:
    loaded = await loaded_modules(client)
    if loaded is None:
        return [unknown(CHECK, "the PBX does not say which modules it has")]
    found = [
        wrong(CHECK, f"{name} is not loaded: {lacking}; load it in modules.conf")
        for name, lacking in MODULES
        if name not in loaded
    ]
    if "opus" in options.codecs and not any(each.startswith("codec_opus") for each in loaded):
        text = "no module translates opus (codec_opus), so trunks without it stay silent"
        found.append(warning(CHECK, f"{text}; load one, or take opus out of browser_phones.codecs"))
    return found or [good(CHECK, f"all {len(MODULES)} modules for WebRTC are loaded")]


async def _socket(patient: Patient, options: BrowserPhoneOptions) -> Finding:
    """Open the WebSocket as a page does. Registers nobody."""
    key = patient.key("browser_phones", "url")
    try:
        await _open(options.url, ssl.create_default_context())
    except aiohttp.ClientConnectorCertificateError as error:
        try:
            await _open(options.url, insecure())
        except (aiohttp.ClientError, OSError, TimeoutError) as second:
            return wrong(CHECK, _refused(options, second), key)
        reason = getattr(error.certificate_error, "verify_message", "") or "it is not trusted"
        text = f"the certificate at {options.url} is not one that this machine trusts ({reason})"
        return warning(CHECK, f"{text}; browsers refuse it, too, unless they know who signed it", key)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return wrong(CHECK, _refused(options, error), key)
    return good(CHECK, f"{options.url} takes SIP over WebSocket")


async def _open(url: str, context: ssl.SSLContext) -> None:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.ws_connect(url, protocols=("sip",), ssl=context) as socket,
    ):
        if socket.protocol != "sip":
            raise aiohttp.ClientError("it speaks no SIP")


def insecure() -> ssl.SSLContext:
    """One that takes any certificate: only to tell a bad one from an address where nobody is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refused(options: BrowserPhoneOptions, error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        fix = "is res_pjsip_transport_websocket loaded, and the path that of http.conf (with its prefix) and /ws?"
        return f"{options.url} answers with {error.status} and takes no SIP over WebSocket; {fix}"
    if isinstance(error, aiohttp.ClientConnectorError | OSError | TimeoutError):
        fix = "set tlsenable, tlsbindaddr and tlscertfile in http.conf, or mend browser_phones.url"
        return f"nobody answers at {options.url}; {fix}"
    return f"{options.url} takes no SIP over WebSocket ({error}); is res_pjsip_transport_websocket loaded?"


def _passwords(patient: Patient, options: BrowserPhoneOptions, phones: list[tuple[str, str]]) -> Iterator[Finding]:
    agents = patient.options.phones.agents
    for agent, endpoint in phones:
        own = agents[agent].phone_password_file if agent in agents else None
        try:
            password_of(options, endpoint, own)
        except NoPassword as error:
            key = (
                patient.key("browser_phones", "key_file")
                if own is None
                else patient.key("agents", agent, "phone_password_file")
            )
            yield wrong(CHECK, f"agent {agent}: {error}; acd browser-phones -o FOLDER makes the key", key)
            return


async def _endpoints(options: BrowserPhoneOptions, phones: list[tuple[str, str]], client: AriClient) -> list[Finding]:
    free = asyncio.Semaphore(AT_ONCE)

    async def settings(kind: str, name: str) -> Mapping[str, str] | None:
        async with free:
            path = f"asterisk/config/dynamic/res_pjsip/{kind}/{quote(name, safe='')}"
            answer = await client.request("GET", path)
        try:
            return {each.attribute: each.value for each in msgspec.json.decode(answer.body, type=list[_Setting])}
        except msgspec.DecodeError:
            return None

    asked = phones[:MAX_ASKED]
    given = await asyncio.gather(*(settings("endpoint", name) for _, name in asked))
    found = [
        wrong(CHECK, f"agent {agent}: {problem}", key_of(agent))
        for (agent, name), each in zip(asked, given, strict=True)
        if (problem := _problem(options, name, each))
    ]
    return found or [good(CHECK, f"the endpoints of all {len(asked)} agents in the browser are set to webrtc = yes")]


def _problem(options: BrowserPhoneOptions, name: str, settings: Mapping[str, str] | None) -> str:
    fix = "run acd browser-phones, include its file in pjsip.conf, and reload pjsip"
    if settings is None:
        return f"{name} is no endpoint of this PBX; {fix}"
    if settings.get("webrtc") not in {"yes", "true"}:
        return f"{name} has no webrtc = yes, so no browser can talk there; {fix}"
    if not settings.get("auth"):
        return f"{name} asks for no password, so anybody can register; {fix}"
    codecs = settings.get("allow", "")
    if not any(each in codecs for each in ("opus", "alaw", "ulaw", "g722")):
        return f"{name} allows {codecs or 'no codec'}, of which browsers have none; allow {','.join(options.codecs)}"
    return ""
