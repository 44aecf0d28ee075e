"""Snapshots: the engine's whole state in a file, tied to one row of the journal.

Owns the files: their form, their names, how many are kept. Must not know who takes them or why. A file
is a magic word, the length of the header, the header (MessagePack), the header's SHA-256, and the
state (MessagePack). It is written beside, synced and renamed, so that it is whole or not there.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from acd.core.digest import state_digest
from acd.core.engine import Engine
from acd.core.messages import Score
from acd.core.messages.sharing import shared
from acd.core.state import EngineState
from acd.errors import StrategyError
from acd.runtime.log import Logger

MAX_HEADER: Final = 4_096
"""Bytes of a header."""

_MAGIC: Final = b"ACDSNAP1"
_SUFFIX: Final = ".snapshot"
_PARTIAL: Final = ".partial"
_HASH_BYTES: Final = 32

_log = Logger(__name__)


class Header(Struct, frozen=True):
    """Which row the state belongs to: the one at `seq`, whose chain value is `chain`. `digest` is the engine's."""

    domain: str
    seq: int
    chain: bytes
    at_us: int
    digest: str
    size: int
    sha256: bytes


class Snapshot(Struct, frozen=True):
    """One snapshot, read and found whole; `engine` goes on after row `header.seq`."""

    path: Path
    header: Header
    engine: Engine


class SnapshotDamaged(Exception):
    """The file is not a whole snapshot, or one that this program cannot restore: a warning, for `snapshots`."""


_encode = msgspec.msgpack.Encoder().encode
_decode_header = msgspec.msgpack.Decoder(Header).decode
_decode_state = msgspec.msgpack.Decoder(EngineState).decode


def write_snapshot(directory: Path, engine: Engine, seq: int, chain: bytes, keep: int) -> Path:
    """Write the engine's state after row `seq` and remove all but the newest `keep`. Raises `OSError`."""
    state = engine.state()
    payload = _encode(state)
    header = Header(
        domain=state.domain,
        seq=seq,
        chain=chain,
        at_us=state.now_us,
        digest=state_digest(state),
        size=len(payload),
        sha256=sha256(payload).digest(),
    )
    head = _encode(header)
    path = directory / f"{seq:020d}{_SUFFIX}"
    partial = path.with_suffix(_PARTIAL)
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(_MAGIC + len(head).to_bytes(4, "big") + head + sha256(head).digest())
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_directory(directory)
    _remove_old(directory, keep)
    return path


def snapshots(
    directory: Path, domain: str, strategies: Mapping[str, Score] | None = None, upto_seq: int | None = None
) -> Iterator[Snapshot]:
    """Whole snapshots of the domain, newest first; a damaged one is passed over with a warning. None after `upto_seq`.

    Raises `StrategyError` for one that was made with a strategy which is not among `strategies`, or has changed.
    """
    for path in _files(directory):
        if upto_seq is not None and _seq_of(path) > upto_seq:
            continue
        try:
            yield read_snapshot(path, domain, strategies)
        except (SnapshotDamaged, OSError) as error:
            _log.warning("snapshot passed over", path=str(path), reason=str(error))


def read_snapshot(path: Path, domain: str, strategies: Mapping[str, Score] | None = None) -> Snapshot:
    """One snapshot, with its engine restored and its digest compared.

    Raises `SnapshotDamaged`, `OSError`, or `StrategyError`.
    """
    contents = path.read_bytes()
    header, start = _read_header(contents)
    payload = memoryview(contents)[start:]
    if len(payload) != header.size or sha256(payload).digest() != header.sha256:
        raise SnapshotDamaged("the state does not fit its hash: cut off or altered")
    if header.domain != domain:
        raise SnapshotDamaged(f"it belongs to the domain {header.domain!r}, not {domain!r}")
    try:
        state = _decode_state(payload)
        state = msgspec.structs.replace(state, settings=shared(state.settings))
        engine = Engine.from_state(state, strategies=strategies)
    except StrategyError as error:
        raise StrategyError(f"{path}: {error}") from error
    except Exception as error:
        # A whole file with a state of another version: whatever restoring it raises, the journal still has everything.
        raise SnapshotDamaged(f"this program cannot restore the state: {type(error).__name__}") from error
    if engine.digest() != header.digest:
        raise SnapshotDamaged("the restored engine has another digest: written by another version")
    return Snapshot(path, header, engine)


def _read_header(contents: bytes) -> tuple[Header, int]:
    """The header and where the state begins."""
    start = len(_MAGIC) + 4
    size = int.from_bytes(contents[len(_MAGIC) : start], "big")
    end = start + size + _HASH_BYTES
    if not contents.startswith(_MAGIC) or size > MAX_HEADER or len(contents) < end:
        raise SnapshotDamaged("it is not a snapshot, or is cut off")
    head = contents[start : start + size]
    if sha256(head).digest() != contents[start + size : end]:
        raise SnapshotDamaged("the header has been altered")
    try:
        return _decode_header(head), end
    except msgspec.DecodeError as error:
        raise SnapshotDamaged("the header is of another version") from error


def _seq_of(path: Path) -> int:
    """The row in a file's name; what is not named by us sorts before all, and is found out when it is read."""
    return int(path.stem) if path.stem.isdecimal() else 0


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob(f"*{_SUFFIX}"), reverse=True) if directory.is_dir() else []


def _remove_old(directory: Path, keep: int) -> None:
    for path in [*_files(directory)[max(1, keep) :], *directory.glob(f"*{_PARTIAL}")]:
        with suppress(OSError):
            path.unlink()


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
