"""Add, Sub, Mul, Div, Neg, Pow, Min, Max, Clip, Relu and their like."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor, rounded
from verifai.graph.integer import MAX_RANGED_BITS, Maximum
from verifai.graph.lower import (
    ACCUMULATOR_BITS,
    MAX_ADDEND,
    Array,
    Lowering,
    OnnxNode,
    is_whole,
    operator,
)
from verifai.graph.operators.division import truncated_quotient
from verifai.graph.operators.linear import added, biased, excess, multiple, scaled
from verifai.graph.operators.root import inverse_root
from verifai.graph.operators.unary import tabulated, wide_table

#: Products that are added before the sum is rounded, once; of more each is rounded before.
MAX_PATHS: Final = 4


@operator("Add", "Sub")
def add(low: Lowering, node: OnnxNode) -> Tensor:
    """A constant is added exactly, at the accumulator's own scale; so are products that nothing
    else reads, as far as MAX_PATHS goes.
    """
    sign = 1 if node.op_type == "Add" else -1
    a, b = (
        None if values is None else signed(values)
        for values in (low.constant(node, 0), low.constant(node, 1))
    )
    if b is not None:
        return _with_constant(low, node, 0, 1, sign * b)
    if a is not None:
        return _with_constant(low, node, 1, sign, a)
    x, y = low.exact(node, 0), low.exact(node, 1)
    once = all(low.uses[name] == 1 for name in node.inputs)
    if (x.open and y.open and (not once or x.paths + y.paths > MAX_PATHS)) or excess(x, y) > 0:
        x, y = low.fine(node, 0), low.fine(node, 1)
    return added(low, x, y if sign == 1 else low.builder.negative(y))


def signed(values: Array) -> Array:
    """Constants that may be negated: float64, and integers as int64."""
    return values.astype(np.int64 if is_whole(values.dtype) else np.float64)


def _with_constant(
    low: Lowering, node: OnnxNode, position: int, sign: int, values: Array
) -> Tensor:
    x = low.exact(node, position)
    largest = float(np.abs(values).max())
    # the finest scale at which they fit
    most = ACCUMULATOR_BITS - math.frexp(largest)[1] if math.isfinite(largest) else x.scale
    if x.scale > most:
        x = low.small(node, position)
    if x.scale > most:  # next to the constant there is little left of x
        shift = x.scale - most
        x = low.builder.requantise(x, shift, max(1, x.bits - shift + 1))
    if sign == -1:
        x = low.builder.negative(x)
    shape = np.broadcast_shapes(x.shape, np.shape(values))
    return biased(low, low.builder.broadcast(x, shape), values)


@operator("Sum", "Mean")
def total(low: Lowering, node: OnnxNode) -> Tensor:
    """The elementwise sum or mean of any number of tensors."""
    result = low.small(node, 0)
    for position in range(1, len(node.inputs)):
        result = added(low, result, low.small(node, position))
    return result if node.op_type == "Sum" else multiple(low, result, 1 / len(node.inputs))


@operator("Mul")
def mul(low: Lowering, node: OnnxNode) -> Tensor:
    """With a constant, or of two computed tensors."""
    for constant, other in ((1, 0), (0, 1)):
        factor = low.constant(node, constant)
        if factor is not None:
            literal = low.literal(node, constant)
            x = low.fine(node, other)
            return scaled(low, x, factor, node.outputs[0], literal=literal)
    return low.builder.product(low.factor(node, 0), low.factor(node, 1))


@operator("Div", integers=True)
def div(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with the reciprocal, which is a table where the divisor is computed; of integers
    without the fraction, exact.
    """
    if is_whole(low.kind(node.outputs[0])):
        return truncated_quotient(low, node)
    divisor = low.constant(node, 1)
    if divisor is not None:
        if not np.all(divisor):
            raise UnsupportedError("a division by zero")
        inverse = 1.0 / np.asarray(divisor, dtype=np.float64)
        literal = low.literal(node, 1)
        return scaled(low, low.fine(node, 0), inverse, node.outputs[0], literal=literal)
    dividend = low.constant(node, 0)
    y = low.small(node, 1)
    if dividend is not None and np.size(dividend) == 1 and low.literal(node, 0):
        value = float(np.reshape(dividend, ()))
        y = low.builder.broadcast(y, np.broadcast_shapes(y.shape, dividend.shape))
        return tabulated(low, y, node.inputs[1], lambda v: value / v, node.outputs[0])
    x = low.small(node, 0)
    return low.builder.product(x, wide_table(low, y, node.inputs[1], lambda v: 1.0 / v))


