"""Progress of long work: a bar on a terminal or in a notebook, silence elsewhere.

The library reports stages to a :class:`Progress`; what is drawn is decided once, here. Everything
goes to standard error, so that standard output stays for data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Receives the stages of one long call."""

    def stage(self, description: str) -> None:
        """A new stage began; the former one, if any, is done."""
        ...


class Silent:
    """Draws nothing."""

    def stage(self, description: str) -> None:
        return None


class _Bar:
    """A rich spinner with the elapsed time, one line per finished stage."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import Progress as RichProgress
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self.shown = RichProgress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.fields[title]}", style="bold"),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._title = title
        self._task: int | None = None

    def stage(self, description: str) -> None:
        self.finish()
        self._task = self.shown.add_task(description, total=1, title=self._title)

    def finish(self) -> None:
        if self._task is not None:
            self.shown.update(self._task, completed=1)  # type: ignore[arg-type]
            self._task = None


def _wanted() -> bool:
    if os.environ.get("VERIFAI_PROGRESS", "").lower() in {"0", "off", "false"}:
        return False
    return (sys.stderr is not None and sys.stderr.isatty()) or "ipykernel" in sys.modules


@contextmanager
def reporting(title: str, progress: Progress | bool | None = None) -> Iterator[Progress]:
    """The reporter of one long call.

    Args:
        title: what the user called, e.g. ``prove``.
        progress: None chooses by the environment (terminal, notebook, or ``VERIFAI_PROGRESS=0``);
            True and False force it; an object with ``stage`` receives the stages.
    """
    if progress is not None and not isinstance(progress, bool):
        yield progress
        return
    if not (_wanted() if progress is None else progress):
        yield Silent()
        return
    bar = _Bar(title)
    with bar.shown:
        yield bar
        bar.finish()
