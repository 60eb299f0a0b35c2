"""Add, Sub, Mul, Div, Neg, Pow, Min, Max, Clip, Relu and their like."""

from __future__ import annotations

import string

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.integer import Affine, Maximum
from verifai.graph.lower import Array, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import added, biased, scaled
from verifai.graph.operators.unary import tabulated


@operator("Add")
def add(low: Lowering, node: OnnxNode) -> Tensor:
    """A constant is added exactly, at the accumulator's own scale."""
    return _sum(low, node, 1)


@operator("Sub")
def sub(low: Lowering, node: OnnxNode) -> Tensor:
    """See :func:`add`."""
    return _sum(low, node, -1)


def _sum(low: Lowering, node: OnnxNode, sign: int) -> Tensor:
    a, b = low.constant(node, 0), low.constant(node, 1)
    if b is not None:
        return _with_constant(low, low.exact(node, 0), sign * np.asarray(b, dtype=np.float64))
    if a is not None:
        y = low.exact(node, 1)
        return _with_constant(low, y if sign == 1 else low.builder.negative(y), a)
    x, y = low.exact(node, 0), low.exact(node, 1)
    if x.open and y.open:  # two accumulators of different scales would not fit
        x, y = low.small(node, 0), low.small(node, 1)
    return added(low, x, y if sign == 1 else low.builder.negative(y))


def _with_constant(low: Lowering, x: Tensor, values: Array) -> Tensor:
    shape = np.broadcast_shapes(x.shape, np.shape(values))
    return biased(low, low.builder.broadcast(x, shape), values)


@operator("Sum")
def total(low: Lowering, node: OnnxNode) -> Tensor:
    """Any number of addends."""
    result = low.small(node, 0)
    for position in range(1, len(node.inputs)):
        result = added(low, result, low.small(node, position))
    return result


@operator("Mean")
def mean(low: Lowering, node: OnnxNode) -> Tensor:
    """The elementwise mean of any number of tensors."""
    return scaled(
        low, low.settled(total(low, node), node.outputs[0]), np.array(1 / len(node.inputs))
    )


@operator("Mul")
def mul(low: Lowering, node: OnnxNode) -> Tensor:
    """With a constant, or of two computed tensors."""
    for constant, other in ((1, 0), (0, 1)):
        factor = low.constant(node, constant)
        if factor is not None:
            return scaled(low, low.small(node, other), factor)
    return product(low, low.small(node, 0), low.small(node, 1))


def product(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """``x * y`` elementwise, broadcast."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = low.builder.broadcast(x, shape), low.builder.broadcast(y, shape)
    letters = string.ascii_lowercase[: len(shape)]
    return low.builder.einsum(f"{letters},{letters}->{letters}", x, y)


@operator("Div")
def div(low: Lowering, node: OnnxNode) -> Tensor:
    """By a constant, or of a constant."""
    divisor = low.constant(node, 1)
    if divisor is not None:
        if not np.all(divisor):
            raise UnsupportedError("a division by zero")
        return scaled(low, low.small(node, 0), 1.0 / np.asarray(divisor, dtype=np.float64))
    dividend = low.known(node, 0, "the dividend of a computed divisor")
    inverse = tabulated(low, low.small(node, 1), node.inputs[1], lambda x: 1.0 / x, node.outputs[0])
    return scaled(low, inverse, dividend)


@operator("Neg")
def neg(low: Lowering, node: OnnxNode) -> Tensor:
    """Exact."""
    return low.builder.negative(low.exact(node, 0))


@operator("Pow")
def power(low: Lowering, node: OnnxNode) -> Tensor:
    """To one constant exponent: squares and cubes are products, the rest is a table."""
    exponents = np.unique(np.asarray(low.known(node, 1, "the exponent"), dtype=np.float64))
    if exponents.size != 1:
        raise UnsupportedError("several exponents")
    exponent = float(exponents[0])
    x = low.small(node, 0)
    shape = np.broadcast_shapes(x.shape, low.known(node, 1, "the exponent").shape)
    x = low.builder.broadcast(x, shape)
    if exponent == 1:
        return x
    if exponent == 2:
        return product(low, x, x)
    return tabulated(low, x, node.inputs[0], lambda v: np.power(v, exponent), node.outputs[0])


@operator("Relu")
def relu(low: Lowering, node: OnnxNode) -> Tensor:
    """``max(x, 0)``."""
    return low.builder.maximum(low.small(node, 0), [], 0)


@operator("PRelu")
def prelu(low: Lowering, node: OnnxNode) -> Tensor:
    """``max(x, 0) + slope * min(x, 0)`` with constant slopes."""
    slope = low.known(node, 1, "the slope")
    x = low.small(node, 0)
    positive = low.builder.maximum(x, [], 0)
    negative = low.builder.linear([(1, x), (-1, positive)], 0, x.scale)
    return added(low, scaled(low, negative, slope), positive)


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
        x = low.builder.maximum(x, [], min(floor, max(x.high, floor)))
    if most is not None and (ceiling := _rounded(most, x)) < x.high:
        negative = low.builder.maximum(low.builder.negative(x), [], -ceiling)
        x = low.builder.negative(negative)
    return x


def _rounded(value: float, x: Tensor) -> int:
    limit = 1 << 23
    return max(-limit, min(limit, round(max(-1e30, min(1e30, value)) * 2.0**x.scale)))


@operator("Max")
def maximum(low: Lowering, node: OnnxNode) -> Tensor:
    """Elementwise, any number of operands, broadcast."""
    return _extreme(low, node, 1)


@operator("Min")
def minimum(low: Lowering, node: OnnxNode) -> Tensor:
    """``-max(-x, -y, ...)``."""
    return _extreme(low, node, -1)


def _extreme(low: Lowering, node: OnnxNode, sign: int) -> Tensor:
    build = low.builder
    operands = [low.small(node, i) for i in range(len(node.inputs))]
    scale = max(x.scale for x in operands)
    # one scale for all, as fine as fits
    room = low.options.activation_bits + 4
    while any(x.bits + scale - x.scale > room for x in operands):
        scale -= 1
    aligned = []
    for x in operands:
        if x.scale > scale:
            x = build.requantise(x, x.scale - scale, x.bits)
        aligned.append(low.rescaled(x, scale))
    shape = np.broadcast_shapes(*[x.shape for x in aligned])
    aligned = [build.broadcast(x, shape) for x in aligned]
    if len(aligned) == 1:
        return aligned[0]
    # side by side along a last axis
    terms = []
    for place, x in enumerate(aligned):
        maps = [Affine(0, ((axis, 1),)) for axis in range(len(shape))]
        own = build.reshape(x, (*shape, 1))
        terms.append(
            (
                sign,
                build.view(
                    own,
                    [*maps, Affine(-place, ((len(shape), 1),))],
                    (*shape, len(aligned)),
                    zeros=True,
                ),
            )
        )
    joined = build.linear(terms, 0, scale)
    tight = (min(x.low for x in aligned), max(x.high for x in aligned))
    joined = build.bounded(joined, *(tight if sign == 1 else (-tight[1], -tight[0])))
    result = build.largest(joined, len(shape))
    return result if sign == 1 else build.negative(result)


def fused_relu(low: Lowering, x: Tensor) -> tuple[Tensor, int | None]:
    """If x is a ReLU, what it is of, and its floor: maxima commute, so a pooling takes both."""
    operation = low.builder.nodes[x.node].operation
    if isinstance(operation, Maximum) and not operation.axes:
        node = low.builder.nodes[operation.source]
        source = Tensor(operation.source, node.shape, node.low, node.high, node.scale, False)
        return source, operation.floor
    return x, None
