"""The four virtual operations on exact integers.

Arrays are int64 while every result provably fits, and arrays of Python integers otherwise: a
dishonest witness may hold any field elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from verifai.graph.integer import Affine, Einsum, Linear, View

_INT64_BITS: Final = 62
_FLOAT64_BITS: Final = 52


def view(
    source: npt.NDArray[Any], operation: View, shape: tuple[int, ...], batched: bool
) -> npt.NDArray[Any]:
    """``out[t] = source[i_0(t), ...]``, zero outside the source; the batch axis stays first."""
    lead = int(batched)
    rank = len(shape)
    index: list[npt.NDArray[np.int64]] = []
    inside: npt.NDArray[np.bool_] = np.ones((1,) * rank, dtype=np.bool_)
    for length, axis in zip(source.shape[lead:], operation.axes, strict=True):
        if isinstance(axis, Affine):
            reach = abs(axis.offset) + sum(abs(c) * shape[target] for target, c in axis.terms)
            kind: type = np.int64 if reach.bit_length() <= _INT64_BITS else object
            position: npt.NDArray[Any] = np.full((1,) * rank, axis.offset, dtype=kind)
            for target, coefficient in axis.terms:
                steps: npt.NDArray[Any] = np.arange(shape[target]).astype(kind) * coefficient
                position = position + _along(steps, target, rank)
            within = np.asarray((position >= 0) & (position < length), dtype=np.bool_)
            if not within.all():
                inside = inside & within
                position = np.clip(position, 0, length - 1)
            position = position.astype(np.int64)
        else:
            position = _along(np.array(axis.indices, dtype=np.int64), axis.axis, rank)
        index.append(position)
    full = (*source.shape[:lead], *shape)
    if index:
        read = source[(slice(None),) * lead + tuple(index)]
    else:
        read = source.reshape(source.shape[:lead] + (1,) * rank)
    if not inside.all():
        read = np.where(inside, read, 0)
    return np.broadcast_to(read, full)


def _along(values: npt.NDArray[Any], axis: int, rank: int) -> npt.NDArray[Any]:
    return values.reshape([-1 if position == axis else 1 for position in range(rank)])


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
