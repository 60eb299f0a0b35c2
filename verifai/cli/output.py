"""The one sink of all commands: words for people on a terminal, or one JSON object."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from verifai.errors import VerifaiError

#: Names in files come from strangers: no terminal escapes, no text that runs right to left.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """``text`` with control, bidirectional and invisible characters made visible."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


class Output:
    """Where a command's words and result go.

    Args:
        as_json: print exactly one JSON object on standard output and no words.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def say(self, text: str = "") -> None:
        """A line for people, on standard output; nothing with ``--json``."""
        if not self.as_json:
            print(printable(text))

    def fields(self, rows: Mapping[str, Any]) -> None:
        """Aligned ``name  value`` lines for people."""
        width = max(map(len, rows), default=0)
        for name, value in rows.items():
            self.say(f"  {name:<{width}}  {value}")

    def result(self, value: Mapping[str, Any]) -> None:
        """The command's result; printed only with ``--json``."""
        if self.as_json:
            print(json.dumps({"ok": True, **value}, sort_keys=True, ensure_ascii=True))

    def line(self, value: Mapping[str, Any]) -> None:
        """One of a stream of results: a JSON object on a line of its own, at once."""
        print(json.dumps(value, sort_keys=True, ensure_ascii=True), flush=True)

    def failure(self, error: VerifaiError) -> None:
        """An error: JSON on standard output with ``--json``, else words on standard error."""
        if self.as_json:
            value = {"ok": False, **error.to_dict()}
            print(json.dumps(value, sort_keys=True, ensure_ascii=True, default=str))
            return
        from rich.console import Console
        from rich.text import Text

        head, _, rest = printable(str(error)).partition("]")
        hint = error.hint and printable(error.hint)
        if hint:
            rest = rest.removesuffix(f" Hint: {hint}")
        line = Text.assemble(("error ", "bold red"), (f"{head}]", "red"), rest)
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(line)
        if hint:
            console.print(Text.assemble(("hint  ", "bold yellow"), hint))
        sys.stderr.flush()
