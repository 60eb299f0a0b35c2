"""Text from strangers, made safe to show: nothing in it can steer a terminal or a reader's eye."""

from __future__ import annotations

import unicodedata
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
