"""What can go wrong with AMI. Owns the exceptions. Must not know panoramisk."""

from acd.errors import ChannelError


class AmiUnavailable(ChannelError):
    """There was no usable answer: a deadline, a lost connection, none at all. What was asked may have been done."""


class AmiUnauthorized(AmiUnavailable):
    """Asterisk does not let this user in, or does not tell them what is needed."""


class AmiDeaf(AmiUnauthorized):
    """Asterisk lets this user in, and does not say to them that it has booted."""


class Unsendable(ChannelError):
    """An action with a key or a value that Asterisk would read as something else. Nothing has been sent."""
