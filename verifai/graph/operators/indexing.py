"""Gather and scatter by element, with constant indices; CumSum, Compress, Shape, Size."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.logic import masked
from verifai.graph.operators.one_hot import gathered_elements, gathered_tuples
from verifai.graph.operators.shape import within


def _picked(low: Lowering, x: Tensor, places: Array) -> Tensor:
    """The elements of x at row-major places, in the shape of ``places``."""
    build = low.builder
    flat = build.reshape(x, (math.prod(x.shape),))
    taken = build.take(flat, 0, places.reshape(-1).tolist())
    return build.reshape(taken, places.shape)


def _elementwise(indices: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """Row-major places of ``x[..., indices[...], ...]``, the other axes as in ``indices``."""
    grid: list[Array] = list(np.indices(indices.shape))
    grid[axis] = within(indices, shape[axis])
    return np.asarray(np.ravel_multi_index(tuple(grid), shape))


def _tuples(indices: Array, shape: tuple[int, ...], batch: int) -> Array:
    """Row-major places that index tuples along the last axis select, of shape
    ``indices.shape[:-1] + shape[batch + length of a tuple:]``.
    """
    count = indices.shape[-1]
    lead, tail = indices.shape[:-1], shape[batch + count :]
    leading = list(np.indices(lead)[:batch])
    leading += [within(indices[..., i], shape[batch + i]) for i in range(count)]
    parts = [part.reshape(*lead, *(1,) * len(tail)) for part in leading]
    parts += [grid.reshape((1,) * len(lead) + tail) for grid in np.indices(tail)]
    whole = np.broadcast_arrays(*parts)
    return np.asarray(np.ravel_multi_index(tuple(whole), shape))


@operator("GatherElements")
def gather_elements(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant indices, or computed ones along a short axis."""
    if low.constant(node, 1) is None:
        return gathered_elements(low, node)
    x = low.small(node, 0)
    indices = low.known(node, 1, "the indices")
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    return _picked(low, x, _elementwise(indices, axis, x.shape))


