"""What stands between a DequantizeLinear and the next QuantizeLinear, and the operators that do all
at once: products, sums, means and cuts of int8 tensors, nothing rounded in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verifai.errors import UnsupportedError
from verifai.graph.builder import LETTERS, Tensor
from verifai.graph.dequantised import (
    Dequantised,
    DequantisedConstant,
    Term,
    averaged,
    divided,
    fractions,
    multiplied,
    repeated,
)
from verifai.graph.integer import MAX_RANGED_BITS, Integers
from verifai.graph.lower import OPERATORS, Array, Lowering, OnnxNode, operator
from verifai.graph.operators.linear import matrix_product, window_letters, windows_of
from verifai.graph.operators.quantised import (
    channel_shape,
    closed_times,
    contracted,
    dequantised,
    known_scale,
    known_zero,
    requantised,
    rule,
)


def _computed(low: Lowering, node: OnnxNode, position: int) -> Dequantised | None:
    """A dequantised input of which there are integers."""
    value = low.dequantised.get(node.inputs[position])
    return value if value is not None and value.integers is not None else None


def _bias(low: Lowering, node: OnnxNode, position: int) -> tuple[Fraction, ...] | None:
    """Known offsets of channels, exactly; none are zero. None if they are computed."""
    if not low.has(node, position):
        return (Fraction(0),)
    name = node.inputs[position]
    if (found := low.dequantised_constants.get(name)) is not None:
        integers = found.integers.reshape(-1).tolist()
        factors = repeated(found.factors, len(integers))
        return tuple(q * f for q, f in zip(integers, factors, strict=True))
    return fractions(low.folded[name]) if name in low.folded else None


def _largest_sum(integers: Integers, kept: Sequence[int]) -> int:
    """The largest sum of absolute weights that makes one output."""
    rest = tuple(axis for axis in range(integers.ndim) if axis not in kept)
    return int(np.abs(integers).sum(axis=rest).max())


def _contraction(
    low: Lowering,
    x: Dequantised,
    weights: DequantisedConstant,
    build: Callable[[Any, int, Sequence[int] | None], Tensor],
    kept: int,
    bias: tuple[Fraction, ...],
    shape: tuple[int, ...],
    channels: tuple[int, ...],
    axis: int | None,
) -> Dequantised | None:
    """``x`` contracted with weights, of which axis ``kept`` is that of the channels.

    ``build(weights, scale, channels)`` contracts with any integers shaped as the weights, or as
    those of some channels, which lie along ``axis`` of what it makes.
    """
    factors = weights.per_channel(kept)
    if factors is None or min(factors) <= 0:
        return None
    (term,) = x.terms
    bound = _largest_sum(weights.integers, [kept]) * max(-term.low, term.high)
    count = max(len(factors), len(bias))

    def times(
        multipliers: Sequence[int], scale: int, channels: Sequence[int] | None = None
    ) -> Tensor:
        each = np.array(list(multipliers), dtype=object)
        integers = weights.integers.astype(object)
        if channels is not None:
            integers = integers.take(channels, axis=kept)
        if len(each) > 1:
            each = each.reshape(channel_shape(integers.ndim, kept, len(each)))
        return build(integers * each, scale, channels)

    products = repeated(tuple(term.factors[0] * factor for factor in factors), count)
    made = Term(products, -bound, bound, times, multiplied(products), axis)
    return Dequantised(shape, (made,), channels, repeated(bias, count))


@rule("Conv")
def conv(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """Of dequantised inputs with a dequantised kernel; its bias is known."""
    x = _computed(low, node, 0)
    weights, bias = low.dequantised_constants.get(node.inputs[1]), _bias(low, node, 2)
    if x is None or weights is None or bias is None:
        return None
    return _convolution(low, node, x, weights, bias)


def _convolution(
    low: Lowering,
    node: OnnxNode,
    x: Dequantised,
    weights: DequantisedConstant,
    bias: tuple[Fraction, ...],
) -> Dequantised | None:
    assert x.integers is not None
    make, integers = low.builder, weights.integers
    group = int(node.attributes.get("group", 1))
    windows = windows_of(node, x.shape[2:], integers.shape[2:])
    positions, places, inner = window_letters(len(windows))
    out, each = integers.shape[0], integers.shape[0] // group
    size = tuple(window.count for window in windows)
    shape = (x.shape[0], out, *size)
    source = x.integers
    if group == 1:
        labels, kernel = f"nc{inner},oc{places}->no{positions}", integers.shape
        channels: tuple[int, ...] = (1, out, *(1,) * len(size))
    else:
        source = make.split_axis(source, 1, x.shape[1] // group)
        labels = f"ngc{inner},goc{places}->ngo{positions}"
        kernel = (group, each, *integers.shape[1:])
        channels = (1, group, each, *(1,) * len(size))
    columns = make.window(source, windows)

    def build(values: Any, scale: int, some: Sequence[int] | None) -> Tensor:
        if some is None:
            return contracted(low, labels, columns, values.reshape(kernel), scale)
        if group == 1:
            return contracted(low, labels, columns, values, scale)
        parts = make.take(columns, 1, some)
        return contracted(low, labels, parts, values.reshape(len(some), *kernel[1:]), scale)

    axis = 1 if group == 1 or each == 1 else None
    return _contraction(low, x, weights, build, 0, bias, shape, channels, axis)


@rule("MatMul", "Gemm")
def matmul(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """Of dequantised inputs with a dequantised matrix."""
    x, weights = _computed(low, node, 0), low.dequantised_constants.get(node.inputs[1])
    plain = node.attributes.get("alpha", 1.0) == node.attributes.get("beta", 1.0) == 1.0
    if x is None or weights is None or not plain or node.attributes.get("transA"):
        return None
    bias = _bias(low, node, 2) if node.op_type == "Gemm" else (Fraction(0),)
    if node.attributes.get("transB"):
        axis = 1 - weights.axis if weights.integers.ndim == 2 else weights.axis
        weights = DequantisedConstant(weights.integers.T, weights.factors, axis)
    return None if bias is None else _product(low, x, weights, bias)


def _product(
    low: Lowering, x: Dequantised, weights: DequantisedConstant, bias: tuple[Fraction, ...]
) -> Dequantised | None:
    if weights.integers.ndim != 2 or not x.shape:
        return None
    assert x.integers is not None
    count = weights.integers.shape[1]
    letters = LETTERS[: len(x.shape)]
    labels = f"{letters},{letters[-1]}z->{letters[:-1]}z"
    source, shape = x.integers, (*x.shape[:-1], count)

    def build(values: Any, scale: int, _: Sequence[int] | None) -> Tensor:
        return contracted(low, labels, source, values, scale)

    last = len(shape) - 1
    channels = channel_shape(len(shape), last, count)
    return _contraction(low, x, weights, build, 1, bias, shape, channels, last)


@rule("Add")
def add(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """Of two dequantised tensors of one shape."""
    x, y = _computed(low, node, 0), _computed(low, node, 1)
    if x is None or y is None or x.cut or y.cut or x.shape != y.shape:
        return None
    return Dequantised(x.shape, (*x.terms, *y.terms), x.channels)


@rule("Relu")
def relu(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """What comes after is monotone: it cuts there."""
    return _between(low, node, Fraction(0), None)


@rule("Clip")
def clip(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """See :func:`relu`."""
    ends: list[Fraction | None] = []
    for position, name in ((1, "min"), (2, "max")):
        if low.has(node, position):
            values = low.constant(node, position)
            if values is None:
                return None
            ends.append(fractions(values)[0])
        else:
            given = node.attributes.get(name)
            ends.append(None if given is None else Fraction(float(given)))
    return _between(low, node, ends[0], ends[1])


def _between(
    low: Lowering, node: OnnxNode, least: Fraction | None, most: Fraction | None
) -> Dequantised | None:
    x = low.dequantised.get(node.inputs[0])
    if x is None:
        return None
    lows = [end for end in (x.least, least) if end is not None]
    highs = [end for end in (x.most, most) if end is not None]
    low_end, high_end = max(lows, default=None), min(highs, default=None)
    return Dequantised(x.shape, x.terms, x.channels, x.offsets, low_end, high_end)


@rule(
    *("DepthToSpace", "Flatten", "Gather", "Identity", "MaxPool", "ReduceMax", "Reshape", "Slice"),
    *("SpaceToDepth", "Squeeze", "Transpose", "Unsqueeze"),
)
def moved(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """Elements that move, and the largest of them: the integers' own, as the factor is one."""
    x = _computed(low, node, 0)
    if x is None or x.cut:
        return None
    assert x.integers is not None
    low.tensors[node.inputs[0]] = x.integers
    made = OPERATORS[node.op_type](low, node)
    del low.tensors[node.inputs[0]]
    if not isinstance(made, Tensor):
        return None
    (term,) = x.terms
    times = closed_times(low, made, 0)
    bounds = min(term.low, 0), max(term.high, 0)
    moved_ = Term(term.factors, *bounds, times, divided(term.factors), zero=term.zero, closed=made)
    return Dequantised(made.shape, (moved_,), integers=made)


