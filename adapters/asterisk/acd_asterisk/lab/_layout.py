"""Brings an unpacked tree of an older suite into the layout of a newer one.

Owns: where the loader, the libraries and Asterisk's modules are to be: all in `usr/lib/TRIPLET`. Suites before
Debian 12 have the C library in `lib/`, and Asterisk's own beside `usr/lib/TRIPLET`. Must not know: what is in the tree.
"""

from __future__ import annotations

from pathlib import Path


def settle(root: Path) -> None:
    """Move what lies elsewhere; a tree that is as it should be stays as it is."""
    for old in (root / "lib").glob("*-linux-*"):
        _move_into(sorted(old.iterdir()), root / "usr/lib" / old.name)
    for triplet in (root / "usr/lib").glob("*-linux-*"):
        stray = [*(root / "usr/lib").glob("*.so*"), *(root / "usr/lib").glob("asterisk")]
        _move_into(sorted(stray), triplet)
        return


def _move_into(files: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        target = folder / file.name
        if not (target.exists() or target.is_symlink()):
            file.rename(target)
