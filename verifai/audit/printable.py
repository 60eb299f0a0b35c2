"""Text from strangers, made safe to show: nothing in it can steer a terminal or a reader's eye."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any, Final

from verifai.proof import Statement, TensorClaim

#: Longest text from outside that is shown in one piece, in characters.
MAX_SHOWN: Final = 240
#: Longest name inside a sentence; a longer one could push the rest of the sentence out of sight.
_MAX_NAME: Final = 64
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


def sentences(statement: Statement) -> list[str]:
    """The statement in words, with names and context cut so that no sentence loses its end."""

    def claims(found: tuple[TensorClaim, ...]) -> tuple[TensorClaim, ...]:
        return tuple(
            replace(claim, spec=replace(claim.spec, name=visible(claim.name, _MAX_NAME)))
            for claim in found
        )

    context = statement.context
    if context is not None:
        context = {
            visible(name): item if isinstance(item, int) else visible(item, _MAX_NAME)
            for name, item in context.items()
        }
    short = replace(
        statement,
        inputs=claims(statement.inputs),
        outputs=claims(statement.outputs),
        context=context,
    )
    # repr doubles the backslash of a character that has just been made visible.
    return [line.replace("\\\\u", "\\u") for line in short.sentences()]
