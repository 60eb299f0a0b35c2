"""ReduceSum, ReduceMean, ReduceMax, ReduceMin and what is made of them."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence

import numpy as np

from verifai.graph.builder import Tensor
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.arithmetic import magnitude


def axes_of(low: Lowering, node: OnnxNode, rank: int) -> list[int] | None:
    """The reduced axes; None if nothing is reduced."""
    axes = node.attributes.get("axes")
    if low.has(node, 1):
        axes = low.known(node, 1, "axes").reshape(-1).tolist()
    if axes is None or len(axes) == 0:
        if node.attributes.get("noop_with_empty_axes"):
            return None
        return list(range(rank))
    return sorted({int(axis) % rank for axis in axes})


def kept(node: OnnxNode, shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """The output's shape."""
    if node.attributes.get("keepdims", 1):
        return tuple(1 if axis in axes else d for axis, d in enumerate(shape))
    return tuple(d for axis, d in enumerate(shape) if axis not in axes)


def summed(low: Lowering, x: Tensor, axes: Sequence[int], factor: float) -> Tensor:
    """``factor * sum`` over axes: a product with a constant vector."""
    letters = string.ascii_lowercase[: len(x.shape)]
    inside = "".join(letters[axis] for axis in axes)
    out = "".join(letter for letter in letters if letter not in inside)
    shape = [x.shape[axis] for axis in axes]
    weight = (
        low.builder.weight(np.ones(shape, dtype=np.int64), 0)
        if factor == 1
        else low.weights(np.full(shape, factor))
    )
    return low.builder.einsum(f"{letters},{inside}->{out}", x, weight)


@operator("ReduceSum")
def reduce_sum(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact."""
    return _sum(low, node, low.small(node, 0), mean=False)


@operator("ReduceMean")
def reduce_mean(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum times the rounded reciprocal of the count."""
    return _sum(low, node, low.small(node, 0), mean=True)


def _sum(low: Lowering, node: OnnxNode, x: Tensor, *, mean: bool) -> Tensor:
    axes = axes_of(low, node, len(x.shape))
    if axes is None:
        return x
    factor = 1.0 / math.prod(x.shape[axis] for axis in axes) if mean else 1.0
    result = summed(low, x, axes, factor)
    return low.builder.reshape(result, kept(node, x.shape, axes))


@operator("ReduceSumSquare")
def reduce_sum_square(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum of squares: a contraction of the tensor with itself."""
    x = low.small(node, 0)
    axes = axes_of(low, node, len(x.shape))
    letters = string.ascii_lowercase[: len(x.shape)]
    if axes is None:
        return low.builder.einsum(f"{letters},{letters}->{letters}", x, x)
    out = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    result = low.builder.einsum(f"{letters},{letters}->{out}", x, x)
    return low.builder.reshape(result, kept(node, x.shape, axes))


@operator("ReduceL1")
def reduce_l1(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum of absolute values."""
    return _sum(low, node, magnitude(low, low.small(node, 0)), mean=False)


@operator("ReduceMax")
def reduce_max(low: Lowering, node: OnnxNode) -> Tensor:
    """A tree of maxima, axis by axis."""
    return _largest(low, node, 1)


@operator("ReduceMin")
def reduce_min(low: Lowering, node: OnnxNode) -> Tensor:
    """``-max(-x)``."""
    return _largest(low, node, -1)


def _largest(low: Lowering, node: OnnxNode, sign: int) -> Tensor:
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