@rule("GlobalAveragePool", "ReduceMean")
def mean(low: Lowering, node: OnnxNode) -> Dequantised | None:
    """A sum, its factor divided by the count."""
    x = _computed(low, node, 0)
    if x is None or x.cut:
        return None
    assert x.integers is not None
    rank = len(x.shape)
    if node.op_type == "GlobalAveragePool":
        axes, keep = list(range(2, rank)), True
    else:
        axes = sorted(axis % rank for axis in low.integers(node, 1, "axes", range(rank)))
        keep = bool(node.attributes.get("keepdims", 1))
    source, letters = x.integers, LETTERS[:rank]
    inside = "".join(letters[axis] for axis in axes)
    out = "".join(letter for letter in letters if letter not in inside)
    lengths = [x.shape[axis] for axis in axes]
    count = math.prod(lengths)

    def times(multipliers: Sequence[int], scale: int, _: Sequence[int] | None = None) -> Tensor:
        values = np.full(lengths, multipliers[0], dtype=object)
        return contracted(low, f"{letters},{inside}->{out}", source, values, scale)

    (term,) = x.terms
    kept = tuple(1 if axis in axes else d for axis, d in enumerate(x.shape))
    short = tuple(d for axis, d in enumerate(x.shape) if axis not in axes)
    single = averaged(term.factors[0], count) if node.op_type == "GlobalAveragePool" else None
    bounds = term.low * count, term.high * count
    made = Term((term.factors[0] / count,), *bounds, times, single)
    return Dequantised(kept if keep else short, (made,))


