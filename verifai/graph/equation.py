"""The equation of an Einsum, written out."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence


def parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """One letter for each axis of each operand, and the letters of the result.

    What an ellipsis stands for has letters of its own; a result that is not given has the letters
    that come once, in alphabetical order, after those of the ellipsis.

    Raises:
        ValueError: the equation does not fit the operands.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError("as many terms as operands")
    free = [letter for letter in string.ascii_letters if letter not in equation]
    counts = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    hidden = "".join(free[: max(0, *counts)])
    labels = []
    for term, count in zip(terms, counts, strict=True):
        if count < 0 or (count and "..." not in term):
            raise ValueError("a letter for each axis")
        labels.append(term.replace("...", hidden[len(hidden) - count :]))
    if arrow:
        return labels, right.replace("...", hidden)
    seen = Counter("".join(labels))
    single = sorted(letter for letter in seen if seen[letter] == 1 and letter not in hidden)
    return labels, hidden + "".join(single)
