"""Operators that are linear in what the model computes, all else being constant: DFT, STFT, Col2Im,
GridSample, RoiAlign, DeformConv, MaxUnpool, TensorScatter.

What one of them does is the matrix that it makes of unit vectors, as onnxruntime or ONNX's own
implementation evaluates them. A matrix of few entries in each row is a view and a product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.extras import require
from verifai.graph.builder import LETTERS, Tensor, Window
from verifai.graph.fold import folded
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import biased
from verifai.graph.operators.logic import masked

#: Most entries of a matrix.
MAX_MATRIX: Final = 1 << 24
#: A matrix with at most so many entries per row, as a share of its columns, is sparse.
SPARSE: Final = 0.25


def _evaluated(
    low: Lowering, node: OnnxNode, given: Mapping[int, Array], opset: int = 0, **changed: Any
) -> Array:
    """The operator's first output for inputs by position; ``changed`` attributes, and another
    version of the operator sets than the model's if that is given.

    Raises:
        UnsupportedError: it cannot be evaluated.
    """
    helper = require("onnx", "onnx", "evaluating an operator").helper
    names = [f"i{i}" if i in given else "" for i in range(max(given) + 1)]
    item = helper.make_node(node.op_type, names, ["y"], **{**node.attributes, **changed})
    values = {f"i{i}": values for i, values in given.items()}
    return np.asarray(folded(item, values, opset or low.opset)["y"])


def _constants(low: Lowering, node: OnnxNode) -> dict[int, Array]:
    """All inputs but the first, by position.

    Raises:
        UnsupportedError: one is computed.
    """
    places = [i for i in range(1, len(node.inputs)) if low.has(node, i)]
    return {i: low.known(node, i, f"input {i} ({node.inputs[i]!r})") for i in places}


def _units(count: int, *shape: int) -> Array:
    _require_small(count * count)
    return np.eye(count, dtype=np.float32).reshape(count, *shape)


def _require_small(entries: int) -> None:
    if entries > MAX_MATRIX:
        raise UnsupportedError(
            f"a linear map of {entries:,} entries; {MAX_MATRIX:,} are possible",
            hint="Apply it to a smaller tensor.",
        )


def _mapped(low: Lowering, x: Tensor, matrix: Array, name: str) -> Tensor:
    """``x`` (..., columns) times a matrix (rows, columns): (..., rows)."""
    rows, columns = matrix.shape
    _require_small(rows * columns)
    build = low.builder
    lead = LETTERS[: len(x.shape) - 1]
    entries = (matrix != 0).sum(axis=1)
    most = max(1, int(entries.max()))
    if most > columns * SPARSE and columns > 1:
        weight = low.factors(matrix, x, name)
        return build.einsum(f"{lead}y,zy->{lead}z", x, weight)
    # the places of what is not zero come first, in order
    places = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]
    factors = np.take_along_axis(matrix, places, axis=1)
    picked = build.take(x, len(lead), places.reshape(-1).tolist())
    if most == 1 and set(np.unique(factors)) <= {0, 1}:
        hit = (factors[:, 0] != 0).astype(np.int64)
        return picked if hit.all() else masked(low, picked, hit)
    picked = build.split_axis(picked, len(lead), most)
    return build.einsum(f"{lead}zy,zy->{lead}z", picked, low.factors(factors, x, name))


@operator("DFT")
def dft(low: Lowering, node: OnnxNode) -> Tensor:
    """A matrix along one axis, of pairs (real, imaginary) if x has them. The length is constant."""
    x = low.small(node, 0)
    rank = len(x.shape)
    if low.opset < 20:
        axis = int(node.attributes.get("axis", 1))
    else:
        axis = int(low.known(node, 2, "the axis").reshape(())) if low.has(node, 2) else -2
    axis %= rank
    length, parts = x.shape[axis], x.shape[-1]
    given = {0: _units(length * parts, length, parts)}
    if low.has(node, 1):
        given[1] = low.known(node, 1, "the length")
    if low.opset < 20:
        made = _evaluated(low, node, given, axis=1)
    else:
        made = _evaluated(low, node, {**given, 2: np.array(1)})
    out = made.shape[1:]
    build = low.builder
    others = [a for a in range(rank - 1) if a != axis]
    moved = build.permute(x, [*others, axis, rank - 1])
    weight = low.factors(made.reshape(length, parts, *out), x, node.outputs[0])
    lead = LETTERS[: rank - 2]
    result = build.einsum(f"{lead}wx,wxyz->{lead}yz", moved, weight)
    back = [others.index(a) if a != axis else rank - 2 for a in range(rank - 1)]
    return build.permute(result, [*back, rank - 1])


@operator("STFT")
def stft(low: Lowering, node: OnnxNode) -> Tensor:
    """Frames, each times the matrix of its transform: constant step, window and length."""
    x, build = low.small(node, 0), low.builder
    step = int(low.known(node, 1, "the step").reshape(()))
    given = _constants(low, node)
    length = len(given[2]) if 2 in given else int(given[3].reshape(()))
    parts = x.shape[2] if len(x.shape) == 3 else 1
    units = _units(length * parts, length, parts)
    made = _evaluated(low, node, {**given, 0: units})
    if made.shape[1] != 1:
        raise UnsupportedError("frames of another length than the window's")
    count = (x.shape[1] - length) // step + 1
    x = build.reshape(x, (x.shape[0], x.shape[1], parts))
    frames = build.window(build.permute(x, (0, 2, 1)), [Window(length, 1, count, step, 0)])
    weight = low.factors(made.reshape(length, parts, *made.shape[2:]), x, node.outputs[0])
    return build.einsum("bcfl,lcyz->bfyz", frames, weight)


@operator("GridSample")
def grid_sample(low: Lowering, node: OnnxNode) -> Tensor:
    """At a constant grid."""
    x = low.small(node, 0)
    grid = low.known(node, 1, "the grid")
    spatial, out = x.shape[2:], grid.shape[1:-1]
    count = math.prod(spatial)
    parts = []
    for place, own in enumerate(grid):
        made = _evaluated(low, node, {0: _units(count, *spatial)[np.newaxis], 1: own[np.newaxis]})
        parts.append(_of_one(low, node, x, place, made.reshape(count, -1).T))
    return low.builder.reshape(_stacked(low, parts), (*x.shape[:2], *out))


def _of_one(low: Lowering, node: OnnxNode, x: Tensor, place: int, matrix: Array) -> Tensor:
    """One element of a batch, its last axes as one, times a matrix; closed."""
    build = low.builder
    one = build.take(x, 0, [place])
    flat = build.reshape(one, (1, x.shape[1], math.prod(x.shape[2:])))
    return low.settled(_mapped(low, flat, matrix, node.outputs[0]), node.outputs[0], force=True)


def _stacked(low: Lowering, parts: list[Tensor]) -> Tensor:
    """Tensors one after the other along the first axis, of length 1 each."""
    build, parts = low.builder, low.aligned(parts)
    terms = [(1, build.sliced(x, 0, -place, len(parts))) for place, x in enumerate(parts)]
    joined = build.linear(terms, 0, parts[0].scale)
    return build.bounded(joined, *_hull(parts))


def _hull(parts: list[Tensor]) -> tuple[int, int]:
    """Bounds of tensors of which one is at each place, or zero."""
    return min([0, *(x.low for x in parts)]), max([0, *(x.high for x in parts)])


@operator("RoiAlign")
def roi_align(low: Lowering, node: OnnxNode) -> Tensor:
    """Means over constant regions."""
    if node.attributes.get("mode", "avg") != "avg":
        raise UnsupportedError("a maximum of interpolated values")
    x, build = low.small(node, 0), low.builder
    n, channels, *spatial = x.shape
    count = n * math.prod(spatial)
    units = np.moveaxis(_units(count, n, *spatial), 0, 1)
    changed: dict[str, Any] = {}
    if low.opset < 16:  # whose only way this is, and which ONNX's own implementation does not know
        changed = {"opset": 16, "coordinate_transformation_mode": "output_half_pixel"}
    made = _evaluated(low, node, {**_constants(low, node), 0: units}, **changed)
    regions, _, *out = made.shape
    matrix = np.moveaxis(made, 1, 0).reshape(count, -1).T
    flat = build.reshape(build.permute(x, (1, 0, 2, 3)), (channels, count))
    result = low.settled(_mapped(low, flat, matrix, node.outputs[0]), node.outputs[0])
    result = build.reshape(result, (channels, regions, *out))
    return build.permute(result, (1, 0, 2, 3))


@operator("Col2Im")
def col2im(low: Lowering, node: OnnxNode) -> Tensor:
    """Sums of the blocks' elements that lie on each place of the image."""
    x, build = low.small(node, 0), low.builder
    given = _constants(low, node)
    block = math.prod(given[2].reshape(-1).tolist())
    n, rows, blocks = x.shape
    made = _evaluated(low, node, {**given, 0: _units(block * blocks, block, blocks)})
    flat = build.reshape(x, (n, rows // block, block * blocks))
    result = _mapped(low, flat, made.reshape(block * blocks, -1).T, node.outputs[0])
    result = low.settled(result, node.outputs[0])
    return build.reshape(result, (n, rows // block, *made.shape[2:]))


@operator("DeformConv")
def deform_conv(low: Lowering, node: OnnxNode) -> Tensor:
    """With constant kernels, offsets and mask."""
    x = low.small(node, 0)
    given = _constants(low, node)
    bias = given.pop(3, None)
    count = math.prod(x.shape[1:])
    parts = []
    for place in range(x.shape[0]):
        own = dict(given)
        own.update((i, np.repeat(given[i][[place]], count, axis=0)) for i in (2, 4) if i in given)
        made = _evaluated(low, node, own | {0: _units(count, *x.shape[1:])})
        flat = low.builder.reshape(x, (x.shape[0], 1, count))
        parts.append(_of_one(low, node, flat, place, made.reshape(count, -1).T))
    result = low.builder.reshape(_stacked(low, parts), (x.shape[0], *made.shape[1:]))
    if bias is None:
        return result
    return biased(low, result, bias.reshape(-1, *(1 for _ in made.shape[2:])))


@operator("MaxUnpool", "TensorScatter", integers=True)
def moved(low: Lowering, node: OnnxNode) -> Tensor:
    """Elements at other places, which the operator itself says of numbered ones."""
    computed = [i for i in range(len(node.inputs)) if low.has(node, i) and i not in _indices(node)]
    given = {i: low.known(node, i, "an index") for i in _indices(node) if low.has(node, i)}
    parts = low.aligned([low.small(node, i) for i in computed])
    build = low.builder
    sizes = [math.prod(x.shape) for x in parts]
    starts = np.cumsum([1, *sizes])
    for i, x, start, size in zip(computed, parts, starts, sizes, strict=False):
        given[i] = np.arange(start, start + size, dtype=np.float32).reshape(x.shape)
    made = _evaluated(low, node, given)
    places = made.astype(np.int64).reshape(-1) - 1
    lines = [
        build.sliced(build.reshape(x, (size,)), 0, 1 - int(start), sum(sizes))
        for x, start, size in zip(parts, starts, sizes, strict=False)
    ]
    joined = build.linear([(1, line) for line in lines], 0, parts[0].scale)
    joined = build.bounded(joined, *_hull(parts))
    picked = build.take(joined, 0, np.maximum(places, 0).tolist())
    hit = places >= 0
    if not hit.all():
        picked = masked(low, picked, hit.astype(np.int64))
    return build.reshape(low.settled(picked, node.outputs[0]), made.shape)


def _indices(node: OnnxNode) -> tuple[int, ...]:
    return (1, 2) if node.op_type == "MaxUnpool" else (2,)
