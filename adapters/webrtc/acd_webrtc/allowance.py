"""How much somebody may say, or begin: so much at once, and then steadily. Owns the counting; time is an argument."""


class Allowance:
    """One. Full at first; each time takes its share of what time gives back."""

    __slots__ = ("_counted_us", "_left_us", "_most_us", "_share_us")

    def __init__(self, at_once: int, *, period_us: int) -> None:
        """`period_us`: after which one more is given back."""
        self._share_us = period_us
        self._left_us = self._most_us = at_once * period_us
        self._counted_us = 0

    def take(self, now_us: int) -> bool:
        """Whether it may be done now; if so it is counted."""
        self._left_us = min(self._most_us, self._left_us + now_us - self._counted_us)
        self._counted_us = now_us
        if self._left_us < self._share_us:
            return False
        self._left_us -= self._share_us
        return True

    def is_full(self, now_us: int) -> bool:
        """Whether it is as if nothing had ever been done."""
        return self._left_us + now_us - self._counted_us >= self._most_us
