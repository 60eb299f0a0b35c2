"""Text from strangers, made safe to show: nothing in it can steer a terminal or a reader's eye."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any, Final

#: Longest text from outside that is shown in one piece, in characters.
MAX_SHOWN: Final = 240
#: Controls, invisible and bidirectional format characters, surrogates, private use, separators.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(value: Any, limit: int = MAX_SHOWN) -> str:
    """``value`` on one line, with unprintable characters as ``\\uXXXX`` and a mark where it is cut.

    Args:
        value: anything; its ``str`` is shown.
        limit: characters of it that are shown.
    """
    whole = str(value)
    shown = "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in _UNPRINTABLE else character
        for character in whole[:limit]
    )
    return shown if len(whole) <= limit else f"{shown}… ({len(whole)} characters)"


def html_text(value: Any, limit: int = MAX_SHOWN) -> str:
    """:func:`visible`, escaped for HTML."""
    return escape(visible(value, limit))


def html_table(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    """A table of names and values for notebooks, in which everything is made safe."""
    left = 'style="text-align:left"'
    lines = (
        f"<tr><th {left}>{html_text(name, 64)}</th><td {left}>{html_text(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table><caption {left}>{html_text(title)}</caption>{''.join(lines)}</table>"
