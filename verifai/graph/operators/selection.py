"""ArgMax, ArgMin, Hardmax and TopK, by keys that hold a value and its place.

The key of place i of n is ``2**b x + (n - 1 - i)``, where ``2**b >= n``: no two are equal, the
larger value has the larger key, and of equal values the first has. The largest key therefore
decides value and place, and there is one of each. Where the last of equal values is asked for
places count up.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.one_hot import counted, one_hot

#: Bits of a key: rows of a proof hold signed numbers of 32.
KEY_BITS: Final = MAX_RANGED_BITS - 1


def _keys(low: Lowering, x: Tensor, axis: int, *, sign: int, last: bool) -> Tensor:
    """The keys of ``sign * x`` along an axis.

    Raises:
        UnsupportedError: they have more than KEY_BITS bits.
    """
    build = low.builder
    count = x.shape[axis]
    bits = _place_bits(count)
    if (x.high - x.low).bit_length() + bits > KEY_BITS:
        raise UnsupportedError(
            f"the largest of {count:,} numbers of {x.bits} bits: value and place have more than "
            f"{KEY_BITS} bits",
            hint="Compare smaller numbers.",
        )
    place = counted(low, x.shape, axis)
    terms = [(sign << bits, x), (1 if last else -1, place)]
    return build.linear(terms, 0 if last else count - 1, 0)


def _place_bits(count: int) -> int:
    return (count - 1).bit_length()


def _opened(low: Lowering, keys: Tensor, count: int, *, last: bool) -> tuple[Tensor, Tensor]:
    """Values and places of keys, both at scale 0."""
    build = low.builder
    bits = _place_bits(count)
    first = keys.low >> bits
    values = build.requantise(
        keys, bits, max(1, ((keys.high >> bits) - first).bit_length()), floor=True, low=first
    )
    terms = [(1, keys), (-(1 << bits), values)]
    if not last:
        terms = [(-factor, x) for factor, x in terms]
    places = build.linear(terms, 0 if last else count - 1, 0)
    return values, build.bounded(places, 0, count - 1)


@operator("ArgMax", "ArgMin", integers=True)
def argument(low: Lowering, node: OnnxNode) -> Tensor | Array:
    """The first of the largest or smallest numbers, or the last. Floats less than half a unit apart
    are equal.
    """
    x = low.small(node, 0)
    axis = int(node.attributes.get("axis", 0)) % len(x.shape)
    count = x.shape[axis]
    kept = [
        *x.shape[:axis],
        *([1] if node.attributes.get("keepdims", 1) else []),
        *x.shape[axis + 1 :],
    ]
    if count == 1:
        return np.zeros(kept, dtype=np.int64)
    last = bool(node.attributes.get("select_last_index", 0))
    sign = 1 if node.op_type == "ArgMax" else -1
    largest = low.builder.largest(_keys(low, x, axis, sign=sign, last=last), axis)
    return low.builder.reshape(_opened(low, largest, count, last=last)[1], kept)


@operator("Hardmax")
def hardmax(low: Lowering, node: OnnxNode) -> Tensor:
    """1 at the first of the largest numbers, else 0."""
    x = low.small(node, 0)
    rank = len(x.shape)
    axis = int(node.attributes.get("axis", -1 if low.opset >= 13 else 1)) % rank
    build = low.builder
    if low.opset < 13:  # of the axes from there on as one
        rows = build.reshape(x, (*x.shape[:axis], int(np.prod(x.shape[axis:]))))
    else:
        rows = build.permute(x, [*(a for a in range(rank) if a != axis), axis])
    count = rows.shape[-1]
    keys = _keys(low, rows, len(rows.shape) - 1, sign=1, last=False)
    place = _opened(low, build.largest(keys, len(rows.shape) - 1), count, last=False)[1]
    hot = one_hot(low, place, count)
    if low.opset < 13:
        return build.reshape(hot, x.shape)
    return build.permute(hot, [*range(axis), rank - 1, *range(axis, rank - 1)])


@operator("TopK", integers=True)
def top_k(low: Lowering, node: OnnxNode) -> list[Tensor | Array]:
    """The k largest or smallest numbers and their places, in order; of equal ones the first comes
    first. ``sorted=0`` leaves the order open, and is given in order too.
    """
    build = low.builder
    x = low.small(node, 0)
    rank = len(x.shape)
    axis = int(node.attributes.get("axis", -1)) % rank
    k = int(low.known(node, 1, "k").reshape(())) if low.opset >= 10 else int(node.attributes["k"])
    count = x.shape[axis]
    if not 1 <= k <= count:
        raise UnsupportedError(f"the {k} largest of {count}")
    sign = 1 if node.attributes.get("largest", 1) else -1
    order = [*(a for a in range(rank) if a != axis), axis]
    keys = _keys(low, build.permute(x, order), rank - 1, sign=sign, last=False)
    found = _largest_keys(low, keys, k)
    values, places = _opened(low, found, count, last=False)
    values = build.linear([(sign, values)], 0, x.scale)
    back = [*range(axis), rank - 1, *range(axis, rank - 1)]
    return [build.permute(values, back), build.permute(places, back)]


def _largest_keys(low: Lowering, keys: Tensor, k: int) -> Tensor:
    """The k largest along the last axis, from the largest down, by comparators in layers: rows of
    ``2**m >= k`` are sorted, then two become one until there is one (Batcher's bitonic sorter).
    """
    build = low.builder
    axis = len(keys.shape) - 1
    width = 1 << (k - 1).bit_length()
    rows = 1 << (-(-keys.shape[axis] // width) - 1).bit_length()
    # what is missing reads zero, as the smallest key does: in its place it changes nothing
    least, most = keys.low, keys.high
    x = build.sliced(build.linear([(1, keys)], -least, 0), axis, 0, rows * width)
    x = build.split_axis(x, axis, width)
    axis += 1
    for size in (2 << step for step in range(width.bit_length() - 1)):
        x = _merged(low, x, size)
    while rows > 1:
        rows //= 2
        pairs = [build.take(x, axis - 1, range(half, 2 * rows, 2)) for half in (0, 1)]
        pairs[1] = build.take(pairs[1], axis, range(width)[::-1])
        x = build.maximum(_joined(low, pairs), [axis + 1])
        x = _merged(low, x, width)
    x = build.reshape(build.sliced(x, axis, 0, k), (*keys.shape[:-1], k))
    return build.bounded(build.linear([(1, x)], least, 0), least, most)


def _merged(low: Lowering, x: Tensor, size: int) -> Tensor:
    """Sorts groups of ``size`` along the last axis, of which each half is sorted: every other group
    from the largest down, from the first on, the others from the smallest up.
    """
    places = np.arange(x.shape[-1])
    stride = size // 2
    while stride:
        first = places[places & stride == 0]
        x = _compared(low, x, first, first + stride, first & size == 0)
        stride //= 2
    return x


def _compared(low: Lowering, x: Tensor, first: Array, second: Array, down: Array) -> Tensor:
    """Comparators between places of the last axis: the larger to the first place where ``down``."""
    build = low.builder
    axis = len(x.shape) - 1
    sides = [build.take(x, axis, places.tolist()) for places in (first, second)]
    larger = build.maximum(_joined(low, sides), [axis + 1])
    smaller = build.linear([(1, sides[0]), (1, sides[1]), (-1, larger)], 0, 0)
    smaller = build.bounded(smaller, x.low, x.high)
    half, whole = len(first), x.shape[axis]
    both = build.linear(
        [(1, build.sliced(larger, axis, 0, whole)), (1, build.sliced(smaller, axis, -half, whole))],
        0,
        0,
    )
    both = build.bounded(both, x.low, x.high)
    order = np.empty(whole, dtype=np.int64)
    order[first] = np.arange(half) + np.where(down, 0, half)
    order[second] = np.arange(half) + np.where(down, half, 0)
    return build.take(both, axis, order.tolist())


def _joined(low: Lowering, sides: list[Tensor]) -> Tensor:
    """Two tensors side by side along a new last axis."""
    build = low.builder
    rank = len(sides[0].shape)
    terms = [
        (1, build.sliced(build.reshape(side, (*side.shape, 1)), rank, -place, 2))
        for place, side in enumerate(sides)
    ]
    joined = build.linear(terms, 0, 0)
    return build.bounded(joined, min(s.low for s in sides), max(s.high for s in sides))
