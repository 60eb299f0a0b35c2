"""The one sink of all commands: words for people on a terminal, or one JSON object."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from verifai.errors import VerifaiError
from verifai.printable import visible


def printable(text: str) -> str:
    """Lines in which control, bidirectional and invisible characters are made visible: names in
    files come from strangers."""
    return "\n".join(visible(line, len(line)) for line in text.split("\n"))


class Output:
    """Where a command's words and result go.

    Args:
        as_json: print exactly one JSON object on standard output and no words.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        #: Why standard output cannot be written, once it cannot: a full disk, a reader that left.
        self.lost: OSError | None = None

    def write(self, text: str) -> None:
        """A line on standard output; never an error, since the work is what counts."""
        self.lost = self.lost or _write(sys.stdout, text)

    def warn(self, text: str) -> None:
        """A line for people on standard error."""
        _write(sys.stderr, printable(text))

    def say(self, text: str = "") -> None:
        """A line for people, on standard output; nothing with ``--json``."""
        if not self.as_json:
            self.write(printable(text))

    def fields(self, rows: Mapping[str, Any]) -> None:
        """Aligned ``name  value`` lines for people."""
        width = max(map(len, rows), default=0)
        for name, value in rows.items():
            self.say(f"  {name:<{width}}  {value}")

    def result(self, value: Mapping[str, Any]) -> None:
        """The command's result; printed only with ``--json``."""
        if self.as_json:
            self.write(json.dumps({"ok": True, **value}, sort_keys=True, ensure_ascii=True))

    def line(self, value: Mapping[str, Any]) -> None:
        """One of a stream of results: a JSON object on a line of its own, at once."""
        self.write(json.dumps(value, sort_keys=True, ensure_ascii=True))

    def failure(self, error: VerifaiError) -> None:
        """An error: JSON on standard output with ``--json``, else words on standard error."""
        if self.as_json:
            value = {"ok": False, **error.to_dict()}
            self.write(json.dumps(value, sort_keys=True, ensure_ascii=True, default=str))
            return
        from rich.console import Console
        from rich.text import Text

        head, _, rest = printable(str(error)).partition("]")
        hint = error.hint and printable(error.hint)
        if hint:
            rest = rest.removesuffix(f" Hint: {hint}")
        line = Text.assemble(("error ", "bold red"), (f"{head}]", "red"), rest)
        # only rendered by the console, which ends the process with 1 where nobody reads it
        shown = io.StringIO()
        colours = (sys.stderr is not None and sys.stderr.isatty()) or None
        console = Console(file=shown, force_terminal=colours, highlight=False, soft_wrap=True)
        console.print(line)
        if hint:
            console.print(Text.assemble(("hint  ", "bold yellow"), hint))
        _write(sys.stderr, shown.getvalue().rstrip("\n"))


def _write(stream: TextIO | None, text: str) -> OSError | None:
    """Write a line at once; what kept it from being written, if anything did."""
    if stream is None:  # closed by whoever started us
        return None
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError as error:
        # what is left in the buffer must not fail again when the interpreter ends
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