# -- the operators that do all at once


def _operand(low: Lowering, node: OnnxNode, first: int, axis: int) -> Dequantised | None:
    """Inputs (x, scale, zero) from position ``first`` on, x computed."""
    scale, zero = known_scale(low, node, first + 1), known_zero(low, node, first + 2)
    if scale is None or zero is None or node.inputs[first] in low.folded:
        return None
    return dequantised(low, low.small(node, first), scale, zero, axis)


def _known_operand(
    low: Lowering, node: OnnxNode, first: int, axis: int
) -> DequantisedConstant | None:
    """Inputs (x, scale, zero) from position ``first`` on, all known."""
    scale, zero = known_scale(low, node, first + 1), known_zero(low, node, first + 2)
    values = low.constant(node, first)
    if scale is None or zero is None or values is None:
        return None
    shape = channel_shape(values.ndim, axis, zero.size) if zero.size > 1 else ()
    return DequantisedConstant(values.astype(np.int64) - zero.reshape(shape), scale, axis)


def _finished(
    low: Lowering, node: OnnxNode, value: Dequantised | None, first: int
) -> Tensor | None:
    """Requantised to the scale and zero point at positions ``first`` and the next."""
    scale, zero = known_scale(low, node, first), known_zero(low, node, first + 1)
    if value is None or scale is None or zero is None:
        return None
    return requantised(low, value, scale, zero, low.folded[node.inputs[first + 1]].dtype)


