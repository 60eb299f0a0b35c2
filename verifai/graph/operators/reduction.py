"""ReduceSum, ReduceMean, ReduceMax, ReduceMin and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.lower import Lowering, OnnxNode, is_whole, operator
from verifai.graph.operators.division import truncated_by


def axes_of(low: Lowering, node: OnnxNode, rank: int) -> list[int] | None:
    """The reduced axes; None if nothing is reduced."""
    axes = low.integers(node, 1, "axes")
    if not axes:
        return None if node.attributes.get("noop_with_empty_axes") else list(range(rank))
    return sorted({axis % rank for axis in axes})


def kept(node: OnnxNode, shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """The output's shape."""
    if node.attributes.get("keepdims", 1):
        return tuple(1 if axis in axes else d for axis, d in enumerate(shape))
    return tuple(d for axis, d in enumerate(shape) if axis not in axes)


@operator("ReduceSum", "ReduceMean", "ReduceL1", integers=True)
def reduce_sum(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with a constant vector: of ones, or of the count's rounded reciprocal. A mean of
    integers is their sum divided without a fraction.
    """
    x = low.small(node, 0)
    if node.op_type == "ReduceL1":
        x = low.builder.absolute(x)
    axes = axes_of(low, node, len(x.shape))
    if axes is None:
        return x
    lengths = [x.shape[axis] for axis in axes]
    count = math.prod(lengths) if node.op_type == "ReduceMean" else 1
    whole = is_whole(low.kind(node.outputs[0]))
    if count == 1 or whole:
        weight = low.builder.weight(np.ones(lengths, dtype=np.int64), 0)
    else:
        weight = low.weights(np.full(lengths, 1.0 / count))
    letters = LETTERS[: len(x.shape)]
    inside = "".join(letters[axis] for axis in axes)
    out = "".join(letter for letter in letters if letter not in inside)
    result = low.builder.einsum(f"{letters},{inside}->{out}", x, weight)
    if whole and count > 1:
        result = truncated_by(low, low.settled(result, node.outputs[0]), count)
    return low.builder.reshape(result, kept(node, x.shape, axes))


@operator("ReduceSumSquare", integers=True)
def reduce_sum_square(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum of squares: a contraction of the tensor with itself."""
    x = low.small(node, 0)
    axes = axes_of(low, node, len(x.shape))
    if axes is None:
        return low.builder.product(x, x)
    letters = LETTERS[: len(x.shape)]
    out = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    result = low.builder.einsum(f"{letters},{letters}->{out}", x, x)
    return low.builder.reshape(result, kept(node, x.shape, axes))


@operator("ReduceMax", "ReduceMin")
def reduce_extreme(low: Lowering, node: OnnxNode) -> Tensor:
    """A tree of maxima, axis by axis; a minimum is ``-max(-x)``."""
    sign = 1 if node.op_type == "ReduceMax" else -1
    x = low.small(node, 0)
    axes = axes_of(low, node, len(x.shape))
    if axes is None:
        return x
    shape = kept(node, x.shape, axes)
    result = x if sign == 1 else low.builder.negative(x)
    for axis in reversed(axes):
        result = low.builder.largest(result, axis)
    result = low.builder.reshape(result, shape)
    return result if sign == 1 else low.builder.negative(result)
