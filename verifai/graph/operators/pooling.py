"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor, Window
from verifai.graph.integer import MAX_MAXIMUM
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.arithmetic import fused_relu
from verifai.graph.operators.linear import window_letters, windows_of


@operator("MaxPool", integers=True)
def max_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """A maximum over windows; one that follows a ReLU takes it over, as maxima commute."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedError("the indices of the maxima")
    if node.attributes.get("storage_order"):
        raise UnsupportedError("storage_order")
    x, floor = fused_relu(low, low.small(node, 0))
    windows = windows_of(node, x.shape[2:], node.attributes["kernel_shape"])
    build = low.builder
    outside = any(w.before or w.last >= n for w, n in zip(windows, x.shape[2:], strict=True))
    if outside and x.low != 0:  # padding reads the smallest value there is
        columns = build.window(build.linear([(1, x)], -x.low, x.scale), windows)
        columns = build.linear([(1, columns)], x.low, x.scale)
    else:
        columns = build.window(x, windows)
    places = [3 + 2 * i for i in range(len(windows))]
    if math.prod(window.length for window in windows) <= MAX_MAXIMUM:
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


@operator("GlobalMaxPool", integers=True)
def global_max_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """The maximum over all but the first two axes, which stay with length one."""
    x = low.small(node, 0)
    shape = (*x.shape[:2], *(1,) * (len(x.shape) - 2))
    for axis in reversed(range(2, len(x.shape))):
        x = low.builder.largest(x, axis)
    return low.builder.reshape(x, shape)


@operator("AveragePool")
def average_pool(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with a kernel of reciprocals; they differ at borders that do not count padding."""
    x = low.small(node, 0)
    windows = windows_of(node, x.shape[2:], node.attributes["kernel_shape"])
    build = low.builder
    columns = build.window(x, windows)
    positions, places, inner = window_letters(len(windows))
    kernel = [window.length for window in windows]
    counts = _counts(node, x.shape[2:], windows)
    if len(set(counts.reshape(-1).tolist())) == 1:
        weight = low.weights(np.full(kernel, 1.0 / counts.flat[0]))
        return build.einsum(f"nc{inner},{places}->nc{positions}", columns, weight)
    shares = (1.0 / counts).reshape(*counts.shape, *(1,) * len(kernel))
    weight = low.weights(np.broadcast_to(shares, (*counts.shape, *kernel)))
    return build.einsum(f"nc{inner},{positions}{places}->nc{positions}", columns, weight)


def _counts(node: OnnxNode, size: Sequence[int], windows: Sequence[Window]) -> np.ndarray:
    """By how much the sum at each position is divided."""
    padded = node.attributes.get("count_include_pad")
    automatic = node.attributes.get("auto_pad", "NOTSET") != "NOTSET"
    after = node.attributes.get("pads", [0] * 2 * len(windows))[len(windows) :]
    result = np.ones(())
    for n, window, end in zip(size, windows, after, strict=True):
        starts = np.arange(window.count)[:, None] * window.stride - window.before
        index = starts + np.arange(window.length) * window.dilation
        if padded:  # automatic padding is as wide as windows reach
            counted = index < (np.inf if automatic else n + end)
        else:
            counted = (index >= 0) & (index < n)
        result = result[..., None] * counted.sum(axis=1)
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