@rule("QLinearConv")
def qlinear_conv(low: Lowering, node: OnnxNode) -> Tensor | None:
    """Convolution, bias and requantisation."""
    x, weights = _operand(low, node, 0, 1), _known_operand(low, node, 3, 0)
    if x is None or weights is None or x.integers is None:
        return None
    bias: tuple[Fraction, ...] = (Fraction(0),)
    if low.has(node, 8):
        values = low.constant(node, 8)
        if values is None:
            return None
        unit = x.terms[0].factors[0]
        factors = repeated(weights.factors, values.size)
        bias = tuple(int(q) * unit * f for q, f in zip(values.reshape(-1), factors, strict=True))
    return _finished(low, node, _convolution(low, node, x, weights, bias), 6)


@rule("QLinearMatMul")
def qlinear_matmul(low: Lowering, node: OnnxNode) -> Tensor | None:
    """Product and requantisation."""
    x, weights = _operand(low, node, 0, 0), _known_operand(low, node, 3, 1)
    if x is None or x.integers is None:
        return None
    if weights is not None:
        return _finished(low, node, _product(low, x, weights, (Fraction(0),)), 6)
    y = _operand(low, node, 3, 0)
    if y is None or y.integers is None:
        return None
    return _finished(low, node, _computed_product(low, x, y), 6)


def _computed_product(low: Lowering, x: Dequantised, y: Dequantised) -> Dequantised:
    """``x @ y`` of two computed tensors: their product is closed, to be multiplied once more."""
    assert x.integers is not None
    assert y.integers is not None
    product = integer_matmul(low, x.integers, y.integers)
    count = x.shape[-1]
    (a,), (b,) = x.terms, y.terms
    ends = [p * q * count for p in (a.low, a.high) for q in (b.low, b.high)]
    factors = (a.factors[0] * b.factors[0],)
    times = closed_times(low, product, 0)
    term = Term(factors, min(ends), max(ends), times, multiplied(factors))
    return Dequantised(product.shape, (term,))


def integer_matmul(low: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """``x @ y`` in at most MAX_RANGED_BITS bits."""
    product = matrix_product(low, x, y)
    return low.builder.requantise(product, 0, min(product.bits, MAX_RANGED_BITS))


@operator("ConvInteger", integers=True)
def conv_integer(low: Lowering, node: OnnxNode) -> Tensor:
    """``conv(x - zero, kernel - zero)`` in int32; the kernel is known."""
    kernel = low.known(node, 1, "the kernel").astype(np.int64)
    zero = known_zero(low, node, 3)
    if zero is None:
        raise UnsupportedError("the kernel's zero point is computed by the model")
    shape = channel_shape(kernel.ndim, 0, zero.size) if zero.size > 1 else ()
    x = _shifted(low, node, 0, 2)
    one = Term((Fraction(1),), x.low, x.high, closed_times(low, x, 0))
    plain = Dequantised(x.shape, (one,), integers=x)
    weights = DequantisedConstant(kernel - zero.reshape(shape), (Fraction(1),), 0)
    made = _convolution(low, node, plain, weights, (Fraction(0),))
    assert made is not None
    total = made.terms[0].times([1], 0, None)
    return low.builder.reshape(_int32(low, total), made.shape)


@operator("MatMulInteger", integers=True)
def matmul_integer(low: Lowering, node: OnnxNode) -> Tensor:
    """``(a - zero) @ (b - zero)`` in int32."""
    return _int32(low, matrix_product(low, _shifted(low, node, 0, 2), _shifted(low, node, 1, 3)))


def _int32(low: Lowering, total: Tensor) -> Tensor:
    """int32 without wrapping: a sum beyond it is an error of the run."""
    return low.builder.requantise(total, 0, min(MAX_RANGED_BITS, total.bits))


def _shifted(low: Lowering, node: OnnxNode, position: int, zero: int) -> Tensor:
    """An input less its zero point, known or computed."""
    x = low.small(node, position)
    if not low.has(node, zero):
        return x
    values: Array | None = low.constant(node, zero)
    if values is not None and not values.any():
        return x
    point = low.small(node, zero)
    if len(point.shape) == 1 and point.shape != (1,):  # of rows or columns
        raise UnsupportedError("a zero point for each row or column")
    point = low.builder.reshape(point, (1,) * len(x.shape))
    return low.builder.linear([(1, x), (-1, low.builder.broadcast(point, x.shape))], 0, 0)
