"""The virtual operations on exact integers (a view is :func:`verifai.graph.view.view`).

Arrays are int64 while every result provably fits, and arrays of Python integers otherwise: a
dishonest witness may hold any field elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.verifier.native.table import Einsum, Linear

_INT64_BITS: Final = 62
_FLOAT64_BITS: Final = 52


def linear(
    operation: Linear,
    terms: Sequence[npt.NDArray[Any]],
    shape: tuple[int, ...],
) -> npt.NDArray[Any]:
    """``offset + sum coefficient * term``; ``shape`` has the batch axis, terms broadcast to it."""
    bound = abs(operation.offset) + sum(
        abs(coefficient) * largest(term)
        for (coefficient, _), term in zip(operation.terms, terms, strict=True)
    )
    kind: type = np.int64 if bound.bit_length() <= _INT64_BITS else object
    total: npt.NDArray[Any] = np.full(shape, operation.offset, dtype=kind)
    for (coefficient, _), term in zip(operation.terms, terms, strict=True):
        total = total + term.astype(kind) * (
            np.int64(coefficient) if kind is np.int64 else coefficient
        )
    return total


def einsum(
    operation: Einsum,
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    left_batched: bool,
    right_batched: bool,
) -> npt.NDArray[Any]:
    """``einsum(left, right)``, the batch carried by a letter of its own."""
    a, b, out = operation.labels
    dims = dict(zip(a, left.shape[int(left_batched) :], strict=True))
    terms = 1
    for letter, length in dims.items():
        terms *= 1 if letter in out else length
    bound = (terms * largest(left) * largest(right)).bit_length()
    fresh = "Z"  # the labels of a table are lower-case
    labels = (
        f"{fresh * left_batched}{a},{fresh * right_batched}{b}"
        f"->{fresh * (left_batched or right_batched)}{out}"
    )
    if bound <= _FLOAT64_BITS:  # matrix products of floats are exact here, and far faster
        result = np.einsum(labels, left.astype(np.float64), right.astype(np.float64), optimize=True)
        return np.asarray(result).astype(np.int64)
    kind: type = np.int64 if bound <= _INT64_BITS else object
    return np.asarray(np.einsum(labels, left.astype(kind), right.astype(kind)))


def largest(values: npt.NDArray[Any]) -> int:
    """The largest magnitude, as a Python integer; 0 of no values."""
    if values.size == 0:
        return 0
    return max(abs(int(values.min())), abs(int(values.max())))
