"""A bounded memory of the last named things. Owns forgetting the oldest; must not know what they are."""

from collections import deque
from typing import Generic, TypeVar

V = TypeVar("V")


class Window(Generic[V]):
    """The last `size` (name, value) pairs; remembering one more forgets the oldest."""

    __slots__ = ("_names", "_size", "_values", "get")

    def __init__(self, size: int) -> None:
        self._size = size
        self._names: deque[str] = deque(maxlen=size)
        self._values: dict[str, V] = {}
        self.get = self._values.get

    def add(self, name: str, value: V) -> None:
        """Add a pair whose name is not there."""
        names = self._names
        values = self._values
        if len(names) == self._size:
            del values[names[0]]
        names.append(name)
        values[name] = value

    def remember(self, name: str, value: V) -> None:
        """Add a pair. A name that is there already gets the new value and keeps its age."""
        if name in self._values:
            self._values[name] = value
        else:
            self.add(name, value)

    def items(self) -> tuple[tuple[str, V], ...]:
        """All pairs, oldest first."""
        return tuple((name, self._values[name]) for name in self._names)
