"""Operators that move elements and change none."""

from __future__ import annotations

import math

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import Affine, Indices, Input
from verifai.graph.lower import Array, Lowering, OnnxNode, is_whole, operator
from verifai.graph.operators.one_hot import MAX_INDEXED, gathered
from verifai.verifier.native.table import origins_of


def source(low: Lowering, node: OnnxNode) -> Tensor:
    """Elements may stay accumulators where the result is a view; a reshape needs small ones, and
    what is read twice is requantised once, before it is moved.
    """
    tensor = low.exact(node, 0)
    return low.fine(node, 0) if tensor.open and low.uses[node.inputs[0]] > 1 else tensor


def _reshaped(low: Lowering, node: OnnxNode, shape: tuple[int, ...]) -> Tensor:
    x = source(low, node)
    same = [d for d in shape if d != 1] == [d for d in x.shape if d != 1]
    if not same:
        x = low.fine(node, 0)
    return low.builder.reshape(x, shape)


@operator("Identity", "Dropout")
def identity(low: Lowering, node: OnnxNode) -> Tensor:
    """Dropout of inference is the identity."""
    if low.has(node, 2) and bool(low.known(node, 2, "training_mode")):
        raise UnsupportedError("training mode")
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedError("the mask")
    return source(low, node)


@operator("Flatten")
def flatten(low: Lowering, node: OnnxNode) -> Tensor:
    """Two axes."""
    shape = source(low, node).shape
    axis = int(node.attributes.get("axis", 1))
    axis = axis + len(shape) if axis < 0 else axis
    return _reshaped(low, node, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@operator("Reshape")
def reshape(low: Lowering, node: OnnxNode) -> Tensor:
    """To a constant shape; 0 copies an axis, -1 is what is left."""
    old = source(low, node).shape
    wanted = [int(d) for d in low.known(node, 1, "the shape").reshape(-1)]
    if not node.attributes.get("allowzero"):
        wanted = [old[i] if d == 0 else d for i, d in enumerate(wanted)]
    if -1 in wanted:
        rest = math.prod(d for d in wanted if d != -1)
        wanted[wanted.index(-1)] = math.prod(old) // rest
    return _reshaped(low, node, tuple(wanted))


@operator("Squeeze")
def squeeze(low: Lowering, node: OnnxNode) -> Tensor:
    """Drops axes of length one."""
    shape = source(low, node).shape
    ones = [axis for axis, d in enumerate(shape) if d == 1]
    drop = [axis % len(shape) for axis in low.integers(node, 1, "axes", ones)]
    return _reshaped(low, node, tuple(d for axis, d in enumerate(shape) if axis not in drop))


@operator("Unsqueeze")
def unsqueeze(low: Lowering, node: OnnxNode) -> Tensor:
    """Inserts axes of length one."""
    shape = list(source(low, node).shape)
    axes = low.integers(node, 1, "axes")
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return _reshaped(low, node, tuple(shape))


@operator("Transpose")
def transpose(low: Lowering, node: OnnxNode) -> Tensor:
    """A permutation of axes."""
    x = source(low, node)
    order = node.attributes.get("perm") or list(reversed(range(len(x.shape))))
    return low.builder.permute(x, [int(axis) for axis in order])


@operator("Concat")
def concat(low: Lowering, node: OnnxNode) -> Tensor:
    """The sum of the parts, each in its place and zero elsewhere."""
    constants = [low.constant(node, i) for i in range(len(node.inputs))]
    parts = [low.small(node, i) for i, c in enumerate(constants) if c is None or c.size]
    axis = int(node.attributes["axis"]) % len(parts[0].shape)
    build = low.builder
    aligned = low.aligned(parts)
    total = sum(x.shape[axis] for x in aligned)
    terms, at = [], 0
    for x in aligned:
        terms.append((1, build.sliced(x, axis, -at, total)))
        at += x.shape[axis]
    joined = build.linear(terms, 0, aligned[0].scale)
    # one part is at each place: bounds do not add up
    return build.bounded(
        joined,
        min(min(x.low, 0) for x in aligned),
        max(max(x.high, 0) for x in aligned),
    )


@operator("Split")
def split(low: Lowering, node: OnnxNode) -> list[Tensor | Array]:
    """Equal parts, or of given lengths. An empty part is a constant."""
    x = source(low, node)
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    size = -(-x.shape[axis] // len(node.outputs))
    equal = [min(size, x.shape[axis] - i * size) for i in range(len(node.outputs))]
    result: list[Tensor | Array] = []
    at = 0
    for size in low.integers(node, 1, "split", equal):
        if size:
            result.append(low.builder.sliced(x, axis, at, size))
        else:
            result.append(np.zeros([*x.shape[:axis], 0, *x.shape[axis + 1 :]]))
        at += size
    return result


@operator("Slice")
def slice_(low: Lowering, node: OnnxNode) -> Tensor | Array:
    """Constant starts, ends, axes and steps, numpy's rules. Nothing at all is a constant."""
    x = source(low, node)
    starts, ends = low.integers(node, 1, "starts"), low.integers(node, 2, "ends")
    axes = low.integers(node, 3, "axes", range(len(starts)))
    steps = low.integers(node, 4, "steps", [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis %= len(x.shape)
        places = range(*slice(start, end, step).indices(x.shape[axis]))
        if not len(places):
            return np.zeros([*x.shape[:axis], 0, *x.shape[axis + 1 :]])
        x = low.builder.sliced(x, axis, places.start, len(places), places.step)
    return x


@operator("Pad")
def pad(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant, reflect, edge or wrap; negative pads cut."""
    x = low.small(node, 0)
    rank = len(x.shape)
    pads = low.integers(node, 1, "pads")
    axes = [axis % rank for axis in low.integers(node, 3, "axes", range(rank))]
    ends = list(zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True))
    mode = node.attributes.get("mode", "constant")
    value = (
        float(low.known(node, 2, "the padding value").reshape(()))
        if low.has(node, 2)
        else float(node.attributes.get("value", 0.0))
    )
    if mode != "constant":
        if mode not in ("reflect", "edge", "wrap"):
            raise UnsupportedError(f"mode {mode!r}")
        for axis, before, after in ends:
            cut: Array = np.arange(x.shape[axis])[max(0, -before) :]
            cut = cut[: len(cut) - max(0, -after)]
            grown = np.pad(cut, (max(0, before), max(0, after)), mode=mode)
            x = low.builder.take(x, axis, grown.tolist())
        return x
    offset = int(np.floor(value * 2.0**x.scale + 0.5))
    if offset:
        x = low.builder.linear([(1, x)], -offset, x.scale)
    for axis, before, after in ends:
        x = low.builder.sliced(x, axis, -before, x.shape[axis] + before + after)
    return low.builder.linear([(1, x)], offset, x.scale) if offset else x


@operator("Expand")
def expand(low: Lowering, node: OnnxNode) -> Tensor:
    """numpy's broadcasting to a constant shape, both ways."""
    x = source(low, node)
    wanted = tuple(int(d) for d in low.known(node, 1, "the shape").reshape(-1))
    return low.builder.broadcast(x, np.broadcast_shapes(x.shape, wanted))


@operator("Tile")
def tile(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant repeats."""
    x = source(low, node)
    for axis, count in enumerate(low.integers(node, 1, "repeats")):
        if count != 1:
            x = low.builder.take(x, axis, list(range(x.shape[axis])) * count)
    return x


def within(indices: Array, length: int) -> Array:
    """Indices of an axis, of which negative ones count from its end."""
    indices = np.asarray(indices, dtype=np.int64)
    if indices.size and (indices.min() < -length or indices.max() >= length):
        raise UnsupportedError("an index outside the tensor")
    return indices % length


@operator("Gather")
def gather(low: Lowering, node: OnnxNode) -> Tensor:
    """Constant indices of any shape, ids of an input into a weight, computed ones into a small
    table.
    """
    if low.constant(node, 1) is None:
        table = low.constant(node, 0)
        if table is not None and (name := _input_of(low, node)) is not None:
            if name in low.options.shown_inputs:
                return _embedding(low, node, table)
            if table.shape[int(node.attributes.get("axis", 0))] > MAX_INDEXED:
                raise UnsupportedError(
                    f"hidden ids into a table of shape {list(table.shape)}, and {MAX_INDEXED:,} "
                    "rows are possible",
                    hint="Let statements show the ids, of a table of any size: "
                    f"Visibility(input={{{name!r}: 'public'}}), --input {name}=public.",
                )
        return gathered(low, node)
    x = source(low, node)
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    indices = within(low.known(node, 1, "the indices"), x.shape[axis])
    flat = indices.reshape(-1).tolist()
    if indices.ndim == 0:
        maps: list[Affine | Indices] = [
            Affine(flat[0], ()) if a == axis else Affine(0, ((a - (a > axis), 1),))
            for a in range(len(x.shape))
        ]
        return low.builder.view(x, maps, x.shape[:axis] + x.shape[axis + 1 :])
    if indices.ndim > 1:
        x = low.small(node, 0)
    x = low.builder.take(x, axis, flat)
    return low.builder.reshape(x, x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def _input_of(low: Lowering, node: OnnxNode) -> str | None:
    """The input whose integers the indices are, only moved by reshapes and views."""
    nodes, tensor = low.builder.nodes, low.tensors[node.inputs[1]]
    at = origins_of(nodes)[tensor.node]
    if at is None or not isinstance(nodes[at].operation, Input):
        return None
    name = nodes[at].name
    return name if is_whole(low.kind(name)) else None


def _embedding(low: Lowering, node: OnnxNode, table: Array) -> Tensor:
    """Rows of a weight by the integers of an input: its first axis is the one that is read."""
    axis = int(node.attributes.get("axis", 0)) % table.ndim
    ids = low.exact(node, 1)
    rows = low.builder.gather(low.weights(np.moveaxis(table, axis, 0)), ids)
    count = len(ids.shape)
    rest = list(range(count, len(rows.shape)))
    return low.builder.permute(rows, [*rest[:axis], *range(count), *rest[axis:]])


@operator("DepthToSpace")
def depth_to_space(low: Lowering, node: OnnxNode) -> Tensor:
    """Reshape, transpose, reshape."""
    x = low.small(node, 0)
    n, c, h, w = x.shape
    block = int(node.attributes["blocksize"])
    build = low.builder
    if node.attributes.get("mode", "DCR") == "DCR":
        shape, order = (n, block, block, c // block**2, h, w), (0, 3, 4, 1, 5, 2)
    else:
        shape, order = (n, c // block**2, block, block, h, w), (0, 1, 4, 2, 5, 3)
    y = build.permute(build.reshape(x, shape), order)
    return build.reshape(y, (n, c // block**2, h * block, w * block))


@operator("SpaceToDepth")
def space_to_depth(low: Lowering, node: OnnxNode) -> Tensor:
    """The inverse of DepthToSpace."""
    x = low.small(node, 0)
    n, c, h, w = x.shape
    block = int(node.attributes["blocksize"])
    build = low.builder
    y = build.reshape(x, (n, c, h // block, block, w // block, block))
    depth_first = node.attributes.get("mode", "DCR") == "DCR"
    y = build.permute(y, (0, 3, 5, 1, 2, 4) if depth_first else (0, 1, 3, 5, 2, 4))
    return build.reshape(y, (n, c * block**2, h // block, w // block))
