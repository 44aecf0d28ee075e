"""A UNIX socket to listen on: a file with the right permissions from its first moment, taken from nobody who is alive.

Owns the file: how it is made, when an old one may be replaced, and that it is gone afterwards. Must not know what is
served on it. A lock beside the file (which stays) says whose it is, so that two engines never fight over one name.
"""

import errno
import grp
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from acd.errors import ConfigError
from acd.runtime.config.model import SocketConfig
from acd.runtime.filelock import FileInUse, FileLock

BACKLOG: Final = 128
"""Connections that may wait to be accepted."""


class UnixSocket:
    """Listens from construction to `close`. `socket` is for the event loop's server."""

    def __init__(self, config: SocketConfig) -> None:
        """Blocks for a moment. Raises ConfigError naming the key and the fix."""
        self._path = config.path
        self._closed = False
        self._lock = _locked(config.path)
        try:
            _check_free(config.path)
            self.socket, self._inode = _listening(config)
        except OSError as error:
            self._lock.release()
            raise ConfigError((_reason(config.path, error),)) from error
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Stop listening; the file goes if it is still ours. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            if self._path.lstat().st_ino == self._inode:
                self._path.unlink()
        self.socket.close()
        self._lock.release()


def probe_socket(config: SocketConfig) -> None:
    """Find out whether it could be listened on, without listening. Blocks. Raises ConfigError as `UnixSocket` does."""
    lock = _locked(config.path)
    try:
        _check_free(config.path)
        if not os.access(config.path.parent, os.W_OK | os.X_OK):
            raise ConfigError((_reason(config.path, PermissionError(errno.EACCES, "")),))
    finally:
        lock.release()


def _locked(path: Path) -> FileLock:
    try:
        return FileLock(path.with_name(f"{path.name}.lock"))
    except FileInUse as error:
        raise ConfigError((f"api.socket: {path} is {error}; stop that one or name another file",)) from error
    except OSError as error:
        raise ConfigError((_reason(path, error),)) from error


def _check_free(path: Path) -> None:
    """Nobody listens there, and what is there, if anything, is a socket that somebody left behind."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError((_reason(path, error),)) from error
    if not stat.S_ISSOCK(mode):
        raise ConfigError((f"api.socket: {path} is there already, and is no socket; name another file",))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(0)
        refused = trial.connect_ex(str(path))
    if refused != errno.ECONNREFUSED:
        # Whoever answers, or is too busy to, is alive; so may be whoever we are not allowed to ask.
        raise ConfigError((f"api.socket: {path} is in use by another program; stop that one or name another file",))


def _listening(config: SocketConfig) -> tuple[socket.socket, int]:
    """The socket, and its file's inode. Made under another name: who sees the file can connect, or may not."""
    path = config.path
    partial = path.with_name(f".{path.name}~")
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            partial.unlink()
        os.fchmod(found.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # what the file begins with, whatever the umask
        found.bind(str(partial))
        if config.group:
            os.chown(partial, -1, grp.getgrnam(config.group).gr_gid)
        partial.chmod(config.mode)
        found.listen(BACKLOG)
        inode = partial.stat().st_ino
        partial.rename(path)
    except BaseException:
        found.close()
        with suppress(OSError):
            partial.unlink()
        raise
    return found, inode


def _reason(path: Path, error: OSError) -> str:
    """Which key is to blame, and what to do."""
    if error.errno == errno.ENOENT:
        return f"api.socket: there is no folder {path.parent}; create it, or let systemd (RuntimeDirectory=acd)"
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"api.socket: this user may not create files in {path.parent}; name a folder where it may"
    if error.errno == errno.EPERM:
        return f"api.socket_group: this user may not give {path} to that group; make it a member of the group"
    return f"api.socket: cannot listen on {path} ({error.strerror}); name another file"
