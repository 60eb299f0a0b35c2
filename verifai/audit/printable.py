"""A statement from strangers in sentences that are safe to show."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from verifai.printable import visible
from verifai.proof import Statement, TensorClaim

#: Longest name inside a sentence; a longer one could push the rest of the sentence out of sight.
_MAX_NAME: Final = 64


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
