"""Integers divided without a fraction: Div, Mod, and what drops a fraction.

``floor(x / d) = floor((x r + a) / 2**s)`` with ``r = ceil(2**s / d)``, an ``a`` that keeps negative
multiples of d above their quotient, and s large enough (Granlund and Montgomery, *Division by
invariant integers using multiplication*, 1994): a product and one requantisation, which leaves one
value. Reciprocals of constants are weights, those of computed divisors entries of a table, which
has none for zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import MAX_RANGED_BITS, MAX_TABLE
from verifai.graph.lower import ACCUMULATOR_BITS, Array, Lowering, OnnxNode, operator
from verifai.graph.operators.logic import negative

#: Entries of a table that divides by a number which a key may show.
MAX_DIVIDED: Final = 1 << 12
#: Bits of the lower part of a reciprocal: entries of tables, and weights, are below 2**31.
PART_BITS: Final = 30


def truncated(low: Lowering, x: Tensor) -> Tensor:
    """``x`` without its fraction, at scale 0: ``floor(x + 1 - 2**-scale)`` below zero."""
    if x.scale <= 0:
        return x
    build = low.builder
    if x.low < 0:
        x = build.linear([(1, x), ((1 << x.scale) - 1, negative(low, x))], 0, x.scale)
    return ranged_floor(low, x, x.scale, x.low >> x.scale, x.high >> x.scale)


@operator("Floor", "Ceil")
def whole(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact: ``ceil(x) = -floor(-x)``."""
    x, build = low.small(node, 0), low.builder
    if x.scale <= 0:
        return x
    if node.op_type == "Floor":
        return ranged_floor(low, x, x.scale, x.low >> x.scale, x.high >> x.scale)
    least, most = -x.high >> x.scale, -x.low >> x.scale
    return build.negative(ranged_floor(low, build.negative(x), x.scale, least, most))


@operator("Mod", integers=True)
def mod(low: Lowering, node: OnnxNode) -> Tensor:
    """The rest of a division: with ``fmod`` it has the sign of the dividend, else the divisor's.

    Floats are divided as the integers that stand for them, at one scale.
    """
    x, y = _operands(low, node)
    if y is None:
        x, divisor = low.aligned([x, low.small(node, 1)])
        by = _computed(low, _plain(low, divisor))
    else:
        by = _constant(low, y, x.scale, shown=low.literal(node, 1))
    dividend = _closed(low, _times(low, _plain(low, x), by.sign))
    divide = _truncated if node.attributes.get("fmod", 0) else _floor
    product = _times(low, divide(low, dividend, by), by.size)
    dividend = low.builder.broadcast(dividend, product.shape)
    rest = low.builder.linear([(1, dividend), (-1, product)], 0, 0)
    lowest = max(1 - by.largest, dividend.low) if divide is _truncated else 0
    highest = by.largest - 1 if divide is _floor else min(by.largest - 1, max(dividend.high, 0))
    rest = low.builder.bounded(rest, min(lowest, 0), highest)
    if by.sign != 1:
        rest = _times(low, _closed(low, rest), by.sign)
    return low.builder.linear([(1, rest)], 0, x.scale)


def truncated_quotient(low: Lowering, node: OnnxNode) -> Tensor:
    """``x / y`` of integers, towards zero, as ONNX divides them."""
    x, y = _operands(low, node)
    if y is None:
        by = _computed(low, low.small(node, 1))
    else:
        by = _constant(low, y, 0, shown=low.literal(node, 1))
    return _truncated(low, _closed(low, _times(low, x, by.sign)), by)


def truncated_by(low: Lowering, x: Tensor, count: int) -> Tensor:
    """``x / count`` of integers, towards zero, for a number that the architecture states."""
    return _truncated(low, x, _constant(low, np.array(count), 0, shown=True))


def _operands(low: Lowering, node: OnnxNode) -> tuple[Tensor, Array | None]:
    """The dividend, as large as the result, and the divisor if it is constant."""
    x, y = low.small(node, 0), low.constant(node, 1)
    shape = low.small(node, 1).shape if y is None else y.shape
    return low.builder.broadcast(x, np.broadcast_shapes(x.shape, shape)), y


#: What a tensor is multiplied with: a coefficient, which a key shows, or a tensor.
_Factor: TypeAlias = int | Tensor


@dataclass(frozen=True)
class _Divisor:
    """What is divided by: ``sign * size``.

    Attributes:
        largest: no size is larger.
        reciprocal: the factor ``ceil(2**shift / size)``, for a shift.
    """

    sign: _Factor
    size: _Factor
    largest: int
    reciprocal: Callable[[int], _Factor]


def _constant(low: Lowering, values: Array, scale: int, *, shown: bool) -> _Divisor:
    """A constant divisor, in units of ``2**-scale``; ``shown`` if a key may show it.

    Raises:
        UnsupportedError: a value is zero, no multiple of the unit, or beyond 31 bits.
    """
    units = np.asarray(values, dtype=np.float64) * 2.0**scale
    if not np.all(units):
        raise UnsupportedError("a division by zero")
    if not np.array_equal(units, np.rint(units)) or np.abs(units).max() >= 1 << 31:
        raise UnsupportedError("a divisor that fixed point does not hold exactly")
    sizes = np.abs(units).astype(np.int64)

    build = low.builder

    def factor(numbers: Array) -> _Factor:
        if shown and len(one := np.unique(numbers)) == 1:
            return int(one[0])
        return _joined(low, numbers, lambda part: build.weight(part, 0))

    sign: _Factor = 1
    if not np.all(units > 0):
        one_sign = shown and np.all(units < 0)
        signs = np.sign(units).astype(np.int64)
        sign = -1 if one_sign else build.bounded(build.weight(signs, 0), -1, 1)
    return _Divisor(
        sign=sign,
        size=factor(sizes),
        largest=(1 << int(sizes.max()).bit_length()) - 1,
        reciprocal=lambda shift: factor(_reciprocals(sizes, shift)),
    )


