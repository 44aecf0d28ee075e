"""AMI for this adapter: panoramisk's Manager behind a subclass that a call centre can rely on.

`Manager` is one connection, `Link` keeps one for ever, `States` is what the PBX says of devices, endpoints and trunks.
"""

from acd_asterisk.ami.connection import Access, Manager, Reply
from acd_asterisk.ami.errors import AmiDeaf, AmiUnauthorized, AmiUnavailable, Unsendable
from acd_asterisk.ami.link import Link
from acd_asterisk.ami.states import DeviceChanged, States
from acd_asterisk.ami.wire import Message, text_of, texts_of

__all__ = [
    "Access",
    "AmiDeaf",
    "AmiUnauthorized",
    "AmiUnavailable",
    "DeviceChanged",
    "Link",
    "Manager",
    "Message",
    "Reply",
    "States",
    "Unsendable",
    "text_of",
    "texts_of",
]
