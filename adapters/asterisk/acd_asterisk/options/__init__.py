"""What can be chosen for one PBX, read from `[channels.NAME]`. One module per table of options."""

from acd_asterisk.options.password import Password, PasswordUnavailable
from acd_asterisk.options.pbx import Options, read_options

__all__ = ["Options", "Password", "PasswordUnavailable", "read_options"]
