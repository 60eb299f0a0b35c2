"""Resize and Upsample: along each axis a product with a constant matrix, or a view if it picks."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifai.extras import require
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import biased
from verifai.graph.reference import alone, reference


@operator("Resize")
def resize(low: Lowering, node: OnnxNode) -> Tensor:
    """All modes, with constant regions, scales and sizes."""
    rank = len(_shape(low, node))
    axes = [int(a) % rank for a in node.attributes.get("axes", range(rank))]
    roi, scales, sizes = (_floats(low, node, i) for i in (1, 2, 3))
    if low.opset < 11:
        roi, scales = [], _floats(low, node, 1)
    if sizes:
        sizes = _kept_ratio(node, sizes, [_shape(low, node)[axis] for axis in axes])
    return _resized(low, node, axes, roi, scales, sizes)


@operator("Upsample")
def upsample(low: Lowering, node: OnnxNode) -> Tensor:
    """The predecessor of Resize."""
    scales = _floats(low, node, 1) or list(node.attributes.get("scales", ()))
    return _resized(low, node, list(range(len(scales))), [], scales, [])


def _shape(low: Lowering, node: OnnxNode) -> tuple[int, ...]:
    return low.exact(node, 0).shape


def _floats(low: Lowering, node: OnnxNode, position: int) -> list[float]:
    if not low.has(node, position):
        return []
    return [float(v) for v in low.known(node, position, "a size").reshape(-1)]


def _kept_ratio(node: OnnxNode, sizes: list[float], lengths: list[int]) -> list[float]:
    policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes
    ratios = [size / length for size, length in zip(sizes, lengths, strict=True)]
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return [float(np.floor(ratio * length + 0.5)) for length in lengths]


def _resized(
    low: Lowering,
    node: OnnxNode,
    axes: list[int],
    roi: list[float],
    scales: list[float],
    sizes: list[float],
) -> Tensor:
    x = low.small(node, 0)
    for place, axis in enumerate(axes):
        length = x.shape[axis]
        region = [roi[place], roi[len(axes) + place]] if roi else [0.0, 1.0]
        offset, matrix = _matrix(
            low,
            node,
            length,
            region,
            scales[place] if scales else None,
            int(sizes[place]) if sizes else None,
        )
        if np.array_equal(matrix, np.eye(length)):
            continue
        picks = matrix.argmax(axis=1)
        if not offset.any() and np.array_equal(matrix, np.eye(length)[picks]):
            x = low.builder.take(x, axis, picks.tolist())
            continue
        letters = LETTERS[: len(x.shape)]
        out = letters.replace(letters[axis], "z")
        # an interpolation stays within the range of its input, but for an overshoot
        x = low.builder.einsum(f"{letters},z{letters[axis]}->{out}", x, low.weights(matrix))
        if offset.any():  # of places outside of the region
            x = biased(low, x, offset.reshape(-1, *(1 for _ in x.shape[axis + 1 :])))
            x = low.settled(x, node.outputs[0])
        else:
            x = low.settled(x, node.inputs[0])
    return x


def _matrix(
    low: Lowering,
    node: OnnxNode,
    length: int,
    region: list[float],
    scale: float | None,
    size: int | None,
) -> tuple[Array, Array]:
    """What the operator does along one axis: the offset, and the matrix (out, in).

    ONNX's reference resizes zeros, and a unit vector for each place.
    """
    helper = require("onnx", "onnx", "evaluating an operator").helper
    skipped = ("axes", "keep_aspect_ratio_policy", "scales")
    attributes = {k: v for k, v in node.attributes.items() if k not in skipped}
    given: dict[str, Any] = {"x": np.zeros(length, dtype=np.float32)}
    if low.opset >= 11 and node.op_type == "Resize":
        names = ["x", "roi", "scales", "sizes"]
        given["roi"] = np.array(region, dtype=np.float32)
        if size is None:
            given["scales"] = np.array([scale], dtype=np.float32)
        else:
            given["sizes"] = np.array([size], dtype=np.int64)
    else:
        names = ["x", "", "scales"]
        given["scales"] = np.array([scale], dtype=np.float32)
        attributes["coordinate_transformation_mode"] = "asymmetric"
        if attributes.get("mode", "nearest") == "nearest":
            attributes["nearest_mode"] = "floor"
    inputs = [name if name in given else "" for name in names]
    made = helper.make_node("Resize", inputs, ["y"], **attributes)
    evaluate = reference(alone(made, given, max(low.opset, 11)))

    def evaluated(x: Array) -> Array:
        return np.asarray(evaluate(given | {"x": x})[0], dtype=np.float64)

    offset = evaluated(given["x"])
    units = np.eye(length, dtype=np.float32)
    return offset, np.stack([evaluated(unit) - offset for unit in units], axis=1)
