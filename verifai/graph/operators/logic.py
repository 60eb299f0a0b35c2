"""Comparisons, Where and logic on tensors of zeros and ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import Tensor
from verifai.graph.lower import ACCUMULATOR_BITS, Array, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import added, biased

#: Entries of a table that compares a difference with zero.
MAX_COMPARED: Final = 1 << 12


def _difference(low: Lowering, node: OnnxNode, first: int, second: int) -> Tensor:
    """``input[first] - input[second]``, exact at the finer scale of the two."""
    build = low.builder
    constant = low.constant(node, second)
    if constant is not None:
        x = low.small(node, first)
        x = build.broadcast(x, np.broadcast_shapes(x.shape, constant.shape))
        # a constant that x never reaches, infinity too, compares as the next integer does
        unit = 2.0**-x.scale
        near = np.clip(np.asarray(constant, np.float64), (x.low - 1) * unit, (x.high + 1) * unit)
        return biased(low, x, -near)
    if low.constant(node, first) is not None:
        return build.negative(_difference(low, node, second, first))
    return added(low, low.small(node, first), build.negative(low.small(node, second)))


def negative(low: Lowering, x: Tensor) -> Tensor:
    """1 where ``x`` is below zero, else 0, at scale 0: ``-floor(x / 2**bits)``, a sign bit."""
    if x.bits > ACCUMULATOR_BITS:
        raise UnsupportedError("a comparison of tensors of very different size")
    build = low.builder
    below = build.requantise(x, x.bits - 1, 1, floor=True)
    return build.linear([(-1, below)], 0, 0)


def _positive(low: Lowering, difference: Tensor) -> Tensor:
    """1 where the difference is at least one unit, else 0, at scale 0."""
    return negative(low, low.builder.negative(difference))


def _not(low: Lowering, x: Tensor) -> Tensor:
    return low.builder.linear([(-1, x)], 1, 0)


@operator("Less", "Greater", "LessOrEqual", "GreaterOrEqual")
def comparison(low: Lowering, node: OnnxNode) -> Tensor:
    """Of the integers: values less than half a unit apart are equal."""
    if node.op_type in ("Less", "GreaterOrEqual"):
        found = _positive(low, _difference(low, node, 1, 0))
    else:
        found = _positive(low, _difference(low, node, 0, 1))
    return _not(low, found) if node.op_type.endswith("OrEqual") else found


@operator("Equal")
def equal(low: Lowering, node: OnnxNode) -> Tensor:
    """Neither is greater; see :func:`comparison`."""
    return _not(low, nonzero(low, _difference(low, node, 0, 1)))


def truth(low: Lowering, node: OnnxNode, position: int) -> Tensor:
    """An input of zeros and ones at scale 0."""
    values = low.constant(node, position)
    if values is not None:
        weight = low.builder.weight(np.asarray(values, dtype=bool).astype(np.int64), 0)
        return low.builder.bounded(weight, 0, 1)
    x = low.exact(node, position)
    if not is_truth(x):
        raise UnsupportedError("a condition that is not the result of a comparison")
    return x


def is_truth(x: Tensor) -> bool:
    """Whether a tensor holds zeros and ones at scale 0."""
    return x.scale == 0 and x.low >= 0 and x.high <= 1


def nonzero(low: Lowering, x: Tensor) -> Tensor:
    """1 where ``x`` is at least half a unit away from zero, else 0: by a table where ``x`` has few
    values, else by two signs.
    """
    build = low.builder
    if x.low >= 0:
        return _positive(low, x)
    if x.high <= 0:
        return negative(low, x)
    if x.high - x.low < MAX_COMPARED and not x.open:
        outputs = (np.arange(x.low, x.high + 1) != 0).astype(np.int64)
        return build.lookup(x, x.low, outputs, 0)
    return build.bounded(build.linear([(1, _positive(low, x)), (1, negative(low, x))], 0, 0), 0, 1)


@operator("Sign", integers=True)
def sign(low: Lowering, node: OnnxNode) -> Tensor:
    """1, 0 or -1; a float less than half a unit away from zero is 0."""
    x = low.small(node, 0)
    result = low.builder.linear([(1, _positive(low, x)), (-1, negative(low, x))], 0, 0)
    return low.builder.bounded(result, -1 if x.low < 0 else 0, 1 if x.high > 0 else 0)


@operator("IsNaN", "IsInf")
def not_finite(low: Lowering, node: OnnxNode) -> Array:
    """Nowhere: an integer is a number, and what calibration sees is finite."""
    return np.zeros(low.exact(node, 0).shape, dtype=np.bool_)


@operator("Not")
def negation(low: Lowering, node: OnnxNode) -> Tensor:
    """``1 - x``."""
    return _not(low, truth(low, node, 0))


def _and(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    return low.builder.requantise(low.builder.product(x, y), 0, 1, low=0)


@operator("And")
def conjunction(low: Lowering, node: OnnxNode) -> Tensor:
    """A product."""
    return _and(low, truth(low, node, 0), truth(low, node, 1))


@operator("Or")
def disjunction(low: Lowering, node: OnnxNode) -> Tensor:
    """``1 - (1 - x)(1 - y)``."""
    x, y = _not(low, truth(low, node, 0)), _not(low, truth(low, node, 1))
    return _not(low, _and(low, x, y))


@operator("Xor")
def exclusive(low: Lowering, node: OnnxNode) -> Tensor:
    """``x + y - 2 x y``."""
    x, y = truth(low, node, 0), truth(low, node, 1)
    shape = np.broadcast_shapes(x.shape, y.shape)
    build = low.builder
    terms = [(1, build.broadcast(x, shape)), (1, build.broadcast(y, shape))]
    result = build.linear([*terms, (-2, _and(low, x, y))], 0, 0)
    return build.bounded(result, 0, 1)


@operator("Where")
def where(low: Lowering, node: OnnxNode) -> Tensor:
    """``b + condition (a - b)``."""
    a, b = low.small(node, 1), low.small(node, 2)
    return chosen(low, truth(low, node, 0), a, b)


def chosen(low: Lowering, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """``a`` where the condition is 1, ``b`` where it is 0."""
    build = low.builder
    a, b = low.aligned([a, b])
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    a, b = build.broadcast(a, shape), build.broadcast(b, shape)
    gap = build.linear([(1, a), (-1, b)], 0, a.scale)
    result = build.linear([(1, b), (1, build.product(condition, gap))], 0, a.scale)
    return build.bounded(result, min(a.low, b.low), max(a.high, b.high))


@operator("Trilu")
def trilu(low: Lowering, node: OnnxNode) -> Tensor:
    """A product with a constant triangle of ones."""
    x = low.small(node, 0)
    k = int(low.known(node, 1, "k").reshape(())) if low.has(node, 1) else 0
    cut = np.triu if node.attributes.get("upper", 1) else np.tril
    triangle: Array = cut(np.ones(x.shape[-2:], dtype=np.int64), k)
    return masked(low, x, triangle)


def masked(low: Lowering, x: Tensor, mask: Array) -> Tensor:
    """``x * mask`` for a constant mask of zeros and ones, which is broadcast."""
    result = low.builder.product(x, low.builder.weight(mask, 0))
    return low.builder.bounded(result, min(x.low, 0), max(x.high, 0))
