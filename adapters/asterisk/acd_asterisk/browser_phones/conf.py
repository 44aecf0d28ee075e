"""What Asterisk has to know of telephones in the browser: a file of its own for `pjsip.conf`, and lines for others.

Owns these texts. Must not know where a password comes from, nor where a file goes. Names come from options that have
been checked, so nothing can break out of a line; of passwords there are digests only, which are as good as the
passwords for this realm, so the file is a secret, too.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from acd_asterisk.options.browser_phones import BrowserPhoneOptions

FILE: Final = "pjsip_acd_browser.conf"
"""To be included by `pjsip.conf`."""

MARK: Final = "; Made by acd browser-phones"
"""How a file of ours begins: only such a one is written over."""

MODULES: Final = (
    ("res_http_websocket", "no page can connect"),
    ("res_pjsip_transport_websocket", "no page can register"),
    ("res_crypto", "pages' media cannot be encrypted"),
    ("res_srtp", "pages' media cannot be encrypted"),
    ("res_rtp_asterisk", "there is no media at all"),
)
"""What Asterisk needs besides what telephones need, and what happens without."""

RTP_TIMEOUT_SECONDS: Final = 30
"""After so long without a packet a page's call has ended: a closed laptop says no goodbye."""

QUALIFY_SECONDS: Final = 30

_TRANSPORT: Final = """\
{mark} for [channels.{channel}], which writes it anew: what is changed here by hand is lost.
; Agents' telephones in the browser. It holds digests of passwords: keep it to Asterisk's user.

[acd-browser-transport]
type = transport
protocol = {protocol}
; The address and port are those of http.conf; this one is needed, and not used.
bind = 0.0.0.0

[acd-browser](!)
type = endpoint
context = {context}
; ICE, DTLS-SRTP with a certificate that Asterisk makes, AVPF and RTCP on one port.
webrtc = yes
dtls_auto_generate_cert = yes
media_encryption = dtls
disallow = all
allow = {codecs}
direct_media = no
rtp_timeout = {timeout}
rtp_timeout_hold = {timeout}
allow_subscribe = no
allow_transfer = no

[acd-browser-auth](!)
type = auth
auth_type = md5
realm = {realm}

[acd-browser-aor](!)
type = aor
; One page at a time: the last one that registers.
max_contacts = 1
remove_existing = yes
qualify_frequency = {qualify}
default_expiration = 120
maximum_expiration = 300
"""

_PHONE: Final = """
[{name}](acd-browser)
auth = {name}
aors = {name}

[{name}](acd-browser-auth)
username = {name}
md5_cred = {digest}

[{name}](acd-browser-aor)
"""

_BY_HAND: Final = """\
Once, by hand (FreePBX and others: PHONES.md says where):

  pjsip.conf      #include {file}

  http.conf       [general]
                  enabled = yes
                  tlsenable = yes
                  tlsbindaddr = 0.0.0.0:{port}
                  tlscertfile = /etc/asterisk/keys/fullchain.pem
                  tlsprivatekey = /etc/asterisk/keys/privkey.pem

  rtp.conf        [general]
                  icesupport = yes{stun}

  modules.conf    with autoload = no:
{modules}
The port of http.conf serves ARI, too: keep the networks of agents away from everything there but {path}, by a proxy
(PHONES.md shows one), and give ARI's users long random passwords.
Then: asterisk -rx 'module reload http', asterisk -rx 'pjsip reload', and acd doctor.
"""


def pjsip_conf(channel: str, options: BrowserPhoneOptions, phones: Iterable[tuple[str, str]]) -> str:
    """The file. `phones`: each endpoint with the digest of its password."""
    head = _TRANSPORT.format(
        mark=MARK,
        channel=channel,
        protocol=urlsplit(options.url).scheme,
        context=options.context,
        codecs=",".join(options.codecs),
        timeout=RTP_TIMEOUT_SECONDS,
        realm=options.realm,
        qualify=QUALIFY_SECONDS,
    )
    return head + "".join(_PHONE.format(name=name, digest=digest) for name, digest in phones)


def by_hand(options: BrowserPhoneOptions, folder: str = "") -> str:
    """What else has to be done, for people. `folder`: where the file is, unless that is Asterisk's own."""
    parts = urlsplit(options.url)
    stun = next((each.partition(":")[2].partition("?")[0] for each in options.ice if each.startswith("stun:")), "")
    return _BY_HAND.format(
        file=f"{folder}{FILE}",
        port=parts.port or 443,
        path=parts.path,
        stun=f"\n                  stunaddr = {stun}" if stun else "",
        modules="".join(f"                  load = {name}\n" for name, _ in MODULES),
    )
