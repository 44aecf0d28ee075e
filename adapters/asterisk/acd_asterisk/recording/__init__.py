"""Recording of calls by the PBX: begun and ended with the talk, linked to the interaction, deleted after a time."""

from acd_asterisk.recording.code import PauseCode
from acd_asterisk.recording.recorder import Recorder

__all__ = ["PauseCode", "Recorder"]