def _computed(low: Lowering, y: Tensor) -> _Divisor:
    """A divisor that the model computes; a run fails where it is zero.

    Raises:
        UnsupportedError: it has too many values for a table.
    """
    build = low.builder
    size = build.absolute(y)
    if not 1 <= size.high <= MAX_TABLE:
        raise UnsupportedError(f"a divisor that reaches {size.high:,}; {MAX_TABLE:,} is possible")

    def reciprocal(shift: int) -> Tensor:
        numbers = _reciprocals(np.arange(1, size.high + 1), shift)
        return _joined(low, numbers, lambda part: build.lookup(size, 1, part, 0))

    minus = negative(low, y) if y.low < 0 else None
    sign = 1 if minus is None else build.bounded(build.linear([(-2, minus)], 1, 0), -1, 1)
    return _Divisor(sign, size, size.high, reciprocal)


def _reciprocals(sizes: Array, shift: int) -> Array:
    """``ceil(2**shift / size)``, as Python's integers."""
    return np.asarray(-(-(1 << shift) // sizes.astype(object)), dtype=object)


def _joined(low: Lowering, numbers: Array, made: Callable[[Array], Tensor]) -> Tensor:
    """Positive numbers, made of parts below 2**31."""
    rest, over = (
        np.asarray(part, dtype=np.int64)
        for part in (numbers & (1 << PART_BITS) - 1, numbers >> PART_BITS)
    )
    most = int(numbers.max())
    if not over.any():
        return low.builder.bounded(made(rest), 0, (1 << most.bit_length()) - 1)
    joined = low.builder.linear([(1 << PART_BITS, made(over)), (1, made(rest))], 0, 0)
    return low.builder.bounded(joined, 0, (1 << most.bit_length()) - 1)


def _floor(low: Lowering, x: Tensor, by: _Divisor) -> Tensor:
    """``floor(x / size)`` of integers."""
    build = low.builder
    if isinstance(by.size, int):
        first, last = x.low // by.size, x.high // by.size
        if not by.size & (by.size - 1):
            return ranged_floor(low, x, by.size.bit_length() - 1, first, last)
        if x.high - x.low < MAX_DIVIDED:
            return build.lookup(x, x.low, np.arange(x.low, x.high + 1) // by.size, 0)
    else:
        first, last = min(x.low, 0), max(x.high, 0)
    below, above = max(-x.low, 0), max(x.high, 0)
    shift = (above * (by.largest - 1) + below * by.largest).bit_length()
    if (max(below, above) << shift).bit_length() > ACCUMULATOR_BITS:
        raise UnsupportedError(
            f"a division of {x.bits}-bit integers by {by.largest.bit_length()}-bit ones",
            hint="Divide smaller integers, or floats.",
        )
    product = _times(low, x, by.reciprocal(shift))
    return ranged_floor(low, build.linear([(1, product)], below, 0), shift, first, last)


def _truncated(low: Lowering, x: Tensor, by: _Divisor) -> Tensor:
    """``x / size`` of integers, rounded towards zero."""
    build = low.builder
    if x.low >= 0:
        return _floor(low, x, by)
    minus = negative(low, x)
    if isinstance(by.size, int):
        less = build.linear([(by.size - 1, minus)], 0, 0)
    else:
        less = _closed(low, _times(low, minus, build.linear([(1, by.size)], -1, 0)))
    x = build.broadcast(x, less.shape)
    moved = build.linear([(1, x), (1, less)], 0, 0)
    return _floor(low, build.bounded(moved, x.low, max(x.high, by.largest - 2, 0)), by)


def _times(low: Lowering, x: Tensor, factor: _Factor) -> Tensor:
    if isinstance(factor, Tensor):
        return low.builder.product(x, factor)
    return x if factor == 1 else low.builder.linear([(factor, x)], 0, x.scale)


def _closed(low: Lowering, x: Tensor) -> Tensor:
    """``x`` without an open einsum."""
    return ranged_floor(low, x, 0, x.low, x.high) if x.open else x


def ranged_floor(low: Lowering, x: Tensor, shift: int, first: int, last: int) -> Tensor:
    """``floor(x / 2**shift)`` of integers, which lies between first and last."""
    bits = max(1, (last - first).bit_length())
    if bits > MAX_RANGED_BITS:
        raise UnsupportedError(
            f"integers of {bits} bits; {MAX_RANGED_BITS} are possible",
            hint="Use smaller integers, or floats.",
        )
    build = low.builder
    result = build.requantise(x, shift, bits, floor=True, low=first)
    # the range of a requantisation is a power of two: what is known beyond that is a node's after
    return build.bounded(build.linear([(1, result)], 0, 0), first, last)


def _plain(low: Lowering, x: Tensor) -> Tensor:
    """The integers that stand for ``x``, at scale 0."""
    return low.builder.linear([(1, x)], 0, 0)
