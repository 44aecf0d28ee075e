"""A password's source: a value, a file or the environment. Owns when and how it is read: as late as possible.

Must not know what it is for.
"""

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.runtime.config import Secret

MAX_PASSWORD_FILE_BYTES: Final = 4_096


class PasswordUnavailable(Exception):
    """The password cannot be had; the text names the option and the reason, never the password."""


class Password(Struct, frozen=True):
    """Where the password comes from: one of a value, a file or the environment."""

    value: Secret | None = None
    file: Path | None = None
    variable: str = ""

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """Key, reason, fix, when its file has none at the moment; an environment may be another one at the start."""
        if self.file is not None:
            try:
                self.read()
            except PasswordUnavailable as error:
                key, _, reason = str(error).partition(": ")
                return ((key, reason, "put it there before the start"),)
        return ()

    def read(self) -> str:
        """The password. Raises `PasswordUnavailable`."""
        if self.value is not None:
            return self.value.reveal()
        if self.file is None:
            found = os.environ.get(self.variable, "")
            if not found:
                raise PasswordUnavailable(f"password_env: the environment has no {self.variable}")
            return found
        try:
            with self.file.open("rb") as handle:
                text = handle.read(MAX_PASSWORD_FILE_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise PasswordUnavailable(f"password_file: {self.file} cannot be read: {reason}") from None
        if not text:
            raise PasswordUnavailable(f"password_file: {self.file} is empty")
        return text
