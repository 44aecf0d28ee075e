"""What can be played, in the form in which ARI takes it: `sound:queue-thankyou`, `number:3`, `digits:4711`. Pure.

Owns the forms. Must not know when anything is played, nor to whom. Media come from the configuration and from the
engine's own figures, never from a caller.
"""

import re
from typing import Final

MAX_MEDIA: Final = 32
"""Media of one prompt."""

SOUND: Final = "sound:"

LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:[_-][A-Za-z0-9]{1,8}){0,2}")
"""A language's name, as in the folders of sounds: `en`, `zh`, `pt_BR`."""

MUSIC_CLASS: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_KINDS: Final = ("sound", "recording", "number", "digits", "characters", "tone")
_FORMS: Final = {
    "sound": r"[\w./-]{1,200}",
    "recording": r"[\w./-]{1,200}",
    "number": r"-?[0-9]{1,9}",
    "digits": r"[0-9*#]{1,32}",
    "characters": r"[A-Za-z0-9]{1,32}",
    "tone": r"[a-z0-9;=,/*!+]{1,64}",
}
_MEDIA: Final = re.compile("|".join(f"{kind}:{_FORMS[kind]}" for kind in _KINDS))

MEANING: Final = f"a sound's name, or one of {', '.join(f'{kind}:…' for kind in _KINDS)}"
"""What an option of this kind takes, for problems."""


def media_of(text: str) -> str | None:
    """As ARI takes it: a bare name is a sound's. None when it is no media."""
    media = text if ":" in text else SOUND + text
    return media if _MEDIA.fullmatch(media) else None


def number(value: int) -> str:
    """A number, said in the language of the playback."""
    return f"number:{value}"


def digits(text: str) -> str:
    """Figures, said one after another."""
    return f"digits:{text}"


def sound_name(media: str) -> str | None:
    """The name of a sound file; None when it is another kind of media."""
    return media.removeprefix(SOUND) if media.startswith(SOUND) else None
