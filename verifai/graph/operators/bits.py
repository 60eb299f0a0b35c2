"""BitShift and the bitwise operators, on bytes: what two have in common is an entry of a table.

A byte is the rest of a division by 256, whose constraints hold it within its range. The other
operators follow: ``a | b = a + b - (a & b)`` and ``a ^ b = a + b - 2 (a & b)``. Negative integers
are two's complements, of which the highest byte is signed.
"""

from __future__ import annotations

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_RANGED_BITS
from verifai.graph.lower import Lowering, OnnxNode, operator
from verifai.graph.operators.division import ranged_floor


@operator("BitShift", integers=True)
def bit_shift(low: Lowering, node: OnnxNode) -> Tensor:
    """Of unsigned integers; what leaves the element type is lost. A run fails where the steps are
    as many as the type has bits.

    Raises:
        UnsupportedError: the integers are signed.
    """
    if low.kind(node.outputs[0]).kind != "u":
        raise UnsupportedError(
            "a shift of signed integers", hint="Multiply or divide by a power of two."
        )
    build = low.builder
    x, steps = low.small(node, 0), low.small(node, 1)
    width = min(8 * low.kind(node.outputs[0]).itemsize, MAX_RANGED_BITS)
    shape = np.broadcast_shapes(x.shape, steps.shape)
    x, steps = build.broadcast(x, shape), build.broadcast(steps, shape)
    most = min(width - 1, 30)  # a table holds less than 2^31
    powers = 1 << np.arange(most + 1)
    if node.attributes["direction"] == "RIGHT":
        product = build.product(x, build.lookup(steps, 0, powers[::-1], 0))
        return ranged_floor(low, product, most, 0, max(x.high, 0))
    product = build.product(x, build.lookup(steps, 0, powers, 0))
    if width == MAX_RANGED_BITS:  # a run refuses what leaves it
        return product
    over = ranged_floor(low, product, width, 0, max(0, product.high >> width))
    result = build.linear([(1, product), (-(1 << width), over)], 0, 0)
    return build.bounded(result, 0, (1 << width) - 1)


@operator("BitwiseAnd", "BitwiseOr", "BitwiseXor", integers=True)
def bitwise(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact, byte by byte."""
    build = low.builder
    x, y = low.small(node, 0), low.small(node, 1)
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = build.broadcast(x, shape), build.broadcast(y, shape)
    count = max(_bytes(x), _bytes(y))
    common = []
    for place, (a, b) in enumerate(zip(_split(low, x, count), _split(low, y, count), strict=True)):
        common.append((1 << 8 * place, _common(low, a, b)))
    result = build.linear(common, 0, 0)
    if node.op_type != "BitwiseAnd":
        factor = -1 if node.op_type == "BitwiseOr" else -2
        result = build.linear([(1, x), (1, y), (factor, result)], 0, 0)
    half = 1 << max(x.bits, y.bits) - 1  # two's complements of as many bits as the wider one
    return build.bounded(result, -half if min(x.low, y.low) < 0 else 0, half - 1)


def _bytes(x: Tensor) -> int:
    bits = x.bits if x.low < 0 else x.bits - 1
    return max(1, -(-bits // 8))


def _split(low: Lowering, x: Tensor, count: int) -> list[Tensor]:
    """Bytes of x, the lowest first; the last is signed where x is."""
    build = low.builder
    found = []
    for _ in range(count - 1):
        above = ranged_floor(low, x, 8, x.low >> 8, x.high >> 8)
        rest = build.linear([(1, x), (-256, above)], 0, 0)
        found.append(build.bounded(rest, 0, 255))
        x = above
    return [*found, x]


def _common(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """``x & y`` of bytes, signed or not: one entry of a table of pairs.

    Raises:
        UnsupportedError: one of the two is signed, and the other has eight bits.
    """
    rows, columns = (np.arange(a.low, a.high + 1) for a in (x, y))
    table = (rows[:, np.newaxis] & columns).reshape(-1)
    build = low.builder
    place = build.linear([(len(columns), x), (1, y)], -x.low * len(columns) - y.low, 0)
    return build.lookup(place, 0, table, 0)


@operator("BitwiseNot", integers=True)
def complement(low: Lowering, node: OnnxNode) -> Tensor:
    """``-1 - x``, of unsigned integers ``2**bits - 1 - x``.

    Raises:
        UnsupportedError: unsigned integers of 64 bits, whose complement has as many.
    """
    kind = low.kind(node.inputs[0])
    bits = 8 * kind.itemsize
    if kind.kind == "u" and bits > MAX_RANGED_BITS:
        raise UnsupportedError("the complement of 64 unsigned bits")
    top = -1 if kind.kind == "i" else (1 << bits) - 1
    return low.builder.linear([(-1, low.small(node, 0))], top, 0)
