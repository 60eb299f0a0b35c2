"""Products of integers in floats, for the BLAS's sake: where that is exact, proved for a graph.

float64 holds every integer up to 2^53 in absolute value. A sum of products stays exact, in any
order of summation, if all its terms together cannot exceed that::

    terms * (largest of left) * (largest of right) <= 2^53

The largest values come from the graph alone: from what weights and tables hold, and from the ranges
that a run checks (:func:`magnitudes`). No input can leave them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.graph.integer import (
    Einsum,
    Gather,
    Graph,
    Input,
    Integers,
    Linear,
    Lookup,
    Maximum,
    Node,
    Requantise,
    Reshape,
    View,
    Weight,
)

#: The integers that float64 holds, without a gap, in absolute value.
FLOAT64: Final = 1 << 53
#: Elements of a large operand that are converted at once: as floats they fit into a cache.
PIECE: Final = 1 << 17


def is_exact(terms: int, left: int, right: int) -> bool:
    """Whether every sum of some of ``terms`` products is exact in float64.

    Args:
        left, right: the largest absolute values of the factors.
    """
    return terms * left * right <= FLOAT64


def magnitudes(graph: Graph) -> list[int]:
    """The largest absolute value that each node can have in a run, whatever its stated range is."""
    found: list[int] = []
    for node in graph.nodes:
        match operation := node.operation:
            case Input() | Requantise():  # a run checks these
                found.append(max(-node.low, node.high))
            case Weight():
                found.append(largest(operation.values))
            case View() | Reshape() | Gather():
                found.append(found[operation.source])
            case Maximum():
                found.append(max(found[operation.source], abs(operation.floor or 0)))
            case Linear():
                shares = (abs(factor) * found[source] for factor, source in operation.terms)
                found.append(abs(operation.offset) + sum(shares))
            case Einsum():
                terms = summed(operation, graph.nodes)
                found.append(terms * found[operation.left] * found[operation.right])
            case Lookup():
                found.append(largest(graph.tables[operation.table].outputs))
    return found


def largest(values: Integers) -> int:
    """The largest absolute value, as a Python integer; 0 of no values."""
    return max(-int(values.min()), int(values.max())) if values.size else 0


def summed(operation: Einsum, nodes: Sequence[Node]) -> int:
    """How many products each element of an einsum is the sum of."""
    left, _, out = operation.labels
    dims = zip(left, nodes[operation.left].shape, strict=True)
    return math.prod(length for letter, length in dims if letter not in out)


def einsum(labels: str, left: Integers, right: Integers) -> Integers:
    """An einsum that :func:`is_exact`, in float64.

    A large operand is converted piece by piece along its first axis, so that weights of any size
    are kept as narrow integers and nowhere as floats.
    """
    operands, out = labels.split("->")
    a, b = operands.split(",")
    if left.size > max(right.size, PIECE):  # the larger operand is the second one
        (a, left), (b, right) = (b, right), (a, left)
    first = left.astype(np.float64)
    if right.size <= PIECE:
        return _product(a, b, out, first, right).astype(np.int64)
    dims = dict(zip(a + b, left.shape + right.shape, strict=True))
    total: npt.NDArray[np.float64] = np.zeros([dims[letter] for letter in out])
    cut, step = b[0], max(1, PIECE * right.shape[0] // right.size)
    for start in range(0, right.shape[0], step):
        piece = slice(start, start + step)
        part = first[_along(a, cut, piece)]
        total[_along(out, cut, piece)] += _product(a, b, out, part, right[piece])
    return total.astype(np.int64)


def _product(
    a: str, b: str, out: str, left: npt.NDArray[np.float64], right: Integers
) -> npt.NDArray[Any]:
    reals = right.astype(np.float64)
    return np.asarray(np.einsum(f"{a},{b}->{out}", left, reals, optimize=True))


def _along(letters: str, letter: str, piece: slice) -> tuple[slice, ...]:
    """An index that takes a piece of one axis, where there is that axis."""
    return tuple(piece if each == letter else slice(None) for each in letters)
