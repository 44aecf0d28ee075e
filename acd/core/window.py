"""A bounded memory of the last named things. Owns forgetting the oldest; must not know what they are."""

from collections import deque
from typing import Generic, TypeVar

V = TypeVar("V")


class Window(Generic[V]):
    """The last `size` (name, value) pairs; remembering one more forgets the oldest."""

    __slots__ = ("_names", "_size", "_values", "get")

    def __init__(self, size: int) -> None:
        self._size = size
        self._names: deque[str] = deque()
        self._values: dict[str, V] = {}
        self.get = self._values.get

    def remember(self, name: str, value: V) -> None:
        """Add a pair. A name that is there already gets the new value and keeps its age."""
        values = self._values
        if name not in values:
            self._names.append(name)
            if len(self._names) > self._size:
                del values[self._names.popleft()]
        values[name] = value

    def items(self) -> tuple[tuple[str, V], ...]:
        """All pairs, oldest first."""
        return tuple((name, self._values[name]) for name in self._names)
