"""Who the customer of a new conversation is: a visitor, or a person whom the shop vouches for.

Owns what the engine is told of it, and what stays with the conversation. Must not know how a statement is signed
(`acd.runtime.vouching`), nor how conversations begin. A person is whoever is known by the number, so that they are the
same by telephone; without one by the shop's own account, which is a customer of this channel's alone.
"""

from typing import Final

from msgspec import Struct

from acd.errors import AcdError
from acd.ports.channel import ChannelHost, Personal
from acd.runtime.chat.conversation import Head, Refused
from acd.runtime.chat.options import ChatOptions
from acd.runtime.log import Logger
from acd.runtime.vouching import NotVouched, Vouched, vouched

NO_IDENTITY: Final = Refused("no-identity", "identity: this chat has no identity_secret; leave it out.")
UNKNOWN_NOW: Final = Refused("unavailable", "This cannot be done just now; try again in a few seconds.")

_log = Logger(__name__)


class Introduced(Struct, frozen=True):
    """`customer`: the opaque reference that the engine is told. The others as in `Head`."""

    customer: str
    name: str = ""
    number: str = ""
    vouched: bool = False


async def introduce(channel: str, options: ChatOptions, host: ChannelHost, identity: str) -> Introduced | Refused:
    """The person that a signed statement speaks of, who is remembered from now on."""
    if not options.identity_secrets:
        return NO_IDENTITY
    who = vouched(options.identity_secrets, channel, identity, host.now_us())
    if isinstance(who, NotVouched):
        return Refused(who.code, who.detail)
    try:
        customer = await host.remember(Personal(who.number or _account(who, channel), who.name))
    except AcdError as error:
        _log.error("a customer who is vouched for cannot be remembered", instance=channel, error=type(error).__name__)
        return UNKNOWN_NOW
    return Introduced(customer, who.name, who.number, vouched=True)


async def is_erased(host: ChannelHost, who: Introduced) -> bool:
    """Whether the person has been erased since: of what is kept by now, an erasing that is still to come takes care."""
    try:
        return who.vouched and await host.recall(who.customer) is None
    except AcdError as error:
        _log.error("a customer who is vouched for cannot be recalled", error=type(error).__name__)
        return True


def as_before(visitor: str, head: Head | None) -> Introduced:
    """Who they were in their last conversation: whom an agent writes to again."""
    if head is None or not head.vouched:
        return Introduced(visitor)
    return Introduced(head.customer, head.name, head.number, vouched=True)


def _account(who: Vouched, channel: str) -> str:
    """Never to be taken for a telephone number, whatever the account is called."""
    return f"{who.account}@{channel}"
