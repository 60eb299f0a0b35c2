"""Time that passes only where somebody sleeps."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class Clock:
    """Stands where a module has ``time``: nobody waits, and what is to happen in the meantime
    happens at its moment, in the sleep that reaches it.

    Attributes:
        now: seconds since the test began.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._plans: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self._plans and self._plans[0][0] <= until:
            self.now, _, action = heapq.heappop(self._plans)
            action()
        self.now = until

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan an action, so many seconds from now."""
        heapq.heappush(self._plans, (self.now + seconds, next(self._order), action))

    @property
    def done(self) -> bool:
        """Whether everything that was planned has happened."""
        return not self._plans
