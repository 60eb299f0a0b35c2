"""ReduceSum, ReduceMean, ReduceMax, ReduceMin and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.integer import MAX_RANGED_BITS, Einsum
from verifai.graph.lower import ACCUMULATOR_BITS, Lowering, OnnxNode, is_whole, operator
from verifai.graph.operators.division import truncated_by
from verifai.graph.operators.linear import multiple


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
    x = low.exact(node, 0)
    axes = axes_of(low, node, len(x.shape))
    summed = None
    if axes is not None and node.op_type != "ReduceL1" and not is_whole(low.kind(node.inputs[0])):
        summed = _of_products(low, node, x, axes)
    if axes is not None and summed is not None:
        return low.builder.reshape(summed, kept(node, x.shape, axes))
    x = low.fine(node, 0)
    if node.op_type == "ReduceL1":
        x = low.builder.absolute(x)
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


def _of_products(low: Lowering, node: OnnxNode, x: Tensor, axes: Sequence[int]) -> Tensor | None:
    """The sum or mean of products that nothing has rounded yet, without ``axes``: one contraction,
    exact. A mean of squares keeps what is small in one row beside what is large in another.

    None if ``x`` is not an einsum.
    """
    build = low.builder
    operation = build.nodes[x.node].operation
    if not isinstance(operation, Einsum):
        return None
    left, right, out = operation.labels
    rest = "".join(letter for axis, letter in enumerate(out) if axis not in axes)
    operands = build.tensors[operation.left], build.tensors[operation.right]
    count = math.prod(x.shape[axis] for axis in axes)
    summed = set(out) - set(rest)
    if not summed <= set(left) & set(right) or x.bits + count.bit_length() > ACCUMULATOR_BITS:
        return None
    result = build.einsum(f"{left},{right}->{rest}", *operands)
    if node.op_type == "ReduceSum" or count == 1:
        return result
    if result.bits + low.options.weight_bits > ACCUMULATOR_BITS:
        largest = max(map(abs, low.ranges.get(node.outputs[0], (0.0, 0.0)))) * count
        wanted = low.scale_of(largest) + MAX_RANGED_BITS - low.options.activation_bits
        shift = max(0, result.scale - wanted)
        result = build.requantise(result, shift, MAX_RANGED_BITS)
    return multiple(low, result, 1.0 / count)


@operator("ReduceSumSquare", integers=True)
def reduce_sum_square(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum of squares: a contraction of the tensor with itself."""
    x = low.fine(node, 0)
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
    x = low.fine(node, 0)
    axes = axes_of(low, node, len(x.shape))
    if axes is None:
        return x
    shape = kept(node, x.shape, axes)
    result = x if sign == 1 else low.builder.negative(x)
    for axis in reversed(axes):
        result = low.builder.largest(result, axis)
    result = low.builder.reshape(result, shape)
    return result if sign == 1 else low.builder.negative(result)