@operator("GatherND")
def gather_nd(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant index tuples, or computed ones into a small tensor."""
    if low.constant(node, 1) is None:
        return gathered_tuples(low, node)
    x = low.small(node, 0)
    indices = low.known(node, 1, "the indices")
    return _picked(low, x, _tuples(indices, x.shape, int(node.attributes.get("batch_dims", 0))))


@operator("Scatter", "ScatterElements")
def scatter_elements(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant indices; without a reduction the last of several updates of one element counts."""
    shape = low.small(node, 0).shape
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    return _scattered(low, node, _elementwise(low.known(node, 1, "the indices"), axis, shape))


@operator("ScatterND")
def scatter_nd(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant index tuples; see :func:`scatter_elements`."""
    shape = low.small(node, 0).shape
    return _scattered(low, node, _tuples(low.known(node, 1, "the indices"), shape, 0))


def _scattered(low: Lowering, node: OnnxNode, places: Array) -> Tensor:
    """Updates of one element are made in turns, each of which updates an element once."""
    reduction = node.attributes.get("reduction", "none")
    flat = places.reshape(-1)
    build = low.builder
    x, updates = low.aligned([low.small(node, 0), low.small(node, 2)])
    shape, scale = x.shape, x.scale
    x = build.reshape(x, (math.prod(shape),))
    line = build.reshape(updates, (len(flat),))
    for source in _turns(flat, x.shape[0], last=reduction == "none"):
        hit = (source >= 0).astype(np.int64)
        fresh = masked(low, build.take(line, 0, np.maximum(source, 0).tolist()), hit)
        x = low.settled(_updated(low, x, fresh, hit, reduction), node.outputs[0])
        if x.scale != scale:
            x, line = low.aligned([x, line])
            scale = x.scale
    return build.reshape(x, shape)


def _turns(flat: Array, count: int, *, last: bool) -> list[Array]:
    """For each turn which update meets each element, -1 for none; with ``last`` the last one does,
    in one turn.
    """
    if last:
        source = np.full(count, -1)
        source[flat] = np.arange(len(flat))
        return [source]
    turns: list[Array] = []
    seen: Counter[int] = Counter()
    for update, place in enumerate(flat.tolist()):
        if seen[place] == len(turns):
            turns.append(np.full(count, -1))
        turns[seen[place]][place] = update
        seen[place] += 1
    return turns


def _updated(low: Lowering, x: Tensor, fresh: Tensor, hit: Array, reduction: str) -> Tensor:
    """``x`` after one turn; ``fresh`` is zero where ``hit`` is."""
    build = low.builder
    if reduction == "add":
        return build.linear([(1, x), (1, fresh)], 0, x.scale)
    missed = build.bounded(build.weight(1 - hit, 0), 0, 1)
    if reduction == "none":
        result = build.linear([(1, masked(low, x, 1 - hit)), (1, fresh)], 0, x.scale)
        # one of the two is zero
        return build.bounded(result, min(x.low, fresh.low, 0), max(x.high, fresh.high, 0))
    if reduction == "mul":
        one = 1 << x.scale if x.scale >= 0 else 0
        if not one:
            raise UnsupportedError("products of numbers too large for fixed point")
        factor = build.linear([(1, fresh), (one, missed)], 0, x.scale)
        return build.product(x, low.settled(factor, "") if factor.open else factor)
    if reduction not in ("max", "min"):
        raise UnsupportedError(f"reduction {reduction!r}")
    sign = 1 if reduction == "max" else -1
    # what no update meets is compared with the least there is
    least = min(sign * x.low, sign * x.high)
    other = build.linear([(sign, fresh), (least, missed)], 0, x.scale)
    other = build.requantise(other, 0, other.bits) if other.open else other
    sides = [build.reshape(build.linear([(sign, x)], 0, x.scale), (*x.shape, 1))]
    sides.append(build.reshape(other, (*x.shape, 1)))
    terms = [(1, build.sliced(side, 1, -place, 2)) for place, side in enumerate(sides)]
    largest = build.maximum(build.linear(terms, 0, x.scale), [1])
    return build.linear([(sign, largest)], 0, x.scale)


@operator("Compress")
def compress(low: Lowering, node: OnnxNode) -> Tensor:
    """A constant condition; without an axis, of the flattened tensor."""
    chosen = np.flatnonzero(low.known(node, 1, "the condition")).tolist()
    if not chosen:
        raise UnsupportedError("an empty result")
    x = low.small(node, 0)
    axis = node.attributes.get("axis")
    if axis is None:
        x = low.builder.reshape(x, (math.prod(x.shape),))
    return low.builder.take(x, int(axis or 0) % len(x.shape), chosen)


@operator("CumSum")
def cumulative_sum(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with a triangle of ones."""
    x = low.small(node, 0)
    axis = int(low.known(node, 1, "the axis").reshape(())) % len(x.shape)
    length = x.shape[axis]
    exclusive = int(node.attributes.get("exclusive", 0))
    triangle = np.triu(np.ones((length, length), dtype=np.int64), exclusive)
    if node.attributes.get("reverse"):
        triangle = triangle.T
    letters = LETTERS[: len(x.shape)]
    out = letters.replace(letters[axis], "z")
    weight = low.builder.weight(triangle, 0)
    return low.builder.einsum(f"{letters},{letters[axis]}z->{out}", x, weight)


@operator("Shape")
def shape(low: Lowering, node: OnnxNode) -> Array:
    """Static, hence a constant."""
    whole = low.exact(node, 0).shape
    part = slice(node.attributes.get("start", 0), node.attributes.get("end"))
    return np.array(whole[part], dtype=np.int64)


@operator("EyeLike", integers=True)
def eye_like(low: Lowering, node: OnnxNode) -> Array:
    """Of a shape, hence a constant."""
    rows, columns = low.exact(node, 0).shape
    kind = low.kind(node.outputs[0])
    return np.eye(rows, columns, int(node.attributes.get("k", 0)), dtype=kind)


@operator("Size")
def size(low: Lowering, node: OnnxNode) -> Array:
    """Static, hence a constant."""
    return np.array(math.prod(low.exact(node, 0).shape), dtype=np.int64)


@operator("ReverseSequence")
def reverse_sequence(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant lengths."""
    x = low.small(node, 0)
    time = int(node.attributes.get("time_axis", 0))
    batch = int(node.attributes.get("batch_axis", 1))
    places = np.arange(math.prod(x.shape)).reshape(x.shape)
    turned = np.moveaxis(places, (batch, time), (0, 1)).copy()
    for row, length in enumerate(low.known(node, 1, "the lengths").reshape(-1).tolist()):
        turned[row, :length] = turned[row, :length][::-1]
    return _picked(low, x, np.moveaxis(turned, (0, 1), (batch, time)))
