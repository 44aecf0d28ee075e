"""How long the disk takes to keep a line of the journal: every decision waits for that. Owns the measurement."""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from acd_asterisk.doctor.findings import Finding, good, warning, wrong

TRIES: Final = 30
BLOCK: Final = b"\0" * 4_096
_KEY: Final = ("journal", "path")
SLOW_MS: Final = 5.0
"""A median beyond this adds noticeably to every call."""


def disk(journal: Path) -> Finding:
    """Write and sync a small file beside the journal, again and again. Blocks, usually for less than a second."""
    folder = journal.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".acd-doctor-") as file:
            times = []
            for _ in range(TRIES):
                file.write(BLOCK)
                file.flush()
                begun = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - begun) * 1_000)
    except OSError as error:
        fix = "make it, and let the user that acd runs as write there"
        return wrong("disk", f"the journal's folder {folder} cannot be written ({error.strerror}); {fix}", _KEY)
    median, worst = statistics.median(times), max(times)
    said = f"the journal's disk keeps a block in {median:.1f} ms, at worst {worst:.1f} ms"
    if median > SLOW_MS:
        return warning("disk", f"{said}; every call waits for that: put journal.path on a local SSD", _KEY)
    return good("disk", said)
