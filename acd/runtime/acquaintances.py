"""Who a process can tell without a look into the store: those it has met, and those who are certainly new.

Owns what is in memory for that, under a lock that nobody holds while waiting for a disk. Must not know the file. Of
those in the file only keyed indexes and keyed digests are kept here; a number and a name only until they are written,
a moment later.
"""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from acd.ports.channel import Personal
from acd.runtime.log import Logger
from acd.runtime.number_filter import INDEX_BYTES, NumberFilter
from acd.runtime.person_record import encode, merged

MAX_KNOWN: Final = 4_096
"""People known by heart; beyond it who has not called for longest is looked up again."""

MAX_TOLD: Final = 1_000
"""People told of who are not in the file yet; beyond it the file is asked."""

STOCK: Final = 32
"""References drawn in advance: to draw one takes as long as all else that is done for somebody new."""

_DIGEST_BYTES: Final = 16
_log = Logger(__name__)


class Told(Struct, frozen=True, gc=False):
    """Somebody told of who is to be written. Without an `index` nobody is ever recognised."""

    reference: str
    index: bytes | None
    person: Personal


class _Known(Struct, frozen=True, gc=False):
    """`digest`: of what was told last; whoever tells the same again has told nothing new."""

    reference: str
    digest: bytes


class Acquaintances:
    """Safe to call from any thread; never waits longer than another takes for one of these."""

    def __init__(self, draw: Callable[[], str], numbers: NumberFilter | None = None) -> None:
        """Nobody is known, and anybody may be in the file until `complete`. `draw` makes references."""
        self._draw = draw
        self._stock: deque[str] = deque(maxlen=STOCK)
        self._lock = threading.Lock()
        self._numbers = numbers or NumberFilter()
        self._whole = False
        self._closed = False
        self._salt = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._index_of: dict[str, bytes] = {}
        self._told: dict[bytes, Told] = {}
        """By index; by the reference's bytes where there is none."""

    # ---- from those who cannot wait

    def tell(self, index: bytes | None, person: Personal) -> str | None:
        """The reference, if the file need not be asked. What is new is `take`n from here afterwards."""
        with self._lock:
            if self._closed or len(self._told) >= MAX_TOLD:
                return None
            if index is None:
                reference = self._drawn()
                self._told[reference.encode()] = Told(reference, None, person)
                return reference
            known = self._known.get(index)
            if known is None and (not self._whole or index in self._numbers):
                return None
            digest = self._digest(person)
            if known is not None and known.digest == digest:
                self._known.move_to_end(index)
                return known.reference
            reference = self._drawn() if known is None else known.reference
            before = self._told.get(index)
            self._told[index] = Told(reference, index, person if before is None else merged(before.person, person))
            self._keep(index, _Known(reference, digest))
            return reference

    # ---- from the one who reads and writes the file

    def claim(self, index: bytes) -> Told | None:
        """Before the file is asked for it: from now on nobody is given another reference for it here.

        Returns what has been told of it and is not in the file: it goes there first.
        """
        with self._lock:
            self._mark(index)
            return self._told.pop(index, None)

    def note(self, index: bytes, reference: str, person: Personal) -> None:
        """This is who it is, and this has been told just now."""
        with self._lock:
            # What was told after it is about to be written over it: whoever tells this again has something new.
            digest = b"" if index in self._told else self._digest(person)
            self._keep(index, _Known(reference, digest))

    def restock(self) -> None:
        """Draw references in advance."""
        while len(self._stock) < STOCK:
            self._stock.append(self._draw())

    def take(self) -> Told | None:
        """Somebody who is to be written, the first told first."""
        with self._lock:
            return self._told.pop(next(iter(self._told))) if self._told else None

    def told(self, reference: str) -> Personal | None:
        """What has been told of somebody and is not in the file."""
        with self._lock:
            return next((told.person for told in self._told.values() if told.reference == reference), None)

    def forget(self, reference: str) -> bool:
        """Nobody is given this reference any more; whether it was to be written, which is off."""
        with self._lock:
            index = self._index_of.pop(reference, None)
            if index is not None:
                del self._known[index]
            keys = [key for key, told in self._told.items() if told.reference == reference]
            for key in keys:
                del self._told[key]
            return bool(keys)

    def doubt(self) -> None:
        """Something was not kept, and nobody knows of whom: the file is asked about everybody."""
        with self._lock:
            self._clear_known()

    def drop(self) -> None:
        """As `doubt`; and who is not in the file does not get there: their references lead nowhere."""
        with self._lock:
            self._clear_known()
            self._told.clear()

    # ---- getting to know who is in the file

    def learn(self, indexes: Iterable[bytes]) -> None:
        """These are in the file."""
        for index in indexes:
            # One at a time, so that a caller never waits for all of them.
            with self._lock:
                if len(index) == INDEX_BYTES:
                    self._mark(index)

    def complete(self) -> None:
        """All who were in the file have been learned: who is not among them is new."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """Nobody is told of any more."""
        with self._lock:
            self._clear_known()
            self._told.clear()
            self._closed = True

    # ---- pieces, under the lock

    def _drawn(self) -> str:
        return self._stock.popleft() if self._stock else self._draw()

    def _digest(self, person: Personal) -> bytes:
        return blake2b(encode(person), key=self._salt, digest_size=_DIGEST_BYTES).digest()

    def _clear_known(self) -> None:
        self._known.clear()
        self._index_of.clear()

    def _mark(self, index: bytes) -> None:
        was_full = self._numbers.is_full
        self._numbers.add(index)
        if self._numbers.is_full and not was_full:
            _log.warning("too many people to tell who is new; whoever is not known by heart is looked up again")

    def _keep(self, index: bytes, known: _Known) -> None:
        self._mark(index)
        old = self._known.pop(index, None)
        if old is not None:
            self._index_of.pop(old.reference, None)
        elif len(self._known) >= MAX_KNOWN:
            _, oldest = self._known.popitem(last=False)
            del self._index_of[oldest.reference]
        self._known[index] = known
        self._index_of[known.reference] = index
