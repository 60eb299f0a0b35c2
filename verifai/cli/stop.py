"""Ending a command from outside: Ctrl-C, a terminal that goes away, ``kill``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

#: What a person, a system or a terminal sends to end a process.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal of ``_SIGNALS``, which unwinds a command just as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Signals that would end this process at once raise :class:`Stopped` meanwhile.

    One that is ignored (``nohup``) or that somebody handles is left alone. What a library makes of
    the interruption (numpy, while it is imported: an ``ImportError``) becomes :class:`Stopped` too.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        received.append(number)
        raise Stopped(number)

    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, stop)
    try:
        yield
    except Exception:
        if received:
            raise Stopped(received[0]) from None
        raise
    finally:
        for ended, handler in before.items():
            signal.signal(ended, handler)


def exit_code(stopped: KeyboardInterrupt) -> int:
    """128 and the signal's number, as shells have it: 130 after Ctrl-C, 143 after ``kill``."""
    return 128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT)
