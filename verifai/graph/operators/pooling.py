"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_MAXIMUM
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.arithmetic import fused_relu
from verifai.graph.operators.linear import padding


def _window(
    low: Lowering, node: OnnxNode, x: Tensor
) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
    """Kernel, strides, dilations, padding before, output sizes."""
    kernel = list(node.attributes["kernel_shape"])
    strides = list(node.attributes.get("strides", [1] * len(kernel)))
    dilations = list(node.attributes.get("dilations", [1] * len(kernel)))
    begin, out = padding(node.attributes, x.shape[2:], kernel, strides, dilations)
    return kernel, strides, dilations, begin, out


@operator("MaxPool")
def max_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """A maximum over windows; one that follows a ReLU takes it over, as maxima commute."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedError("the indices of the maxima")
    if node.attributes.get("storage_order"):
        raise UnsupportedError("storage_order")
    x, floor = fused_relu(low, low.small(node, 0))
    kernel, strides, dilations, begin, out = _window(low, node, x)
    build = low.builder
    rank = len(kernel)
    reach = [
        (o - 1) * s + (k - 1) * d
        for o, s, k, d in zip(out, strides, kernel, dilations, strict=True)
    ]
    outside = any(begin) or any(r >= n for r, n in zip(reach, x.shape[2:], strict=True))
    if outside and x.low != 0:  # padding reads the smallest value there is
        shifted = build.linear([(1, x)], -x.low, x.scale)
        columns = build.window(shifted, 2, kernel, strides, dilations, begin, out)
        columns = build.linear([(1, columns)], x.low, x.scale)
    else:
        columns = build.window(x, 2, kernel, strides, dilations, begin, out)
    places = [3 + 2 * i for i in range(rank)]
    if math.prod(kernel) <= MAX_MAXIMUM:
        return build.maximum(columns, places, floor)
    for place in reversed(places[1:]):
        columns = build.largest(columns, place)
    return _last(low, columns, places[0], floor)


def _last(low: Lowering, x: Tensor, axis: int, floor: int | None) -> Tensor:
    build = low.builder
    if x.shape[axis] <= MAX_MAXIMUM:
        return build.maximum(x, [axis], floor)
    result = build.largest(x, axis)
    return result if floor is None else build.maximum(result, [], floor)


@operator("GlobalMaxPool")
def global_max_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """The maximum over all but the first two axes, which stay with length one."""
    x, floor = fused_relu(low, low.small(node, 0))
    shape = (*x.shape[:2], *(1,) * (len(x.shape) - 2))
    if floor is not None:
        x = low.small(node, 0)
    for axis in reversed(range(2, len(x.shape))):
        x = low.builder.largest(x, axis)
    return low.builder.reshape(x, shape)


@operator("AveragePool")
def average_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with a kernel of reciprocals; they differ at borders that do not count padding."""
    x = low.small(node, 0)
    kernel, strides, dilations, begin, out = _window(low, node, x)
    build = low.builder
    rank = len(kernel)
    columns = build.window(x, 2, kernel, strides, dilations, begin, out)
    positions, places = "pqrs"[:rank], "ijkl"[:rank]
    inner = "".join(a + b for a, b in zip(positions, places, strict=True))
    counts = _counts(low, node, x.shape[2:], kernel, strides, dilations, begin, out)
    if len(set(counts.reshape(-1).tolist())) == 1:
        weight = low.weights(np.full(kernel, 1.0 / counts.flat[0]))
        return build.einsum(f"nc{inner},{places}->nc{positions}", columns, weight)
    weight = low.weights(np.broadcast_to(_tail(1.0 / counts, rank), (*out, *kernel)))
    return build.einsum(f"nc{inner},{positions}{places}->nc{positions}", columns, weight)


def _tail(values: np.ndarray, rank: int) -> np.ndarray:
    return values.reshape(*values.shape, *(1,) * rank)


def _counts(
    low: Lowering,
    node: OnnxNode,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    begin: Sequence[int],
    out: Sequence[int],
) -> np.ndarray:
    """By how much the sum at each position is divided."""
    if node.attributes.get("count_include_pad"):
        mode = node.attributes.get("auto_pad", "NOTSET")
        rank = len(kernel)
        pads = node.attributes.get("pads", [0] * 2 * rank) if mode == "NOTSET" else None
        ends = [n + e for n, e in zip(size, pads[rank:], strict=True)] if pads else None
        first = [-b for b in begin]
        last = ends or [10**9] * rank
    else:
        first, last = [0] * len(kernel), list(size)
    result = np.ones(())
    for k, s, d, b, o, f, e in zip(
        kernel, strides, dilations, begin, out, first, last, strict=True
    ):
        index = np.arange(o)[:, None] * s + np.arange(k) * d - b
        inside = ((index >= f) & (index < e)).sum(axis=1)
        result = result[..., None] * inside
    return np.maximum(result, 1)


@operator("GlobalAveragePool")
def global_average_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """The mean over all but the first two axes, which stay with length one."""
    x = low.small(node, 0)
    rank = len(x.shape) - 2
    letters = "pqrs"[:rank]
    weight = low.weights(np.full(x.shape[2:], 1.0 / math.prod(x.shape[2:])))
    result = low.builder.einsum(f"nc{letters},{letters}->nc", x, weight)
    return low.builder.reshape(result, (*x.shape[:2], *(1,) * rank))