@operator("Neg")
def neg(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact."""
    return low.builder.negative(low.exact(node, 0))


@operator("Pow", integers=True)
def power(low: Lowering, node: OnnxNode) -> Tensor:
    """To one constant exponent: squares, and powers of integers, are products, inverse roots keep
    their relative precision, the rest is a table. Or of one constant base: a table too.
    """
    if (bases := low.constant(node, 0)) is not None:
        return _exponential(low, node, bases)
    exponents = np.unique(np.asarray(low.known(node, 1, "the exponent"), dtype=np.float64))
    if exponents.size != 1:
        raise UnsupportedError("several exponents")
    exponent = float(exponents[0])
    if exponent == -0.5:
        return inverse_root(low, node)
    x = low.fine(node, 0) if exponent == 2 else low.small(node, 0)
    shape = np.broadcast_shapes(x.shape, low.known(node, 1, "the exponent").shape)
    x = low.builder.broadcast(x, shape)
    if is_whole(low.kind(node.inputs[0])):
        return _whole_power(low, node, x, exponent)
    if exponent == 1:
        return x
    if exponent == 2:
        return low.builder.product(x, x)
    return tabulated(low, x, node.inputs[0], lambda v: np.power(v, exponent), node.outputs[0])


def _whole_power(low: Lowering, node: OnnxNode, x: Tensor, exponent: float) -> Tensor:
    """A product of integers, held to MAX_RANGED_BITS bits after each factor."""
    if exponent < 1 or exponent != int(exponent) or exponent > MAX_RANGED_BITS:
        raise UnsupportedError(f"integers to the power of {exponent:g}")
    result = x
    for _ in range(int(exponent) - 1):
        result = low.settled(low.builder.product(result, x), node.outputs[0])
    return result


def _exponential(low: Lowering, node: OnnxNode, bases: Array) -> Tensor:
    base = np.unique(bases)
    if base.size != 1:
        raise UnsupportedError("several bases")
    y, value = low.small(node, 1), float(base[0])
    y = low.builder.broadcast(y, np.broadcast_shapes(y.shape, bases.shape))
    if not is_whole(low.kind(node.outputs[0])):
        return tabulated(low, y, node.inputs[1], lambda v: np.power(value, v), node.outputs[0])
    if value < 2 or is_whole(low.kind(node.inputs[1])) is False:
        raise UnsupportedError(f"a power of {value:g} that is an integer")
    last = max(n for n in range(MAX_RANGED_BITS) if value**n < 1 << MAX_RANGED_BITS - 1)
    return low.builder.lookup(y, 0, np.array([int(value) ** n for n in range(last + 1)]), 0)


@operator("Relu", integers=True)
def relu(low: Lowering, node: OnnxNode) -> Tensor:
    """``max(x, 0)``."""
    return low.builder.maximum(low.small(node, 0), [], 0)


@operator("PRelu")
def prelu(low: Lowering, node: OnnxNode) -> Tensor:
    """``max(x, 0) + slope * min(x, 0)`` with constant slopes."""
    return _sloped(low, node, low.known(node, 1, "the slope"), literal=low.literal(node, 1))


@operator("LeakyRelu")
def leaky_relu(low: Lowering, node: OnnxNode) -> Tensor:
    """See :func:`prelu`; one slope for all."""
    return _sloped(low, node, np.array(node.attributes.get("alpha", 0.01)), literal=True)


def _sloped(low: Lowering, node: OnnxNode, slope: Array, *, literal: bool) -> Tensor:
    x = low.small(node, 0)
    positive = low.builder.maximum(x, [], 0)
    negative = low.builder.linear([(1, x), (-1, positive)], 0, x.scale)
    negative = low.builder.bounded(negative, min(x.low, 0), 0)
    return added(low, scaled(low, negative, slope, node.outputs[0], literal=literal), positive)


@operator("Abs")
def absolute(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact."""
    return low.builder.absolute(low.small(node, 0))


@operator("Clip")
def clip(low: Lowering, node: OnnxNode) -> Tensor:
    """Two maxima; a missing bound is none."""
    x = low.small(node, 0)
    bounds = [node.attributes.get("min"), node.attributes.get("max")]
    for i in (0, 1):
        if low.has(node, i + 1):
            bounds[i] = float(low.known(node, i + 1, "a bound").reshape(()))
    return clipped(low, x, bounds[0], bounds[1])


def clipped(low: Lowering, x: Tensor, least: float | None, most: float | None) -> Tensor:
    """``min(max(x, least), most)``, the bounds rounded to x's scale."""
    if least is not None and (floor := _rounded(least, x)) > x.low:
        x = low.builder.maximum(x, [], floor)
    if most is not None and (ceiling := _rounded(most, x)) < x.high:
        negative = low.builder.maximum(low.builder.negative(x), [], -ceiling)
        x = low.builder.negative(negative)
    return x


def _rounded(value: float, x: Tensor) -> int:
    limit = 1 << MAX_RANGED_BITS
    return max(-limit, min(limit, round(max(-1e30, min(1e30, value)) * 2.0**x.scale)))


@operator("Max", "Min")
def extreme(low: Lowering, node: OnnxNode) -> Tensor:
    """Of any number of operands, elementwise, broadcast; a minimum is ``-max(-x, -y, ...)``."""
    sign = 1 if node.op_type == "Max" else -1
    build = low.builder
    places = range(len(node.inputs))
    constants = [values for i in places if (values := low.constant(node, i)) is not None]
    computed = [low.small(node, i) for i in places if low.constant(node, i) is None]
    aligned = low.aligned(computed)
    scale = aligned[0].scale
    # what no computed operand passes on that side changes nothing, however far away it is
    bound = max(x.low for x in aligned) if sign == 1 else min(x.high for x in aligned)
    aligned += [_towards(low, values, scale, bound, sign) for values in constants]
    shape = np.broadcast_shapes(*[x.shape for x in aligned])
    aligned = [build.broadcast(x, shape) for x in aligned]
    if len(aligned) == 1:
        return aligned[0]
    # side by side along a last axis
    rank = len(shape)
    terms = []
    for place, x in enumerate(aligned):
        own = build.reshape(x, (*shape, 1))
        terms.append((sign, build.sliced(own, rank, -place, len(aligned))))
    joined = build.linear(terms, 0, scale)
    tight = (min(x.low for x in aligned), max(x.high for x in aligned))
    joined = build.bounded(joined, *(tight if sign == 1 else (-tight[1], -tight[0])))
    result = build.largest(joined, rank)
    return result if sign == 1 else build.negative(result)


def _towards(low: Lowering, values: Array, scale: int, bound: int, sign: int) -> Tensor:
    """Constants of a Max (sign 1) or Min at ``scale``, those beyond ``bound`` moved to it."""
    reals = np.asarray(values, dtype=np.float64) * 2.0**scale
    moved = np.maximum(reals, bound) if sign == 1 else np.minimum(reals, bound)
    if not np.abs(moved).max() <= MAX_ADDEND:  # NaN is not less either
        raise UnsupportedError("a constant far beyond the range of the computed operands")
    return low.builder.weight(rounded(moved, 0), scale)


def fused_relu(low: Lowering, x: Tensor) -> tuple[Tensor, int | None]:
    """If x is a ReLU, what it is of, and its floor: maxima commute, so a pooling takes both."""
    operation = low.builder.nodes[x.node].operation
    if isinstance(operation, Maximum) and not operation.axes:
        return low.builder.tensors[operation.source], operation.floor
    return x, None
